//! Connections to the target: opened when a case needs one, kept for the next case where the target allows it.

use std::sync::{Arc, Mutex, PoisonError};

use adapter_protocol::HelloAnswer;

use crate::handshake::hello;
use crate::link::{Link, Reuse, Target};
use crate::runner::RunError;

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
