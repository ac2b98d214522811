//! `regrant matrix`: many implementations side by side.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use conformance::check::Gate;
use conformance::event::Event;
use conformance::handshake::Probing;
use conformance::matrix::{Column, Matrix};
use conformance::report::matrix::{evidence, html, markdown, summary};
use conformance::runner::{self, Plan, Share};
use indicatif::ProgressBar;
use mock_provider::cli::StopSignals;

use crate::args::{MatrixArgs, TargetArgs};
use crate::exit::{Exit, Failure, Outcome};
use crate::log;
use crate::run::{bar, save, today};
use crate::selection::{known_of, selected, sound_catalogue};
use crate::target::{Chosen, nothing_measured};

pub(crate) async fn matrix(args: &MatrixArgs) -> Outcome {
    let mut columns = vec![];
    let mut not_run = vec![];
    let mut names = BTreeSet::new();
    for path in &args.adapters {
        let name = unused(&name_of(path), &mut names);
        match column(path, &name, args).await {
            Ok(column) => columns.push(column),
            Err(failure) => not_run.push((name, failure.message().to_owned())),
        }
    }
    if columns.is_empty() {
        let reasons: Vec<String> = not_run.iter().map(|(name, reason)| format!("\n  {name}: {reason}")).collect();
        return Err(Failure::new(Exit::NothingMeasured, format!("none of them could be run:{}", reasons.concat())));
    }
    let matrix = Matrix::of(columns, not_run);
    write(&matrix, &args.out)?;
    anstream::print!("{}", summary(&matrix));
    anstream::println!("\nmatrix {}", args.out.join("matrix.html").display());
    Ok(exit(&matrix))
}

/// The name of its folder; for a log, that of the folder it lies in.
fn name_of(path: &Path) -> String {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let name = folder.and_then(Path::file_name).or_else(|| path.file_stem());
    name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A name that no other column has: its evidence is a file of that name.
fn unused(name: &str, names: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut candidates = std::iter::once(name.to_owned()).chain(numbered);
    candidates.find(|candidate| names.insert(candidate.clone())).unwrap_or_default()
}

async fn column(path: &Path, name: &str, args: &MatrixArgs) -> Result<Column, Failure> {
    let events = events(path, name, args).await?;
    Column::of(name, &events).map_err(|error| Failure::new(Exit::Incomplete, format!("{}: {error}", path.display())))
}

async fn events(path: &Path, name: &str, args: &MatrixArgs) -> Result<Vec<Event>, Failure> {
    if path.extension().is_some_and(|extension| extension == "jsonl") {
        return log::read(path);
    }
    let events = run(path, name, args).await?;
    log::write(&args.out.join("logs").join(name), &events)?;
    Ok(events)
}

async fn run(path: &Path, name: &str, args: &MatrixArgs) -> Result<Vec<Event>, Failure> {
    let catalogue = sound_catalogue(&args.select.paths)?;
    let (share, entries) = Share::of(selected(&catalogue, &args.select)?, None);
    let chosen = Chosen::of(&TargetArgs::adapter(path))?;
    let setup = chosen.setup;
    let known = known_of(&catalogue, chosen.known.as_deref())?;
    let bar = bar(entries.len());
    bar.iter().for_each(|bar| bar.set_message(name.to_owned()));
    let plan = Plan {
        date: today(),
        share,
        known: known.map(|known| known.entries).unwrap_or_default(),
        jobs: chosen.jobs,
        target: chosen.target,
        probing: Probing::Of(entries.iter().flat_map(|entry| entry.case.scenario.requires()).collect()),
        entries,
        references: catalogue.references,
        seed: 0,
        gate: Gate::Must,
        sources: args.select.paths.iter().map(|path| path.display().to_string()).collect(),
    };
    let mut events = vec![];
    let stopped = StopSignals::new().map_err(|error| Failure::new(Exit::Bug, error))?;
    let ran = runner::run(plan, stopped.wait(), |event| {
        if matches!(event, Event::CaseFinished(_)) {
            bar.iter().for_each(|bar| bar.inc(1));
        }
        events.push(event.clone());
    });
    let ran = ran.await;
    bar.iter().for_each(ProgressBar::finish_and_clear);
    let footer = ran.map_err(|error| nothing_measured(error, setup.as_deref()))?;
    if footer.complete { Ok(events) } else { Err(Failure::new(Exit::Incomplete, "its run was broken off")) }
}

fn write(matrix: &Matrix, out: &Path) -> Result<(), Failure> {
    let folder = out.join("evidence");
    fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
    let bug = |error| Failure::new(Exit::Bug, error);
    for column in &matrix.columns {
        save(&folder.join(format!("{}.html", column.name)), &evidence(column).map_err(bug)?)?;
    }
    save(&out.join("matrix.html"), &html(matrix).map_err(bug)?)?;
    save(&out.join("matrix.md"), &markdown(matrix))
}

/// As of a run: the worst counts, and what could not be run is missing.
fn exit(matrix: &Matrix) -> Exit {
    let any =
        |count: fn(&conformance::event::Footer) -> usize| matrix.columns.iter().any(|column| count(&column.footer) > 0);
    if any(|footer| footer.unexpected) {
        Exit::Unexpected
    } else if !matrix.not_run.is_empty() {
        Exit::Incomplete
    } else if any(|footer| footer.stale) {
        Exit::Stale
    } else {
        Exit::Ok
    }
}
