//! Runs cases against a target, several at a time, each in a realm and over a connection of its own.
//!
//! One dispatcher owns the state of the run and hands events to a sink in the order in which they happen.

use std::any::Any;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use mock_provider::Timestamp;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use crate::bad_handshake::BadHandshake;
use crate::catalogue::{Entry, References};
use crate::check::{CaseResult, Gate};
use crate::event::{CaseReport, Event, Footer, LOG_FORMAT, RefReport, RunStarted};
use crate::handshake::{Introduction, Probing, introduce};
use crate::history::{Ending, History};
use crate::judge::{judge, result};
use crate::known;
use crate::link::Target;
use crate::pool::{Case, Pool, Script};
use crate::scenario::decode::Spanned;
use crate::scenario::lint::name_of;
use crate::shard::{Shard, fingerprint};
use crate::timeline;
use crate::uptime::Stopwatch;
use crate::venue::Venue;

/// Where every case's clock stands at first: 2030-01-01T00:00:00Z, far from any real token.
pub const START: Timestamp = Timestamp::from_millis(1_893_456_000_000);

/// How the reason begins of a case that is broken by the suite's own fault.
pub const SUITE_BUG: &str = "a bug in the suite, please report it: ";

/// How the reason begins of a case that was skipped; the claim follows.
pub const UNCLAIMED: &str = "the target does not claim ";

/// So many connections in a row that fail end the run: the next would fail too.
const BREAKER: usize = 3;

/// What to run.
#[derive(Clone)]
pub struct Plan {
    /// Against what.
    pub target: Arc<dyn Target>,
    /// The cases.
    pub entries: Vec<Entry>,
    /// What they refer to.
    pub references: References,
    /// How many at a time.
    pub jobs: usize,
    /// The seed of everything that the provider mints.
    pub seed: u64,
    /// What the run has to reach.
    pub gate: Gate,
    /// The day of the run, as `25 Nov 2026`, for reports.
    pub date: String,
    /// The part of the selection that is run here.
    pub share: Share,
    /// What is known to fail.
    pub known: Vec<Spanned<known::Entry>>,
    /// Which claims are put to the test first.
    pub probing: Probing,
    /// Where the scenarios come from, for the command that runs one again; none for the built-in ones.
    pub sources: Vec<String>,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("target", &self.target.name())
            .field("cases", &self.entries.len())
            .finish_non_exhaustive()
    }
}

/// What the selection is of which a plan has a part, or all.
#[derive(Clone, Debug, Default)]
pub struct Share {
    /// Which part.
    pub shard: Option<Shard>,
    /// Names the whole selection.
    pub fingerprint: String,
    /// How many cases it has.
    pub selected: usize,
}

