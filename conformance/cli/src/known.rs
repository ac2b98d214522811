//! `regrant known`: the file of known failures, brought up to a run, and what it excuses.

use conformance::check::Gate;
use conformance::event::{CaseReport, Event, finished, frame};
use conformance::known::update::{Crashes, UNEXPLAINED, Update, update};

use crate::args::{KnownCommand, KnownExplainArgs, KnownUpdateArgs};
use crate::exit::{Exit, Failure, Outcome};
use crate::log::read;
use crate::run::save;
use crate::selection::{parsed, sound_catalogue};

pub(crate) fn known(command: &KnownCommand) -> Outcome {
    match command {
        KnownCommand::Update(args) => bring_up(args),
        KnownCommand::Explain(args) => explain(args),
    }
}

fn bring_up(args: &KnownUpdateArgs) -> Outcome {
    let events = read(&args.from)?;
    let (started, footer) = frame(&events);
    if !footer.is_some_and(|footer| footer.complete) {
        let text = format!("{}: the run is not complete, and what did not run cannot be known", args.from.display());
        return Err(Failure::new(Exit::Incomplete, text));
    }
    let catalogue = sound_catalogue(&[])?;
    let text = if args.file.exists() {
        std::fs::read_to_string(&args.file).map_err(|error| Failure::file(&args.file, &error))?
    } else {
        "regrant: 1\nentries: []\n".to_owned()
    };
    let known = parsed(&catalogue, &args.file, text.clone())?;
    let gate = started.map_or(Gate::Must, |started| started.gate);
    let crashes = if args.allow_crash { Crashes::PutDown } else { Crashes::LeftOut };
    let done = update(&text, &known, &in_order(&events), gate, crashes);
    save(&args.file, &done.text)?;
    tell(&done);
    Ok(Exit::Ok)
}

/// The cases in an order that is the same after every run; they ended in another.
fn in_order(events: &[Event]) -> Vec<&CaseReport> {
    let mut reports: Vec<&CaseReport> = finished(events).collect();
    reports.sort_by(|one, other| one.id.cmp(&other.id));
    reports
}

fn tell(done: &Update) {
    done.removed.iter().for_each(|pattern| anstream::println!("- {pattern}"));
    done.narrowed.iter().for_each(|pattern| anstream::println!("~ {pattern}, to the cases that fail"));
    done.added.iter().for_each(|pattern| anstream::println!("+ {pattern}"));
    done.left_out.iter().for_each(|id| anstream::println!("left out, since it ended abnormally: {id}"));
    if done.added.is_empty() && done.removed.is_empty() && done.narrowed.is_empty() {
        anstream::println!("nothing to change");
    } else if !done.added.is_empty() {
        anstream::println!("replace every reason that begins with \"{UNEXPLAINED}\" by the true one");
    }
}

fn explain(args: &KnownExplainArgs) -> Outcome {
    let events: Vec<Event> = read(&args.from)?;
    let mut any = false;
    for report in in_order(&events) {
        for excuse in &report.standing.excused {
            let issue = excuse.issue.as_ref().map(|issue| format!("\n    {issue}")).unwrap_or_default();
            anstream::println!("{}#{}\n    {}{issue}", report.id, excuse.what, excuse.reason);
            any = true;
        }
        report.standing.stale.iter().for_each(|stale| anstream::println!("stale: {stale}"));
    }
    if !any {
        anstream::println!("nothing was excused");
    }
    Ok(Exit::Ok)
}
