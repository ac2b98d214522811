//! What a command runs against. The reference client is wired up here: in this process, behind an in-memory pipe, speaking
//! the same protocol as anybody else.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adapter_process::Program;
use adapter_protocol::{ClockMode, Implementation};
use conformance::command::CommandTarget;
use conformance::link::{Connection, FixedProvider, PIPE, Pipe, Reuse, Target};
use conformance::manifest;
use conformance::runner::RunError;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use mock_provider::{Client, Secret};
use reference_adapter::Adapter;
use tokio::io::DuplexStream;
use web_adapter::{ClockSource, WebAdapter};

use crate::args::{ClockArg, TargetArgs, TargetName};
use crate::exit::{Exit, Failure};

/// Cases at a time against a target of this process, and against a foreign one that does not say.
const JOBS: (usize, usize) = (8, 2);

/// Real time for the end of an application and the beginning of the next, beside the time that it has to get ready.
const SPARE: Duration = Duration::from_secs(5);

/// A target and what goes with it.
pub(crate) struct Chosen {
    pub(crate) target: Arc<dyn Target>,
    pub(crate) jobs: usize,
    /// The file of known failures that belongs to it.
    pub(crate) known: Option<PathBuf>,
    /// What has to be run before it can be started.
    pub(crate) setup: Option<PathBuf>,
}

/// Why nothing was measured, and what may have been forgotten.
pub(crate) fn nothing_measured(error: RunError, setup: Option<&Path>) -> Failure {
    let failure = Failure::from(error);
    match setup {
        Some(setup) => failure.with_hint(&format!("has its set-up been run? {}", setup.display())),
        None => failure,
    }
}

impl Chosen {
    pub(crate) fn of(args: &TargetArgs) -> Result<Self, Failure> {
        match args.adapter.as_ref().or(args.web.as_ref()) {
            Some(path) => Self::adapter(path, args),
            None if args.command.is_empty() => Self::built_in(args.target.unwrap_or(TargetName::Reference)),
            None => Ok(Self::command(&args.command, args)),
        }
    }

    fn built_in(name: TargetName) -> Result<Self, Failure> {
        Ok(Self { target: Arc::new(ReferenceTarget::new(name)?), jobs: JOBS.0, known: None, setup: None })
    }

    fn command(command: &[String], args: &TargetArgs) -> Self {
        let program = Program { command: command.to_vec(), ..Program::default() };
        let name = format!("-- {}", program.words());
        let clock = args.clock.map(ClockMode::from).unwrap_or_default();
        Self { target: Arc::new(CommandTarget::new(name, program, clock)), jobs: JOBS.1, known: None, setup: None }
    }

    fn adapter(path: &Path, args: &TargetArgs) -> Result<Self, Failure> {
        let adapter = manifest::Adapter::read(path).map_err(Failure::usage)?;
        let jobs = adapter.manifest.jobs.as_ref().map_or(JOBS.1, |jobs| jobs.value as usize);
        let (known, setup) = (adapter.known(), adapter.setup());
        let named = adapter.manifest.clock.map(ClockMode::from);
        let Some(program) = adapter.program() else { return Self::web(path, adapter, jobs, args) };
        let clock = args.clock.map(ClockMode::from).or(named).unwrap_or_default();
        let name = format!("--adapter {}", path.display());
        Ok(Self { target: Arc::new(CommandTarget::new(name, program, clock)), jobs, known, setup })
    }

    fn web(path: &Path, adapter: manifest::Adapter, jobs: usize, args: &TargetArgs) -> Result<Self, Failure> {
        let (known, setup) = (adapter.known(), adapter.setup());
        let target = WebTarget::new(path, adapter, args)?;
        let jobs = if target.fixed.is_some() { 1 } else { jobs };
        Ok(Self { target: Arc::new(target), jobs, known, setup })
    }
}

/// A web application behind the same protocol, its adapter in this process.
struct WebTarget {
    name: String,
    adapter: WebAdapter,
    clock: ClockMode,
    fixed: Option<FixedProvider>,
    start_limit: Duration,
}

impl WebTarget {
    fn new(path: &Path, adapter: manifest::Adapter, args: &TargetArgs) -> Result<Self, Failure> {
        let manifest::Adapter { folder, manifest } = adapter;
        let missing = || Failure::usage(format!("{}: it has no `web`", path.display()));
        let mut description = manifest.web.ok_or_else(missing)?;
        if let Some(clock) = args.clock {
            description.clock = match clock {
                ClockArg::Libfaketime => ClockSource::Libfaketime,
                ClockArg::Real => ClockSource::Real,
                ClockArg::Set => description.clock,
            };
        }
        let clock = match description.clock {
            ClockSource::Libfaketime => ClockMode::Outside,
            ClockSource::Path(_) => ClockMode::Set,
            ClockSource::Real => ClockMode::Real,
        };
        let fixed =
            description.running.as_ref().filter(|_| description.command.is_none()).map(|running| FixedProvider {
                port: running.provider_port,
                client: Client {
                    id: running.client_id.clone(),
                    secret: Some(Secret::new(running.client_secret.clone())),
                    ..Client::default()
                },
            });
        let implementation = Implementation {
            name: manifest.name,
            version: manifest.version.unwrap_or_default(),
            language: manifest.language,
            homepage: None,
        };
        // The application's own limit tells more than ours would.
        let start_limit = description.ready.timeout + SPARE;
        let adapter = WebAdapter::new(implementation, description, folder);
        let adapter = adapter.map_err(|error| Failure::new(Exit::NothingMeasured, error))?;
        Ok(Self { name: format!("--web {}", path.display()), adapter, clock, fixed, start_limit })
    }
}

impl Target for WebTarget {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn connect(&self) -> BoxFuture<'_, io::Result<Connection>> {
        let adapter = self.adapter.clone();
        let pipe = in_memory(|input, output| async move { adapter_server::serve(&adapter, input, output).await });
        std::future::ready(Ok(pipe.into())).boxed()
    }

    fn reuse(&self) -> Reuse {
        Reuse::AfterStop
    }

    fn clock(&self) -> ClockMode {
        self.clock
    }

    fn start_limit(&self) -> Duration {
        self.start_limit
    }

    fn provider(&self) -> Option<FixedProvider> {
        self.fixed.clone()
    }
}

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
        let pipe = in_memory(|input, output| self.adapter.clone().serve(input, output));
        std::future::ready(Ok(pipe.into())).boxed()
    }
}

/// A pipe to an adapter in this process. It ends when the runner drops its side.
fn in_memory<F>(serve: impl FnOnce(DuplexStream, DuplexStream) -> F) -> Pipe
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let (requests, input) = tokio::io::duplex(PIPE);
    let (output, answers) = tokio::io::duplex(PIPE);
    tokio::spawn(serve(input, output));
    Pipe { requests: Box::new(requests), answers: Box::new(answers) }
}
