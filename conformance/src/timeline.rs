//! A case as lines that a person can follow: virtual time, who did what, what reached the provider, what showed.

use mock_provider::{Entry, Timestamp};

use crate::history::{Ending, History, RecordKind, StepRecord};
use crate::judge::words;

/// The lines.
pub fn lines(history: &History) -> Vec<String> {
    let mut out = vec![];
    let mut shown = 0;
    for step in &history.steps {
        let upto = if step.kind == RecordKind::Asked { step.wire.1 } else { 0 };
        let mut requests: Vec<&Entry> =
            history.journal.iter().filter(|entry| entry.sequence > shown && entry.sequence < upto).collect();
        shown = shown.max(requests.last().map_or(0, |entry| entry.sequence));
        requests.sort_by_key(|entry| entry.sequence);
        out.extend(step_lines(history.start, step, &requests));
    }
    let rest = history.journal.iter().filter(|entry| entry.sequence > shown);
    out.extend(rest.map(|entry| line(history.start, entry.arrived, "", &format!("    {}", words(entry)))));
    out.extend(history.ended.as_ref().map(Ending::words));
    out
}

fn step_lines(start: Timestamp, step: &StepRecord, requests: &[&Entry]) -> Vec<String> {
    let mut out = vec![line(start, step.at, &step.name, &step.action)];
    out.extend(requests.iter().map(|entry| line(start, entry.arrived, "", &format!("    {}", words(entry)))));
    if step.kind != RecordKind::Inside {
        let seen = step.observations.iter().map(|observation| {
            line(start, step.at, "", &format!("    {} sees: {}", observation.actor, observation.seen.words()))
        });
        out.extend(seen);
    }
    out
}

fn line(start: Timestamp, at: Timestamp, name: &str, text: &str) -> String {
    format!("{}  {name:<22} {text}", offset(at.as_millis() - start.as_millis()))
}

/// `t+1:00:01.000`
fn offset(millis: i64) -> String {
    let (sign, millis) = if millis < 0 { ('-', -millis) } else { ('+', millis) };
    let (seconds, rest) = (millis / 1000, millis % 1000);
    format!("t{sign}{}:{:02}:{:02}.{rest:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_readable() {
        assert_eq!(offset(3_601_000), "t+1:00:01.000");
        assert_eq!(offset(-1), "t-0:00:00.001");
    }
}
