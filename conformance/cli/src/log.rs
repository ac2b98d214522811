//! Event logs of whole runs.

use std::fs;
use std::path::{Path, PathBuf};

use conformance::event::{Event, LOG_FORMAT, frame};

use crate::exit::{Exit, Failure};
use crate::run::save;

/// The events of a log.
pub(crate) fn read(path: &Path) -> Result<Vec<Event>, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let line = |(index, line): (usize, &str)| {
        let wrong = |error| Failure::usage(format!("{}:{}: this is no event: {error}", path.display(), index + 1));
        serde_json::from_str(line).map_err(wrong)
    };
    let events: Vec<Event> = text.lines().enumerate().map(line).collect::<Result<_, _>>()?;
    match frame(&events).0 {
        Some(started) if started.format == LOG_FORMAT => Ok(events),
        Some(started) => {
            let text = format!("this version reads logs of format {LOG_FORMAT}, not {}", started.format);
            Err(Failure::usage(format!("{}: {text}", path.display())))
        }
        None => Err(Failure::usage(format!("{}: the log does not begin with the start of a run", path.display()))),
    }
}

/// Writes events as the log of a folder, and says where.
pub(crate) fn write(folder: &Path, events: &[Event]) -> Result<PathBuf, Failure> {
    fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    let path = folder.join("run.jsonl");
    let line = |event| serde_json::to_string(event).map(|line| line + "\n");
    let text: Result<String, _> = events.iter().map(line).collect();
    save(&path, &text.map_err(|error| Failure::new(Exit::Bug, error))?)?;
    Ok(path)
}
