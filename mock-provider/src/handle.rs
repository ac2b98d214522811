//! A realm from outside: every power a test has over it, as plain calls that any thread may make.
//!
//! The control API speaks the same calls over HTTP. Each call takes the realm's lock for a moment; none does I/O under it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{oneshot, watch};

use crate::decide::Decision;
use crate::family::{FamilyEnd, Member};
use crate::hold::{HoldBoard, HoldSpec};
use crate::journal::{Delivery, Entry, Sequence};
use crate::keys::{NoKey, SigningKey};
use crate::label::Label;
use crate::party::{Client, User};
use crate::policy::{Policy, PolicyPatch};
use crate::realm::{Consent, Counters, Realm, RealmSetup, TokenRef};
use crate::reply::{BadReply, Reply, ReplySpec, When};
use crate::request::WireRequest;
use crate::secret::Secret;
use crate::time::{ClockMode, Timestamp};
use crate::uptime::Stopwatch;

/// A realm of a running [`Provider`](crate::Provider). Clones are the same realm.
#[derive(Clone, Debug)]
pub struct RealmHandle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    realm: Mutex<Realm>,
    holds: Mutex<HoldBoard>,
    /// Counts changes, so that whoever waits for one looks again.
    changes: watch::Sender<u64>,
    stopwatch: Stopwatch,
    setup: RealmSetup,
}

