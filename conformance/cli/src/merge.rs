//! `regrant merge`: one log and one verdict of those of all shards.

use conformance::event::{Event, frame};
use conformance::merge::merge as merged;
use conformance::report::terminal;

use crate::args::MergeArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::log;
use crate::reports;
use crate::run::exit;

pub(crate) fn merge(args: &MergeArgs) -> Outcome {
    let read = |path: &std::path::PathBuf| Ok((path.display().to_string(), log::read(path)?));
    let logs: Vec<(String, Vec<Event>)> = args.logs.iter().map(read).collect::<Result<_, Failure>>()?;
    let events = merged(&logs).map_err(|error| {
        let exit = if error.is_incomplete() { Exit::Incomplete } else { Exit::Usage };
        Failure::new(exit, error)
    })?;
    let path = log::write(&args.reports.out, &events)?;
    anstream::print!("{}", terminal::tail(&events));
    anstream::println!("log {}", path.display());
    reports::write(&args.reports, &events)?;
    match frame(&events).1 {
        Some(footer) => exit(footer, &events),
        None => Ok(Exit::Incomplete),
    }
}
