//! Event logs of earlier runs.

use std::path::Path;

use conformance::event::{Event, LOG_FORMAT, frame};

use crate::exit::Failure;

/// The events of a log.
pub(crate) fn read(path: &Path) -> Result<Vec<Event>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
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
