//! Connections to the target: opened when a case needs one, kept for the next case where the target allows it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use adapter_protocol::{Capability, HelloAnswer};

use crate::drive::{Driver, Next, Rig};
use crate::handshake::hello;
use crate::history::History;
use crate::link::{Link, Reuse, Target};
use crate::runner::RunError;
use crate::scenario::model::Scenario;
use crate::venue::Venue;

/// A connection that has said hello.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub(crate) link: Arc<Link>,
    pub(crate) hello: HelloAnswer,
    pub(crate) past: Past,
}

/// Whether a connection has served a case before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Past {
    New,
    Used,
}

/// A case to be carried out.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) scenario: &'a Scenario,
    /// What the target is judged by.
    pub(crate) claims: &'a BTreeSet<Capability>,
    /// What the target hears that it is called.
    pub(crate) name: &'a str,
    /// The realm that it takes place in.
    pub(crate) realm: &'a str,
    /// Real time without a new arrival after which no further request is waited for.
    pub(crate) settle: Duration,
}

/// Where the steps of a case come from.
pub(crate) enum Script<'s> {
    /// They stand in its scenario.
    AsWritten,
    /// They are asked for as it goes on.
    MadeUp(&'s mut Next<'s>),
}

/// The connections of a run.
pub(crate) struct Pool {
    target: Arc<dyn Target>,
    idle: Mutex<Vec<Seat>>,
}

impl Pool {
    pub(crate) fn new(target: Arc<dyn Target>) -> Self {
        Self { target, idle: Mutex::default() }
    }

    pub(crate) fn target(&self) -> &dyn Target {
        &*self.target
    }

    /// A connection for one case.
    pub(crate) async fn take(&self) -> Result<Seat, RunError> {
        while let Some(seat) = self.idle().pop() {
            if seat.link.ended().is_none() {
                return Ok(seat);
            }
        }
        self.connect().await
    }

    /// Carries a case out, over a connection that it takes and gives back.
    pub(crate) async fn play(
        &self,
        venue: &Venue,
        case: &Case<'_>,
        mut script: Script<'_>,
    ) -> Result<History, RunError> {
        let mut seat = self.take().await?;
        let mut history = self.attempt(venue, case, &mut script, &seat).await;
        if seat.past == Past::Used && history.never_began() {
            // It left after the case before, which is nothing that this one has done.
            seat = self.connect().await?;
            history = self.attempt(venue, case, &mut script, &seat).await;
        }
        if history.ended.is_none() {
            self.give_back(seat);
        }
        Ok(history)
    }

    async fn attempt(&self, venue: &Venue, case: &Case<'_>, script: &mut Script<'_>, seat: &Seat) -> History {
        let Case { scenario, claims, name, realm, settle } = *case;
        let rig = Rig::new(seat.clone(), venue.realm(realm), self.target(), settle);
        let driver = Driver::new(scenario, &rig);
        let history = match script {
            Script::AsWritten => driver.run(name, claims.clone()).await,
            Script::MadeUp(next) => driver.improvise(name, claims.clone(), *next).await,
        };
        venue.close(realm);
        history
    }

    /// A new connection.
    pub(crate) async fn connect(&self) -> Result<Seat, RunError> {
        let link = Link::new(self.target.connect().await.map_err(RunError::Connect)?);
        let hello = hello(&link, self.target.hello_limit()).await?;
        Ok(Seat { link: Arc::new(link), hello, past: Past::New })
    }

    /// Keeps a connection for the next case, after one that came to its end.
    pub(crate) fn give_back(&self, seat: Seat) {
        if self.target.reuse() == Reuse::AfterStop {
            self.idle().push(Seat { past: Past::Used, ..seat });
        }
    }

    /// Closes what is idle, politely.
    pub(crate) async fn close(&self) {
        let idle = std::mem::take(&mut *self.idle());
        let links = idle.into_iter().filter_map(|seat| Arc::into_inner(seat.link));
        futures_util::future::join_all(links.map(Link::close)).await;
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Seat>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
