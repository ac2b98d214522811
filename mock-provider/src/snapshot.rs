//! A whole realm as one document, and a realm from one.
//!
//! The document holds every token and client secret: it is for going back to a state, not for showing around. Parked
//! requests and holds are not in it, since a request in flight cannot be put down and taken up again.

use serde::{Deserialize, Serialize};

use crate::journal::{Entry, Journal, Sequence};
use crate::loss::Memory;
use crate::realm::Realm;
use crate::realm_error::RealmError;
use crate::reply::Reply;
use crate::reply_spec::ReplySpec;
use crate::state::State;
use crate::time::{ClockMode, Timestamp, Uptime};

/// A realm's clock, state, scripted replies and journal.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    version: Version,
    now_ms: Timestamp,
    mode: ClockMode,
    started_ms: Timestamp,
    state: State,
    replies: Vec<ReplySpec>,
    next: Sequence,
    journal: Vec<Entry>,
}

/// The version of the document; another one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Version {
    #[serde(rename = "1")]
    One,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("now_ms", &self.now_ms).finish_non_exhaustive()
    }
}

impl Realm {
    pub(crate) fn snapshot(&self, now: Timestamp) -> Snapshot {
        Snapshot {
            version: Version::One,
            now_ms: now,
            mode: self.clock.mode(),
            started_ms: self.started,
            state: self.state.clone(),
            replies: self.replies.iter().map(|reply| reply.spec_at(now)).collect(),
            next: self.journal.next(),
            journal: self.journal.since(0).cloned().collect(),
        }
    }

    /// Becomes what the snapshot says. Requests in flight get a 503.
    pub(crate) fn restore(&mut self, snapshot: Snapshot, uptime: Uptime) -> Result<(), RealmError> {
        let Snapshot { version: Version::One, now_ms, mode, started_ms, state, replies, next, journal } = snapshot;
        let state = state.indexed();
        state.check().map_err(RealmError::BadSnapshot)?;
        check_journal(&journal, next).map_err(RealmError::BadSnapshot)?;
        let replies = replies.into_iter().map(|spec| Reply::new(spec, now_ms));
        self.replies = replies.collect::<Result<_, _>>()?;
        self.epoch += 1;
        self.started = started_ms;
        self.clock.switch(mode, uptime);
        self.clock.set(now_ms, uptime);
        self.state = state;
        self.journal = Journal::going_on(self.journal.capacity(), journal, next);
        self.journal.abandon_pending();
        self.memory = Memory::default();
        self.forget_keys();
        Ok(())
    }
}

/// Numbers without gaps, and the next one after the last.
fn check_journal(journal: &[Entry], next: Sequence) -> Result<(), String> {
    let first = journal.first().map_or(next, |entry| entry.sequence);
    let in_turn = journal.iter().zip(first..).all(|(entry, expected)| entry.sequence == expected);
    let goes_on = first.checked_add(journal.len() as u64) == Some(next);
    if first > 0 && in_turn && goes_on {
        Ok(())
    } else {
        Err("the journal's numbers do not follow each other".to_owned())
    }
}
