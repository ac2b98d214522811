//! Runs cases against a target, several at a time, each in a realm and over a connection of its own.
//!
//! One dispatcher owns the state of the run and hands events to a sink in the order in which they happen.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use adapter_protocol::{Answer, Capability, Hello, HelloAnswer, PROTOCOL, Verb};
use futures_util::FutureExt as _;
use mock_provider::{Provider, Timestamp};
use serde::Deserialize as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::catalogue::{Entry, References};
use crate::check::{CaseResult, Gate};
use crate::drive::Driver;
use crate::event::{CaseReport, Event, Footer, LOG_FORMAT, RefReport, RunStarted};
use crate::history::{Ending, History};
use crate::judge::{judge, result};
use crate::link::{Link, LinkError, Target};
use crate::scenario::lint::name_of;
use crate::timeline;
use crate::uptime::Stopwatch;

/// Where every case's clock stands at first: 2030-01-01T00:00:00Z, far from any real token.
pub const START: Timestamp = Timestamp::from_millis(1_893_456_000_000);

/// How the reason begins of a case that is broken by the suite's own fault.
pub const SUITE_BUG: &str = "a bug in the suite, please report it: ";

/// Real time for the handshake.
const HANDSHAKE: Duration = Duration::from_secs(60);

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
    Handshake(String),
}

impl From<LinkError> for RunError {
    fn from(error: LinkError) -> Self {
        Self::Handshake(error.to_string())
    }
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
    let provider = Provider::builder().frozen_at(START).seed(plan.seed).start().await.map_err(RunError::Provider)?;
    let provider = Arc::new(provider);
    let hello = handshake(&*plan.target, &provider).await?;
    sink(&Event::RunStarted(started(&plan, &hello)));
    let mut dispatcher = Dispatcher { counts: BTreeMap::new(), finished: 0, sink };
    let complete = dispatcher.dispatch(plan, provider, interrupted).await;
    let footer = Footer { complete, counts: dispatcher.counts, duration_ms: stopwatch.millis() };
    (dispatcher.sink)(&Event::RunFinished(footer.clone()));
    Ok(footer)
}

fn started(plan: &Plan, hello: &HelloAnswer) -> RunStarted {
    RunStarted {
        format: LOG_FORMAT,
        suite: format!("regrant {}", env!("CARGO_PKG_VERSION")),
        target: plan.target.name(),
        implementation: hello.target.clone(),
        seed: plan.seed,
        gate: plan.gate,
        sources: plan.sources.clone(),
        cases: plan.entries.len(),
    }
}

/// The single owner of the run's state.
struct Dispatcher<S> {
    counts: BTreeMap<String, usize>,
    finished: usize,
    sink: S,
}

impl<S: FnMut(&Event)> Dispatcher<S> {
    /// Says whether every case came to its end.
    async fn dispatch(&mut self, plan: Plan, provider: Arc<Provider>, interrupted: impl Future<Output = ()>) -> bool {
        let (events, mut happened) = mpsc::unbounded_channel();
        let cases = plan.entries.len();
        // Dropped at the end, and with it what is still in flight.
        let running = tokio::spawn(execute(plan, provider, events));
        let mut interrupted = std::pin::pin!(interrupted);
        loop {
            tokio::select! {
                event = happened.recv() => match event {
                    Some(event) => self.note(&event),
                    None => break,
                },
                () = &mut interrupted => {
                    running.abort();
                    break;
                }
            }
        }
        self.finished == cases
    }

    fn note(&mut self, event: &Event) {
        if let Event::CaseFinished(report) = event {
            *self.counts.entry(report.result.key()).or_default() += 1;
            self.finished += 1;
        }
        (self.sink)(event);
    }
}

async fn execute(plan: Plan, provider: Arc<Provider>, events: mpsc::UnboundedSender<Event>) {
    let shared = Arc::new((plan.target, plan.references));
    let mut running = JoinSet::new();
    for (index, entry) in plan.entries.into_iter().enumerate() {
        while running.len() >= plan.jobs.max(1) {
            drop(running.join_next().await);
        }
        let (shared, provider, events) = (Arc::clone(&shared), Arc::clone(&provider), events.clone());
        running.spawn(async move {
            drop(events.send(Event::CaseStarted { id: entry.case.id.clone() }));
            let running = AssertUnwindSafe(case(&*shared.0, &provider, &entry, &shared.1, index)).catch_unwind();
            let finished = running.await.unwrap_or_else(|panic| suite_bug(report(&entry, &shared.1), &*panic));
            drop(events.send(Event::CaseFinished(Box::new(finished))));
        });
    }
    while running.join_next().await.is_some() {}
}

