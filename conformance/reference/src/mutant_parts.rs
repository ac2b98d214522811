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

/// Believes what an id_token of a refresh says without looking at its signature or at whom it is for.
pub(crate) struct Gullible(pub(crate) Arc<dyn IdTokenVerifier>);

impl IdTokenVerifier for Gullible {
    fn verify<'a>(
        &'a self,
        id_token: &'a str,
        expected: &'a Expected,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Claims, IdTokenError>> {
        match expected {
            Expected::SignIn { .. } => self.0.verify(id_token, expected, now),
            Expected::Refresh { .. } => std::future::ready(unchecked(id_token).ok_or(IdTokenError::Unreadable)).boxed(),
        }
    }
}

fn unchecked(id_token: &str) -> Option<Claims> {
    let payload = URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}
