//! A realm from outside: every power a test has over it, as plain calls that any thread may make.
//!
//! The control API speaks the same calls over HTTP. Each call takes the realm's lock for a moment; none does I/O or
//! signs under it. What passes through a realm is [`crate::traffic`], what is asked of its journal [`crate::observe`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use crate::device::DeviceDecision;
use crate::event::Event;
use crate::family::FamilyEnd;
use crate::hold::{HoldBoard, HoldSpec};
use crate::journal::Sequence;
use crate::label::Label;
use crate::loss::{KeysAfterRestart, Loss};
use crate::party::{Client, ServiceAccount, User};
use crate::policy::{Policy, PolicyPatch};
use crate::profile::Profile;
use crate::quirks::{Quirks, QuirksPatch};
use crate::realm::{Realm, RealmSetup};
pub use crate::realm_error::RealmError;
use crate::reply::Reply;
use crate::reply_spec::ReplySpec;
use crate::secret::Secret;
use crate::seed::{SeedSpec, Seeded};
use crate::snapshot::Snapshot;
use crate::state::{Consent, TokenRef};
use crate::time::{ClockMode, Lifetime, Timestamp, Uptime};
use crate::uptime::Stopwatch;

/// A realm of a running [`Provider`](crate::Provider). Clones are the same realm.
#[derive(Clone, Debug)]
pub struct RealmHandle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    realm: Mutex<Realm>,
    holds: Mutex<HoldBoard>,
    /// Whether any hold is in force, so that requests need not ask for the lock.
    holding: AtomicBool,
    /// Counts changes, so that whoever waits for one looks again.
    changes: watch::Sender<u64>,
    stopwatch: Stopwatch,
    setup: RealmSetup,
}

/// What happens at the authorize page from now on; whatever is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct PageDecision {
    /// Who sits there, by subject or e-mail address, where a request brings no `login_hint`.
    pub user: Option<String>,
    /// How they decide.
    pub consent: Option<Consent>,
    /// Scopes that they untick; an empty list unticks none.
    pub without: Option<Vec<String>>,
    /// How long they grant access for; `0s` is for good.
    pub access_for: Option<Lifetime>,
}

impl RealmHandle {
    pub(crate) fn new(setup: RealmSetup, stopwatch: Stopwatch) -> Self {
        let realm = Mutex::new(Realm::new(setup.clone(), 0));
        let changes = watch::Sender::new(0);
        let (holds, holding) = (Mutex::default(), AtomicBool::new(false));
        Self(Arc::new(Shared { realm, holds, holding, changes, stopwatch, setup }))
    }

    pub(crate) fn realm(&self) -> MutexGuard<'_, Realm> {
        self.0.realm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn holds(&self) -> MutexGuard<'_, HoldBoard> {
        self.0.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn uptime(&self) -> Uptime {
        self.0.stopwatch.uptime()
    }

    /// The realm and its time, for a call that changes something.
    fn realm_now(&self) -> (MutexGuard<'_, Realm>, Timestamp) {
        let uptime = self.uptime();
        let realm = self.realm();
        let now = realm.clock.now(uptime);
        (realm, now)
    }

    /// Whether any hold is in force.
    pub(crate) fn is_holding(&self) -> bool {
        self.0.holding.load(Ordering::Acquire)
    }

