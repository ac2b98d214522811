//! Exit codes, and the errors that lead to them.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use conformance::runner::RunError;

/// How the command ended, as CI sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything as it should be.
    Ok = 0,
    /// At least one result that should not be.
    Unexpected = 1,
    /// Bad usage, or a bad scenario or configuration file.
    Usage = 2,
    /// The target could not be started, or the handshake failed: nothing was measured.
    NothingMeasured = 3,
    /// Nothing was selected.
    NothingSelected = 4,
    /// Only that something is known to fail and does not: the target got better.
    Stale = 5,
    /// The run was not complete.
    Incomplete = 6,
    /// A bug in the suite.
    Bug = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error that ends the command.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Display) -> Self {
        Self { exit, message: message.to_string() }
    }

    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        Self::usage(format!("{}: {error}", path.display()))
    }

    /// With a line on what may be behind it, where nothing was measured.
    pub(crate) fn with_hint(self, hint: &str) -> Self {
        match self.exit {
            Exit::NothingMeasured => Self { message: format!("{}\n{hint}", self.message), ..self },
            _ => self,
        }
    }

    /// What went wrong.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Says what went wrong and gives the exit code.
    pub(crate) fn tell(self) -> Exit {
        anstream::eprintln!("regrant: {}", self.message);
        self.exit
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let exit = match error {
            RunError::Provider(_) | RunError::Connect(_) | RunError::Handshake(_) => Exit::NothingMeasured,
            RunError::Interrupted => Exit::Incomplete,
        };
        Self::new(exit, error)
    }
}

/// How a command ends.
pub(crate) type Outcome = Result<Exit, Failure>;
