//! Single flight: joining, remembering, forgetting, and readers who leave.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::oneshot;

use super::*;
use crate::secret::AccessToken;
use crate::time::{ManualClock, UnixSeconds};
use crate::token_answer::{DeadGrant, Lifetime};

const START: UnixMillis = UnixMillis(1_000_000);

struct Rig {
    clock: Arc<ManualClock>,
    flights: Flights,
    begun: Arc<AtomicU32>,
}

fn rig() -> Rig {
    let clock = Arc::new(ManualClock::at(START));
    let flights = Flights::new(Arc::clone(&clock) as Arc<dyn Clock>, Memory { capacity: 2, ..Memory::default() });
    Rig { clock, flights, begun: Arc::default() }
}

fn key(name: &str) -> GrantKey {
    GrantKey::of(&RefreshToken::new(name))
}

fn good() -> Outcome {
    Ok(Refreshed {
        access_token: AccessToken::new("at"),
        expires_at: UnixSeconds(START.as_secs().0 + 3600),
        refresh_token: None,
        lifetime: Lifetime::Untold,
        claims: None,
    })
}

fn failed(reason: TokenFailure) -> Outcome {
    Err(RefreshFailure { reason, retry_after: None, replacement: None })
}

impl Rig {
    fn run(&self, name: &str, outcome: Outcome) -> BoxFuture<'static, Outcome> {
        let begun = Arc::clone(&self.begun);
        let start: Start = Box::new(move || {
            begun.fetch_add(1, Ordering::SeqCst);
            std::future::ready(outcome).boxed()
        });
        self.flights.run(key(name), start)
    }

    fn gated(&self, name: &str) -> (oneshot::Sender<()>, BoxFuture<'static, Outcome>) {
        let (open, gate) = oneshot::channel();
        let begun = Arc::clone(&self.begun);
        let start: Start = Box::new(move || {
            begun.fetch_add(1, Ordering::SeqCst);
            async move {
                gate.await.unwrap();
                good()
            }
            .boxed()
        });
        (open, self.flights.run(key(name), start))
    }

    fn begun(&self) -> u32 {
        self.begun.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn those_who_wait_get_the_same_result() {
    let rig = rig();
    let (open, leader) = rig.gated("rt");
    let waiter = rig.run("rt", failed(TransportError::Timeout.into()));
    open.send(()).unwrap();
    assert_eq!((leader.await, waiter.await), (good(), good()));
    assert_eq!(rig.begun(), 1);
}

#[tokio::test]
async fn a_leader_who_leaves_takes_nobody_down() {
    let rig = rig();
    let (open, leader) = rig.gated("rt");
    let waiter = rig.run("rt", good());
    drop(leader);
    open.send(()).unwrap();
    assert_eq!(waiter.await, good());
    assert_eq!(rig.begun(), 1);
}

#[tokio::test]
async fn grants_do_not_wait_for_each_other() {
    let rig = rig();
    let (_open, _stuck) = rig.gated("ada");
    assert_eq!(rig.run("bob", good()).await, good());
}

#[tokio::test]
async fn a_straggler_gets_the_remembered_result_for_a_while() {
    let rig = rig();
    rig.run("rt", good()).await.unwrap();
    rig.clock.set(START.plus(Duration::from_secs(59)));
    rig.run("rt", good()).await.unwrap();
    assert_eq!(rig.begun(), 1);
    rig.clock.set(START.plus(Duration::from_secs(60)));
    rig.run("rt", good()).await.unwrap();
    assert_eq!(rig.begun(), 2);
}

#[tokio::test]
async fn a_remembered_token_that_has_expired_is_refreshed() {
    let rig = rig();
    let short = good().map(|tokens| Refreshed { expires_at: UnixSeconds(START.as_secs().0 + 5), ..tokens });
    rig.run("rt", short).await.unwrap();
    rig.clock.set(START.plus(Duration::from_secs(6)));
    rig.run("rt", good()).await.unwrap();
    assert_eq!(rig.begun(), 2);
}

#[tokio::test]
async fn a_failure_is_shared_and_does_not_poison() {
    let rig = rig();
    let busy = failed(TokenFailure::Status { status: 503 });
    assert_eq!(rig.run("rt", busy.clone()).await, busy);
    assert_eq!(rig.run("rt", good()).await, busy, "within the pause");
    rig.clock.set(START.plus(Duration::from_secs(1)));
    assert_eq!(rig.run("rt", good()).await, good());
}

#[tokio::test]
async fn a_clock_that_goes_back_ends_the_memory_of_a_passing_failure() {
    let rig = rig();
    rig.run("rt", failed(TokenFailure::Status { status: 503 })).await.unwrap_err();
    rig.clock.set(UnixMillis(START.0 - 1));
    assert_eq!(rig.run("rt", good()).await, good());
}

#[tokio::test]
async fn a_dead_grant_is_remembered_longer() {
    let rig = rig();
    let dead = failed(TokenFailure::DeadGrant(DeadGrant::InvalidGrant));
    assert_eq!(rig.run("rt", dead.clone()).await, dead);
    rig.clock.set(START.plus(Duration::from_secs(3599)));
    assert_eq!(rig.run("rt", good()).await, dead);
}

#[tokio::test]
async fn the_memory_is_bounded() {
    let rig = rig();
    for name in ["a", "b", "c"] {
        rig.run(name, good()).await.unwrap();
    }
    assert_eq!(rig.flights.table().landed.len(), 2);
}

#[tokio::test]
async fn a_crash_in_the_flight_is_a_failure_for_all() {
    let rig = rig();
    let start: Start = Box::new(|| async { panic!("inside the flight") }.boxed());
    assert_eq!(rig.flights.run(key("rt"), start).await, failed(TransportError::Connection.into()));
    rig.clock.set(START.plus(Duration::from_secs(1)));
    assert_eq!(rig.run("rt", good()).await, good(), "and the next reader is not stuck on it");
}
