//! Requests passing through a realm: arriving, parked, decided, done. The shell's side of a [`RealmHandle`].

use tokio::sync::oneshot;

use crate::decide::Decision;
use crate::handle::RealmHandle;
use crate::journal::{Delivery, Sequence};
use crate::reply_spec::When;
use crate::request::WireRequest;

/// A request of a realm between two resets or restarts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    epoch: u64,
    sequence: Sequence,
}

impl RealmHandle {
    /// Journals a request and parks it if a hold wants it.
    pub(crate) fn arrive(&self, request: &WireRequest) -> (Ticket, Option<oneshot::Receiver<()>>) {
        let uptime = self.uptime();
        let mut realm = self.realm();
        let now = realm.clock.now(uptime);
        let ticket = Ticket { epoch: realm.epoch, sequence: realm.arrive(now, request) };
        let mut holds = self.holds();
        let parked = if holds.is_open() {
            None
        } else {
            let traits = realm.traits_of(request);
            holds.park(ticket.sequence, &traits, When::Before)
        };
        drop(holds);
        if let (Some(_), Some(entry)) = (&parked, realm.journal.entry_mut(ticket.sequence)) {
            entry.parked = true;
        }
        drop(realm);
        self.changed();
        (ticket, parked)
    }

    /// What the realm decides; nothing when it was reset since the request came.
    pub(crate) fn decide(&self, ticket: Ticket, request: &WireRequest) -> Option<Decision> {
        let uptime = self.uptime();
        let mut realm = self.realm();
        let now = realm.clock.now(uptime);
        (realm.epoch == ticket.epoch).then(|| realm.decide(now, ticket.sequence, request))
    }

    /// Parks a request whose answer is in hand, if a hold wants it.
    pub(crate) fn park_decided(&self, ticket: Ticket, request: &WireRequest) -> Option<oneshot::Receiver<()>> {
        let mut realm = self.realm();
        if realm.epoch != ticket.epoch {
            return None;
        }
        let mut holds = self.holds();
        if holds.is_open() {
            return None;
        }
        let traits = realm.traits_of(request);
        let parked = holds.park(ticket.sequence, &traits, When::After)?;
        drop(holds);
        realm.journal.entry_mut(ticket.sequence).into_iter().for_each(|entry| entry.parked = true);
        drop(realm);
        self.changed();
        Some(parked)
    }

    /// Writes down what became of an answer.
    pub(crate) fn settle(&self, ticket: Ticket, status: Option<u16>, delivery: Delivery) {
        let mut realm = self.realm();
        if realm.epoch == ticket.epoch {
            realm.settle(ticket.sequence, status, delivery);
        }
        drop(realm);
        self.changed();
    }
}
