//! Before anything is believed: versions, a verb that must be refused, a clock that must move, and a probe of every claim.
//!
//! A probe is a tiny scenario of `probes/`, run by the same driver and judged by the same judge. It shows that an adapter
//! can do what it claims, not that its application is right: what is right, the scenarios say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use adapter_protocol::{Answer, Capability, ClockMode, Hello, HelloAnswer, PROTOCOL, Verb, plain};
use rust_embed::Embed;
use serde::Deserialize as _;

use crate::bad_handshake::{BadHandshake, Trace};
use crate::check::{Check, Verdict};
use crate::drive::{Driver, Rig};
use crate::event::RunStarted;
use crate::harmless::harmless;
use crate::history::{Ending, History};
use crate::judge::judge;
use crate::link::{Link, LinkError, Target};
use crate::pool::{Case, Pool, Script, Seat};
use crate::runner::RunError;
use crate::scenario::expand::expand;
use crate::scenario::lint::name_of;
use crate::scenario::model::Scenario;
use crate::scenario::node::nearest;
use crate::scenario::yaml;
use crate::venue::Venue;

/// The shortest and the longest time without a new arrival after which no more is waited for.
pub(crate) const SETTLE: (Duration, Duration) = (Duration::from_millis(60), Duration::from_secs(1));

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

impl Introduction {
    /// What the target claims, by which it is judged.
    pub(crate) fn claimed(&self, clock: ClockMode) -> BTreeSet<Capability> {
        let mut claims = self.hello.claimed();
        if clock == ClockMode::Real {
            // Nobody sets it, and still it moves; how far a case has to wait shows when it does.
            claims.insert(Capability::ClockSet);
        }
        claims
    }

    /// Puts what the target has said of itself into the first line of a log.
    pub fn write_to(&self, started: &mut RunStarted) {
        let hello = &self.hello;
        started.implementation = hello.target.to_string();
        started.language.clone_from(&hello.target.language);
        started.adapter.clone_from(&hello.adapter);
        started.claims = hello.claims.iter().map(|claim| name_of(*claim)).collect();
        started.unproven = self.unproven.iter().map(|(claim, why)| (name_of(*claim), why.clone())).collect();
        started.settle_ms = u64::try_from(self.settle.as_millis()).unwrap_or(u64::MAX);
    }
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
    /// What came of it.
    pub outcome: ProbeOutcome,
}

impl Probe {
    /// Whether the target can do what it claims.
    pub fn is_shown(&self) -> bool {
        self.outcome == ProbeOutcome::Shown
    }
}

/// What came of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// The target can do what it claims.
    Shown,
    /// It cannot; what was wrong.
    Missed(String),
    /// It was not tried: this claim, on which it rests, was not shown.
    RestsOn(Capability),
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
pub(crate) async fn hello(link: &Link, limit: Duration) -> Result<HelloAnswer, BadHandshake> {
    let verb =
        Verb::Hello(Hello { protocol: (PROTOCOL, PROTOCOL), runner: format!("regrant/{}", env!("CARGO_PKG_VERSION")) });
    let hello = match heard(link, link.ask(verb, limit).await).await? {
        Answer::Ok(members) => said(members)?,
        Answer::Threw { message }
        | Answer::No { reason: message }
        | Answer::Broken { message }
        | Answer::Unknown { message } => return Err(BadHandshake::Refused(harmless(&message))),
    };
    if hello.protocol != PROTOCOL {
        return Err(BadHandshake::OtherVersion(hello.protocol.0));
    }
    Ok(hello)
}

/// An answer, or everything that is known where there is none.
async fn heard(link: &Link, answer: Result<Answer, LinkError>) -> Result<Answer, BadHandshake> {
    match answer {
        Ok(answer) => Ok(answer),
        Err(error) => Err(BadHandshake::NoAnswer { error, trace: Trace::of(link).await }),
    }
}

fn said(members: serde_json::Map<String, serde_json::Value>) -> Result<HelloAnswer, BadHandshake> {
    let members = serde_json::Value::Object(members);
    let unknown = members.get("claims").and_then(serde_json::Value::as_array).into_iter().flatten();
    let unknown =
        unknown.filter_map(serde_json::Value::as_str).find(|claim| !claims().iter().any(|name| name == claim));
    if let Some(claim) = unknown {
        let claims = claims();
        let known = claims.iter().map(String::as_str);
        let meant = nearest(claim, known).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        return Err(BadHandshake::Nonsense(format!("there is no claim `{}`{meant}", harmless(claim))));
    }
    HelloAnswer::deserialize(members).map_err(|error| BadHandshake::Nonsense(harmless(&plain(&error))))
}