impl Share {
    /// The part of a selection, and what it is a part of.
    pub fn of(entries: Vec<Entry>, shard: Option<Shard>) -> (Self, Vec<Entry>) {
        let share = Self { shard, fingerprint: fingerprint(&entries), selected: entries.len() };
        match shard {
            Some(shard) => (share, shard.of(entries)),
            None => (share, entries),
        }
    }
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The provider does not start.
    #[error("the provider could not be started: {0}")]
    Provider(io::Error),
    /// The target cannot be reached.
    #[error("the target could not be started: {0}")]
    Connect(io::Error),
    /// The target does not shake hands.
    #[error("the handshake failed: {0}")]
    Handshake(#[from] BadHandshake),
    /// It was broken off before the first case.
    #[error("broken off before the first case")]
    Interrupted,
}

/// Runs a plan. Every event goes to `sink` as it happens. When `interrupted` resolves, the cases in flight are given up
/// and the footer says that the run is not complete.
///
/// # Errors
/// When the provider or the target cannot be started: then nothing was measured.
pub async fn run(
    plan: Plan,
    interrupted: impl Future<Output = ()>,
    mut sink: impl FnMut(&Event),
) -> Result<Footer, RunError> {
    let stopwatch = Stopwatch::start();
    let venue = Arc::new(Venue::open(&*plan.target, plan.seed).await?);
    let pool = Arc::new(Pool::new(Arc::clone(&plan.target)));
    let mut interrupted = std::pin::pin!(interrupted);
    let introduction = tokio::select! {
        introduction = introduce(&pool, &venue, &plan.probing) => introduction?,
        () = &mut interrupted => return Err(RunError::Interrupted),
    };
    sink(&Event::RunStarted(started(&plan, &introduction)));
    let mut dispatcher = Dispatcher { gate: plan.gate, known: plan.known, footer: Footer::default(), sink };
    let cases = plan.entries.len();
    let shared = Shared { pool: Arc::clone(&pool), venue, introduction, references: plan.references };
    let whole = dispatcher.dispatch(plan.entries, plan.jobs, shared, interrupted).await;
    pool.close().await;
    let complete = whole && dispatcher.footer.cases() == cases;
    let footer = Footer { complete, duration_ms: stopwatch.millis(), ..dispatcher.footer };
    (dispatcher.sink)(&Event::RunFinished(footer.clone()));
    Ok(footer)
}

fn started(plan: &Plan, introduction: &Introduction) -> RunStarted {
    let mut started = RunStarted {
        format: LOG_FORMAT,
        suite: format!("regrant {}", env!("CARGO_PKG_VERSION")),
        date: plan.date.clone(),
        target: plan.target.name(),
        clock: plan.target.clock(),
        seed: plan.seed,
        gate: plan.gate,
        sources: plan.sources.clone(),
        shard: plan.share.shard.map(|shard| shard.to_string()),
        fingerprint: plan.share.fingerprint.clone(),
        selected: plan.share.selected,
        cases: plan.entries.len(),
        ..RunStarted::default()
    };
    introduction.write_to(&mut started);
    started
}

/// The single owner of the run's state.
struct Dispatcher<S> {
    gate: Gate,
    known: Vec<Spanned<known::Entry>>,
    /// What has been counted so far.
    footer: Footer,
    sink: S,
}

impl<S: FnMut(&Event)> Dispatcher<S> {
    /// Says whether the run was not broken off.
    async fn dispatch(
        &mut self,
        entries: Vec<Entry>,
        jobs: usize,
        shared: Shared,
        interrupted: impl Future<Output = ()>,
    ) -> bool {
        let (events, mut happened) = mpsc::unbounded_channel();
        // Dropped at the end, and with it what is still in flight.
        let running = Running(tokio::spawn(execute(entries, jobs, Arc::new(shared), events)));
        let mut interrupted = std::pin::pin!(interrupted);
        let mut failed_in_a_row = 0;
        while failed_in_a_row < BREAKER {
            tokio::select! {
                happening = happened.recv() => match happening {
                    Some(Happening { event, reached }) => {
                        failed_in_a_row = match reached {
                            Reached::NotTried => failed_in_a_row,
                            Reached::Target => 0,
                            Reached::Nobody => failed_in_a_row + 1,
                        };
                        self.note(event);
                    }
                    None => return true,
                },
                () = &mut interrupted => break,
            }
        }
        drop(running);
        false
    }

    fn note(&mut self, mut event: Event) {
        if let Event::CaseFinished(report) = &mut event {
            report.standing = known::standing(report, self.gate, &self.known);
            self.footer.count(report);
        }
        (self.sink)(&event);
    }
}

/// What the cases of a run share.
struct Shared {
    pool: Arc<Pool>,
    venue: Arc<Venue>,
    introduction: Introduction,
    references: References,
}

/// An event, and whether the target could be reached.
struct Happening {
    event: Event,
    reached: Reached,
}

/// Whether the target could be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    NotTried,
    Target,
    Nobody,
}

