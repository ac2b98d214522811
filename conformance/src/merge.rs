//! One log made of the logs of all shards. What does not fit together, or is not all there, is refused.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{CaseReport, Event, Footer, RunStarted, finished, frame};
use crate::shard::Shard;

/// Why logs make no whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unmergeable {
    /// There is nothing to merge.
    #[error("there is no log to merge")]
    Nothing,
    /// A log has no beginning.
    #[error("{0}: the log does not begin with the start of a run")]
    NoStart(String),
    /// A log was cut off, or its run was broken off.
    #[error("{0}: the run is not complete")]
    Incomplete(String),
    /// Two logs are of different runs.
    #[error("{log}: its {what} is `{other}`, and `{first}` in the first log")]
    Different {
        /// The log.
        log: String,
        /// What differs.
        what: &'static str,
        /// In the first log.
        first: String,
        /// In this one.
        other: String,
    },
    /// A log is of no shard.
    #[error("{0}: it is not of a shard, and there are others")]
    NoShard(String),
    /// A shard is there twice.
    #[error("shard {0} is there twice")]
    Twice(String),
    /// Shards are missing.
    #[error("shards are missing: {}", .0.join(", "))]
    Missing(Vec<String>),
    /// Cases are missing or there twice.
    #[error("the shards have {found} cases, and {expected} were selected")]
    Cases {
        /// How many there are.
        found: usize,
        /// How many there have to be.
        expected: usize,
    },
}

impl Unmergeable {
    /// Whether something is missing, rather than wrong.
    pub const fn is_incomplete(&self) -> bool {
        matches!(self, Self::Incomplete(_) | Self::Missing(_) | Self::Cases { .. } | Self::Nothing)
    }
}

/// Merges logs, each with its name for messages.
///
/// # Errors
/// When they are not all shards of one run.
pub fn merge(logs: &[(String, Vec<Event>)]) -> Result<Vec<Event>, Unmergeable> {
    let parts: Vec<(&str, &RunStarted, &Footer)> =
        logs.iter().map(|(name, events)| part(name, events)).collect::<Result<_, _>>()?;
    let (_, first, _) = *parts.first().ok_or(Unmergeable::Nothing)?;
    for (name, started, _) in &parts {
        same(name, first, started)?;
    }
    all_shards(&parts)?;
    let mut reports: Vec<&CaseReport> = logs.iter().flat_map(|(_, events)| finished(events)).collect();
    reports.sort_by(|a, b| a.id.cmp(&b.id));
    let ids: BTreeSet<&str> = reports.iter().map(|report| report.id.as_str()).collect();
    if ids.len() != reports.len() || ids.len() != first.selected {
        return Err(Unmergeable::Cases { found: ids.len(), expected: first.selected });
    }
    let started = RunStarted { shard: None, cases: reports.len(), ..first.clone() };
    let duration_ms = parts.iter().map(|(_, _, footer)| footer.duration_ms).sum();
    let mut footer = Footer { complete: true, duration_ms, ..Footer::default() };
    reports.iter().for_each(|report| footer.count(report));
    let cases = reports.into_iter().map(|report| Event::CaseFinished(Box::new(report.clone())));
    Ok(std::iter::once(Event::RunStarted(started)).chain(cases).chain([Event::RunFinished(footer)]).collect())
}

fn part<'a>(name: &'a str, events: &'a [Event]) -> Result<(&'a str, &'a RunStarted, &'a Footer), Unmergeable> {
    let (started, footer) = frame(events);
    let started = started.ok_or_else(|| Unmergeable::NoStart(name.to_owned()))?;
    let footer = footer.filter(|footer| footer.complete).ok_or_else(|| Unmergeable::Incomplete(name.to_owned()))?;
    Ok((name, started, footer))
}

fn same(log: &str, first: &RunStarted, other: &RunStarted) -> Result<(), Unmergeable> {
    let gate = |started: &RunStarted| format!("{:?}", started.gate).to_lowercase();
    let pairs = [
        ("suite", first.suite.clone(), other.suite.clone()),
        ("selection of scenarios", first.fingerprint.clone(), other.fingerprint.clone()),
        ("target", first.target.clone(), other.target.clone()),
        ("implementation", first.implementation.clone(), other.implementation.clone()),
        ("gate", gate(first), gate(other)),
        ("seed", first.seed.to_string(), other.seed.to_string()),
    ];
    match pairs.into_iter().find(|(_, first, other)| first != other) {
        Some((what, first, other)) => Err(Unmergeable::Different { log: log.to_owned(), what, first, other }),
        None => Ok(()),
    }
}

