//! What reached the provider, and what it did about it: the witness of every verdict.
//!
//! Bounded: the oldest entries fall out and are counted. No entry holds a secret: tokens stand as labels, other secret
//! parameters as `present`.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::label::Label;
use crate::profile::RefusalReason;
use crate::request::ClientAuth;
use crate::time::Timestamp;

/// The number of a request in its realm, counted from 1 in order of arrival.
pub type Sequence = u64;

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// There is none yet: the request is parked or being worked on.
    Pending,
    /// It was handed to the connection whole.
    Delivered,
    /// A fault kept it, or part of it, from the client.
    Lost,
    /// The client left before there was one.
    Abandoned,
}

/// One request and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entry {
    /// Its number.
    pub sequence: Sequence,
    /// When it came, when it was decided and when its answer came to an end, counted in what happens in the realm: two
    /// requests overlapped if one began before the other ended, whatever the clock shows.
    #[serde(default)]
    pub began_tick: u64,
    /// The tick of its decision: the order in which requests took effect.
    #[serde(default)]
    pub decided_tick: Option<u64>,
    /// The tick of its end.
    #[serde(default)]
    pub ended_tick: Option<u64>,
    /// The realm's time at arrival.
    pub arrived: Timestamp,
    /// The realm's time at the decision.
    pub decided: Option<Timestamp>,
    /// Where it went.
    pub endpoint: Endpoint,
    /// The HTTP method.
    pub method: Cow<'static, str>,
    /// The path below the realm's base.
    pub path: Cow<'static, str>,
    /// The `Content-Type` of the request, without parameters, in lower case.
    pub content_type: Option<String>,
    /// Every parameter: its value where it is harmless, a label where it is a known token, else `present`.
    pub params: BTreeMap<Cow<'static, str>, Cow<'static, str>>,
    /// Parameters that came more than once.
    pub repeated: Vec<String>,
    /// Names of secrets that stood in the request target: RFC 6749 section 2.3.1 and RFC 6750 section 5.3 forbid it.
    pub secrets_in_url: Vec<String>,
    /// How the client authenticated.
    pub client_auth: ClientAuth,
    /// The label of the bearer token, or `unknown`; nothing where there was no such header.
    pub bearer: Option<String>,
    /// Whether it brought a `Cookie` header.
    pub cookies: bool,
    /// The client that it was for, once known.
    pub client: Option<String>,
    /// The user that it was for, once known.
    pub user: Option<String>,
    /// The token that was presented, if the realm knows it.
    pub presented: Option<Label>,
    /// Whether a hold parked it.
    pub parked: bool,
    /// The status that was sent; nothing after a reset or silence.
    pub status: Option<u16>,
    /// The OAuth error code that the endpoint decided on.
    pub error: Option<String>,
    /// Why a refresh token bought nothing: the rule behind the error.
    #[serde(default)]
    pub refusal: Option<RefusalReason>,
    /// The tokens that were minted.
    pub minted: Vec<Label>,
    /// Whether a scripted reply stood in for the truth.
    pub scripted: bool,
    /// What a scripted reply that did nothing else has changed in the honest body, by JSON pointer (RFC 6901): the text
    /// that it put there, `present` where that may be a secret, or nothing where it took the member away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub edits: BTreeMap<String, Option<String>>,
    /// The `Retry-After` that the answer had (RFC 9110 section 10.2.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
    /// What became of the answer.
    pub delivery: Delivery,
}

/// The entries of a realm.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    entries: VecDeque<Entry>,
    capacity: usize,
    next: Sequence,
    ticks: u64,
}

impl Journal {
    /// An empty journal that keeps at most `capacity` entries.
    pub(crate) const fn new(capacity: usize) -> Self {
        Self { entries: VecDeque::new(), capacity, next: 1, ticks: 0 }
    }

    /// The number that the next entry will have.
    pub(crate) const fn next(&self) -> Sequence {
        self.next
    }

    /// How many entries it keeps at most.
    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Counts one more thing that happens.
    pub(crate) const fn tick(&mut self) -> u64 {
        self.ticks += 1;
        self.ticks
    }

    /// What waited for an answer will get none: the provider went down.
    pub(crate) fn abandon_pending(&mut self) {
        let tick = self.tick();
        for entry in self.entries.iter_mut().filter(|entry| entry.delivery == Delivery::Pending) {
            (entry.delivery, entry.ended_tick) = (Delivery::Abandoned, Some(tick));
        }
    }

    /// A journal that goes on after these entries.
    pub(crate) fn going_on(capacity: usize, entries: Vec<Entry>, next: Sequence) -> Self {
        let ticks = entries.iter().flat_map(|entry| [Some(entry.began_tick), entry.decided_tick, entry.ended_tick]);
        let ticks = ticks.flatten().max().unwrap_or_default();
        let surplus = entries.len().saturating_sub(capacity);
        let entries: VecDeque<Entry> = entries.into_iter().skip(surplus).collect();
        let next = next.max(entries.back().map_or(1, |entry| entry.sequence + 1));
        Self { entries, capacity, next, ticks }
    }

    /// Adds an entry, whose number must be [`Journal::next`].
    pub(crate) fn push(&mut self, entry: Entry) {
        self.next += 1;
        self.entries.push_back(entry);
        if self.entries.len() > self.capacity {
            self.entries.pop_front();
        }
    }

    /// How many entries have fallen out.
    pub(crate) fn dropped(&self) -> u64 {
        self.next - 1 - self.entries.len() as u64
    }

    /// The entry with this number, unless it has fallen out.
    pub(crate) fn entry_mut(&mut self, sequence: Sequence) -> Option<&mut Entry> {
        let index = sequence.checked_sub(1 + self.dropped())?;
        self.entries.get_mut(usize::try_from(index).ok()?)
    }

    /// The entries from this number on, oldest first.
    pub(crate) fn since(&self, sequence: Sequence) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.sequence >= sequence)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn entry(sequence: Sequence) -> Entry {
        Entry {
            sequence,
            began_tick: 0,
            decided_tick: None,
            ended_tick: None,
            arrived: Timestamp::from_millis(0),
            decided: None,
            endpoint: Endpoint::Token,
            method: "POST".into(),
            path: "/token".into(),
            content_type: None,
            params: BTreeMap::new(),
            repeated: vec![],
            secrets_in_url: vec![],
            client_auth: ClientAuth::None,
            bearer: None,
            cookies: false,
            client: None,
            user: None,
            presented: None,
            parked: false,
            status: None,
            error: None,
            refusal: None,
            minted: vec![],
            scripted: false,
            edits: BTreeMap::new(),
            retry_after: None,
            delivery: Delivery::Pending,
        }
    }

    proptest! {
        #[test]
        fn keeps_the_newest_and_finds_them_by_number(capacity in 1usize..6, pushed in 0u64..20) {
            let mut journal = Journal::new(capacity);
            for _ in 0..pushed {
                journal.push(entry(journal.next()));
            }
            let kept: Vec<_> = journal.since(0).map(|entry| entry.sequence).collect();
            let first = pushed.saturating_sub(capacity as u64) + 1;
            prop_assert_eq!(&kept, &(first..=pushed).collect::<Vec<_>>());
            for sequence in 0..=pushed + 1 {
                let found = journal.entry_mut(sequence).map(|entry| entry.sequence);
                prop_assert_eq!(found, kept.contains(&sequence).then_some(sequence));
            }
        }
    }
}
