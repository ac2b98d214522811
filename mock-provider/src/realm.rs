//! A realm: one fake Google, and nothing of HTTP.
//!
//! What it knows is its [`State`]; around it are the clock, the scripted replies and the journal. A realm does no I/O
//! and reads no clock of its own: the time comes in with every call, and every value it mints comes from its seed. The
//! endpoints are methods in modules of their own ([`crate::token`], [`crate::authorize`], …); the shell around it is
//! [`crate::provider`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::entropy::Entropy;
use crate::family::{Family, FamilyEnd};
use crate::journal::Journal;
use crate::keys::SigningKey;
use crate::label::Label;
use crate::loss::Memory;
use crate::party::{Client, ServiceAccount, Standing, User};
use crate::policy::{LiveLimit, Policy, Publishing, Reuse};
use crate::provider::Template;
use crate::reply::Reply;
use crate::secret::Secret;
use crate::state::{AccessToken, Code, Lineage, RevokedAccess, Scopes, State, TokenRef, project_of};
use crate::time::{Clock, Lifetime, Timestamp};

/// How long a refresh token lives in Testing.
const TESTING: Lifetime = Lifetime::days(7);

/// As of an access token, Google tells a second less of its refresh tokens; here it is also what they live.
const LESS: Duration = Duration::from_secs(1);

/// Scopes that only say who somebody is; they do not fall under the seven days of Testing.
const SIGN_IN_SCOPES: [&str; 5] = ["openid", "email", "profile", crate::authorize::EMAIL, crate::authorize::PROFILE];

/// How long a key is shown before its turn.
const AHEAD: Duration = Duration::from_secs(86_400);

/// The most keys that are shown at once.
const SHOWN_KEYS: u64 = 4;

/// One fake Google.
pub(crate) struct Realm {
    pub(crate) name: String,
    /// Counts resets: a request that began before one has nothing to do with what came after.
    pub(crate) epoch: u64,
    pub(crate) base: String,
    /// When the realm's clock began, from which the turns of the signing keys are counted.
    pub(crate) started: Timestamp,
    pub(crate) clock: Clock,
    pub(crate) state: State,
    keys: BTreeMap<u64, Arc<SigningKey>>,
    pub(crate) replies: Vec<Reply>,
    pub(crate) journal: Journal,
    pub(crate) memory: Memory,
}

/// What a new realm starts with.
#[derive(Clone, Debug)]
pub(crate) struct RealmSetup {
    /// Its name.
    pub name: String,
    /// Its base URL, which is its issuer identifier.
    pub base: String,
    /// Its clock, and what that shows now.
    pub clock: (Clock, Timestamp),
    /// The rest.
    pub template: Template,
}

