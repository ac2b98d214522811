//! A realm: everything one fake Google knows, and nothing of HTTP.
//!
//! All state of one test lives here: clock, clients, users, grants, families of refresh tokens, access tokens, policy,
//! scripted replies and the journal. A realm does no I/O and reads no clock of its own: the time comes in with every
//! call, and every value it mints comes from its seed. The endpoints are methods in modules of their own
//! ([`crate::token`], [`crate::authorize`], …); the shell around it is [`crate::provider`].

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::entropy::Entropy;
use crate::family::{Family, FamilyEnd, Generation};
use crate::journal::Journal;
use crate::keys::SigningKey;
use crate::label::{Label, TokenKind};
use crate::party::{Client, User};
use crate::policy::{LiveLimit, Policy};
use crate::reply::Reply;
use crate::secret::Secret;
use crate::time::{Clock, Timestamp};

/// How the person at the authorize page decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Approves at once.
    #[default]
    Approve,
    /// Denies: `access_denied` (RFC 6749 section 4.1.2.1).
    Deny,
}

/// The life of a grant's tokens: one lineage, and whom it is for.
#[derive(Debug)]
pub(crate) struct Lineage {
    pub(crate) family: Family,
    pub(crate) client: String,
    pub(crate) sub: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) tokens: Vec<(Label, Secret)>,
}

/// An access token.
#[derive(Debug)]
pub(crate) struct AccessToken {
    pub(crate) label: Label,
    pub(crate) value: Secret,
    pub(crate) client: String,
    pub(crate) sub: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) lineage: Option<usize>,
    pub(crate) expires: Timestamp,
    pub(crate) revoked: bool,
}

/// An authorization code and what it was bound to.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) label: Label,
    pub(crate) value: Secret,
    pub(crate) client: String,
    pub(crate) sub: String,
    pub(crate) redirect_uri: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) offline: bool,
    pub(crate) expires: Timestamp,
    pub(crate) redeemed: bool,
}

/// A PKCE challenge (RFC 7636 section 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    Plain(String),
    S256(String),
}

/// Where a token value leads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TokenRef {
    Access(usize),
    Refresh(usize, Generation),
    Code(usize),
}

/// One fake Google.
pub(crate) struct Realm {
    pub(crate) name: String,
    /// Counts resets: a request that began before one has nothing to do with what came after.
    pub(crate) epoch: u64,
    pub(crate) base: String,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) policy: Policy,
    pub(crate) clients: BTreeMap<String, Client>,
    pub(crate) users: Vec<User>,
    pub(crate) signs_in: Option<String>,
    pub(crate) consent: Consent,
    /// Scopes that a user has granted to a project, by subject and project.
    pub(crate) consents: BTreeMap<(String, String), Vec<String>>,
    pub(crate) codes: Vec<Code>,
    pub(crate) lineages: Vec<Lineage>,
    pub(crate) access: Vec<AccessToken>,
    pub(crate) by_value: BTreeMap<String, TokenRef>,
    pub(crate) id_tokens: u32,
    pub(crate) refresh_tokens: u32,
    pub(crate) keys: Vec<Arc<SigningKey>>,
    /// Code verifiers that were presented: secrets of the client that must not turn up elsewhere.
    pub(crate) verifiers: Vec<Secret>,
    pub(crate) replies: Vec<Reply>,
    pub(crate) journal: Journal,
    pub(crate) counters: Counters,
}

/// What happened in a realm, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Families that a reuse has revoked.
    pub reuse_detected: u32,
    /// Families that were revoked for whatever reason.
    pub families_revoked: u32,
    /// Families that a live-token limit has evicted.
    pub families_evicted: u32,
}

/// What a new realm starts with.
#[derive(Clone, Debug)]
pub(crate) struct RealmSetup {
    /// Its name.
    pub name: String,
    /// Its base URL, which is its issuer identifier.
    pub base: String,
    /// The seed of everything that it mints.
    pub seed: u64,
    /// Its clock.
    pub clock: Clock,
    /// Its life rules.
    pub policy: Policy,
    /// Its users; one is made up where there are none.
    pub(crate) users: Vec<User>,
    /// Its clients; one is made up where there are none.
    pub(crate) clients: Vec<Client>,
    /// How many requests its journal keeps.
    pub journal_capacity: usize,
}

