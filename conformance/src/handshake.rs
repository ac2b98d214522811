//! Before anything is believed: versions, a verb that must be refused, a clock that must move, and a probe of every claim.
//!
//! A probe is a tiny scenario of `probes/`, run by the same driver and judged by the same judge. It shows that an adapter
//! can do what it claims, not that its application is right: what is right, the scenarios say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use adapter_protocol::{Answer, Capability, ClockMode, Hello, HelloAnswer, PROTOCOL, Verb};
use rust_embed::Embed;
use serde::Deserialize as _;

use crate::check::{Check, Verdict};
use crate::drive::{Driver, Rig};
use crate::history::{Ending, History};
use crate::judge::judge;
use crate::link::{Link, Target};
use crate::pool::{Pool, Seat};
use crate::runner::RunError;
use crate::scenario::expand::expand;
use crate::scenario::lint::name_of;
use crate::scenario::model::Scenario;
use crate::scenario::yaml;
use crate::venue::Venue;

/// The shortest and the longest time without a new arrival after which no more is waited for.
pub(crate) const SETTLE: (Duration, Duration) = (Duration::from_millis(60), Duration::from_secs(2));

#[derive(Embed)]
#[folder = "probes"]
#[include = "*.yaml"]
struct Probes;

/// What is known of a target before the first case.
#[derive(Clone, Debug)]
pub struct Introduction {
    /// Who it says it is.
    pub hello: HelloAnswer,
    /// The claims that did not stand a probe, with what was wrong in words.
    pub unproven: BTreeMap<Capability, String>,
    /// The probes that were run, with what was wrong where something was.
    pub probes: Vec<Probe>,
    /// Real time without a new arrival after which no further request is waited for.
    pub settle: Duration,
}

/// A claim that was put to the test.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The claim.
    pub claim: Capability,
    /// What it means, in a line.
    pub title: String,
    /// What the adapter has to do.
    pub hint: String,
    /// What was wrong.
    pub complaint: Option<String>,
}

/// Whether claims are put to the test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probing {
    /// These, where they are claimed.
    Of(BTreeSet<Capability>),
    /// None: the target is one whose adapter is known, and a defect of its application shall not hide behind a claim.
    Nothing,
}

/// Says hello, and waits no longer than this for an answer.
pub(crate) async fn hello(link: &Link, limit: Duration) -> Result<HelloAnswer, RunError> {
    let verb =
        Verb::Hello(Hello { protocol: (PROTOCOL, PROTOCOL), runner: format!("regrant/{}", env!("CARGO_PKG_VERSION")) });
    let answer = link.ask(verb, limit).await.map_err(|error| RunError::Handshake(told(link, &error.to_string())))?;
    let hello = match answer {
        Answer::Ok(members) => {
            let answer = HelloAnswer::deserialize(serde_json::Value::Object(members));
            answer.map_err(|error| RunError::Handshake(format!("the answer to hello makes no sense: {error}")))?
        }
        Answer::Threw { message }
        | Answer::No { reason: message }
        | Answer::Broken { message }
        | Answer::Unknown { message } => return Err(RunError::Handshake(message)),
    };
    if hello.protocol != PROTOCOL {
        let text = format!("it speaks protocol {}, this version speaks {}", hello.protocol.0, PROTOCOL.0);
        return Err(RunError::Handshake(text));
    }
    Ok(hello)
}

/// An error with the last lines that the process printed: before the first case there is no secret in them.
fn told(link: &Link, error: &str) -> String {
    const SHOWN: usize = 12;
    let Some(output) = link.output() else { return error.to_owned() };
    let lines = output.last_lines(SHOWN);
    if lines.is_empty() {
        return error.to_owned();
    }
    let lines = lines.iter().map(|line| format!("\n  | {}", line.escape_debug()));
    format!("{error}; it printed{}", lines.collect::<String>())
}

/// Everything that has to be known before the first case.
pub(crate) async fn introduce(pool: &Pool, venue: &Venue, probing: &Probing) -> Result<Introduction, RunError> {
    let seat = pool.take().await?;
    refuses_the_unknown(&seat.link, pool.target().hello_limit()).await?;
    let hello = seat.hello.clone();
    if hello.claims.contains(&Capability::ClockSet) && pool.target().clock() != ClockMode::Real {
        prove_clock(&seat, venue, pool.target()).await?;
    }
    pool.give_back(seat);
    if pool.target().clock() == ClockMode::Real {
        prove_real_time(pool, venue).await?;
    }
    let mut introduction = Introduction { hello, unproven: BTreeMap::new(), probes: vec![], settle: SETTLE.0 };
    if let Probing::Of(wanted) = probing {
        let claimed = introduction.hello.claimed();
        for claim in wanted.intersection(&claimed) {
            introduction.probe(pool, venue, *claim).await?;
        }
        introduction.settle = settle(pool, venue).await?;
    }
    Ok(introduction)
}

async fn refuses_the_unknown(link: &Link, limit: Duration) -> Result<(), RunError> {
    match link.ask_unknown(limit).await.map_err(|error| RunError::Handshake(told(link, &error.to_string())))? {
        Answer::No { .. } => Ok(()),
        Answer::Ok(_) | Answer::Threw { .. } | Answer::Broken { .. } | Answer::Unknown { .. } => {
            let text = "it does not refuse a verb that does not exist with `no`, so its other answers prove nothing";
            Err(RunError::Handshake(text.to_owned()))
        }
    }
}

