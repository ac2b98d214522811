//! What a command runs against. The reference client is wired up here: in this process, behind an in-memory pipe, speaking
//! the same protocol as anybody else.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adapter_process::Program;
use adapter_protocol::ClockMode;
use conformance::command::CommandTarget;
use conformance::link::{Connection, Pipe, Target};
use conformance::manifest;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reference_adapter::Adapter;

use crate::args::{TargetArgs, TargetName};
use crate::exit::{Exit, Failure};

/// Cases at a time against a target of this process, and against a foreign one that does not say.
const JOBS: (usize, usize) = (8, 2);

/// A target and what goes with it.
pub(crate) struct Chosen {
    pub(crate) target: Arc<dyn Target>,
    pub(crate) jobs: usize,
    /// The file of known failures that belongs to it.
    pub(crate) known: Option<PathBuf>,
}

impl Chosen {
    pub(crate) fn of(args: &TargetArgs) -> Result<Self, Failure> {
        match &args.adapter {
            Some(path) => Self::adapter(path, args),
            None if args.command.is_empty() => Self::built_in(args.target.unwrap_or(TargetName::Reference)),
            None => Ok(Self::command(&args.command, args)),
        }
    }

    fn built_in(name: TargetName) -> Result<Self, Failure> {
        Ok(Self { target: Arc::new(ReferenceTarget::new(name)?), jobs: JOBS.0, known: None })
    }

    fn command(command: &[String], args: &TargetArgs) -> Self {
        let program = Program { command: command.to_vec(), ..Program::default() };
        let name = format!("-- {}", program.words());
        let clock = args.clock.map(ClockMode::from).unwrap_or_default();
        Self { target: Arc::new(CommandTarget::new(name, program, clock)), jobs: JOBS.1, known: None }
    }

    fn adapter(path: &Path, args: &TargetArgs) -> Result<Self, Failure> {
        let adapter = manifest::Adapter::read(path).map_err(Failure::usage)?;
        let program = adapter.program();
        let program = program.ok_or_else(|| Failure::usage(format!("{}: it has no `command`", path.display())))?;
        let named = adapter.manifest.clock.map(ClockMode::from);
        let clock = args.clock.map(ClockMode::from).or(named).unwrap_or_default();
        let name = format!("--adapter {}", path.display());
        let jobs = adapter.manifest.jobs.as_ref().map_or(JOBS.1, |jobs| jobs.value as usize);
        Ok(Self { target: Arc::new(CommandTarget::new(name, program, clock)), jobs, known: adapter.known() })
    }
}

/// Bytes that the pipe holds before a writer waits.
const PIPE: usize = 64 * 1024;

/// The reference client or one of its mutants.
pub(crate) struct ReferenceTarget {
    name: TargetName,
    adapter: Adapter,
}

impl ReferenceTarget {
    pub(crate) fn new(name: TargetName) -> Result<Self, Failure> {
        let defect = match name {
            TargetName::Reference => None,
            TargetName::Mutant(defect) => Some(defect),
        };
        let adapter = Adapter::new(defect).map_err(|error| Failure::new(Exit::NothingMeasured, error))?;
        Ok(Self { name, adapter })
    }
}

impl Target for ReferenceTarget {
    fn name(&self) -> String {
        match self.name {
            TargetName::Reference => "reference".to_owned(),
            TargetName::Mutant(defect) => format!("mutant:{defect}"),
        }
    }

    fn connect(&self) -> BoxFuture<'_, io::Result<Connection>> {
        let (requests, input) = tokio::io::duplex(PIPE);
        let (output, answers) = tokio::io::duplex(PIPE);
        // It ends when the runner drops its side of the pipe.
        tokio::spawn(self.adapter.clone().serve(input, output));
        let pipe = Pipe { requests: Box::new(requests), answers: Box::new(answers) };
        std::future::ready(Ok(pipe.into())).boxed()
    }
}
