//! Requests passing through a realm: arriving, parked, decided, done. The shell's side of a [`RealmHandle`].

use tokio::sync::oneshot;

use crate::decide::Decision;
use crate::handle::RealmHandle;
use crate::journal::{Delivery, Sequence};
use crate::realm::Realm;
use crate::reply_spec::When;
use crate::request::WireRequest;

/// A request of a realm between two resets or restarts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    epoch: u64,
    sequence: Sequence,
}

/// What becomes of a request at the door.
pub(crate) enum Arrival {
    /// It waits for its release.
    Parked(oneshot::Receiver<()>),
    /// It is decided.
    Decided(Box<Decision>),
}

impl RealmHandle {
    /// Journals a request, and parks it if a hold wants it; else decides it at once, under the same lock.
    pub(crate) fn arrive(&self, request: &WireRequest) -> (Ticket, Arrival) {
        let uptime = self.uptime();
        let mut realm = self.realm();
        let now = realm.clock.now(uptime);
        let ticket = Ticket { epoch: realm.epoch, sequence: realm.arrive(now, request) };
        let parked = self.park(&realm, ticket, request, When::Before);
        let arrival = match parked {
            Some(released) => {
                realm.journal.entry_mut(ticket.sequence).into_iter().for_each(|entry| entry.parked = true);
                Arrival::Parked(released)
            }
            None => Arrival::Decided(Box::new(realm.decide(now, ticket.sequence, request))),
        };
        drop(realm);
        self.changed();
        (ticket, arrival)
    }

    /// Journals and decides a request that no hold may park.
    pub(crate) fn decide_now(&self, request: &WireRequest) -> (Ticket, Decision) {
        let uptime = self.uptime();
        let mut realm = self.realm();
        let now = realm.clock.now(uptime);
        let ticket = Ticket { epoch: realm.epoch, sequence: realm.arrive(now, request) };
        let decision = realm.decide(now, ticket.sequence, request);
        drop(realm);
        self.changed();
        (ticket, decision)
    }

    fn park(&self, realm: &Realm, ticket: Ticket, request: &WireRequest, when: When) -> Option<oneshot::Receiver<()>> {
        if !self.is_holding() {
            return None;
        }
        let traits = realm.traits_of(request);
        self.holds().park(ticket.sequence, &traits, when)
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
        if !self.is_holding() {
            return None;
        }
        let mut realm = self.realm();
        if realm.epoch != ticket.epoch {
            return None;
        }
        let parked = self.park(&realm, ticket, request, When::After)?;
        realm.journal.entry_mut(ticket.sequence).into_iter().for_each(|entry| entry.parked = true);
        drop(realm);
        self.changed();
        Some(parked)
    }

    /// Whether nothing has been reset, restored or restarted since the request came.
    pub(crate) fn is_current(&self, ticket: Ticket) -> bool {
        self.realm().epoch == ticket.epoch
    }

    /// Writes down that an answer is lost, though the request has not ended.
    pub(crate) fn lose(&self, ticket: Ticket, status: Option<u16>) {
        let mut realm = self.realm();
        if realm.epoch == ticket.epoch {
            realm.lose(ticket.sequence, status);
        }
        drop(realm);
        self.changed();
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
