//! Coordinators and verifiers with a bug.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client_core::{
    Claims, Clock, Coordinator, Expected, Flights, GrantKey, IdTokenError, IdTokenVerifier, Memory, Outcome,
    RefreshToken, Start, UnixMillis,
};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::defect::Defect;

/// The coordinator that a defect calls for.
pub(crate) fn coordinator(defect: Option<Defect>, clock: Arc<dyn Clock>) -> Arc<dyn Coordinator> {
    let memory = match defect {
        Some(Defect::NoMemoryOfResult) => Memory { success: Duration::ZERO, ..Memory::default() },
        Some(Defect::RetriesDeadGrant) => Memory { dead: Duration::ZERO, ..Memory::default() },
        Some(_) | None => Memory::default(),
    };
    let flights = Flights::new(clock, memory);
    match defect {
        Some(Defect::NoSingleFlight | Defect::IgnoresRetryAfter) => Arc::new(EveryoneForThemselves),
        Some(Defect::GlobalFlight) => Arc::new(OneForAll(flights)),
        Some(Defect::CancelledWithItsReader) => Arc::new(OnItsReader::default()),
        Some(Defect::PoisonedFlight) => Arc::new(Poisoned { flights, failed: Arc::default() }),
        Some(_) | None => Arc::new(flights),
    }
}

struct EveryoneForThemselves;

impl Coordinator for EveryoneForThemselves {
    fn run(&self, _: GrantKey, start: Start) -> BoxFuture<'static, Outcome> {
        start()
    }
}

struct OneForAll(Flights);

impl Coordinator for OneForAll {
    fn run(&self, _: GrantKey, start: Start) -> BoxFuture<'static, Outcome> {
        self.0.run(GrantKey::of(&RefreshToken::new("everybody")), start)
    }
}

/// One at a time, but inside the reader who came first: when that one leaves, the request is gone with its answer.
#[derive(Default)]
struct OnItsReader {
    one_at_a_time: Arc<tokio::sync::Mutex<()>>,
    landed: Arc<Mutex<BTreeMap<GrantKey, Outcome>>>,
}

impl Coordinator for OnItsReader {
    fn run(&self, key: GrantKey, start: Start) -> BoxFuture<'static, Outcome> {
        let (lock, landed) = (Arc::clone(&self.one_at_a_time), Arc::clone(&self.landed));
        async move {
            let _turn = lock.lock().await;
            let known = landed.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
            if let Some(outcome) = known {
                return outcome;
            }
            let outcome = start().await;
            landed.lock().unwrap_or_else(PoisonError::into_inner).insert(key, outcome.clone());
            outcome
        }
        .boxed()
    }
}

struct Poisoned {
    flights: Flights,
    failed: Arc<Mutex<BTreeMap<GrantKey, Outcome>>>,
}

impl Coordinator for Poisoned {
    fn run(&self, key: GrantKey, start: Start) -> BoxFuture<'static, Outcome> {
        if let Some(outcome) = self.failed.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return std::future::ready(outcome.clone()).boxed();
        }
        let (flight, failed) = (self.flights.run(key, start), Arc::clone(&self.failed));
        async move {
            let outcome = flight.await;
            if outcome.is_err() {
                failed.lock().unwrap_or_else(PoisonError::into_inner).insert(key, outcome.clone());
            }
            outcome
        }
        .boxed()
    }
}

/// Believes what an id_token says without looking at its signature or at whom it is for.
pub(crate) struct Gullible;

impl IdTokenVerifier for Gullible {
    fn verify<'a>(
        &'a self,
        id_token: &'a str,
        _: &'a Expected,
        _: UnixMillis,
    ) -> BoxFuture<'a, Result<Claims, IdTokenError>> {
        std::future::ready(unchecked(id_token).ok_or(IdTokenError::Unreadable)).boxed()
    }
}

fn unchecked(id_token: &str) -> Option<Claims> {
    let payload = URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// Knows the key of the first id_token that it saw, and no other ever after.
pub(crate) struct OldKeysOnly {
    checking: Arc<dyn IdTokenVerifier>,
    first_kid: Mutex<Option<String>>,
}

impl OldKeysOnly {
    pub(crate) fn new(checking: Arc<dyn IdTokenVerifier>) -> Self {
        Self { checking, first_kid: Mutex::default() }
    }

    fn knows(&self, id_token: &str) -> bool {
        let header = id_token.split('.').next().unwrap_or_default().to_owned();
        let mut first = self.first_kid.lock().unwrap_or_else(PoisonError::into_inner);
        *first.get_or_insert_with(|| header.clone()) == header
    }
}

impl IdTokenVerifier for OldKeysOnly {
    fn verify<'a>(
        &'a self,
        id_token: &'a str,
        expected: &'a Expected,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Claims, IdTokenError>> {
        if self.knows(id_token) {
            return self.checking.verify(id_token, expected, now);
        }
        std::future::ready(Err(IdTokenError::UnknownKey)).boxed()
    }
}
