//! A restart that loses something: a realm's earlier states, and going back to one of them.
//!
//! Nothing is remembered unless the mode is switched on, since every remembered state is a copy. Bounded in number.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::realm::Realm;
use crate::realm_error::RealmError;
use crate::state::State;
use crate::time::{Lifetime, Timestamp};

/// The most states that are remembered.
const MOST: usize = 256;

/// What a restart forgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Nothing.
    Nothing,
    /// What happened within this last stretch of the realm's time. Only as far back as the mode reaches.
    Last(Lifetime),
    /// All tokens and grants; clients and users are configuration and stay.
    Everything,
}

/// What a restart does to the signing keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeysAfterRestart {
    /// They are the same.
    #[default]
    Same,
    /// There is one new key, and the old ones are shown no more.
    New,
}

/// The earlier states of a realm.
#[derive(Default)]
pub(crate) struct Memory {
    reach: Option<Lifetime>,
    states: VecDeque<(Timestamp, State)>,
}

impl Memory {
    /// From now on remembers as far back as `reach`; `None` switches the mode off.
    pub(crate) fn reach_back(&mut self, reach: Option<Lifetime>, now: Timestamp, state: &State) {
        // The first state is older than any time that can be asked for, so it is what a restart falls back on.
        let oldest = Timestamp::from_millis(i64::MIN);
        let states = reach.map(|_| (oldest, state.clone())).into_iter().collect();
        *self = Self { reach, states };
        self.note(now, state);
    }

    /// Remembers what is known at `now`.
    pub(crate) fn note(&mut self, now: Timestamp, state: &State) {
        let Some(reach) = self.reach else { return };
        // A clock that was put back makes the later states ones that have not happened yet.
        self.states.retain(|(at, _)| *at < now);
        self.states.push_back((now, state.clone()));
        let oldest_needed = now.minus(reach.0);
        while self.states.len() > MOST || self.states.get(1).is_some_and(|(at, _)| *at <= oldest_needed) {
            self.states.pop_front();
        }
    }

    /// The newest state that is not younger than `at`, if the memory reaches so far back. What was remembered after it has
    /// not happened any more.
    fn go_back_to(&mut self, at: Timestamp, now: Timestamp) -> Option<State> {
        let reach = self.reach?;
        if at < now.minus(reach.0) {
            return None;
        }
        self.states.retain(|(noted, _)| *noted <= at);
        self.states.back().map(|(_, state)| state.clone())
    }

    /// Forgets what it remembers, and goes on from `state`.
    fn start_anew(&mut self, now: Timestamp, state: &State) {
        let reach = self.reach;
        self.reach_back(reach, now, state);
    }
}

impl Realm {
    /// Comes up again and has forgotten something of its tokens and grants; rules, people and keys are configuration and
    /// stay. Numbers and randomness go on, so that no value is minted twice.
    pub(crate) fn restart(&mut self, now: Timestamp, loss: Loss, keys: KeysAfterRestart) -> Result<(), RealmError> {
        match loss {
            Loss::Nothing => {}
            Loss::Last(length) => {
                let then = self.memory.go_back_to(now.minus(length.0), now).ok_or(RealmError::Forgotten)?;
                self.state.take_tokens_of(then);
            }
            Loss::Everything => {
                let none = State::new(self.state.policy, self.state.entropy.clone());
                self.state.take_tokens_of(none);
                self.memory.start_anew(now, &self.state);
            }
        }
        self.epoch += 1;
        self.journal.abandon_pending();
        if keys == KeysAfterRestart::New {
            self.state.rotations.push(now);
            self.state.keys_shown_from = Some(now);
        }
        self.note(now);
        Ok(())
    }
}