/// Why a realm refuses a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RealmError {
    /// No token of that name.
    #[error("the realm has minted no token `{0}`")]
    NoSuchToken(String),
    /// No user of that name.
    #[error("the realm has no user `{0}`; add it first")]
    NoSuchUser(String),
    /// Nobody of that number is parked.
    #[error("no parked request has the number {0}")]
    NotParked(Sequence),
    /// The scripted reply makes no sense.
    #[error(transparent)]
    BadReply(#[from] BadReply),
    /// There is no new key.
    #[error(transparent)]
    NoKey(#[from] NoKey),
}

/// A family of refresh tokens, as its genealogy shows it.
#[derive(Clone, Debug, Serialize)]
pub struct FamilyView {
    /// The client it was issued to.
    pub client: String,
    /// The user it was issued for.
    pub user: String,
    /// Why it is dead, if it was ended.
    pub end: Option<FamilyEnd>,
    /// Its tokens, oldest first.
    pub tokens: Vec<TokenView>,
}

/// A refresh token of a family.
#[derive(Clone, Debug, Serialize)]
pub struct TokenView {
    /// Its name.
    pub label: Label,
    /// The name of the token whose use brought it.
    pub parent: Option<Label>,
    /// When it was minted, in milliseconds since the epoch.
    pub born: Timestamp,
    /// When it was first replaced.
    pub replaced: Option<Timestamp>,
    /// How often it has bought tokens.
    pub uses: u32,
}

impl RealmHandle {
    pub(crate) fn new(setup: RealmSetup, stopwatch: Stopwatch) -> Self {
        let realm = Mutex::new(Realm::new(setup.clone(), 0));
        let changes = watch::Sender::new(0);
        Self(Arc::new(Shared { realm, holds: Mutex::default(), changes, stopwatch, setup }))
    }

    fn realm(&self) -> MutexGuard<'_, Realm> {
        self.0.realm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn holds(&self) -> MutexGuard<'_, HoldBoard> {
        self.0.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.0.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// The realm's name.
    pub fn name(&self) -> String {
        self.realm().name.clone()
    }

    /// The issuer identifier, which is the base of every endpoint's URL.
    pub fn issuer(&self) -> String {
        self.realm().base.clone()
    }

    // --- time ---

    /// What the realm's clock shows.
    pub fn now(&self) -> Timestamp {
        self.realm().clock.now(self.0.stopwatch.uptime())
    }

    /// Whether the realm's time passes by itself.
    pub fn clock_mode(&self) -> ClockMode {
        self.realm().clock.mode()
    }

    /// Puts the clock to an instant, forward or back.
    pub fn set_clock(&self, to: Timestamp) {
        self.move_clock(|_| to);
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.move_clock(|now| now.plus(by));
    }

    /// Moves the clock back.
    pub fn go_back(&self, by: Duration) {
        self.move_clock(|now| now.minus(by));
    }

    fn move_clock(&self, to: impl FnOnce(Timestamp) -> Timestamp) {
        let uptime = self.0.stopwatch.uptime();
        let mut realm = self.realm();
        let to = to(realm.clock.now(uptime));
        realm.clock.set(to, uptime);
    }

    /// Freezes the clock or lets it flow.
    pub fn switch_clock(&self, mode: ClockMode) {
        self.realm().clock.switch(mode, self.0.stopwatch.uptime());
    }

    // --- rules and people ---

    /// The life rules in force.
    pub fn policy(&self) -> Policy {
        self.realm().policy.clone()
    }

    /// Changes some of the life rules; tokens that live already follow the new ones from now on.
    pub fn change_policy(&self, patch: &PolicyPatch) {
        let mut realm = self.realm();
        realm.policy = realm.policy.clone().patched(patch);
    }

    /// Puts other life rules in place of all that are in force.
    pub fn set_policy(&self, policy: Policy) {
        self.realm().policy = policy;
    }

    /// The registered clients.
    pub fn clients(&self) -> Vec<Client> {
        self.realm().clients.values().cloned().collect()
    }

    /// Registers a client, in place of one with the same id.
    pub fn put_client(&self, client: Client) {
        self.realm().clients.insert(client.id.clone(), client);
    }

    /// The users.
    pub fn users(&self) -> Vec<User> {
        self.realm().users.clone()
    }

    /// Adds a user, in place of one with the same subject.
    pub fn put_user(&self, user: User) {
        let mut realm = self.realm();
        realm.users.retain(|known| known.sub != user.sub);
        realm.users.push(user);
    }

    /// Says who sits at the authorize page, where a request brings no `login_hint`.
    ///
    /// # Errors
    /// When the realm has no user with this subject or e-mail address.
    pub fn sign_in_as(&self, who: &str) -> Result<(), RealmError> {
        let mut realm = self.realm();
        let found = realm.users.iter().find(|user| user.is_hinted_by(who)).map(|user| user.sub.clone());
        realm.signs_in = Some(found.ok_or_else(|| RealmError::NoSuchUser(who.to_owned()))?);
        Ok(())
    }

    /// Says how the person at the authorize page decides.
    pub fn set_consent(&self, consent: Consent) {
        self.realm().consent = consent;
    }

    // --- failing on purpose ---

    /// Queues a scripted reply behind those that wait already.
    ///
    /// # Errors
    /// When the reply makes no sense.
    pub fn script(&self, spec: ReplySpec) -> Result<(), RealmError> {
        let reply = Reply::try_from(spec)?;
        self.realm().replies.push(reply);
        Ok(())
    }

    /// The scripted replies that are left.
    pub fn scripted(&self) -> Vec<ReplySpec> {
        self.realm().replies.iter().map(|reply| reply.spec().clone()).collect()
    }

    /// Forgets all scripted replies: the provider is honest again.
    pub fn clear_script(&self) {
        self.realm().replies.clear();
    }

    /// Makes matching requests wait from now on.
    pub fn hold(&self, spec: HoldSpec) {
        self.holds().hold(spec);
    }

    /// Lifts all holds; requests that wait already go on waiting for their release.
    pub fn lift_holds(&self) {
        self.holds().lift();
    }

    /// The numbers of the requests that wait, in order of arrival.
    pub fn parked(&self) -> Vec<Sequence> {
        self.holds().parked()
    }

    /// Waits until at least `count` requests are parked. Put a time limit of your own around it.
    pub async fn wait_for_parked(&self, count: usize) -> Vec<Sequence> {
        self.wait_until(|handle| Some(handle.parked()).filter(|parked| parked.len() >= count)).await
    }

    /// Lets one parked request go.
    ///
    /// # Errors
    /// When it is not parked.
    pub fn release(&self, sequence: Sequence) -> Result<(), RealmError> {
        let released = self.holds().release(sequence);
        self.changed();
        if released { Ok(()) } else { Err(RealmError::NotParked(sequence)) }
    }

    /// Waits until the answer to a request has been handed to its connection, lost or abandoned. One that has fallen out
    /// of the journal counts as answered.
    pub async fn wait_for_answer(&self, sequence: Sequence) {
        let answered = |handle: &Self| {
            let pending = |entry: &mut Entry| entry.delivery == Delivery::Pending;
            (!handle.realm().journal.entry_mut(sequence).is_some_and(pending)).then_some(())
        };
        self.wait_until(answered).await;
    }

    async fn wait_until<T>(&self, look: impl Fn(&Self) -> Option<T>) -> T {
        let mut changes = self.0.changes.subscribe();
        loop {
            changes.borrow_and_update();
            if let Some(found) = look(self) {
                return found;
            }
            // The sender lives in `self`, so the channel cannot close while this waits.
            drop(changes.changed().await);
        }
    }

    // --- tokens ---

    /// Revokes the grant that a token belongs to, as the user would: all its refresh and access tokens die.
    ///
    /// # Errors
    /// When the realm has minted no such token.
    pub fn revoke(&self, label: Label) -> Result<(), RealmError> {
        let mut realm = self.realm();
        let (client, sub) = realm.owner(label)?;
        realm.revoke_grant(&client, &sub);
        Ok(())
    }

    /// Ends a token's life now: an access token or a code by itself, a refresh token with its family.
    ///
    /// # Errors
    /// When the realm has minted no such token.
    pub fn expire(&self, label: Label) -> Result<(), RealmError> {
        let now = self.now();
        let mut realm = self.realm();
        match realm.found(label)? {
            TokenRef::Access(index) => realm.access[index].expires = now,
            TokenRef::Code(index) => realm.codes[index].expires = now,
            TokenRef::Refresh(lineage, _) => realm.finish_family(lineage, FamilyEnd::Expired),
        }
        Ok(())
    }

    /// When a token ends by itself, if it ever does.
    ///
    /// # Errors
    /// When the realm has minted no such token.
    pub fn expiry(&self, label: Label) -> Result<Option<Timestamp>, RealmError> {
        let realm = self.realm();
        realm.found(label)?;
        Ok(realm.expiry(label))
    }

    /// The name of a token value, if the realm minted it.
    pub fn label_of(&self, value: &str) -> Option<Label> {
        self.realm().label_of(value)
    }

    /// Every secret the realm has minted or holds, with its name: for searching where they leaked to.
    pub fn secrets(&self) -> Vec<(String, Secret)> {
        self.realm().secrets()
    }

    /// Signs with a new key from now on; the JWK set goes on showing the old ones.
    ///
    /// # Errors
    /// When no key can be generated.
    pub fn rotate_keys(&self) -> Result<(), RealmError> {
        // A key is generated without the lock; whoever was faster meanwhile has rotated, which is what was asked for.
        let current = Arc::clone(self.realm().signing_key());
        let next = SigningKey::after(&current)?;
        let mut realm = self.realm();
        if realm.signing_key().kid() == current.kid() {
            realm.keys.push(next);
        }
        Ok(())
    }

    // --- observation ---

    /// The journal from a number on.
    pub fn journal(&self, since: Sequence) -> Vec<Entry> {
        self.realm().journal.since(since).cloned().collect()
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
        self.realm().counters
    }

    /// The genealogy of every family.
    pub fn families(&self) -> Vec<FamilyView> {
        self.realm().lineages.iter().map(FamilyView::of).collect()
    }

    /// Puts everything back to the beginning: clock, policy, people, tokens, scripts, holds and journal. Requests in flight
    /// get a 503 and leave no trace.
    pub fn reset(&self) {
        let mut realm = self.realm();
        *realm = Realm::new(self.0.setup.clone(), realm.epoch + 1);
        drop(realm);
        *self.holds() = HoldBoard::default();
        self.changed();
    }

    // --- the shell's side ---

    /// Journals a request and parks it if a hold wants it.
    pub(crate) fn arrive(&self, request: &WireRequest) -> (Ticket, Option<oneshot::Receiver<()>>) {
        let uptime = self.0.stopwatch.uptime();
        let mut realm = self.realm();
        let now = realm.clock.now(uptime);
        let ticket = Ticket { epoch: realm.epoch, sequence: realm.arrive(now, request) };
        let parked = self.holds().park(ticket.sequence, request, When::Before);
        if let (Some(_), Some(entry)) = (&parked, realm.journal.entry_mut(ticket.sequence)) {
            entry.parked = true;
        }
        drop(realm);
        self.changed();
        (ticket, parked)
    }

    /// What the realm decides; nothing when it was reset since the request came.
    pub(crate) fn decide(&self, ticket: Ticket, request: &WireRequest) -> Option<Decision> {
        let uptime = self.0.stopwatch.uptime();
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
        let parked = self.holds().park(ticket.sequence, request, When::After)?;
        realm.journal.entry_mut(ticket.sequence).into_iter().for_each(|entry| entry.parked = true);
        drop(realm);
        self.changed();
        Some(parked)
    }

    pub(crate) fn settle(&self, ticket: Ticket, status: Option<u16>, delivery: Delivery) {
        let mut realm = self.realm();
        if realm.epoch == ticket.epoch {
            realm.settle(ticket.sequence, status, delivery);
        }
        drop(realm);
        self.changed();
    }
}

/// A request of a realm between two resets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    epoch: u64,
    sequence: Sequence,
}

