//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use adapter_protocol::ClockMode;
use clap::{Args, Parser, Subcommand, ValueEnum};
use conformance::check::Gate;
use conformance::filter::{BadFilter, Filter};
use conformance::fuzz::Rule;
use conformance::shard::Shard;
use mock_provider::Lifetime;
use mock_provider::cli::ServeArgs;
use reference_adapter::{Defect, UnknownDefect};

/// Proves that an application keeps its users signed in, and says so honestly when it cannot, while its OAuth tokens
/// expire, rotate, get revoked and fail.
///
/// Exit codes: 0 all as it should be · 1 something is not · 2 bad usage or a bad file · 3 the target could not be
/// started · 4 nothing selected · 5 only known failures that do not fail any more · 6 the run was not complete · 70 a bug in the suite.
#[derive(Parser)]
#[command(name = "regrant", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the scenarios against a target.
    Run(RunArgs),
    /// Make one log and one verdict of those of all shards.
    Merge(MergeArgs),
    /// Run many adapters, or read their logs, and set them side by side.
    Matrix(MatrixArgs),
    /// Explore what nobody wrote down: random plans, judged by what always holds.
    Fuzz(FuzzArgs),
    /// Judge what a log says happened by the invariants, without the target.
    Recheck(RecheckArgs),
    /// List the scenarios.
    List(ListArgs),
    /// Explain a scenario: why it matters, what demands it, its steps.
    Explain(ExplainArgs),
    /// Check scenario files.
    Lint(LintArgs),
    /// Examine an adapter, or write a new one.
    #[command(subcommand)]
    Adapter(AdapterCommand),
    /// Find out how the clock of a target can be moved.
    Doctor(DoctorArgs),
    /// Print a JSON Schema.
    Schema(SchemaArgs),
    /// Work on a file of known failures.
    #[command(subcommand)]
    Known(KnownCommand),
    /// Prove the suite: every mutant of the reference client has to be caught.
    Selftest(SelftestArgs),
    /// Serve the fake Google until Ctrl-C or SIGTERM.
    Serve(ServeArgs),
}

/// What to run against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetName {
    /// The reference client.
    Reference,
    /// The reference client with one named bug.
    Mutant(Defect),
}

/// There is no such target.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadTarget {
    #[error("a target is `reference` or `mutant:NAME`; the mutants: {}", mutants())]
    Unknown,
    #[error("{0}; the mutants: {names}", names = mutants())]
    Mutant(UnknownDefect),
}

fn mutants() -> String {
    Defect::ALL.iter().map(|defect| defect.name()).collect::<Vec<_>>().join(", ")
}

impl FromStr for TargetName {
    type Err = BadTarget;

    fn from_str(text: &str) -> Result<Self, BadTarget> {
        match text.split_once(':') {
            None if text == "reference" => Ok(Self::Reference),
            Some(("mutant", name)) => name.parse().map(Self::Mutant).map_err(BadTarget::Mutant),
            None | Some(_) => Err(BadTarget::Unknown),
        }
    }
}

/// The gate on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum GateName {
    /// Every MUST.
    Must,
    /// Every MUST and every SHOULD.
    Should,
}

impl From<GateName> for Gate {
    fn from(name: GateName) -> Self {
        match name {
            GateName::Must => Self::Must,
            GateName::Should => Self::Should,
        }
    }
}

fn filter(text: &str) -> Result<Filter, BadFilter> {
    Filter::parse(text)
}

/// Which scenarios.
#[derive(Args)]
pub(crate) struct SelectArgs {
    /// Select scenarios: `id(refresh/**) & tag(core) - needs(restart)`, or a pattern for ids.
    #[arg(short = 'E', long = "filter", value_name = "FILTER", value_parser = filter)]
    pub(crate) filter: Option<Filter>,
    /// Scenario files or folders, in place of the built-in ones.
    #[arg(long = "scenarios", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}

/// Against what. The reference client, where nothing is said.
#[derive(Args, Clone)]
pub(crate) struct TargetArgs {
    /// A built-in target: `reference` or `mutant:NAME`.
    #[arg(long)]
    pub(crate) target: Option<TargetName>,
    /// An adapter: its folder, or its `regrant.yaml`.
    #[arg(long, value_name = "DIR", conflicts_with = "target")]
    pub(crate) adapter: Option<PathBuf>,
    /// A web application: its folder, or the file that describes it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["target", "adapter"])]
    pub(crate) web: Option<PathBuf>,
    /// Who moves the clock of a foreign target; by default what its `regrant.yaml` says, or the adapter.
    #[arg(long, value_enum, conflicts_with = "target")]
    pub(crate) clock: Option<ClockArg>,
    /// The command of an adapter process, after `--`.
    #[arg(last = true, value_name = "COMMAND", conflicts_with_all = ["target", "adapter", "web"])]
    pub(crate) command: Vec<String>,
}

impl TargetArgs {
    /// An adapter as it describes itself.
    pub(crate) fn adapter(path: &std::path::Path) -> Self {
        Self { target: None, adapter: Some(path.to_owned()), web: None, clock: None, command: vec![] }
    }
}

/// Who moves the clock, on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ClockArg {
    /// The adapter, when it is told to.
    Set,
    /// The runner, by libfaketime.
    Libfaketime,
    /// Nobody: it is the time of day, and tokens live for seconds.
    Real,
}

