//! `regrant fuzz`: hunts, writes what was found as scenarios, and makes every report from the event log.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use conformance::check::Gate;
use conformance::event::{Event, FuzzStarted, LOG_FORMAT, RunStarted};
use conformance::fuzz::{Finding, Hunted, Limits, Rule, Sighting, Stop, footer, hunt, reports as reports_of};
use conformance::known;
use conformance::report::fuzz::{block, head, tail};
use conformance::timeline;
use indicatif::{ProgressBar, ProgressStyle};
use mock_provider::cli::StopSignals;

use crate::args::FuzzArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::run::{bar, exit, save, say, today};
use crate::selection::{known_of, sound_catalogue};
use crate::target::{Chosen, nothing_measured};
use crate::{log, reports};

pub(crate) async fn fuzz(args: &FuzzArgs) -> Outcome {
    if args.list {
        list();
        return Ok(Exit::Ok);
    }
    let catalogue = sound_catalogue(&[])?;
    let chosen = Chosen::of(&args.judged.against)?;
    let known = known_of(&catalogue, args.judged.known.as_deref().or(chosen.known.as_deref()))?;
    let known = known.map(|known| known.entries).unwrap_or_default();
    let limits = limits(args, chosen.jobs);
    reports::prepare(&args.reports)?;
    let stopped = StopSignals::new().map_err(|error| Failure::new(Exit::Bug, error))?;
    let mut started = RunStarted { clock: chosen.target.clock(), ..started(&limits, chosen.target.name()) };
    let teller = Teller::new(&limits, args.case.map_or(Details::Left, |_| Details::Shown));
    let hunted = hunt(chosen.target, &limits, stopped.wait(), |sighting| {
        if let Sighting::Met(introduction) = sighting {
            introduction.write_to(&mut started);
        }
        teller.tell(&sighting, &started);
    });
    let hunted = hunted.await.map_err(|error| nothing_measured(error, chosen.setup.as_deref()))?;
    teller.end();
    let found = args.reports.out.join("found");
    hunted.findings.iter().try_for_each(|finding| write(&found, finding))?;
    let events = events(started, &hunted, &limits, &known, &found);
    finish(args, &events)
}

fn list() {
    for rule in Rule::all() {
        anstream::println!(
            "{:<32} {:<7} {}\n{:41}{}",
            rule.name(),
            rule.level().to_string(),
            rule.says(),
            "",
            rule.source()
        );
    }
}

fn limits(args: &FuzzArgs, jobs: usize) -> Limits {
    Limits {
        cases: args.plans(),
        first: args.case.unwrap_or_default(),
        time: args.time.map(|time| time.0),
        seed: args.seed,
        steps: args.steps.get(),
        jobs: args.judged.jobs.map_or(jobs, std::num::NonZeroUsize::get),
        gate: Gate::from(args.judged.gate),
        shrink_time: args.shrink_time.0,
        rules: args.rules.chosen(),
        stop: if args.fail_fast { Stop::AtFirst } else { Stop::AtLimits },
    }
}

fn started(limits: &Limits, target: String) -> RunStarted {
    let time_ms = limits.time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    RunStarted {
        format: LOG_FORMAT,
        suite: format!("regrant {}", env!("CARGO_PKG_VERSION")),
        date: today(),
        target,
        seed: limits.seed,
        gate: limits.gate,
        cases: limits.rules.len(),
        selected: limits.rules.len(),
        fuzz: Some(FuzzStarted { plans: limits.cases, time_ms, moves: limits.steps }),
        ..RunStarted::default()
    }
}

fn file(folder: &Path, finding: &Finding) -> PathBuf {
    let name = finding.id.rsplit('/').next().unwrap_or(&finding.id);
    folder.join(format!("{name}.yaml"))
}

fn write(folder: &Path, finding: &Finding) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    save(&file(folder, finding), &finding.scenario)
}

