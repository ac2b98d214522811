//! `regrant run`: drives the suite, writes the event log, and makes every report from it.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use conformance::check::{CaseResult, Gate};
use conformance::event::{CaseReport, Event, Footer, RunStarted, finished};
use conformance::handshake::Probing;
use conformance::report::terminal;
use conformance::runner::{self, Plan, SUITE_BUG, Share};
use indicatif::{ProgressBar, ProgressStyle};
use mock_provider::cli::StopSignals;

use crate::args::RunArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::reports;
use crate::selection::{known_of, selected, sound_catalogue};
use crate::target::{Chosen, nothing_measured};

pub(crate) async fn run(args: &RunArgs) -> Outcome {
    let catalogue = sound_catalogue(&args.select.paths)?;
    let (share, entries) = Share::of(selected(&catalogue, &args.select)?, args.shard);
    let gate = Gate::from(args.judged.gate);
    let chosen = Chosen::of(&args.judged.against)?;
    let wanted = entries.iter().flat_map(|entry| entry.case.scenario.requires()).collect();
    let known = known_of(&catalogue, args.judged.known.as_deref().or(chosen.known.as_deref()))?;
    let plan = Plan {
        date: today(),
        share,
        known: known.map(|known| known.entries).unwrap_or_default(),
        jobs: args.judged.jobs.map_or(chosen.jobs, std::num::NonZeroUsize::get),
        target: chosen.target,
        entries,
        references: catalogue.references,
        seed: args.seed,
        gate,
        probing: Probing::Of(wanted),
        sources: args.select.paths.iter().map(|path| path.display().to_string()).collect(),
    };
    reports::prepare(&args.reports)?;
    let mut recorder = Recorder::create(&args.reports.out)?;
    let stopped = StopSignals::new().map_err(|error| Failure::new(Exit::Bug, error))?;
    let footer = runner::run(plan, stopped.wait(), |event| recorder.note(event)).await;
    let footer = footer.map_err(|error| nothing_measured(error, chosen.setup.as_deref()))?;
    let exit = exit(&footer, &recorder.events);
    recorder.finish(args)?;
    exit
}

pub(crate) fn exit(footer: &Footer, events: &[Event]) -> Outcome {
    let has = |result: CaseResult| footer.counts.contains_key(&result.key());
    let suite_bug = |report: &CaseReport| report.reason.as_ref().is_some_and(|reason| reason.starts_with(SUITE_BUG));
    if finished(events).any(suite_bug) {
        return Ok(Exit::Bug);
    }
    if footer.complete && footer.counts.len() == 1 && has(CaseResult::Skip) {
        return Err(Failure::new(Exit::NothingMeasured, "every scenario was skipped: the target claims too little"));
    }
    Ok(match (footer.complete, footer.unexpected, footer.stale) {
        (false, ..) => Exit::Incomplete,
        (true, 0, 0) => Exit::Ok,
        (true, 0, _) => Exit::Stale,
        (true, ..) => Exit::Unexpected,
    })
}

/// Writes the log line by line, shows progress, and keeps the events for the reports.
struct Recorder {
    log: File,
    path: std::path::PathBuf,
    events: Vec<Event>,
    started: Option<RunStarted>,
    bar: Option<ProgressBar>,
    trouble: Option<io::Error>,
}

impl Recorder {
    fn create(out: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(out).map_err(|error| Failure::file(out, &error))?;
        let path = out.join("run.jsonl");
        let log = File::create(&path).map_err(|error| Failure::file(&path, &error))?;
        Ok(Self { log, path, events: vec![], started: None, bar: None, trouble: None })
    }

    fn note(&mut self, event: &Event) {
        self.write(event);
        match event {
            Event::RunStarted(started) => {
                anstream::println!("{}", terminal::head(started));
                self.bar = bar(started.cases);
                self.started = Some(started.clone());
            }
            Event::CaseFinished(report) => {
                self.bar.iter().for_each(|bar| bar.inc(1));
                let block = self.started.as_ref().and_then(|started| terminal::block(report, started));
                block.iter().for_each(|block| say(self.bar.as_ref(), block));
            }
            Event::RunFinished(_) => self.bar.iter().for_each(ProgressBar::finish_and_clear),
            Event::CaseStarted { .. } | Event::CaseHistory { .. } => {}
        }
        self.events.push(event.clone());
    }

    /// A line is complete before the next event happens, so a kill loses nothing that was written.
    fn write(&mut self, event: &Event) {
        let line = serde_json::to_string(event).map_err(io::Error::other);
        let written = line.and_then(|line| writeln!(self.log, "{line}")).and_then(|()| self.log.flush());
        if let Err(error) = written {
            self.trouble.get_or_insert(error);
        }
    }

    fn finish(self, args: &RunArgs) -> Result<(), Failure> {
        if let Some(error) = &self.trouble {
            return Err(Failure::file(&self.path, error));
        }
        anstream::print!("{}", terminal::tail(&self.events));
        anstream::println!("log {}", self.path.display());
        reports::write(&args.reports, &self.events)
    }
}

/// Today, as `25 Nov 2026`.
pub(crate) fn today() -> String {
    #[expect(clippy::disallowed_methods, reason = "reports say on which day they were made")]
    let date = httpdate::fmt_http_date(std::time::SystemTime::now());
    date.get(5..16).unwrap_or_default().to_owned()
}

pub(crate) fn save(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| Failure::file(path, &error))
}

/// Prints a text, above the bar where there is one.
pub(crate) fn say(bar: Option<&ProgressBar>, text: &str) {
    match bar {
        Some(bar) => bar.suspend(|| anstream::println!("{text}")),
        None => anstream::println!("{text}"),
    }
}

/// A bar, on a terminal only.
pub(crate) fn bar(length: usize) -> Option<ProgressBar> {
    if !io::stderr().is_terminal() {
        return None;
    }
    let bar = ProgressBar::new(length as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos}/{len} {elapsed} {msg}") {
        bar.set_style(style);
    }
    Some(bar)
}
