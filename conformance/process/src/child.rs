//! A child process that leads its own group.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::{ChildStdin, ChildStdout, Command};

use crate::group::Group;
use crate::output::Output;
use crate::words::quoted;

/// Real time to end by itself after its input was closed, and again after it was asked to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// What to start.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The folder to start it in; the current one when absent.
    pub folder: Option<PathBuf>,
    /// What is added to the environment.
    pub environment: BTreeMap<String, OsString>,
}

/// A running process. Dropping it kills it and everything in its group.
#[derive(Debug)]
pub struct Child {
    // Dropped first: the group is killed before its leader is given up.
    group: Group,
    process: tokio::process::Child,
    output: Arc<Output>,
}

/// Where a child's standard output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stdout {
    /// To the one who started it.
    Ours,
    /// To its output, with its standard error.
    Evidence,
}

impl Program {
    /// The command line, for messages and to be typed again.
    pub fn words(&self) -> String {
        self.command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }

    /// Starts it; its standard input and output are given to the caller.
    ///
    /// # Errors
    /// When it cannot be started; with its command line.
    pub fn start_piped(&self) -> io::Result<(Child, ChildStdin, ChildStdout)> {
        let mut child = self.start_as(Stdout::Ours)?;
        let missing = || io::Error::other("its standard streams are not there");
        let input = child.process.stdin.take().ok_or_else(missing)?;
        let output = child.process.stdout.take().ok_or_else(missing)?;
        Ok((child, input, output))
    }

    /// Starts it; everything that it prints goes to its output, and its standard input is empty.
    ///
    /// # Errors
    /// When it cannot be started; with its command line.
    pub fn start(&self) -> io::Result<Child> {
        self.start_as(Stdout::Evidence)
    }

    fn start_as(&self, stdout: Stdout) -> io::Result<Child> {
        let (name, arguments) = self.command.split_first().ok_or_else(|| io::Error::other("the command is empty"))?;
        let mut command = Command::new(self.resolved(name));
        command.args(arguments).envs(&self.environment).stderr(Stdio::piped()).stdout(Stdio::piped());
        command.stdin(if stdout == Stdout::Ours { Stdio::piped() } else { Stdio::null() }).kill_on_drop(true);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        #[cfg(unix)]
        command.process_group(0);
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", self.words()));
        let mut process = command.spawn().map_err(named)?;
        let output = Arc::new(Output::default());
        let evidence = [process.stderr.take().map(Streams::Stderr), evidence_of(&mut process, stdout)];
        for stream in evidence.into_iter().flatten() {
            let output = Arc::clone(&output);
            tokio::spawn(async move { stream.read_into(&output).await });
        }
        Ok(Child { group: Group::of(&process), process, output })
    }

    /// A program given by a relative path lies in the folder that it is started in; one given by a bare name is looked up.
    fn resolved(&self, name: &str) -> PathBuf {
        match &self.folder {
            Some(folder) if name.contains('/') && Path::new(name).is_relative() => {
                std::path::absolute(folder.join(name)).unwrap_or_else(|_| folder.join(name))
            }
            Some(_) | None => PathBuf::from(name),
        }
    }
}

enum Streams {
    Stderr(tokio::process::ChildStderr),
    Stdout(ChildStdout),
}

impl Streams {
    async fn read_into(self, output: &Output) {
        match self {
            Self::Stderr(stream) => output.read(stream).await,
            Self::Stdout(stream) => output.read(stream).await,
        }
    }
}

fn evidence_of(process: &mut tokio::process::Child, stdout: Stdout) -> Option<Streams> {
    (stdout == Stdout::Evidence).then(|| process.stdout.take().map(Streams::Stdout)).flatten()
}

impl Child {
    /// What it prints.
    pub fn output(&self) -> Arc<Output> {
        Arc::clone(&self.output)
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<String> {
        self.process.try_wait().ok().flatten().map(|status| status.to_string())
    }

    /// Waits for it to end by itself, then asks it, then kills it, and its whole group in any case.
    pub async fn end(mut self) {
        if tokio::time::timeout(PATIENCE, self.process.wait()).await.is_err() {
            self.stop().await;
        }
    }

    /// Asks it to end, and kills what is left of its group.
    pub async fn stop(mut self) {
        self.group.ask();
        drop(tokio::time::timeout(PATIENCE, self.process.wait()).await);
    }
}