impl std::fmt::Debug for Realm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Realm").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Realm {
    /// A realm. Unless told otherwise it has one web client, which may redirect to any loopback address, one user and one
    /// service account. After a reset (`epoch` counts them) the client is the same and the tokens are others, so that
    /// nobody passes with one from before.
    pub(crate) fn new(setup: RealmSetup, epoch: u64) -> Self {
        let (clock, started) = setup.clock;
        Self {
            epoch,
            started,
            clock,
            state: State::of(&setup, epoch),
            keys: BTreeMap::new(),
            replies: vec![],
            journal: Journal::new(setup.template.journal_capacity),
            memory: Memory::default(),
            name: setup.name,
            base: setup.base,
        }
    }

    /// Remembers the state as it is now, where that is switched on.
    pub(crate) fn note(&mut self, now: Timestamp) {
        self.memory.note(now, &self.state);
    }

    // --- keys ---

    /// The slot of the key that signs at `now`: one more for every period that has passed and every rotation by hand.
    fn slot(&self, now: Timestamp) -> u64 {
        let passed = u64::try_from(now.as_millis().saturating_sub(self.started.as_millis())).unwrap_or_default();
        let period =
            self.state.quirks.key_rotation.duration().and_then(|period| u64::try_from(period.as_millis()).ok());
        let turns = period.and_then(|period| passed.checked_div(period)).unwrap_or_default();
        turns + self.state.rotations.iter().filter(|at| **at <= now).count() as u64
    }

    /// The key that signs now.
    pub(crate) fn signing_key(&mut self, now: Timestamp) -> Arc<SigningKey> {
        let slot = self.slot(now);
        Arc::clone(self.keys.entry(slot).or_insert_with(|| SigningKey::of_slot(slot)))
    }

    /// The keys that are shown now, the newest first: those that have signed within the last period, and the next one.
    pub(crate) fn shown_keys(&self, now: Timestamp) -> Vec<Arc<SigningKey>> {
        let last = self.slot(now);
        // The next key is shown for a day before it signs.
        let next = self.slot(now.plus(AHEAD)).min(last + 1);
        let first = self.state.quirks.key_rotation.duration().map_or(0, |period| self.slot(now.minus(period)));
        let since_restart = self.state.keys_shown_from.filter(|at| *at <= now).map_or(0, |at| self.slot(at));
        let first = first.max(since_restart).max((next + 1).saturating_sub(SHOWN_KEYS));
        let key = |slot: u64| self.keys.get(&slot).map_or_else(|| SigningKey::of_slot(slot), Arc::clone);
        (first..=next).rev().map(key).collect()
    }

    /// After another beginning of time the slots are others.
    pub(crate) fn forget_keys(&mut self) {
        self.keys.clear();
    }

    // --- families ---

    /// When a token ends by itself, if it ever does.
    pub(crate) fn expiry(&self, label: Label) -> Option<Timestamp> {
        match self.state.find(label)? {
            TokenRef::Access(place) => Some(self.state.access(place).expires),
            TokenRef::Code(place) => Some(self.state.code(place).expires),
            TokenRef::Refresh(place, _) => {
                let lineage = self.state.lineage(place);
                lineage.family.ends_by_itself(&self.state.policy_for(&lineage.client))
            }
            TokenRef::Device(_) => None,
        }
    }

    /// Begins a family for a fresh consent and mints its first refresh token.
    pub(crate) fn begin_family(
        &mut self,
        now: Timestamp,
        client: Arc<str>,
        sub: Arc<str>,
        scopes: Scopes,
        access_for: Option<Lifetime>,
    ) -> u32 {
        let policy = self.state.policy_for(&client);
        self.evict_for(&client, &sub, now, &policy);
        let ends = family_end(now, &policy, &scopes, access_for);
        let lineage = self.state.add_lineage(Lineage {
            family: Family::begin(now).until(ends),
            client,
            sub,
            scopes,
            tokens: vec![],
        });
        self.state.mint_refresh(lineage);
        lineage
    }

    /// The live-token limits: the oldest families make room, without a word (first in, first out).
    fn evict_for(&mut self, client: &str, sub: &str, now: Timestamp, policy: &Policy) {
        if let LiveLimit::AtMost(limit) = policy.live_limit {
            let families = self.state.grant_mut(client, sub).families.clone();
            let of_client = |place: &u32| *self.state.lineage(*place).client == *client;
            let families = families.into_iter().filter(of_client).collect();
            self.evict(families, limit, now);
        }
        if let LiveLimit::AtMost(limit) = self.state.quirks.user_live_limit {
            let projects = self.state.grants.get(sub).into_iter().flatten();
            let mut families: Vec<u32> = projects.flat_map(|(_, grant)| grant.families.iter().copied()).collect();
            families.sort_unstable();
            self.evict(families, limit, now);
        }
    }

    fn evict(&mut self, families: Vec<u32>, limit: u32, now: Timestamp) {
        let live: Vec<u32> = families.into_iter().filter(|place| self.is_live(*place, now)).collect();
        let surplus = (live.len() + 1).saturating_sub(limit as usize);
        for place in live.into_iter().take(surplus) {
            self.finish_family(place, FamilyEnd::Evicted, now);
            self.state.counters.families_evicted += 1;
        }
    }

    fn is_live(&self, place: u32, now: Timestamp) -> bool {
        let lineage = self.state.lineage(place);
        lineage.family.dead(now, &self.state.policy_for(&lineage.client)).is_none()
    }

    /// Ends a family. Its access tokens follow where the reason is a revocation: they look at it when they are used.
    pub(crate) fn finish_family(&mut self, place: u32, why: FamilyEnd, now: Timestamp) {
        let delay = self.state.quirks.revocation_delay.0;
        let lineage = self.state.lineage_mut(place);
        let ended_before = lineage.family.end().is_some();
        match why {
            FamilyEnd::Revoked if !delay.is_zero() => lineage.family.finish_late(why, now, now.plus(delay)),
            _ => lineage.family.finish(why, now),
        }
        if why.takes_access_tokens() && !ended_before {
            self.state.counters.families_revoked += 1;
        }
        self.forget_family(place);
    }

    /// A grant remembers the families that may still live, so that it does not grow with every sign-in.
    fn forget_family(&mut self, place: u32) {
        let lineage = self.state.lineage(place);
        let (client, sub) = (Arc::clone(&lineage.client), Arc::clone(&lineage.sub));
        self.state.grant_mut(&client, &sub).families.remove(&place);
    }

    /// What a noticed reuse takes with it, beside the family in which it happened.
    pub(crate) fn punish(&mut self, place: u32, reuse: Reuse, now: Timestamp) {
        self.state.counters.reuse_detected += 1;
        self.state.counters.families_revoked += 1;
        self.forget_family(place);
        let lineage = self.state.lineage(place);
        let (client, sub) = (Arc::clone(&lineage.client), Arc::clone(&lineage.sub));
        match reuse {
            Reuse::Reject | Reuse::Ignore | Reuse::RevokeFamily => {}
            Reuse::RevokeGrant => self.end_grant(project_of(&client), &sub, FamilyEnd::ReuseDetected, now),
            Reuse::RevokeUser => self.end_grants_of(&sub, FamilyEnd::ReuseDetected, now),
        }
    }

    /// Takes back everything that a user has granted to a project: what revoking any one of its tokens does.
    pub(crate) fn revoke_grant(&mut self, client: &str, sub: &str, now: Timestamp) {
        self.end_grant(project_of(client), sub, FamilyEnd::Revoked, now);
    }

    /// Takes back everything that a user has granted to anybody.
    pub(crate) fn end_grants_of(&mut self, sub: &str, why: FamilyEnd, now: Timestamp) {
        let projects: Vec<String> = self.state.grants.get(sub).into_iter().flatten().map(|(p, _)| p.clone()).collect();
        for project in projects {
            self.end_grant(&project, sub, why, now);
        }
    }

    pub(crate) fn end_grant(&mut self, project: &str, sub: &str, why: FamilyEnd, now: Timestamp) {
        let from = now.plus(self.state.quirks.revocation_delay.0);
        let up_to = self.state.minted.access;
        let grant = self.state.grants.entry(sub.to_owned()).or_default().entry(project.to_owned()).or_default();
        grant.scopes.clear();
        // What is felt already stays; one that is still to be felt may be overtaken by this one.
        grant.revoked.retain(|known| known.from < from);
        grant.revoked.push(RevokedAccess { up_to, from });
        for place in std::mem::take(&mut grant.families) {
            self.finish_family(place, why, now);
        }
        let of_grant = |code: &&mut Code| *code.sub == *sub && project_of(&code.client) == project;
        self.state.codes.iter_mut().filter(of_grant).for_each(|code| code.expires = code.expires.min(now));
    }

    // --- access tokens ---

    /// Mints an access token.
    pub(crate) fn mint_access(
        &mut self,
        now: Timestamp,
        client: &Arc<str>,
        sub: &Arc<str>,
        scopes: &Scopes,
        lineage: Option<u32>,
    ) -> u32 {
        let expires = now.plus(self.state.policy_for(client).access_ttl.0);
        self.mint_access_until(expires, client, sub, scopes, lineage)
    }

    /// Mints an access token with an end of its own.
    pub(crate) fn mint_access_until(
        &mut self,
        expires: Timestamp,
        client: &Arc<str>,
        sub: &Arc<str>,
        scopes: &Scopes,
        lineage: Option<u32>,
    ) -> u32 {
        let label = self.state.access_label();
        let value = Secret::new(self.state.entropy.access_token(self.state.quirks.access_token_length));
        let (client, sub, scopes) = (Arc::clone(client), Arc::clone(sub), Arc::clone(scopes));
        self.state.add_access(AccessToken { label, value, client, sub, scopes, lineage, expires })
    }

    /// The access token with this value, if it is good at `now`.
    pub(crate) fn good_access(&self, value: &str, now: Timestamp) -> Option<&AccessToken> {
        match self.state.place_of(value)? {
            TokenRef::Access(place) => Some(self.state.access(place)).filter(|token| self.is_good(token, now)),
            TokenRef::Refresh(..) | TokenRef::Code(_) | TokenRef::Device(_) => None,
        }
    }

    fn is_good(&self, token: &AccessToken, now: Timestamp) -> bool {
        let active = self.state.user(&token.sub).is_none_or(|user| user.standing == Standing::Active);
        active && now < token.expires && !self.is_revoked(token, now)
    }

    fn is_revoked(&self, token: &AccessToken, now: Timestamp) -> bool {
        let revoked = self.state.grant(&token.client, &token.sub).into_iter().flat_map(|grant| &grant.revoked);
        if revoked.into_iter().any(|revoked| token.label.number <= revoked.up_to && now >= revoked.from) {
            return true;
        }
        let end = token.lineage.and_then(|place| self.state.lineage(place).family.end());
        end.is_some_and(|end| end.why.takes_access_tokens() && end.is_felt(now))
    }
}