fn claims() -> [String; Capability::ALL.len()] {
    Capability::ALL.map(name_of)
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
        prove_real_time(pool, venue, &hello).await?;
    }
    let mut introduction = Introduction { hello, unproven: BTreeMap::new(), probes: vec![], settle: SETTLE.0 };
    if let Probing::Of(wanted) = probing {
        let claimed = introduction.hello.claimed();
        for claim in wanted.intersection(&claimed) {
            introduction.probe(pool, venue, *claim).await?;
        }
        introduction.settle = settle(pool, venue, &introduction.hello).await?;
    }
    Ok(introduction)
}

async fn refuses_the_unknown(link: &Link, limit: Duration) -> Result<(), BadHandshake> {
    match heard(link, link.ask_unknown(limit).await).await? {
        Answer::No { .. } => Ok(()),
        Answer::Ok(_) | Answer::Threw { .. } | Answer::Broken { .. } | Answer::Unknown { .. } => {
            Err(BadHandshake::AgreesToAnything)
        }
    }
}

/// A target that refreshes long before the end takes every short-lived token for expired.
async fn prove_real_time(pool: &Pool, venue: &Venue, hello: &HelloAnswer) -> Result<(), RunError> {
    let Some(scenario) = probe("real-time") else { return Ok(()) };
    let Some(history) = run_probe(pool, venue, &scenario, hello).await? else { return Ok(()) };
    complaint(&scenario, &history).map_or(Ok(()), |complaint| Err(BadHandshake::TooEarly(complaint).into()))
}

/// Sets the target's clock to two instants an hour apart and asks back. No expiry is believed without this.
async fn prove_clock(seat: &Seat, venue: &Venue, target: &dyn Target) -> Result<(), RunError> {
    const PROBE: &str = "clock-probe";
    let scenario = Scenario::empty();
    let rig = Rig::new(seat.clone(), venue.realm(PROBE), target, SETTLE.0);
    let shown = Driver::new(&scenario, &rig).prove_clock().await;
    venue.close(PROBE);
    shown.map_err(|ending| match &ending {
        Ending::Broken { step, .. } | Ending::Blocked { step, .. } if step == "clock" => {
            BadHandshake::Clock(ending.words()).into()
        }
        _ => BadHandshake::Start(ending.words()).into(),
    })
}

impl Introduction {
    async fn probe(&mut self, pool: &Pool, venue: &Venue, claim: Capability) -> Result<(), RunError> {
        let Some(scenario) = probe(&name_of(claim)) else { return Ok(()) };
        let rests_on = scenario.requires().into_iter().find(|needed| self.unproven.contains_key(needed));
        let outcome = match rests_on {
            Some(needed) => ProbeOutcome::RestsOn(needed),
            None => outcome(&scenario, run_probe(pool, venue, &scenario, &self.hello).await?.as_ref()),
        };
        if let ProbeOutcome::Missed(complaint) = &outcome {
            self.unproven.insert(claim, complaint.clone());
        }
        let hint = scenario.why.split_whitespace().collect::<Vec<_>>().join(" ");
        self.probes.push(Probe { claim, title: scenario.title, hint, outcome });
        Ok(())
    }
}

fn outcome(scenario: &Scenario, history: Option<&History>) -> ProbeOutcome {
    let complaint = history.and_then(|history| complaint(scenario, history));
    complaint.map_or(ProbeOutcome::Shown, ProbeOutcome::Missed)
}

/// The probe of this name; some claims have none, since only scenarios can say anything of them.
fn probe(name: &str) -> Option<Scenario> {
    let text = Probes::get(&format!("{name}.yaml"))?;
    let node = yaml::read(&String::from_utf8_lossy(&text.data)).ok()?;
    expand(&node).ok()?.pop().map(|case| case.scenario)
}

/// What happened, or nothing where the target claims too little for the probe.
async fn run_probe(
    pool: &Pool,
    venue: &Venue,
    scenario: &Scenario,
    hello: &HelloAnswer,
) -> Result<Option<History>, RunError> {
    let claims = hello.claimed();
    if !scenario.requires().is_subset(&claims) {
        return Ok(None);
    }
    let realm = scenario.id.value.replace('/', "-");
    let case = Case { scenario, claims: &claims, name: "probe", realm: &realm, settle: SETTLE.1 };
    pool.play(venue, &case, Script::AsWritten).await.map(Some)
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
async fn settle(pool: &Pool, venue: &Venue, hello: &HelloAnswer) -> Result<Duration, RunError> {
    let Some(scenario) = probe("settle") else { return Ok(SETTLE.0) };
    let Some(history) = run_probe(pool, venue, &scenario, hello).await? else { return Ok(SETTLE.0) };
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
