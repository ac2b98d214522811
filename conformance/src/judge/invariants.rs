//! What holds in every case, whatever its scenario says. Each is a pure function of the history.

use adapter_protocol::Capability;
use mock_provider::{Delivery, Endpoint, Entry};

use crate::check::{Check, Detail};
use crate::history::{Ending, History, LeakPlace, RecordKind, is_refresh};
use crate::judge::wire;
use crate::scenario::model::Level;

/// Refreshes that one read should cost at most: one, and another after `invalid_client` or a lost answer.
const SHOULD_PER_READ: usize = 2;

/// Refreshes that one read may cost at most: careful libraries of Google's try a passing failure three times, with pauses.
const MUST_PER_READ: usize = 4;

/// The names of the checks that every case has.
pub const INVARIANTS: [&str; 6] = [
    "no-secret-in-session",
    "no-secret-in-log",
    "no-secret-in-url",
    "no-unasked-token-request",
    "answers-in-time",
    "no-refresh-storm",
];

pub(crate) fn all(history: &History) -> Vec<Check> {
    let claimed = |capability| history.claims.contains(&capability);
    let must = |complaint: Option<Detail>| Some((Level::Must, complaint));
    let complaints = [
        must(no_secret_in_session(history)),
        // What was not looked at is not said to be clean.
        (claimed(Capability::Logs) || said_too_much(history).is_some())
            .then(|| (Level::Must, no_secret_in_log(history))),
        must(no_secret_in_url(history)),
        (!claimed(Capability::RefreshBackground)).then(|| (Level::Must, no_unasked_token_request(history))),
        Some(answers_in_time(history)),
        Some(no_refresh_storm(history)),
    ];
    let check = |(id, judged): (&&str, Option<(Level, Option<Detail>)>)| {
        let (level, complaint) = judged?;
        Some(Check::of(*id, level, complaint))
    };
    INVARIANTS.iter().zip(complaints).filter_map(check).collect()
}

/// RFC 6749 section 10.4: refresh tokens stay between the client and the authorization server.
fn no_secret_in_session(history: &History) -> Option<Detail> {
    history.leaks.iter().find_map(|leak| match &leak.place {
        LeakPlace::Session(step) => {
            let got = format!("{} stands in the session that {step} showed to the browser", leak.secret);
            Some(Detail::new("no refresh token, code or client secret in what a browser can read", got))
        }
        LeakPlace::Log | LeakPlace::Message(_) => None,
    })
}

fn no_secret_in_log(history: &History) -> Option<Detail> {
    let logged = history.leaks.iter().find(|leak| leak.place == LeakPlace::Log);
    let logged = logged.map(|leak| format!("{} stands in the log", leak.secret));
    Some(Detail::new("no secret in the log or in a message", logged.or_else(|| said_too_much(history))?))
}

/// An error message is as good as a log: it ends up in one.
fn said_too_much(history: &History) -> Option<String> {
    history.leaks.iter().find_map(|leak| match &leak.place {
        LeakPlace::Message(step) => Some(format!("{} stands in a message of {step}", leak.secret)),
        LeakPlace::Session(_) | LeakPlace::Log => None,
    })
}

/// RFC 6749 section 2.3.1 and RFC 6750 section 5.3.
fn no_secret_in_url(history: &History) -> Option<Detail> {
    let entry = history.journal.iter().find(|entry| !entry.secrets_in_url.is_empty())?;
    let got = format!("{} in the URL of {}", entry.secrets_in_url.join(", "), wire::words(entry));
    Some(Detail::new("no secret in a URL", got))
}

fn token_requests(history: &History) -> impl Iterator<Item = &Entry> {
    history.journal.iter().filter(|entry| entry.endpoint == Endpoint::Token)
}

fn no_unasked_token_request(history: &History) -> Option<Detail> {
    // Where a case broke off, the steps that were under way have left no record.
    if history.ended.is_some() {
        return None;
    }
    let asked: Vec<_> =
        history.steps.iter().filter(|step| step.kind == RecordKind::Asked).map(|step| step.during).collect();
    let in_time = |entry: &Entry| asked.iter().any(|(from, to)| (*from..*to).contains(&entry.sequence));
    let unasked = token_requests(history).find(|entry| !in_time(entry))?;
    Some(Detail::new("requests to the token endpoint only while a step asks for something", wire::words(unasked)))
}

/// As binding as the step that was waited for.
fn answers_in_time(history: &History) -> (Level, Option<Detail>) {
    match &history.ended {
        Some(Ending::Hang { step, reason, level }) => {
            (*level, Some(Detail::new("every step ends within its time", format!("{step}: {reason}"))))
        }
        Some(Ending::Crash { .. } | Ending::Blocked { .. } | Ending::Broken { .. } | Ending::OutOfReach { .. })
        | None => (Level::Must, None),
    }
}

/// Many are a storm; some more than are needed only should not be.
fn no_refresh_storm(history: &History) -> (Level, Option<Detail>) {
    let bounds = [(Level::Must, MUST_PER_READ), (Level::Should, SHOULD_PER_READ)];
    let broken = bounds.into_iter().find_map(|(level, most)| Some((level, refreshed_more_than(most, history)?)));
    broken.map_or((Level::Must, None), |(level, detail)| (level, Some(detail)))
}

/// The first step that cost more refreshes than so many for each read.
fn refreshed_more_than(per_read: usize, history: &History) -> Option<Detail> {
    history.steps.iter().filter(|step| step.kind == RecordKind::Asked).find_map(|step| {
        let (from, to) = step.wire;
        let count = history.journal.iter().filter(|entry| is_refresh(entry) && (from..to).contains(&entry.sequence));
        let count = count.filter(|entry| entry.delivery != Delivery::Abandoned).count();
        let most = per_read * step.observations.len().max(1);
        (count > most)
            .then(|| Detail::new(format!("at most {most} refreshes"), format!("{count} during {}", step.name)))
    })
}