/// The end that a family has from its beginning: seven days in Testing, or what the user allowed.
fn family_end(now: Timestamp, policy: &Policy, scopes: &[String], access_for: Option<Lifetime>) -> Option<Timestamp> {
    let testing = policy.publishing == Publishing::Testing && !scopes.iter().all(|scope| is_for_sign_in(scope));
    let ends = [testing.then_some(TESTING), access_for];
    ends.into_iter().flatten().min().map(|lifetime| now.plus(lifetime.0.saturating_sub(LESS)))
}

/// Whether a scope only says who somebody is.
pub(crate) fn is_for_sign_in(scope: &str) -> bool {
    SIGN_IN_SCOPES.contains(&scope)
}

impl State {
    fn of(setup: &RealmSetup, epoch: u64) -> Self {
        let Template { seed, policy, quirks, refusals, users, clients, service_accounts, consent, .. } =
            setup.template.clone();
        let mut entropy = Entropy::new(seed, &setup.name);
        let web_client =
            Client { id: entropy.client_id(), secret: Some(Secret::new(entropy.client_secret())), ..Client::default() };
        if epoch > 0 {
            entropy = Entropy::new(seed, &format!("{}/{epoch}", setup.name));
        }
        let clients = if clients.is_empty() { vec![web_client] } else { clients };
        let ada = || vec![User::named("100000000000000000001", "ada")];
        let robot = || vec![ServiceAccount::named("robot", "100000000000000000901")];
        let mut state = Self::new(policy, entropy);
        state.quirks = quirks;
        state.refusals = refusals;
        state.clients = clients.into_iter().map(|client| (client.id.clone(), client)).collect();
        state.users = if users.is_empty() { ada() } else { users };
        state.service_accounts = if service_accounts.is_empty() { robot() } else { service_accounts };
        state.at_the_page.consent = consent;
        state
    }
}
