//! The judge: a pure function from a scenario and its history to checks. Every mismatch is collected, none stops the rest.

pub(crate) mod invariants;
mod session;
mod wire;

use mock_provider::Counters;

use crate::always;
use crate::check::{CaseResult, Check, Detail, Verdict};
use crate::history::{Ending, History, Observation, RecordKind, Seen, StepRecord};
use crate::judge::session::Tokens;
use crate::scenario::expect::Expect;
use crate::scenario::matcher::Leaf;
use crate::scenario::model::{Level, Scenario, Step};

pub use invariants::INVARIANTS;
pub(crate) use wire::words;

/// Judges a case.
pub fn judge(scenario: &Scenario, history: &History) -> Vec<Check> {
    let mut checks = vec![];
    for record in &history.steps {
        checks.extend(step_checks(scenario, history, record));
    }
    if history.ended.is_none() {
        checks.extend(final_checks(scenario, history));
    }
    checks.extend(always::checks(scenario.always.iter().map(|invariant| invariant.value), history));
    checks.extend(invariants::all(history));
    checks
}

/// What a case comes to.
pub fn result(history: &History, checks: &[Check]) -> CaseResult {
    let worst = checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Pass);
    let judged = match worst {
        Verdict::Pass | Verdict::Info => CaseResult::Pass,
        Verdict::Warn => CaseResult::Warn,
        Verdict::Fail => CaseResult::Fail,
    };
    let ended = match &history.ended {
        None => CaseResult::Pass,
        Some(Ending::Blocked { .. }) => CaseResult::Blocked,
        Some(Ending::Hang { level: Level::Must, .. }) => CaseResult::Hang,
        Some(Ending::Hang { level: Level::Should | Level::May, .. }) => CaseResult::Warn,
        Some(Ending::Crash { .. }) => CaseResult::Crash,
        Some(Ending::Broken { .. }) => CaseResult::Broken,
        // What was seen until then may be wrong, but not right.
        Some(Ending::OutOfReach { .. }) if judged <= CaseResult::Warn => return CaseResult::Skip,
        Some(Ending::OutOfReach { .. }) => CaseResult::Skip,
    };
    judged.max(ended)
}

fn step_checks(scenario: &Scenario, history: &History, record: &StepRecord) -> Vec<Check> {
    let Some(step) = step_of(scenario, record) else { return vec![] };
    if let (Step::Parked(parked), RecordKind::Parked(found)) = (step, record.kind) {
        let id = format!("{}.count", record.name);
        return parked
            .count
            .iter()
            .map(|leaf| leaf_check(id.clone(), scenario.level, leaf, Some(&found.to_string())))
            .collect();
    }
    let Some((expect, level)) = expectation(step) else { return vec![] };
    let level = level.unwrap_or(scenario.level);
    let mut checks = vec![];
    for (index, observation) in record.observations.iter().enumerate() {
        let name = observed_name(record, observation, index);
        checks.extend(observation_checks(scenario, history, expect, level, &name, observation));
    }
    if let Some(wire) = &expect.wire {
        checks.extend(wire::checks(wire, history, record.wire, &record.name, level));
    }
    merged(checks)
}

fn step_of<'a>(scenario: &'a Scenario, record: &StepRecord) -> Option<&'a Step> {
    let outer = &scenario.steps.get(record.path.outer)?.value;
    match (record.path.inner, outer) {
        (None, step) => Some(step),
        (Some(index), Step::Together(together)) => together.steps.get(index).map(|step| &step.value),
        (Some(_), _) => None,
    }
}

fn expectation(step: &Step) -> Option<(&Expect, Option<Level>)> {
    match step {
        Step::SignIn(step) => Some((&step.expect, step.level)),
        Step::Session(step) => Some((&step.expect, step.level)),
        Step::Api(step) => Some((&step.expect, step.level)),
        Step::SignOut(step) => Some((&step.expect, step.level)),
        Step::Join(step) => Some((&step.expect, step.level)),
        _ => None,
    }
}

/// Several observations of one step are told apart by their number.
fn observed_name(record: &StepRecord, observation: &Observation, index: usize) -> String {
    if record.observations.len() == 1 {
        record.name.clone()
    } else {
        format!("{}.{}-{}", record.name, observation.actor, index + 1)
    }
}

fn observation_checks(
    scenario: &Scenario,
    history: &History,
    expect: &Expect,
    level: Level,
    name: &str,
    observation: &Observation,
) -> Vec<Check> {
    let threw = match &observation.seen {
        Seen::Threw(message) => Some(message.as_str()),
        Seen::Session(_) | Seen::Api(..) | Seen::Done => None,
    };
    let absent = Leaf::from(crate::scenario::matcher::Matcher::Absent);
    let mut checks = vec![leaf_check(format!("{name}.threw"), level, expect.threw.as_ref().unwrap_or(&absent), threw)];
    if threw.is_some() {
        return checks;
    }
    let tokens = Tokens::of(&history.claims);
    let seen = observation.seen.session();
    for wanted in expect.session.iter().chain(&expect.each) {
        checks.extend(session::checks(wanted, seen, name, level, tokens));
    }
    if let Some(names) = &expect.outcome {
        let wanted = names.0.iter().filter_map(|name| scenario.outcomes.get(&name.value)).map(|outcome| &outcome.value);
        checks.push(session::any_outcome(wanted, seen, name, level, tokens));
    }
    if let Some(status) = &expect.status {
        let got = match &observation.seen {
            Seen::Api(status, _) => status.map(|status| status.to_string()),
            Seen::Session(_) | Seen::Done | Seen::Threw(_) => None,
        };
        checks.push(leaf_check(format!("{name}.status"), level, status, got.as_deref()));
    }
    checks
}

/// Checks of the same name are one: the worst of them counts, with its detail.
fn merged(checks: Vec<Check>) -> Vec<Check> {
    let mut merged: Vec<Check> = vec![];
    for check in checks {
        match merged.iter_mut().find(|known| known.id == check.id && known.level == check.level) {
            Some(known) if check.verdict > known.verdict => *known = check,
            Some(_) => {}
            None => merged.push(check),
        }
    }
    merged
}

fn leaf_check(id: String, level: Level, leaf: &Leaf, got: Option<&str>) -> Check {
    let complaint = (!leaf.is.matches(got)).then(|| Detail::new(leaf.is.to_string(), got.unwrap_or("nothing")));
    Check::of(leaf.check.clone().unwrap_or(id), leaf.level.unwrap_or(level), complaint)
}

fn final_checks(scenario: &Scenario, history: &History) -> Vec<Check> {
    let wanted = &scenario.finally.provider;
    let Counters { reuse_detected, families_revoked, families_evicted } = history.counters;
    let counters = [
        ("finally.families_revoked", &wanted.families_revoked, families_revoked),
        ("finally.reuse_detected", &wanted.reuse_detected, reuse_detected),
        ("finally.families_evicted", &wanted.families_evicted, families_evicted),
    ];
    let counter = |(id, leaf, count): (&str, &Option<Leaf>, u32)| {
        leaf.as_ref().map(|leaf| leaf_check(id.to_owned(), scenario.level, leaf, Some(&count.to_string())))
    };
    let wire = scenario.finally.wire.as_ref();
    let wire = wire.map(|wire| wire::checks(wire, history, (0, u64::MAX), "finally", scenario.level));
    counters.into_iter().filter_map(counter).chain(wire.into_iter().flatten()).collect()
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