impl std::fmt::Debug for Realm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Realm").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Realm {
    /// A realm. Unless told otherwise it has one web client, which may redirect to any loopback address, and one user. After a reset (`epoch` counts them)
    /// the client is the same and the tokens are others, so that nobody passes with one from before.
    pub(crate) fn new(setup: RealmSetup, epoch: u64) -> Self {
        let mut entropy = Entropy::new(setup.seed, &setup.name);
        let web_client = Client {
            id: entropy.client_id(),
            secret: Some(Secret::new(entropy.client_secret())),
            redirect_uris: vec![],
        };
        let clients = if setup.clients.is_empty() { vec![web_client] } else { setup.clients };
        let ada = || vec![User::named("100000000000000000001", "ada")];
        if epoch > 0 {
            entropy = Entropy::new(setup.seed, &format!("{}/{epoch}", setup.name));
        }
        Self {
            name: setup.name,
            epoch,
            base: setup.base,
            clock: setup.clock,
            entropy,
            policy: setup.policy,
            clients: clients.into_iter().map(|client| (client.id.clone(), client)).collect(),
            users: if setup.users.is_empty() { ada() } else { setup.users },
            signs_in: None,
            consent: Consent::default(),
            consents: BTreeMap::new(),
            codes: vec![],
            lineages: vec![],
            access: vec![],
            by_value: BTreeMap::new(),
            id_tokens: 0,
            refresh_tokens: 0,
            keys: vec![SigningKey::first()],
            verifiers: vec![],
            replies: vec![],
            journal: Journal::new(setup.journal_capacity),
            counters: Counters::default(),
        }
    }

    /// The key that signs now.
    pub(crate) fn signing_key(&self) -> &Arc<SigningKey> {
        self.keys.last().unwrap_or_else(|| unreachable!("a realm starts with a key and never drops its last"))
    }

    /// The user with this subject.
    pub(crate) fn user(&self, sub: &str) -> Option<&User> {
        self.users.iter().find(|user| user.sub == sub)
    }

    /// The label of a token that this realm has minted.
    pub(crate) fn label_of(&self, value: &str) -> Option<Label> {
        Some(match *self.by_value.get(value)? {
            TokenRef::Access(index) => self.access[index].label,
            TokenRef::Refresh(lineage, generation) => self.lineages[lineage].tokens[generation].0,
            TokenRef::Code(index) => self.codes[index].label,
        })
    }

    /// Where a label leads.
    pub(crate) fn find(&self, label: Label) -> Option<TokenRef> {
        match label.kind {
            TokenKind::Access => self.access.iter().position(|token| token.label == label).map(TokenRef::Access),
            TokenKind::Code => self.codes.iter().position(|code| code.label == label).map(TokenRef::Code),
            TokenKind::Refresh => self.lineages.iter().enumerate().find_map(|(index, lineage)| {
                let generation = lineage.tokens.iter().position(|(known, _)| *known == label)?;
                Some(TokenRef::Refresh(index, generation))
            }),
            TokenKind::Id => None,
        }
    }

    /// When a token ends by itself, if it ever does.
    pub(crate) fn expiry(&self, label: Label) -> Option<Timestamp> {
        match self.find(label)? {
            TokenRef::Access(index) => Some(self.access[index].expires),
            TokenRef::Code(index) => Some(self.codes[index].expires),
            TokenRef::Refresh(lineage, _) => {
                let family = &self.lineages[lineage].family;
                [family.expires(&self.policy), family.idles_out(&self.policy)].into_iter().flatten().min()
            }
        }
    }

    /// Every secret value that the realm has minted or holds, with a name for it. For searching where they leaked to.
    pub(crate) fn secrets(&self) -> Vec<(String, Secret)> {
        let access = self.access.iter().map(|token| (token.label.to_string(), token.value.clone()));
        let refresh = self
            .lineages
            .iter()
            .flat_map(|lineage| &lineage.tokens)
            .map(|(label, value)| (label.to_string(), value.clone()));
        let codes = self.codes.iter().map(|code| (code.label.to_string(), code.value.clone()));
        let clients =
            self.clients.values().filter_map(|client| Some(("client_secret".to_owned(), client.secret.clone()?)));
        let verifiers = self.verifiers.iter().map(|value| ("code_verifier".to_owned(), value.clone()));
        access.chain(refresh).chain(codes).chain(clients).chain(verifiers).collect()
    }

    /// Begins a family for a fresh consent and mints its first refresh token.
    pub(crate) fn begin_family(&mut self, now: Timestamp, client: &str, sub: &str, scopes: &[String]) -> usize {
        self.evict_for(client, sub, now);
        self.lineages.push(Lineage {
            family: Family::begin(now),
            client: client.to_owned(),
            sub: sub.to_owned(),
            scopes: scopes.to_vec(),
            tokens: vec![],
        });
        let lineage = self.lineages.len() - 1;
        self.mint_refresh(lineage);
        lineage
    }

    /// The live-token limit: the oldest families make room, without a word (first in, first out).
    fn evict_for(&mut self, client: &str, sub: &str, now: Timestamp) {
        let LiveLimit::AtMost(limit) = self.policy.live_limit else { return };
        let policy = &self.policy;
        let mut live: Vec<&mut Lineage> = self
            .lineages
            .iter_mut()
            .filter(|lineage| {
                lineage.client == client && lineage.sub == sub && lineage.family.dead(now, policy).is_none()
            })
            .collect();
        let surplus = (live.len() + 1).saturating_sub(limit as usize);
        for lineage in live.iter_mut().take(surplus) {
            lineage.family.finish(FamilyEnd::Evicted);
            self.counters.families_evicted += 1;
        }
    }

    /// Mints the value of the newest generation of a lineage.
    pub(crate) fn mint_refresh(&mut self, lineage: usize) -> Label {
        self.refresh_tokens += 1;
        let label = Label { kind: TokenKind::Refresh, number: self.refresh_tokens };
        let value = self.entropy.refresh_token();
        let tokens = &mut self.lineages[lineage].tokens;
        self.by_value.insert(value.clone(), TokenRef::Refresh(lineage, tokens.len()));
        tokens.push((label, Secret::new(value)));
        label
    }

    /// Mints an access token.
    pub(crate) fn mint_access(
        &mut self,
        now: Timestamp,
        client: &str,
        sub: &str,
        scopes: &[String],
        lineage: Option<usize>,
    ) -> usize {
        let index = self.access.len();
        let value = self.entropy.access_token();
        self.by_value.insert(value.clone(), TokenRef::Access(index));
        self.access.push(AccessToken {
            label: Label { kind: TokenKind::Access, number: number_after(index) },
            value: Secret::new(value),
            client: client.to_owned(),
            sub: sub.to_owned(),
            scopes: scopes.to_vec(),
            lineage,
            expires: now.plus(self.policy.access_ttl.0),
            revoked: false,
        });
        index
    }

    /// Ends a family; with its access tokens where the reason is a revocation.
    pub(crate) fn finish_family(&mut self, lineage: usize, why: FamilyEnd) {
        self.lineages[lineage].family.finish(why);
        if matches!(why, FamilyEnd::Revoked | FamilyEnd::ReuseDetected) {
            self.counters.families_revoked += 1;
            self.access
                .iter_mut()
                .filter(|token| token.lineage == Some(lineage))
                .for_each(|token| token.revoked = true);
        }
    }

    /// Takes back everything that a user has granted to a project: what revoking any one of its tokens does.
    pub(crate) fn revoke_grant(&mut self, client: &str, sub: &str) {
        let project = project_of(client).to_owned();
        self.consents.remove(&(sub.to_owned(), project.clone()));
        let same = |other: &str, owner: &str| project_of(other) == project && owner == sub;
        for lineage in 0..self.lineages.len() {
            let ended = &self.lineages[lineage];
            if same(&ended.client, &ended.sub) && ended.family.end().is_none() {
                self.finish_family(lineage, FamilyEnd::Revoked);
            }
        }
        self.access.iter_mut().filter(|token| same(&token.client, &token.sub)).for_each(|token| token.revoked = true);
    }

    /// The access token with this value, if it is good at `now`.
    pub(crate) fn good_access(&self, value: &str, now: Timestamp) -> Option<&AccessToken> {
        match *self.by_value.get(value)? {
            TokenRef::Access(index) => Some(&self.access[index]).filter(|token| !token.revoked && now < token.expires),
            TokenRef::Refresh(..) | TokenRef::Code(_) => None,
        }
    }
}

/// The project that a client belongs to; consent and revocation reach over the whole project.
pub(crate) fn project_of(client: &str) -> &str {
    client.split_once('-').map_or(client, |(project, _)| project)
}

/// The number of the token that is added at this index.
pub(crate) fn number_after(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}
