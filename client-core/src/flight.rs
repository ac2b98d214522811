//! One refresh in flight per grant, and a short memory of how it ended.
//!
//! Whoever comes while a refresh is in flight waits for it; whoever comes a little later with a stale cookie, presenting a
//! refresh token that has been replaced, gets the remembered result instead of an error. The flight is a task of its own,
//! so a reader who leaves does not take it down. The memory lives on the client's clock and is bounded.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

use crate::decision::{RefreshFailure, Refreshed, pause};
use crate::http_types::TransportError;
use crate::secret::RefreshToken;
use crate::time::{Clock, UnixMillis};
use crate::token_answer::TokenFailure;

/// How a refresh ended.
pub type Outcome = Result<Refreshed, RefreshFailure>;

/// Names a grant without holding its refresh token: a digest of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrantKey([u8; 32]);

impl GrantKey {
    /// The name of the grant that this refresh token stands for.
    pub fn of(refresh_token: &RefreshToken) -> Self {
        let mut key = [0; 32];
        key.copy_from_slice(digest::digest(&digest::SHA256, refresh_token.expose().as_bytes()).as_ref());
        Self(key)
    }
}

/// Begins a refresh, when it is called.
pub type Start = Box<dyn FnOnce() -> BoxFuture<'static, Outcome> + Send>;

/// Decides whether a refresh is begun, joined, or answered from memory.
pub trait Coordinator: Send + Sync {
    /// The outcome for a grant, by beginning a refresh at most once.
    fn run(&self, key: GrantKey, start: Start) -> BoxFuture<'static, Outcome>;
}

/// How long outcomes are remembered, on the client's clock.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// A good refresh: for stragglers with a stale cookie.
    pub success: Duration,
    /// A dead grant.
    pub dead: Duration,
    /// More outcomes than this are not remembered; the earliest to end makes room.
    pub capacity: usize,
}

impl Default for Memory {
    fn default() -> Self {
        Self { success: Duration::from_secs(60), dead: Duration::from_secs(3600), capacity: 10_000 }
    }
}

/// Single flight with a memory.
#[derive(Clone)]
pub struct Flights {
    clock: Arc<dyn Clock>,
    memory: Memory,
    table: Arc<Mutex<Table>>,
}

#[derive(Default)]
struct Table {
    in_flight: BTreeMap<GrantKey, Shared<BoxFuture<'static, Outcome>>>,
    landed: BTreeMap<GrantKey, Landed>,
}

struct Landed {
    outcome: Outcome,
    at: UnixMillis,
    until: UnixMillis,
}

impl std::fmt::Debug for Flights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flights").field("memory", &self.memory).finish_non_exhaustive()
    }
}

impl Flights {
    /// No flights yet.
    pub fn new(clock: Arc<dyn Clock>, memory: Memory) -> Self {
        Self { clock, memory, table: Arc::default() }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn land(&self, key: GrantKey, outcome: &Outcome) {
        let now = self.clock.now();
        let until = now.plus(self.memory.length_of(outcome));
        let mut table = self.table();
        table.in_flight.remove(&key);
        table.landed.insert(key, Landed { outcome: outcome.clone(), at: now, until });
        table.forget(now, self.memory.capacity);
    }
}

impl Memory {
    fn length_of(&self, outcome: &Outcome) -> Duration {
        match outcome {
            Ok(_) => self.success,
            Err(failure) if matches!(failure.reason, TokenFailure::DeadGrant(_)) => self.dead,
            Err(failure) => pause(1, failure.retry_after),
        }
    }
}

impl Table {
    fn forget(&mut self, now: UnixMillis, capacity: usize) {
        self.landed.retain(|_, landed| now < landed.until);
        while self.landed.len() > capacity {
            let earliest = self.landed.iter().min_by_key(|(_, landed)| landed.until).map(|(key, _)| *key);
            earliest.and_then(|key| self.landed.remove(&key));
        }
    }

    /// A remembered outcome that still helps: a success whose access token is spent only helps if it brought a successor.
    fn remembered(&self, key: GrantKey, now: UnixMillis) -> Option<Outcome> {
        let landed = self.landed.get(&key).filter(|landed| now < landed.until)?;
        let helps = match &landed.outcome {
            Ok(tokens) => tokens.refresh_token.is_some() || now < tokens.expires_at.as_millis(),
            // A pause that has yet to begin was made before the clock went back.
            Err(failure) => matches!(failure.reason, TokenFailure::DeadGrant(_)) || landed.at <= now,
        };
        helps.then(|| landed.outcome.clone())
    }
}

/// What a panic inside a flight is to those who wait: no answer came.
fn crashed() -> RefreshFailure {
    RefreshFailure { reason: TransportError::Connection.into(), retry_after: None, replacement: None }
}

impl Coordinator for Flights {
    fn run(&self, key: GrantKey, start: Start) -> BoxFuture<'static, Outcome> {
        let mut table = self.table();
        if let Some(flight) = table.in_flight.get(&key) {
            return flight.clone().boxed();
        }
        if let Some(outcome) = table.remembered(key, self.clock.now()) {
            return std::future::ready(outcome).boxed();
        }
        let flights = self.clone();
        // The task cannot land before the lock is free, so the flight is in the table by then.
        let task = tokio::spawn(async move {
            let ended = AssertUnwindSafe(async move { start().await }).catch_unwind().await;
            let outcome = ended.unwrap_or_else(|_| Err(crashed()));
            flights.land(key, &outcome);
            outcome
        });
        let flight = task.map(|joined| joined.unwrap_or_else(|_| Err(crashed()))).boxed().shared();
        table.in_flight.insert(key, flight.clone());
        flight.boxed()
    }
}

#[cfg(test)]
#[path = "flight_tests.rs"]
mod tests;
