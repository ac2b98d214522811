//! An adapter examined: everything that a run relies on, tried once, with what is wrong in words. No scenario is run.

use std::sync::Arc;

use adapter_protocol::{Capability, ClockMode};

use crate::drive::{Driver, Rig};
use crate::handshake::{Introduction, Probe, ProbeOutcome, Probing, SETTLE, introduce};
use crate::history::{Ending, SessionSeen};
use crate::link::Target;
use crate::pool::Pool;
use crate::runner::RunError;
use crate::scenario::lint::name_of;
use crate::scenario::model::Scenario;
use crate::venue::Venue;

/// What an examination found.
#[derive(Debug)]
pub struct CheckUp {
    /// The findings, in order.
    pub findings: Vec<Finding>,
    /// What is known of the target, if it got so far.
    pub introduction: Option<Introduction>,
}

/// One thing that was to be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub subject: Subject,
    /// What was tried, in words.
    pub tried: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Whether it starts and answers.
    Handshake,
    /// Whether its clock can be moved.
    Clock,
    /// What it claims at all.
    Claims,
    /// Whether it can do what it claims.
    Claim(Capability),
    /// Whether a case leaves nothing behind.
    NextCase,
}

impl Subject {
    /// Whether it depends on who moves the clock.
    pub const fn is_about_time(self) -> bool {
        match self {
            Self::Handshake | Self::Clock => true,
            Self::Claim(claim) => matches!(claim, Capability::RefreshOnSession | Capability::RefreshOnApi),
            Self::Claims | Self::NextCase => false,
        }
    }
}

/// What came of trying something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is as it should be.
    Good,
    /// It is not.
    Wrong {
        /// What was seen.
        seen: String,
        /// How to mend it.
        advice: String,
    },
    /// It was not tried; why not.
    NotTried(String),
}

impl Finding {
    fn good(subject: Subject, tried: impl Into<String>) -> Self {
        Self { subject, tried: tried.into(), outcome: Outcome::Good }
    }

    fn wrong(subject: Subject, tried: impl Into<String>, seen: impl Into<String>, advice: impl Into<String>) -> Self {
        let outcome = Outcome::Wrong { seen: seen.into(), advice: advice.into() };
        Self { subject, tried: tried.into(), outcome }
    }

    fn not_tried(subject: Subject, tried: impl Into<String>, why: impl Into<String>) -> Self {
        Self { subject, tried: tried.into(), outcome: Outcome::NotTried(why.into()) }
    }

    /// Whether something is wrong.
    pub const fn is_wrong(&self) -> bool {
        matches!(self.outcome, Outcome::Wrong { .. })
    }
}

impl CheckUp {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        !self.findings.iter().any(Finding::is_wrong)
    }
}

/// Examines a target.
///
/// # Errors
/// When the provider cannot be started, which is not the target's fault.
pub async fn check_up(target: Arc<dyn Target>) -> Result<CheckUp, RunError> {
    let venue = Venue::open(&*target, 0).await?;
    let pool = Pool::new(target);
    let mut findings = vec![];
    let introduction = match introduce(&pool, &venue, &Probing::Of(Capability::ALL.into())).await {
        Ok(introduction) => introduction,
        Err(error) => {
            let tried = "it starts and shakes hands";
            findings.push(Finding::wrong(Subject::Handshake, tried, error.to_string(), advice(&error)));
            return Ok(CheckUp { findings, introduction: None });
        }
    };
    findings.extend(shaken(&introduction, pool.target().clock()));
    findings.extend(introduction.probes.iter().map(probed));
    findings.push(next_case(&pool, &venue, &introduction).await);
    pool.close().await;
    Ok(CheckUp { findings, introduction: Some(introduction) })
}

fn probed(probe: &Probe) -> Finding {
    let tried = format!("{}: {}", name_of(probe.claim), probe.title);
    let subject = Subject::Claim(probe.claim);
    match &probe.outcome {
        ProbeOutcome::Shown => Finding::good(subject, tried),
        ProbeOutcome::Missed(complaint) => Finding::wrong(subject, tried, complaint.clone(), probe.hint.clone()),
        ProbeOutcome::RestsOn(claim) => {
            Finding::not_tried(subject, tried, format!("it rests on `{}`, which was not shown", name_of(*claim)))
        }
    }
}

fn shaken(introduction: &Introduction, clock: ClockMode) -> Vec<Finding> {
    let hello = &introduction.hello;
    let mut findings = vec![
        Finding::good(Subject::Handshake, format!("hello: {} behind {}", hello.target, hello.adapter)),
        Finding::good(Subject::Handshake, "a verb that does not exist is refused with `no`"),
    ];
    if hello.claims.is_empty() {
        let advice =
            "list in `claims` what your adapter can do; what is not claimed is not judged, and nothing would be left";
        findings.push(Finding::wrong(Subject::Claims, "it claims something", "`claims` is empty", advice));
    }
    let moves = hello.claims.contains(&Capability::ClockSet);
    findings.push(match (moves, clock) {
        (_, ClockMode::Real) => {
            Finding::good(Subject::Clock, "clock: the time of day; tokens live for seconds, long waits are skipped")
        }
        (true, _) => Finding::good(Subject::Clock, "clock: it shows the instants that it was set to"),
        (false, _) => Finding::wrong(
            Subject::Clock,
            "clock: it can be moved",
            "`clock.set` is not claimed, so nothing about expiry can be tried",
            "give the application a clock of its own, or try `--clock libfaketime` or `--clock real`; `regrant doctor` \
             finds out what works",
        ),
    });
    findings
}

/// After `stop` the next `start` begins from nothing.
async fn next_case(pool: &Pool, venue: &Venue, introduction: &Introduction) -> Finding {
    const TRIED: &str = "after `stop`, the next `start` begins from nothing";
    let wrong = |seen: String, advice: &str| Finding::wrong(Subject::NextCase, TRIED, seen, advice);
    if introduction.probes.iter().all(|probe| probe.claim != Capability::SignIn || !probe.is_shown()) {
        let why = "nobody can sign in, so nothing could be left behind";
        return Finding::not_tried(Subject::NextCase, TRIED, why);
    }
    match first_look(pool, venue).await {
        Ok(Ok(session)) if session.state == "signed_out" => Finding::good(Subject::NextCase, TRIED),
        Ok(Ok(session)) => wrong(
            format!("ada has a session before she has signed in: {}", session.words()),
            "forget everything at `start`: the grants, the sessions, the clock",
        ),
        Ok(Err(ending)) => wrong(
            ending.words(),
            "after `stop` the process goes on and answers the next `start`; a browser that has never signed in has the \
             session {\"state\": \"signed_out\"}",
        ),
        Err(error) => wrong(error.to_string(), advice(&error)),
    }
}

async fn first_look(pool: &Pool, venue: &Venue) -> Result<Result<SessionSeen, Ending>, RunError> {
    let seat = pool.take().await?;
    let scenario = Scenario::empty();
    let rig = Rig::new(seat.clone(), venue.realm("second"), pool.target(), SETTLE.1);
    let seen = Driver::new(&scenario, &rig).first_look("ada").await;
    venue.close("second");
    if seen.is_ok() {
        pool.give_back(seat);
    }
    Ok(seen)
}

const fn advice(error: &RunError) -> &'static str {
    match error {
        RunError::Provider(_) | RunError::Interrupted => "this is not your adapter's fault",
        RunError::Connect(_) => "check the command: it is started as it stands, without a shell",
        RunError::Handshake(bad) => bad.advice(),
    }
}