    /// Tells those who wait that something has changed. Whoever begins to wait later looks first.
    pub(crate) fn changed(&self) {
        if self.0.changes.receiver_count() > 0 {
            self.0.changes.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Looks again at every change until there is something to see.
    pub(crate) async fn wait_until<T>(&self, look: impl Fn(&Self) -> Option<T>) -> T {
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
        self.realm_now().1
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
        let uptime = self.uptime();
        let mut realm = self.realm();
        let to = to(realm.clock.now(uptime));
        realm.clock.set(to, uptime);
    }

    /// Freezes the clock or lets it flow.
    pub fn switch_clock(&self, mode: ClockMode) {
        self.realm().clock.switch(mode, self.uptime());
    }

    // --- rules and people ---

    /// The life rules in force.
    pub fn policy(&self) -> Policy {
        self.realm().state.policy
    }

    /// Changes some of the life rules; tokens that live already follow the new ones from now on.
    pub fn change_policy(&self, patch: &PolicyPatch) {
        let mut realm = self.realm();
        realm.state.policy = realm.state.policy.patched(patch);
    }

    /// Puts other life rules in place of all that are in force; refusals are Google's again.
    pub fn set_policy(&self, policy: Policy) {
        let mut realm = self.realm();
        realm.state.policy = policy;
        realm.state.refusals.clear();
    }

    /// Follows a profile from now on: its life rules, its refusals, its names.
    pub fn follow(&self, profile: Profile) {
        let mut realm = self.realm();
        realm.state.policy = profile.policy;
        realm.state.quirks = profile.members.put_into(realm.state.quirks);
        realm.state.refusals = profile.refusals;
    }

    /// The switches as they stand.
    pub fn quirks(&self) -> Quirks {
        self.realm().state.quirks
    }

    /// Flips some switches.
    pub fn change_quirks(&self, patch: &QuirksPatch) {
        let mut realm = self.realm();
        realm.state.quirks = realm.state.quirks.patched(patch);
    }

    /// The registered clients.
    pub fn clients(&self) -> Vec<Client> {
        self.realm().state.clients.values().cloned().collect()
    }

    /// Registers a client, in place of one with the same id.
    pub fn put_client(&self, client: Client) {
        self.realm().state.clients.insert(client.id.clone(), client);
    }

    /// The file that Google's console hands out for a client (`{"web": {…}}` or `{"installed": {…}}`).
    ///
    /// # Errors
    /// When the realm has no such client.
    pub fn client_file(&self, id: &str) -> Result<Value, RealmError> {
        let realm = self.realm();
        let client = realm.state.clients.get(id).ok_or_else(|| RealmError::NoSuchClient(id.to_owned()))?;
        Ok(realm.client_file(client))
    }

    /// The users.
    pub fn users(&self) -> Vec<User> {
        self.realm().state.users.clone()
    }

    /// Adds a user, in place of one with the same subject.
    pub fn put_user(&self, user: User) {
        let users = &mut self.realm().state.users;
        match users.iter_mut().find(|known| known.sub == user.sub) {
            Some(known) => *known = user,
            None => users.push(user),
        }
    }

    /// The service accounts.
    pub fn service_accounts(&self) -> Vec<ServiceAccount> {
        self.realm().state.service_accounts.clone()
    }

    /// Adds a service account, in place of one with the same address.
    pub fn put_service_account(&self, account: ServiceAccount) {
        let mut realm = self.realm();
        realm.state.service_accounts.retain(|known| known.email != account.email);
        realm.state.service_accounts.push(account);
    }

    /// The key files of all service accounts, as Google's console hands them out. They hold a private key.
    pub fn key_files(&self) -> Vec<Value> {
        let realm = self.realm();
        realm.state.service_accounts.iter().map(|account| realm.key_file(account)).collect()
    }

    /// Says who sits at the authorize page, where a request brings no `login_hint`.
    ///
    /// # Errors
    /// When the realm has no user with this subject or e-mail address.
    pub fn sign_in_as(&self, who: &str) -> Result<(), RealmError> {
        self.decide_at_page(PageDecision { user: Some(who.to_owned()), ..PageDecision::default() })
    }

    /// Says how the person at the authorize page decides.
    pub fn set_consent(&self, consent: Consent) {
        self.realm().state.at_the_page.consent = consent;
    }

    /// Says what happens at the authorize page from now on.
    ///
    /// # Errors
    /// When the realm has no such user.
    pub fn decide_at_page(&self, decision: PageDecision) -> Result<(), RealmError> {
        let mut realm = self.realm();
        let user = decision.user.map(|user| realm.known_user(&user)).transpose()?;
        let page = &mut realm.state.at_the_page;
        page.user = user.or_else(|| page.user.take());
        page.consent = decision.consent.unwrap_or(page.consent);
        if let Some(without) = decision.without {
            page.without = without;
        }
        if let Some(length) = decision.access_for {
            page.access_for = Some(length).filter(|length| !length.0.is_zero());
        }
        Ok(())
    }

    /// The user enters a device's code and approves; nobody denies.
    ///
    /// # Errors
    /// When there is no such user, or no device waits with this code.
    pub fn decide_device(&self, user_code: &str, user: Option<&str>) -> Result<(), RealmError> {
        let (mut realm, now) = self.realm_now();
        let decision = match user {
            Some(user) => DeviceDecision::Approved(realm.known_user(user)?.into()),
            None => DeviceDecision::Denied,
        };
        let decided = realm.decide_device(now, user_code, decision);
        realm.note(now);
        if decided { Ok(()) } else { Err(RealmError::NoSuchDevice(user_code.to_owned())) }
    }

    /// Lets something happen on the provider's side. Gives the secret that it brought, if it did.
    ///
    /// # Errors
    /// When it is about somebody whom the realm does not know.
    pub fn happen(&self, event: Event) -> Result<Option<Secret>, RealmError> {
        let (mut realm, now) = self.realm_now();
        let brought = realm.happen(now, event);
        realm.note(now);
        brought
    }

    // --- failing on purpose ---

    /// Queues a scripted reply behind those that wait already.
    ///
    /// # Errors
    /// When the reply makes no sense, or is for a user or a client whom the realm does not know.
    pub fn script(&self, spec: ReplySpec) -> Result<(), RealmError> {
        let (mut realm, now) = self.realm_now();
        let user = spec.user.as_deref().map(|user| realm.known_user(user)).transpose()?;
        realm.expect_client(spec.client.as_deref())?;
        let reply = Reply::new(ReplySpec { user, ..spec }, now)?;
        realm.replies.push(reply);
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
    ///
    /// # Errors
    /// When it is for a user or a client whom the realm does not know.
    pub fn hold(&self, spec: HoldSpec) -> Result<(), RealmError> {
        let user = spec.user.as_deref().map(|user| self.realm().known_user(user)).transpose()?;
        self.realm().expect_client(spec.client.as_deref())?;
        let spec = HoldSpec { user, ..spec };
        let mut holds = self.holds();
        holds.hold(spec);
        self.0.holding.store(true, Ordering::Release);
        Ok(())
    }

    /// Lifts all holds; requests that wait already go on waiting for their release.
    pub fn lift_holds(&self) {
        let mut holds = self.holds();
        holds.lift();
        self.0.holding.store(false, Ordering::Release);
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

    /// Remembers earlier states as far back as `reach` in the realm's time, so that a restart can lose that much; every
    /// request then costs a copy of the state. `None` switches it off again.
    pub fn remember(&self, reach: Option<Lifetime>) {
        let (mut realm, now) = self.realm_now();
        let Realm { memory, state, .. } = &mut *realm;
        memory.reach_back(reach, now, state);
    }

    /// Comes up again and has forgotten something. Requests in flight get a 503, and holds are lifted.
    ///
    /// # Errors
    /// When it should lose a stretch that [`RealmHandle::remember`] does not reach; then nothing has changed.
    pub fn restart(&self, loss: Loss, keys: KeysAfterRestart) -> Result<(), RealmError> {
        let (mut realm, now) = self.realm_now();
        realm.restart(now, loss, keys)?;
        drop(realm);
        self.drop_parked();
        Ok(())
    }

    fn drop_parked(&self) {
        let mut holds = self.holds();
        *holds = HoldBoard::default();
        self.0.holding.store(false, Ordering::Release);
        drop(holds);
        self.changed();
    }

    // --- tokens ---

    /// Revokes the grant that a token belongs to, as the user would: all its refresh and access tokens die.
    ///
    /// # Errors
    /// When the realm has minted no such token.
    pub fn revoke(&self, label: Label) -> Result<(), RealmError> {
        let (mut realm, now) = self.realm_now();
        let (client, sub) = realm.owner_of(label).ok_or_else(|| RealmError::NoSuchToken(label.to_string()))?;
        realm.revoke_grant(&client, &sub, now);
        realm.note(now);
        Ok(())
    }

    /// Ends a token's life now: an access token or a code by itself, a refresh token with its family.
    ///
    /// # Errors
    /// When the realm has minted no such token.
    pub fn expire(&self, label: Label) -> Result<(), RealmError> {
        let (mut realm, now) = self.realm_now();
        match realm.state.find(label) {
            Some(TokenRef::Access(place)) => realm.state.access[place as usize].expires = now,
            Some(TokenRef::Code(place)) => realm.state.codes[place as usize].expires = now,
            Some(TokenRef::Refresh(place, _)) => realm.finish_family(place, FamilyEnd::Expired, now),
            Some(TokenRef::Device(_)) | None => return Err(RealmError::NoSuchToken(label.to_string())),
        }
        realm.note(now);
        Ok(())
    }

    /// When a token ends by itself, if it ever does.
    ///
    /// # Errors
    /// When the realm has minted no such token.
    pub fn expiry(&self, label: Label) -> Result<Option<Timestamp>, RealmError> {
        let realm = self.realm();
        realm.state.find(label).ok_or_else(|| RealmError::NoSuchToken(label.to_string()))?;
        Ok(realm.expiry(label))
    }

    /// The name of a token value, if the realm minted it.
    pub fn label_of(&self, value: &str) -> Option<Label> {
        self.realm().state.label_of(value)
    }

    /// Every secret the realm has minted or holds, with its name: for searching where they leaked to.
    pub fn secrets(&self) -> Vec<(String, Secret)> {
        self.realm().state.secrets()
    }

    /// Signs with a new key from now on; the key documents go on showing the old ones for a while.
    pub fn rotate_keys(&self) {
        let (mut realm, now) = self.realm_now();
        realm.state.rotations.push(now);
    }

    // --- whole states ---

    /// Puts tokens into the realm.
    ///
    /// # Errors
    /// When they are for somebody whom the realm does not know, or too many; then nothing is seeded.
    pub fn seed(&self, spec: &SeedSpec) -> Result<Seeded, RealmError> {
        let (mut realm, now) = self.realm_now();
        realm.seed(now, spec)
    }

    /// The whole realm as a document, secrets included.
    pub fn snapshot(&self) -> Snapshot {
        let (realm, now) = self.realm_now();
        realm.snapshot(now)
    }

    /// Becomes what a snapshot says: clock, rules, people, tokens, scripts and journal. Holds are lifted, and requests in
    /// flight get a 503.
    ///
    /// # Errors
    /// When a scripted reply in it makes no sense; then nothing has changed.
    pub fn restore(&self, snapshot: Snapshot) -> Result<(), RealmError> {
        let uptime = self.uptime();
        self.realm().restore(snapshot, uptime)?;
        self.drop_parked();
        Ok(())
    }

    /// Puts everything back to the beginning: clock, policy, people, tokens, scripts, holds and journal. Requests in flight
    /// get a 503 and leave no trace.
    pub fn reset(&self) {
        let mut realm = self.realm();
        *realm = Realm::new(self.0.setup.clone(), realm.epoch + 1);
        drop(realm);
        self.drop_parked();
    }
}