fn events(
    started: RunStarted,
    hunted: &Hunted,
    limits: &Limits,
    known: &[conformance::scenario::decode::Spanned<known::Entry>],
    folder: &Path,
) -> Vec<Event> {
    let reports = reports_of(hunted, limits, known, |finding| file(folder, finding).display().to_string());
    let footer = footer(hunted, &reports);
    let history =
        |finding: &Finding| Event::CaseHistory { id: finding.id.clone(), history: Box::new(finding.history.clone()) };
    let histories = hunted.findings.iter().map(history);
    let finished = reports.into_iter().map(|report| Event::CaseFinished(Box::new(report)));
    let first = [Event::RunStarted(started)];
    first.into_iter().chain(histories).chain(finished).chain([Event::RunFinished(footer)]).collect()
}

fn finish(args: &FuzzArgs, events: &[Event]) -> Outcome {
    let path = log::write(&args.reports.out, events)?;
    let [Event::RunStarted(started), .., Event::RunFinished(footer)] = events else {
        return Err(Failure::new(Exit::Bug, "a log without a frame"));
    };
    let blocks = events.iter().filter_map(|event| match event {
        Event::CaseFinished(report) => block(report, started),
        Event::RunStarted(_) | Event::CaseStarted { .. } | Event::CaseHistory { .. } | Event::RunFinished(_) => None,
    });
    blocks.for_each(|block| anstream::println!("{block}"));
    anstream::print!("{}", tail(events));
    anstream::println!("log {}", path.display());
    reports::write(&args.reports, events)?;
    let hollow = footer.fuzz.as_ref().and_then(|fuzz| fuzz.hollow.as_ref()).filter(|_| footer.unexpected == 0);
    match hollow {
        Some(why) => Err(Failure::new(Exit::NothingMeasured, format!("nothing was learnt: {why}"))),
        None => exit(footer, events),
    }
}

/// Tells a person how far the hunt is, on a terminal only.
struct Teller {
    bar: Option<ProgressBar>,
    limit: Option<Duration>,
    /// Whether everything that happens is shown.
    details: Details,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Details {
    Shown,
    Left,
}

impl Teller {
    fn new(limits: &Limits, details: Details) -> Self {
        let length = match limits.time {
            Some(time) => time.as_secs(),
            None => limits.cases as u64,
        };
        let bar = bar(usize::try_from(length).unwrap_or(usize::MAX));
        if let (Some(bar), Ok(style)) = (&bar, ProgressStyle::with_template("{bar:32} {elapsed} {msg}")) {
            bar.set_style(style);
        }
        Self { bar, limit: limits.time, details }
    }

    fn tell(&self, sighting: &Sighting<'_>, started: &RunStarted) {
        match sighting {
            Sighting::Met(_) => {
                let first = started.fuzz.as_ref().map(|fuzz| head(started, fuzz));
                self.say(&first.unwrap_or_default());
            }
            Sighting::Performed(case, steps, history) if self.details == Details::Shown => {
                steps.iter().for_each(|step| self.say(&format!("  - {step}")));
                timeline::lines(history).iter().for_each(|line| self.say(&format!("    {line}")));
                self.say(&format!("case {case}\n"));
            }
            Sighting::Performed(..) => {}
            Sighting::Progress(hunted) => self.progress(hunted),
            Sighting::LookingInto(rule) => self.message(&format!("looking into {rule}")),
            Sighting::Found(finding) => {
                self.message(&format!("found {}", finding.rule));
            }
        }
    }

    fn progress(&self, hunted: &Hunted) {
        let Some(bar) = &self.bar else { return };
        let position = if self.limit.is_some() { hunted.took.as_secs() } else { hunted.cases as u64 };
        bar.set_position(position);
        let (reached, all) = hunted.coverage.reached();
        let rate = hunted.cases as f64 / hunted.took.as_secs_f64().max(0.001);
        bar.set_message(format!(
            "{} plans, {rate:.0}/s · {reached} of {all} situations · {} found",
            hunted.cases,
            hunted.findings.len()
        ));
    }

    fn message(&self, text: &str) {
        self.bar.iter().for_each(|bar| bar.set_message(text.to_owned()));
    }

    fn say(&self, text: &str) {
        say(self.bar.as_ref(), text);
    }

    fn end(self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}
