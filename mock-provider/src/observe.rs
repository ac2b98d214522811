//! What a realm can be asked about its past: the journal, and the genealogy of tokens.

use crate::genealogy::{FamilyFilter, FamilyView};
use crate::handle::RealmHandle;
use crate::journal::{Delivery, Entry, Sequence};
use crate::journal_query::{Assertion, AssertionResult, JournalFilter};
use crate::realm::Realm;
use crate::state::Counters;

impl RealmHandle {
    /// The journal from a number on.
    pub fn journal(&self, since: Sequence) -> Vec<Entry> {
        self.realm().journal.since(since).cloned().collect()
    }

    /// The requests that a filter means, oldest first.
    pub fn journal_of(&self, filter: &JournalFilter) -> Vec<Entry> {
        let realm = self.realm();
        let filter = realm.with_subject(filter);
        let since = filter.since.unwrap_or_default();
        realm.journal.since(since).filter(|entry| filter.fits(entry)).cloned().collect()
    }

    /// Waits until there are at least `count` requests that a filter means. Put a time limit of your own around it.
    pub async fn wait_for_journal(&self, filter: &JournalFilter, count: usize) -> Vec<Entry> {
        self.wait_until(|handle| Some(handle.journal_of(filter)).filter(|entries| entries.len() >= count)).await
    }

    /// Judges an assertion by the journal as it is now.
    pub fn assert_journal(&self, assertion: &Assertion) -> AssertionResult {
        let realm = self.realm();
        let (entries, dropped): (Vec<Entry>, u64) =
            (realm.journal.since(0).cloned().collect(), realm.journal.dropped());
        let of = realm.with_subject(&assertion.of);
        let in_order = assertion.in_order.iter().map(|filter| realm.with_subject(filter)).collect();
        drop(realm);
        Assertion { of, in_order, ..assertion.clone() }.judge(&entries, dropped)
    }

    /// Waits until the answer to a request has been handed to its connection, lost or abandoned. One that has fallen out of
    /// the journal counts as answered.
    pub async fn wait_for_answer(&self, sequence: Sequence) {
        self.wait_until(|handle| handle.is_answered(sequence).then_some(())).await;
    }

    /// Waits until a request that was released has its answer, or waits again behind another hold.
    pub async fn wait_past_release(&self, sequence: Sequence) {
        let past = |handle: &Self| (handle.is_answered(sequence) || handle.parked().contains(&sequence)).then_some(());
        self.wait_until(past).await;
    }

    fn is_answered(&self, sequence: Sequence) -> bool {
        let pending = |entry: &mut Entry| entry.delivery == Delivery::Pending;
        !self.realm().journal.entry_mut(sequence).is_some_and(pending)
    }

    /// The number that the next request will have.
    pub fn next_sequence(&self) -> Sequence {
        self.realm().journal.next()
    }

    /// How many entries have fallen out of the journal.
    pub fn journal_dropped(&self) -> u64 {
        self.realm().journal.dropped()
    }

    /// What happened, in numbers.
    pub fn counters(&self) -> Counters {
        self.realm().state.counters
    }

    /// The genealogy of the families that a filter means.
    pub fn families(&self, filter: &FamilyFilter) -> Vec<FamilyView> {
        let realm = self.realm();
        let user = realm.subject_of(filter.user.as_deref());
        realm.families(&FamilyFilter { user, ..filter.clone() })
    }
}

impl Realm {
    /// The same filter with the subject of a user who is named by e-mail address.
    fn with_subject(&self, filter: &JournalFilter) -> JournalFilter {
        JournalFilter { user: self.subject_of(filter.user.as_deref()), ..filter.clone() }
    }

    fn subject_of(&self, who: Option<&str>) -> Option<String> {
        who.map(|who| self.state.user_hinted(who).map_or_else(|| who.to_owned(), |user| user.sub.clone()))
    }
}
