//! An adapter examined: everything that a run relies on, tried once, with what is wrong in words. No scenario is run.

use std::sync::Arc;

use adapter_protocol::{Capability, ClockMode};

use crate::drive::{Driver, Rig};
use crate::handshake::{Introduction, Probing, introduce};
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

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was tried.
    pub tried: String,
    /// What is wrong, and how to mend it.
    pub wrong: Option<Wrong>,
}

/// What is wrong, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What was seen.
    pub seen: String,
    /// What the protocol asks for.
    pub advice: String,
}

impl Finding {
    fn good(tried: impl Into<String>) -> Self {
        Self { tried: tried.into(), wrong: None }
    }

    fn bad(tried: impl Into<String>, seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { tried: tried.into(), wrong: Some(Wrong { seen: seen.into(), advice: advice.into() }) }
    }
}

impl CheckUp {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.findings.iter().all(|finding| finding.wrong.is_none())
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
            findings.push(Finding::bad("it starts and shakes hands", error.to_string(), advice(&error)));
            return Ok(CheckUp { findings, introduction: None });
        }
    };
    findings.extend(shaken(&introduction, pool.target().clock()));
    findings.extend(introduction.probes.iter().map(|probe| {
        let tried = format!("{}: {}", name_of(probe.claim), probe.title);
        match &probe.complaint {
            None => Finding::good(tried),
            Some(complaint) => Finding::bad(tried, complaint.clone(), probe.hint.clone()),
        }
    }));
    findings.push(second_case(&pool, &venue).await);
    pool.close().await;
    Ok(CheckUp { findings, introduction: Some(introduction) })
}

fn shaken(introduction: &Introduction, clock: ClockMode) -> Vec<Finding> {
    let hello = &introduction.hello;
    let mut findings = vec![
        Finding::good(format!("hello: {} behind {}", hello.target, hello.adapter)),
        Finding::good("a verb that does not exist is refused with `no`"),
    ];
    if hello.claims.is_empty() {
        let advice =
            "list in `claims` what your adapter can do; what is not claimed is not judged, and nothing would be left";
        findings.push(Finding::bad("it claims something", "`claims` is empty", advice));
    }
    let moves = hello.claims.contains(&Capability::ClockSet);
    findings.push(match (moves, clock) {
        (_, ClockMode::Real) => {
            Finding::good("clock: the time of day; tokens live for seconds, long waits are skipped")
        }
        (true, _) => Finding::good("clock: it shows the instants that it was set to"),
        (false, _) => Finding::bad(
            "clock: it can be moved",
            "`clock.set` is not claimed, so nothing about expiry can be tried",
            "give the application a clock of its own, or try `--clock libfaketime` or `--clock real`; `regrant doctor` \
             finds out what works",
        ),
    });
    findings
}

/// After `stop` the next `start` begins from nothing.
async fn second_case(pool: &Pool, venue: &Venue) -> Finding {
    const TRIED: &str = "after `stop`, the next `start` begins from nothing";
    let advice = "forget everything at `start`: the grants, the sessions, the clock";
    match carried_over(pool, venue).await {
        Ok(None) => Finding::good(TRIED),
        Ok(Some(seen)) => Finding::bad(TRIED, seen, advice),
        Err(error) => Finding::bad(TRIED, error.to_string(), advice),
    }
}

async fn carried_over(pool: &Pool, venue: &Venue) -> Result<Option<String>, RunError> {
    let seat = pool.take().await?;
    let claims = seat.hello.claimed();
    let scenario = Scenario::empty();
    let rig = Rig {
        seat: seat.clone(),
        realm: venue.realm("second"),
        clock: pool.target().clock(),
        settle: crate::handshake::SETTLE.1,
    };
    let seen = Driver::new(&scenario, &rig).first_look("ada").await;
    venue.close("second");
    pool.give_back(seat);
    if !claims.contains(&Capability::SignIn) {
        return Ok(None);
    }
    Ok(match seen {
        Ok(session) if session.state == "signed_out" => None,
        Ok(session) => Some(format!("ada has a session before she has signed in: {}", session.words())),
        Err(ending) => Some(ending.words()),
    })
}

fn advice(error: &RunError) -> String {
    let text = match error {
        RunError::Provider(_) | RunError::Interrupted => "this is not your adapter's fault",
        RunError::Connect(_) => "check the command: it is started as it stands, without a shell",
        RunError::Handshake(text) if text.contains("does not refuse") => {
            "answer every verb that you do not know with {\"regrant\":\"answer\",\"id\":…,\"no\":{\"reason\":\"unsupported\"}}"
        }
        RunError::Handshake(text) if text.contains("clock does not show") => {
            "`clock` has to move the clock that the library reads, and to answer with what that clock shows then"
        }
        RunError::Handshake(text) if text.contains("makes no sense") => {
            "`ok` of `hello` has `protocol`, `adapter`, `target {name, version}`, `claims` and, if names differ, `errors`"
        }
        RunError::Handshake(text) if text.contains("no answer within") => {
            "write one JSON object a line to standard output and flush after each; `hello` comes first"
        }
        RunError::Handshake(_) => "the adapter protocol is described in docs/adapter-protocol.md",
    };
    text.to_owned()
}
