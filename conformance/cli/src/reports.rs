//! The reports of a run or of merged runs, each made from the events.

use conformance::event::Event;
use conformance::report::{annotations, json, junit, markdown};

use crate::args::ReportArgs;
use crate::exit::{Exit, Failure};
use crate::run::save;

/// Whether they can be written is found out before a run, not after it.
pub(crate) fn prepare(args: &ReportArgs) -> Result<(), Failure> {
    args.json.iter().chain(&args.junit).chain(&args.markdown).try_for_each(|path| save(path, ""))
}

/// Writes what was asked for.
pub(crate) fn write(args: &ReportArgs, events: &[Event]) -> Result<(), Failure> {
    if let Some(path) = &args.json {
        save(path, &format!("{:#}\n", json::summary(events)))?;
    }
    if let Some(path) = &args.junit {
        let xml = junit::xml(events).map_err(|error| Failure::new(Exit::Bug, error))?;
        save(path, &xml)?;
    }
    if let Some(path) = &args.markdown {
        save(path, &markdown::summary(events))?;
    }
    if args.annotations {
        annotations::lines(events).iter().for_each(|line| anstream::println!("{line}"));
    }
    Ok(())
}
