//! `regrant merge`: one log and one verdict of those of all shards.

use std::fs;

use conformance::event::{Event, frame};
use conformance::merge::merge as merged;
use conformance::report::terminal;

use crate::args::MergeArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::log::read;
use crate::reports;
use crate::run::{exit, save};

pub(crate) fn merge(args: &MergeArgs) -> Outcome {
    let read = |path: &std::path::PathBuf| Ok((path.display().to_string(), read(path)?));
    let logs: Vec<(String, Vec<Event>)> = args.logs.iter().map(read).collect::<Result<_, Failure>>()?;
    let events = merged(&logs).map_err(|error| {
        let exit = if error.is_incomplete() { Exit::Incomplete } else { Exit::Usage };
        Failure::new(exit, error)
    })?;
    fs::create_dir_all(&args.out).map_err(|error| Failure::file(&args.out, &error))?;
    let path = args.out.join("run.jsonl");
    let line = |event| serde_json::to_string(event).map(|line| line + "\n");
    let text: String =
        events.iter().map(line).collect::<Result<_, _>>().map_err(|error| Failure::new(Exit::Bug, error))?;
    save(&path, &text)?;
    anstream::print!("{}", terminal::tail(&events));
    anstream::println!("log {}", path.display());
    reports::write(&args.reports, &events)?;
    match frame(&events).1 {
        Some(footer) => exit(footer, &events),
        None => Ok(Exit::Incomplete),
    }
}