/// A target that refreshes long before the end takes every short-lived token for expired.
async fn prove_real_time(pool: &Pool, venue: &Venue) -> Result<(), RunError> {
    let Some(scenario) = probe("real-time") else { return Ok(()) };
    let Some(history) = run_probe(pool, venue, &scenario).await? else { return Ok(()) };
    complaint(&scenario, &history).map_or(Ok(()), |complaint| {
        let text = "in real time its tokens live for 3 s, and it does not use them";
        Err(RunError::Handshake(format!("{text}: {complaint}")))
    })
}

/// Sets the target's clock to two instants an hour apart and asks back. No expiry is believed without this.
async fn prove_clock(seat: &Seat, venue: &Venue, target: &dyn Target) -> Result<(), RunError> {
    const PROBE: &str = "clock-probe";
    let scenario = Scenario::empty();
    let rig = Rig { seat: seat.clone(), realm: venue.realm(PROBE), clock: target.clock(), settle: SETTLE.0 };
    let shown = Driver::new(&scenario, &rig).prove_clock().await;
    venue.close(PROBE);
    shown.map_err(|ending| RunError::Handshake(ending.words()))
}

impl Introduction {
    async fn probe(&mut self, pool: &Pool, venue: &Venue, claim: Capability) -> Result<(), RunError> {
        let Some(scenario) = probe(&name_of(claim)) else { return Ok(()) };
        let complaint = match run_probe(pool, venue, &scenario).await? {
            Some(history) => complaint(&scenario, &history),
            None => None,
        };
        if let Some(complaint) = &complaint {
            self.unproven.insert(claim, complaint.clone());
        }
        let hint = scenario.why.split_whitespace().collect::<Vec<_>>().join(" ");
        self.probes.push(Probe { claim, title: scenario.title, hint, complaint });
        Ok(())
    }
}

/// The probe of this name; some claims have none, since only scenarios can say anything of them.
fn probe(name: &str) -> Option<Scenario> {
    let text = Probes::get(&format!("{name}.yaml"))?;
    let node = yaml::read(&String::from_utf8_lossy(&text.data)).ok()?;
    expand(&node).ok()?.pop().map(|case| case.scenario)
}

/// What happened, or nothing where the target claims too little for the probe.
async fn run_probe(pool: &Pool, venue: &Venue, scenario: &Scenario) -> Result<Option<History>, RunError> {
    let seat = pool.take().await?;
    let claims = seat.hello.claimed();
    if !scenario.requires().is_subset(&claims) {
        pool.give_back(seat);
        return Ok(None);
    }
    let name = scenario.id.value.replace('/', "-");
    let rig = Rig { seat: seat.clone(), realm: venue.realm(&name), clock: pool.target().clock(), settle: SETTLE.1 };
    let history = Driver::new(scenario, &rig).run("probe", claims).await;
    venue.close(&name);
    if history.ended.is_none() {
        pool.give_back(seat);
    }
    Ok(Some(history))
}

/// What is wrong, in words. Only what the probe itself asks for counts.
fn complaint(scenario: &Scenario, history: &History) -> Option<String> {
    if let Some(ending) = &history.ended {
        return (!matches!(ending, Ending::OutOfReach { .. })).then(|| ending.words());
    }
    let own = |check: &&Check| check.verdict == Verdict::Fail && check.id.contains('.');
    let failed = judge(scenario, history).into_iter().find(|check| own(&check))?;
    Some(format!("{}: {}", failed.id, failed.detail?))
}

/// Four times as long as the slowest of some reads that had to refresh.
async fn settle(pool: &Pool, venue: &Venue) -> Result<Duration, RunError> {
    let Some(scenario) = probe("settle") else { return Ok(SETTLE.0) };
    let Some(history) = run_probe(pool, venue, &scenario).await? else { return Ok(SETTLE.0) };
    let slowest = history.steps.iter().filter(|step| step.name.starts_with("refreshing")).map(|step| step.took).max();
    Ok((slowest.unwrap_or_default() * 4).clamp(SETTLE.0, SETTLE.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_probe_can_be_read_and_is_named_after_a_claim() {
        for path in Probes::iter() {
            let name = path.trim_end_matches(".yaml");
            let scenario = probe(name).unwrap_or_else(|| panic!("{name} cannot be read"));
            let known =
                serde_json::from_value::<Capability>(name.into()).is_ok() || ["settle", "real-time"].contains(&name);
            assert!(known && scenario.id.value == format!("probes/{name}"), "{name}");
        }
    }

    #[test]
    fn claims_without_a_probe_are_those_that_only_scenarios_can_judge() {
        let all = Capability::ALL.map(name_of);
        let unprobed: Vec<&str> = all.iter().map(String::as_str).filter(|name| probe(name).is_none()).collect();
        // The clock has a proof of its own; a log may be empty.
        assert_eq!(unprobed, ["session.error", "refresh.background", "clock.set", "id_token", "logs"]);
    }
}