impl From<ClockArg> for ClockMode {
    fn from(name: ClockArg) -> Self {
        match name {
            ClockArg::Set => Self::Set,
            ClockArg::Libfaketime => Self::Outside,
            ClockArg::Real => Self::Real,
        }
    }
}

/// The event log, and reports beside the one on the terminal.
#[derive(Args)]
pub(crate) struct ReportArgs {
    /// Folder for the event log `run.jsonl`; the scenarios of what a fuzz finds go into `found` there.
    #[arg(long, value_name = "DIR", default_value = "regrant-out")]
    pub(crate) out: PathBuf,
    /// Write a JSON summary.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write a summary in Markdown, as for `$GITHUB_STEP_SUMMARY`.
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// Print annotations for GitHub.
    #[arg(long)]
    pub(crate) annotations: bool,
}

#[derive(Args)]
pub(crate) struct MergeArgs {
    /// The event logs of all shards.
    #[arg(required = true, value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reports: ReportArgs,
}

#[derive(Args)]
pub(crate) struct MatrixArgs {
    /// The adapters' folders, or logs of earlier runs.
    #[arg(required = true, value_name = "DIR|LOG")]
    pub(crate) adapters: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Folder for `matrix.md`, `matrix.html`, the evidence and the logs.
    #[arg(long, value_name = "DIR", default_value = "regrant-out/matrix")]
    pub(crate) out: PathBuf,
}

/// A target that is judged.
#[derive(Args)]
pub(crate) struct JudgedArgs {
    #[command(flatten)]
    pub(crate) against: TargetArgs,
    /// What counts as a failure.
    #[arg(long, value_enum, default_value = "must")]
    pub(crate) gate: GateName,
    /// The known failures of the target; by default what its `regrant.yaml` names.
    #[arg(long, value_name = "FILE")]
    pub(crate) known: Option<PathBuf>,
    /// Scenarios or plans at a time; 8 for a built-in target, what the adapter says or 2 for a foreign one.
    #[arg(short, long)]
    pub(crate) jobs: Option<NonZeroUsize>,
}

#[derive(Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) judged: JudgedArgs,
    /// Only a part of the selection, for machines that share the work: `hash:2/5` or `slice:2/5`.
    #[arg(long, value_name = "SHARD")]
    pub(crate) shard: Option<Shard>,
    #[command(flatten)]
    pub(crate) reports: ReportArgs,
    /// Seed of everything that the provider mints.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

/// What is judged.
#[derive(Args)]
pub(crate) struct RuleArgs {
    /// Only these invariants, by name; `regrant fuzz --list` shows all.
    #[arg(long = "invariant", value_name = "ID", num_args = 1.., value_delimiter = ',')]
    only: Vec<Rule>,
}

impl RuleArgs {
    /// These, or all.
    pub(crate) fn chosen(&self) -> Vec<Rule> {
        if self.only.is_empty() { Rule::all() } else { self.only.clone() }
    }
}

/// How long to fuzz, where the command line does not say.
const PLANS: usize = 1_000;

