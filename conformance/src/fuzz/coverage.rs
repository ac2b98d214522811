//! Which situations a run has been in: what the last refresh had met, where the clock stood, and whether others read too.

use std::collections::BTreeSet;
use std::fmt;

use mock_provider::{Delivery, Entry, Timestamp};

use crate::history::{Deed, History, RecordKind, is_refresh};

/// Shortly before the end of an access token, and shortly after it, in milliseconds.
const NEAR_MS: i64 = 60_000;
const BEFORE_MS: i64 = -NEAR_MS;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(super) enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// All of them.
            pub(super) const ALL: &[Self] = &[$(Self::$variant,)*];

            const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

words! {
    /// What the last refresh had met.
    Met {
        /// There was none.
        Nothing = "no refresh yet",
        /// Nothing unusual.
        Success = "a good refresh",
        /// `invalid_grant`.
        Refusal = "a refusal",
        /// A status from 500 on.
        Outage = "an outage",
        /// 429.
        Throttle = "a throttle",
        /// A success that was altered.
        AlteredSuccess = "an altered success",
        /// No answer.
        LostAnswer = "a lost answer",
        /// Any other error.
        OtherError = "another error",
    }
}

words! {
    /// Where the clock stands, seen from the end of the newest access token.
    Stands {
        /// More than a minute before it.
        LongBefore = "long before the end",
        /// At most a minute before it.
        JustBefore = "just before the end",
        /// At most a minute after it.
        JustAfter = "just after the end",
        /// Later.
        LongAfter = "long after the end",
    }
}

words! {
    /// Whether others read at once.
    Company {
        /// One reader.
        Alone = "alone",
        /// Several.
        AmongOthers = "among others",
    }
}

/// A situation in which a session was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    pub(super) met: Met,
    pub(super) stands: Stands,
    pub(super) company: Company,
}

impl Cell {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let with = |met, stands| Company::ALL.iter().map(move |company| Self { met, stands, company: *company });
        let of = move |met: &Met| {
            let met = *met;
            Stands::ALL.iter().flat_map(move |stands| with(met, *stands))
        };
        Met::ALL.iter().flat_map(of)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {}, {}, {}", self.met.word(), self.stands.word(), self.company.word())
    }
}

/// Which situations came.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    cells: BTreeSet<Cell>,
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
            let company = match step.deed {
                Deed::Read { .. } | Deed::Api { .. } => Company::Alone,
                Deed::Group => Company::AmongOthers,
                _ => continue,
            };
            let before = |entry: &&Entry| entry.sequence < step.wire.0;
            let last = history.journal.iter().filter(before).rfind(|entry| is_refresh(entry));
            let cell =
                Cell { met: last.map_or(Met::Nothing, met), stands: stands(history, step.wire.0, step.at), company };
            self.cells.insert(cell);
        }
    }

    /// How many situations were reached, and how many there are.
    pub fn reached(&self) -> (usize, usize) {
        (self.cells.len(), Cell::all().count())
    }

    /// Those that were never reached.
    pub fn missed(&self) -> Vec<Cell> {
        Cell::all().filter(|cell| !self.cells.contains(cell)).collect()
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
    let minted = history.journal.iter().filter(|entry| entry.sequence < before).flat_map(|entry| &entry.minted);
    let end = minted.filter_map(|label| history.expiries.get(label)).max();
    after_the_end(end.map_or(i64::MIN, |end| at.as_millis() - end.as_millis()))
}

/// Where an instant stands that is so many milliseconds after the end.
const fn after_the_end(millis: i64) -> Stands {
    match millis {
        i64::MIN..BEFORE_MS => Stands::LongBefore,
        BEFORE_MS..0 => Stands::JustBefore,
        0..=NEAR_MS => Stands::JustAfter,
        _ => Stands::LongAfter,
    }
}
