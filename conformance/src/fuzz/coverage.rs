//! Which situations a run has been in: what a read found, what the refresh before it had met, and where the clock stood.

use std::collections::BTreeMap;
use std::fmt;

use mock_provider::{Delivery, Entry, Timestamp};

use crate::history::{Deed, History, RecordKind};

/// A situation in which a session was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    trouble: Met,
    clock: Stands,
    race: Company,
}

/// What the last refresh had met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Met {
    Nothing,
    Success,
    Refusal,
    Outage,
    Throttle,
    AlteredSuccess,
    LostAnswer,
    OtherError,
}

/// Where the clock stood, seen from the end of the newest access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Stands {
    LongBefore,
    JustBefore,
    JustAfter,
    LongAfter,
}

/// Whether others read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Company {
    Alone,
    AmongOthers,
}

const MET: [(Met, &str); 8] = [
    (Met::Nothing, "no refresh yet"),
    (Met::Success, "a good refresh"),
    (Met::Refusal, "a refusal"),
    (Met::Outage, "an outage"),
    (Met::Throttle, "a throttle"),
    (Met::AlteredSuccess, "an altered success"),
    (Met::LostAnswer, "a lost answer"),
    (Met::OtherError, "another error"),
];

const STANDS: [(Stands, &str); 4] = [
    (Stands::LongBefore, "long before the end"),
    (Stands::JustBefore, "just before the end"),
    (Stands::JustAfter, "just after the end"),
    (Stands::LongAfter, "long after the end"),
];

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let met = MET.iter().find(|(met, _)| *met == self.trouble).map_or("", |(_, word)| word);
        let stands = STANDS.iter().find(|(stands, _)| *stands == self.clock).map_or("", |(_, word)| word);
        let race = if self.race == Company::Alone { "alone" } else { "among others" };
        write!(f, "after {met}, {stands}, {race}")
    }
}

/// How often each situation came.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    cells: BTreeMap<Cell, usize>,
    /// How many refreshes reached the provider.
    pub refreshes: usize,
    /// How often a clock was moved.
    pub moves_of_the_clock: usize,
}

impl Coverage {
    /// Counts what a history has been through.
    pub fn add(&mut self, history: &History) {
        self.refreshes += history.journal.iter().filter(|entry| is_refresh(entry)).count();
        let moved = |deed: &Deed| matches!(deed, Deed::Clock | Deed::ClientClock);
        self.moves_of_the_clock += history.steps.iter().filter(|step| moved(&step.deed)).count();
        for step in history.steps.iter().filter(|step| step.kind == RecordKind::Asked) {
            let race = match step.deed {
                Deed::Read { .. } | Deed::Api { .. } => Company::Alone,
                Deed::Group => Company::AmongOthers,
                _ => continue,
            };
            let before = |entry: &&Entry| entry.sequence < step.wire.0;
            let last = history.journal.iter().filter(before).filter(|entry| is_refresh(entry)).next_back();
            let cell = Cell { trouble: last.map_or(Met::Nothing, met), clock: stands(history, step.wire.0, step.at), race };
            *self.cells.entry(cell).or_default() += 1;
        }
    }

    /// How many situations were reached, and how many there are.
    pub fn reached(&self) -> (usize, usize) {
        (self.cells.len(), all().count())
    }

    /// Those that were never reached.
    pub fn missed(&self) -> Vec<Cell> {
        all().filter(|cell| !self.cells.contains_key(cell)).collect()
    }

    /// Why nothing was learnt, if that is so.
    pub const fn hollow(&self) -> Option<&'static str> {
        match (self.refreshes, self.moves_of_the_clock) {
            (0, _) => Some("no refresh ever reached the provider"),
            (_, 0) => Some("the clock was never moved"),
            _ => None,
        }
    }
}

fn all() -> impl Iterator<Item = Cell> {
    let companies = [Company::Alone, Company::AmongOthers];
    MET.into_iter().flat_map(move |(trouble, _)| {
        STANDS.into_iter().flat_map(move |(clock, _)| companies.map(|race| Cell { trouble, clock, race }))
    })
}

fn is_refresh(entry: &Entry) -> bool {
    entry.params.get("grant_type").is_some_and(|grant| grant == "refresh_token")
}

fn met(entry: &Entry) -> Met {
    match (entry.delivery, entry.status) {
        (Delivery::Lost | Delivery::Abandoned | Delivery::Pending, _) | (_, None) => Met::LostAnswer,
        (_, Some(200)) if entry.scripted => Met::AlteredSuccess,
        (_, Some(200)) => Met::Success,
        (_, Some(429)) => Met::Throttle,
        (_, Some(500..)) => Met::Outage,
        _ if entry.error.as_deref() == Some("invalid_grant") => Met::Refusal,
        _ => Met::OtherError,
    }
}

fn stands(history: &History, before: u64, at: Timestamp) -> Stands {
    const NEAR_MS: i64 = 60_000;
    let minted = history.journal.iter().filter(|entry| entry.sequence < before).flat_map(|entry| &entry.minted);
    let end = minted.filter_map(|label| history.expiries.get(label)).max();
    let after = end.map_or(i64::MIN, |end| at.as_millis() - end.as_millis());
    match after {
        i64::MIN..=-60_001 => Stands::LongBefore,
        -60_000..=-1 => Stands::JustBefore,
        0..=NEAR_MS => Stands::JustAfter,
        _ => Stands::LongAfter,
    }
}