#[derive(Args)]
pub(crate) struct FuzzArgs {
    #[command(flatten)]
    pub(crate) judged: JudgedArgs,
    /// How many plans; 1000 where no time is named either.
    #[arg(long, value_name = "N")]
    pub(crate) cases: Option<NonZeroUsize>,
    /// Only the plan of this number, and show what happens in it.
    #[arg(long, value_name = "N", conflicts_with_all = ["cases", "time"])]
    pub(crate) case: Option<usize>,
    /// How long, in real time: `60s`, `10m`.
    #[arg(long, value_name = "TIME")]
    pub(crate) time: Option<Lifetime>,
    /// Where the plans come from; the same seed gives the same plans everywhere.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// How many moves a plan has at most.
    #[arg(long, value_name = "N", default_value = "20")]
    pub(crate) steps: NonZeroUsize,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    /// Say which invariants there are, how binding each is and where it comes from, and do nothing else.
    #[arg(long)]
    pub(crate) list: bool,
    /// Stop when something is found.
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Real time for making one failure smaller.
    #[arg(long, value_name = "TIME", default_value = "60s")]
    pub(crate) shrink_time: Lifetime,
    #[command(flatten)]
    pub(crate) reports: ReportArgs,
}

impl FuzzArgs {
    /// How many plans at most.
    pub(crate) fn plans(&self) -> usize {
        if self.case.is_some() {
            return 1;
        }
        let unlimited = if self.time.is_some() { usize::MAX } else { PLANS };
        self.cases.map_or(unlimited, NonZeroUsize::get)
    }
}

#[derive(Args)]
pub(crate) struct RecheckArgs {
    /// The event log of a run or of a fuzz.
    #[arg(value_name = "LOG", default_value = "regrant-out/run.jsonl")]
    pub(crate) log: PathBuf,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    /// What counts as a failure.
    #[arg(long, value_enum, default_value = "must")]
    pub(crate) gate: GateName,
}

#[derive(Subcommand)]
pub(crate) enum AdapterCommand {
    /// Say in plain words what is wrong with an adapter. Runs no scenario.
    Check(CheckArgs),
    /// Write a working template to start from.
    New(NewArgs),
}

#[derive(Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) against: TargetArgs,
}

#[derive(Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) against: TargetArgs,
}

#[derive(Args)]
pub(crate) struct NewArgs {
    /// The language.
    #[arg(long, value_enum)]
    pub(crate) lang: Language,
    /// The folder to write to; it must not be there yet.
    pub(crate) folder: PathBuf,
}

/// A language that there is a template for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Language {
    Node,
    Python,
    Go,
    Java,
    Rust,
}

#[derive(Args)]
pub(crate) struct SchemaArgs {
    /// Of what.
    #[arg(value_enum)]
    pub(crate) of: SchemaName,
}

/// What there are schemas of.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SchemaName {
    /// Scenario files.
    Scenario,
    /// What the runner sends to an adapter.
    Request,
    /// What an adapter answers.
    Answer,
    /// An adapter's `regrant.yaml`.
    Adapter,
    /// A file of known failures.
    Known,
}

#[derive(Subcommand)]
pub(crate) enum KnownCommand {
    /// Bring the file up to a run, with the smallest difference.
    Update(KnownUpdateArgs),
    /// Say which entry excused what in a run.
    Explain(KnownExplainArgs),
}

#[derive(Args)]
pub(crate) struct KnownUpdateArgs {
    /// The event log of the run.
    #[arg(long, value_name = "FILE", default_value = "regrant-out/run.jsonl")]
    pub(crate) from: PathBuf,
    /// Put crashes, hangs and broken adapters down too.
    #[arg(long)]
    pub(crate) allow_crash: bool,
    /// The file of known failures; made where there is none.
    pub(crate) file: PathBuf,
}

#[derive(Args)]
pub(crate) struct KnownExplainArgs {
    /// The event log of the run.
    #[arg(long, value_name = "FILE", default_value = "regrant-out/run.jsonl")]
    pub(crate) from: PathBuf,
}

#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
}

#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// The id, as `regrant list` prints it.
    pub(crate) id: String,
    /// Scenario files or folders, in place of the built-in ones.
    #[arg(long = "scenarios", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Args)]
pub(crate) struct LintArgs {
    /// Files or folders; the built-in scenarios when absent.
    pub(crate) paths: Vec<PathBuf>,
    /// Print the JSON Schema of scenario files instead.
    #[arg(long, conflicts_with = "paths")]
    pub(crate) schema: bool,
}

#[derive(Args)]
pub(crate) struct SelftestArgs {
    /// Only these mutants.
    #[arg(long = "mutant", value_name = "NAME")]
    pub(crate) mutants: Vec<Defect>,
    /// Name every scenario that catches a mutant.
    #[arg(long)]
    pub(crate) full: bool,
    /// Write the kill matrix as JSON, both ways round.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Scenarios at a time.
    #[arg(short, long, default_value = "16")]
    pub(crate) jobs: NonZeroUsize,
}