fn all_shards(parts: &[(&str, &RunStarted, &Footer)]) -> Result<(), Unmergeable> {
    if let [(_, RunStarted { shard: None, .. }, _)] = parts {
        return Ok(());
    }
    let mut found: BTreeMap<String, Shard> = BTreeMap::new();
    for (name, started, _) in parts {
        let shard: Option<Shard> = started.shard.as_ref().and_then(|shard| shard.parse().ok());
        let shard = shard.ok_or_else(|| Unmergeable::NoShard((*name).to_owned()))?;
        if found.insert(shard.to_string(), shard).is_some() {
            return Err(Unmergeable::Twice(shard.to_string()));
        }
    }
    let wanted = found.values().next().into_iter().flat_map(|shard| shard.all()).map(|shard| shard.to_string());
    let missing: Vec<String> = wanted.filter(|shard| !found.contains_key(shard)).collect();
    if missing.is_empty() { Ok(()) } else { Err(Unmergeable::Missing(missing)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::CaseResult;

    fn log(shard: Option<&str>, ids: &[&str]) -> (String, Vec<Event>) {
        let started = RunStarted { shard: shard.map(str::to_owned), selected: 3, ..RunStarted::default() };
        let cases = ids.iter().map(|id| Event::CaseFinished(Box::new(CaseReport::bare(id, CaseResult::Pass, vec![]))));
        let counts = BTreeMap::from([("pass".to_owned(), ids.len())]);
        let footer = Footer { complete: true, counts, ..Footer::default() };
        let events = std::iter::once(Event::RunStarted(started)).chain(cases).chain([Event::RunFinished(footer)]);
        (shard.unwrap_or("whole").to_owned(), events.collect())
    }

    #[test]
    fn all_shards_make_a_whole() {
        let merged = merge(&[log(Some("hash:2/2"), &["b"]), log(Some("hash:1/2"), &["c", "a"])]).unwrap();
        let ids: Vec<&str> = finished(&merged).map(|report| report.id.as_str()).collect();
        assert_eq!(ids, ["a", "b", "c"]);
        assert_eq!(frame(&merged).1.unwrap().counts["pass"], 3);
        assert!(merge(&[log(None, &["a", "b", "c"])]).is_ok());
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let one = || log(Some("hash:1/2"), &["a", "c"]);
        assert_eq!(merge(&[one()]), Err(Unmergeable::Missing(vec!["hash:2/2".to_owned()])));
        assert_eq!(merge(&[one(), one()]), Err(Unmergeable::Twice("hash:1/2".to_owned())));
        assert!(matches!(merge(&[one(), log(None, &["b"])]), Err(Unmergeable::NoShard(_))));
        assert_eq!(merge(&[one(), log(Some("hash:2/2"), &[])]), Err(Unmergeable::Cases { found: 2, expected: 3 }));
        assert_eq!(merge(&[one(), log(Some("hash:2/2"), &["a"])]), Err(Unmergeable::Cases { found: 2, expected: 3 }));
        assert_eq!(merge(&[]), Err(Unmergeable::Nothing));
        let (name, mut events) = log(Some("hash:2/2"), &["b"]);
        events.pop();
        assert_eq!(merge(&[one(), (name, events)]), Err(Unmergeable::Incomplete("hash:2/2".to_owned())));
    }

    #[test]
    fn logs_of_different_runs_are_refused() {
        let (name, mut events) = log(Some("hash:2/2"), &["b"]);
        if let Some(Event::RunStarted(started)) = events.first_mut() {
            started.fingerprint = "other".to_owned();
        }
        let error = merge(&[log(Some("hash:1/2"), &["a", "c"]), (name, events)]).unwrap_err();
        assert!(matches!(error, Unmergeable::Different { what: "selection of scenarios", .. }), "{error}");
    }
}