/// A task that ends with its owner.
struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn execute(entries: Vec<Entry>, jobs: usize, shared: Arc<Shared>, events: mpsc::UnboundedSender<Happening>) {
    let mut running = JoinSet::new();
    for (index, entry) in entries.into_iter().enumerate() {
        while running.len() >= jobs.max(1) {
            drop(running.join_next().await);
        }
        let (shared, events) = (Arc::clone(&shared), events.clone());
        running.spawn(async move {
            let started = Event::CaseStarted { id: entry.case.id.clone() };
            drop(events.send(Happening { event: started, reached: Reached::NotTried }));
            let running = AssertUnwindSafe(shared.case(&entry, index)).catch_unwind();
            let bug = |panic: Box<dyn Any + Send>| {
                (suite_bug(report(&entry, &shared.references), &*panic), None, Reached::NotTried)
            };
            let (finished, history, reached) = running.await.unwrap_or_else(bug);
            let whole = history.map(|history| Event::CaseHistory { id: entry.case.id.clone(), history });
            whole.into_iter().for_each(|event| drop(events.send(Happening { event, reached: Reached::NotTried })));
            drop(events.send(Happening { event: Event::CaseFinished(Box::new(finished)), reached }));
        });
    }
    while running.join_next().await.is_some() {}
}

enum Driven {
    Skipped(String),
    Blocked(String),
    Ran(Box<History>),
}

impl Shared {
    /// Runs one case. Says whether the target could be reached.
    async fn case(&self, entry: &Entry, index: usize) -> (CaseReport, Option<Box<History>>, Reached) {
        let stopwatch = Stopwatch::start();
        let name = format!("c{index}");
        let outcome = self.drive(entry, &name).await;
        let reached = match &outcome {
            Ok(Driven::Skipped(_) | Driven::Blocked(_)) => Reached::NotTried,
            Ok(Driven::Ran(_)) => Reached::Target,
            Err(_) => Reached::Nobody,
        };
        let (mut report, mut whole) = (report(entry, &self.references), None);
        match outcome {
            Ok(Driven::Skipped(reason)) => (report.result, report.reason) = (CaseResult::Skip, Some(reason)),
            Ok(Driven::Blocked(reason)) => (report.result, report.reason) = (CaseResult::Blocked, Some(reason)),
            Ok(Driven::Ran(history)) => {
                report.checks = judge(&entry.case.scenario, &history);
                report.result = result(&history, &report.checks);
                report.reason = history.ended.as_ref().map(Ending::words);
                report.timeline = timeline::lines(&history);
                report.output.clone_from(&history.output);
                whole = Some(history);
            }
            Err(error) => (report.result, report.reason) = (CaseResult::Crash, Some(error.to_string())),
        }
        report.duration_ms = stopwatch.millis();
        (report, whole, reached)
    }

    async fn drive(&self, entry: &Entry, name: &str) -> Result<Driven, RunError> {
        let scenario = &entry.case.scenario;
        let claims = self.introduction.claimed(self.pool.target().clock());
        if let Some(missing) = scenario.requires().difference(&claims).next() {
            return Ok(Driven::Skipped(format!("{UNCLAIMED}`{}`", name_of(*missing))));
        }
        let unproven = scenario.requires().into_iter().find(|claim| self.introduction.unproven.contains_key(claim));
        if let Some(claim) = unproven {
            return Ok(Driven::Blocked(format!("the target claims `{}` and does not do it", name_of(claim))));
        }
        let case = Case { scenario, claims: &claims, name, realm: name, settle: self.introduction.settle };
        let history = self.pool.play(&self.venue, &case, Script::AsWritten).await?;
        Ok(Driven::Ran(Box::new(history)))
    }
}

/// A case in which the suite itself panicked.
fn suite_bug(report: CaseReport, panic: &(dyn Any + Send)) -> CaseReport {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let reason = format!("{SUITE_BUG}{}", text.unwrap_or("it panicked"));
    CaseReport { reason: Some(reason), ..report }
}

fn report(entry: &Entry, references: &References) -> CaseReport {
    let scenario = &entry.case.scenario;
    let found = scenario.refs.iter().filter_map(|key| references.get(&key.value));
    let refs =
        found.map(|found| RefReport { title: found.title.clone(), url: found.url.clone(), says: found.says.clone() });
    CaseReport {
        title: scenario.title.clone(),
        level: scenario.level,
        tags: scenario.tags.clone(),
        why: scenario.why.split_whitespace().collect::<Vec<_>>().join(" "),
        refs: refs.collect(),
        file: entry.file.path.display().to_string(),
        line: entry.line,
        ..CaseReport::bare(&entry.case.id, CaseResult::Broken, vec![])
    }
}