impl Realm {
    fn found(&self, label: Label) -> Result<TokenRef, RealmError> {
        self.find(label).ok_or_else(|| RealmError::NoSuchToken(label.to_string()))
    }

    fn owner(&self, label: Label) -> Result<(String, String), RealmError> {
        Ok(match self.found(label)? {
            TokenRef::Access(index) => (self.access[index].client.clone(), self.access[index].sub.clone()),
            TokenRef::Code(index) => (self.codes[index].client.clone(), self.codes[index].sub.clone()),
            TokenRef::Refresh(lineage, _) => {
                (self.lineages[lineage].client.clone(), self.lineages[lineage].sub.clone())
            }
        })
    }
}

impl FamilyView {
    fn of(lineage: &crate::realm::Lineage) -> Self {
        let label = |generation: usize| lineage.tokens.get(generation).map(|(label, _)| *label);
        let view = |(generation, member): (usize, &Member)| {
            let parent = member.parent.and_then(label);
            Some(TokenView {
                label: label(generation)?,
                parent,
                born: member.born,
                replaced: member.replaced,
                uses: member.uses,
            })
        };
        Self {
            client: lineage.client.clone(),
            user: lineage.sub.clone(),
            end: lineage.family.end(),
            tokens: lineage.family.members().iter().enumerate().filter_map(view).collect(),
        }
    }
}