/// Runs one case.
async fn case(
    target: &dyn Target,
    provider: &Provider,
    entry: &Entry,
    references: &References,
    index: usize,
) -> CaseReport {
    let stopwatch = Stopwatch::start();
    let name = format!("c{index}");
    let outcome = drive(target, provider, entry, &name).await;
    provider.close_realm(&name);
    let mut report = report(entry, references);
    match outcome {
        Ok(Driven::Skipped(reason)) => (report.result, report.reason) = (CaseResult::Skip, Some(reason)),
        Ok(Driven::Ran(history)) => {
            report.checks = judge(&entry.case.scenario, &history);
            report.result = result(&history, &report.checks);
            report.reason = history.ended.as_ref().map(Ending::words);
            report.timeline = timeline::lines(&history);
        }
        Err(error) => (report.result, report.reason) = (CaseResult::Crash, Some(error.to_string())),
    }
    report.duration_ms = stopwatch.millis();
    report
}

enum Driven {
    Skipped(String),
    Ran(Box<History>),
}

async fn drive(target: &dyn Target, provider: &Provider, entry: &Entry, name: &str) -> Result<Driven, RunError> {
    let link = connect(target).await?;
    let hello = hello(&link).await?;
    let claims: BTreeSet<Capability> = hello.claims.iter().copied().collect();
    if let Some(missing) = entry.case.scenario.requires().difference(&claims).next() {
        return Ok(Driven::Skipped(format!("the target does not claim `{}`", name_of(*missing))));
    }
    let driver = Driver::new(&entry.case.scenario, link, provider.realm(name), &hello);
    let history = driver.run(name, claims).await;
    Ok(Driven::Ran(Box::new(history)))
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
        id: entry.case.id.clone(),
        title: scenario.title.clone(),
        level: scenario.level,
        tags: scenario.tags.clone(),
        result: CaseResult::Broken,
        checks: vec![],
        reason: None,
        why: scenario.why.split_whitespace().collect::<Vec<_>>().join(" "),
        refs: refs.collect(),
        timeline: vec![],
        file: entry.file.path.display().to_string(),
        line: entry.line,
        duration_ms: 0,
    }
}

// --- the handshake ---

async fn connect(target: &dyn Target) -> Result<Link, RunError> {
    target.connect().await.map(Link::new).map_err(RunError::Connect)
}

async fn hello(link: &Link) -> Result<HelloAnswer, RunError> {
    let verb =
        Verb::Hello(Hello { protocol: (PROTOCOL, PROTOCOL), runner: format!("regrant/{}", env!("CARGO_PKG_VERSION")) });
    match link.ask(verb, HANDSHAKE).await? {
        Answer::Ok(members) => {
            let answer = HelloAnswer::deserialize(serde_json::Value::Object(members));
            answer.map_err(|error| RunError::Handshake(format!("the answer to hello makes no sense: {error}")))
        }
        Answer::Threw { message } | Answer::No { reason: message } | Answer::Broken { message } => {
            Err(RunError::Handshake(message))
        }
    }
}

/// Versions, a verb that must be refused, and proof that the target's clock moves when it is told to.
async fn handshake(target: &dyn Target, provider: &Provider) -> Result<HelloAnswer, RunError> {
    let link = connect(target).await?;
    let hello = hello(&link).await?;
    if hello.protocol != PROTOCOL {
        let text = format!("it speaks protocol {}, this version speaks {}", hello.protocol.0, PROTOCOL.0);
        return Err(RunError::Handshake(text));
    }
    match link.ask_unknown(HANDSHAKE).await? {
        Answer::No { .. } => {}
        Answer::Ok(_) | Answer::Threw { .. } | Answer::Broken { .. } => {
            let text = "it does not refuse a verb that does not exist, so its other answers prove nothing";
            return Err(RunError::Handshake(text.to_owned()));
        }
    }
    if hello.claims.contains(&Capability::ClockSet) {
        prove_clock(link, provider, &hello).await?;
    }
    Ok(hello)
}

async fn prove_clock(link: Link, provider: &Provider, hello: &HelloAnswer) -> Result<(), RunError> {
    const PROBE: &str = "clock-probe";
    let shown = Driver::prove_clock(link, provider.realm(PROBE), hello).await;
    provider.close_realm(PROBE);
    match shown {
        Ok(true) => Ok(()),
        Ok(false) => Err(RunError::Handshake("its clock does not show what it was set to".to_owned())),
        Err(ending) => Err(RunError::Handshake(ending.words())),
    }
}
