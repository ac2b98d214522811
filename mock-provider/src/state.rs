//! What a realm knows: everything that a snapshot keeps and a restart can lose.
//!
//! Tokens are found by value and by label in constant time, and families by grant, so a million of them cost memory and
//! nothing else. The texts that many tokens have in common (client, subject, scopes) are shared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::device::DeviceCode;
use crate::entropy::Entropy;
use crate::family::{Family, Generation};
use crate::label::{Label, TokenKind};
use crate::party::{Client, ServiceAccount, User};
use crate::policy::Policy;
use crate::profile::Refusals;
use crate::quirks::Quirks;
use crate::secret::Secret;
use crate::time::Timestamp;

/// Scopes of a token.
pub(crate) type Scopes = Arc<Vec<String>>;

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
    /// Decides on a page.
    Ask,
}

/// What a person at the authorize page leaves out, where nobody is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AtThePage {
    pub(crate) consent: Consent,
    /// Who sits there; the first user where nobody is named.
    pub(crate) user: Option<String>,
    /// Scopes that are unticked.
    pub(crate) without: Vec<String>,
    /// How long access is given for; for good where nothing is said.
    pub(crate) access_for: Option<crate::time::Lifetime>,
}

/// What a user has granted to a project.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// The scopes that consent was given for.
    pub(crate) scopes: Vec<String>,
    /// The families that may still live from it, oldest first.
    pub(crate) families: BTreeSet<u32>,
    /// Access tokens that revocations have taken.
    pub(crate) revoked: Vec<RevokedAccess>,
}

/// Access tokens up to a number are dead from an instant on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct RevokedAccess {
    pub(crate) up_to: u32,
    pub(crate) from: Timestamp,
}

/// The life of a grant's tokens: one lineage, and whom it is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lineage {
    pub(crate) family: Family,
    pub(crate) client: Arc<str>,
    pub(crate) sub: Arc<str>,
    pub(crate) scopes: Scopes,
    pub(crate) tokens: Vec<(Label, Secret)>,
}

/// An access token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccessToken {
    pub(crate) label: Label,
    pub(crate) value: Secret,
    pub(crate) client: Arc<str>,
    pub(crate) sub: Arc<str>,
    pub(crate) scopes: Scopes,
    pub(crate) lineage: Option<u32>,
    pub(crate) expires: Timestamp,
}

/// An authorization code and what it was bound to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) label: Label,
    pub(crate) value: Secret,
    pub(crate) client: Arc<str>,
    pub(crate) sub: Arc<str>,
    pub(crate) redirect_uri: String,
    pub(crate) scopes: Scopes,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) offline: bool,
    pub(crate) access_for: Option<crate::time::Lifetime>,
    pub(crate) expires: Timestamp,
    pub(crate) redeemed: bool,
    /// What it bought, for a server that takes it back when the code is used again.
    pub(crate) bought: Option<Bought>,
}

/// The tokens that a code bought: its family, and the number of its access token.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Bought {
    pub(crate) lineage: Option<u32>,
    pub(crate) access: u32,
}

/// A PKCE challenge (RFC 7636 section 4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Challenge {
    Plain(String),
    S256(String),
}

/// Where a token value leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenRef {
    Access(u32),
    Refresh(u32, u32),
    Code(u32),
    Device(u32),
}

/// What happened in a realm, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counters {
    /// Families that a reuse has revoked.
    pub reuse_detected: u32,
    /// Families that were revoked for whatever reason.
    pub families_revoked: u32,
    /// Families that a live-token limit has evicted.
    pub families_evicted: u32,
}

/// All of it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) policy: Policy,
    pub(crate) quirks: Quirks,
    pub(crate) refusals: Refusals,
    pub(crate) clients: BTreeMap<String, Client>,
    pub(crate) users: Vec<User>,
    pub(crate) service_accounts: Vec<ServiceAccount>,
    pub(crate) at_the_page: AtThePage,
    /// Scopes that the administrator of a Workspace domain does not let out.
    pub(crate) restricted_scopes: BTreeSet<String>,
    /// Users who have to sign in again for Google Cloud, and when others did so last.
    pub(crate) reauth: BTreeMap<String, Reauth>,
    /// What users have granted, by subject and project.
    pub(crate) grants: BTreeMap<String, BTreeMap<String, Grant>>,
    pub(crate) codes: Vec<Code>,
    pub(crate) device_codes: Vec<DeviceCode>,
    pub(crate) lineages: Vec<Lineage>,
    pub(crate) access: Vec<AccessToken>,
    /// How many tokens of each kind were ever minted, which is the number of the last label.
    pub(crate) minted: Minted,
    /// When keys were rotated by hand.
    pub(crate) rotations: Vec<Timestamp>,
    /// Keys that signed before this are shown no more.
    pub(crate) keys_shown_from: Option<Timestamp>,
    /// Code verifiers that were presented: secrets of the client that must not turn up elsewhere.
    pub(crate) verifiers: Vec<Secret>,
    pub(crate) counters: Counters,
    pub(crate) entropy: Entropy,
    #[serde(skip)]
    index: Index,
}

/// How a user stands with Google Cloud's session control.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Reauth {
    /// When a new sign-in was demanded last.
    pub(crate) required: Option<Timestamp>,
    /// When the user signed in again last, and the proof of it.
    pub(crate) done: Option<(Timestamp, Secret)>,
}

/// Numbers of tokens.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Minted {
    pub(crate) access: u32,
    pub(crate) refresh: u32,
    pub(crate) codes: u32,
    pub(crate) id: u32,
    pub(crate) devices: u32,
}

/// A table that is only looked up in: its order shows nowhere.
#[expect(clippy::disallowed_types, reason = "never iterated, and a million tokens are looked up in constant time")]
type Table<K> = std::collections::HashMap<K, TokenRef, foldhash::fast::RandomState>;

#[derive(Clone, Default)]
struct Index {
    by_value: Table<Arc<str>>,
    by_label: Table<Label>,
}

impl Index {
    fn add(&mut self, value: &Secret, label: Option<Label>, place: TokenRef) {
        self.by_value.insert(value.key(), place);
        self.by_label.extend(label.map(|label| (label, place)));
    }
}

impl State {
    /// A state without tokens.
    pub(crate) fn new(policy: Policy, entropy: Entropy) -> Self {
        Self {
            policy,
            quirks: Quirks::default(),
            refusals: Refusals::new(),
            clients: BTreeMap::new(),
            users: vec![],
            service_accounts: vec![],
            at_the_page: AtThePage::default(),
            restricted_scopes: BTreeSet::new(),
            reauth: BTreeMap::new(),
            grants: BTreeMap::new(),
            codes: vec![],
            device_codes: vec![],
            lineages: vec![],
            access: vec![],
            minted: Minted::default(),
            rotations: vec![],
            keys_shown_from: None,
            verifiers: vec![],
            counters: Counters::default(),
            entropy,
            index: Index::default(),
        }
    }

    /// Makes the index of a state that was read from a snapshot.
    #[must_use]
    pub(crate) fn indexed(mut self) -> Self {
        let mut index = Index::default();
        for (place, token) in (0..).zip(&self.access) {
            index.add(&token.value, Some(token.label), TokenRef::Access(place));
        }
        for (place, code) in (0..).zip(&self.codes) {
            index.add(&code.value, Some(code.label), TokenRef::Code(place));
        }
        for (place, code) in (0..).zip(&self.device_codes) {
            index.add(&code.value, None, TokenRef::Device(place));
        }
        for (place, lineage) in (0..).zip(&self.lineages) {
            for (generation, (label, value)) in (0..).zip(&lineage.tokens) {
                index.add(value, Some(*label), TokenRef::Refresh(place, generation));
            }
        }
        self.index = index;
        self
    }

    /// Whether everything that leads somewhere leads to something: what comes from a document may not.
    pub(crate) fn check(&self) -> Result<(), String> {
        let lineage = |place: u32| (place as usize) < self.lineages.len();
        if !self.access.iter().filter_map(|token| token.lineage).all(lineage) {
            return Err("an access token belongs to a family that is not there".to_owned());
        }
        if !self
            .grants
            .values()
            .flat_map(BTreeMap::values)
            .flat_map(|grant| &grant.families)
            .all(|place| lineage(*place))
        {
            return Err("a grant names a family that is not there".to_owned());
        }
        if !self.codes.iter().filter_map(|code| code.bought?.lineage).all(lineage) {
            return Err("a code bought a family that is not there".to_owned());
        }
        let whole =
            |lineage: &Lineage| lineage.family.is_whole() && lineage.family.members().len() == lineage.tokens.len();
        if !self.lineages.iter().all(whole) {
            return Err("a family has not one value for each of its tokens".to_owned());
        }
        let Minted { access, refresh, codes, .. } = self.minted;
        let numbered = |label: &Label| match label.kind {
            TokenKind::Access => label.number <= access,
            TokenKind::Refresh => label.number <= refresh,
            TokenKind::Code => label.number <= codes,
            TokenKind::Id => false,
        };
        let most = [access, refresh, codes, self.minted.id, self.minted.devices].into_iter().max();
        if !self.index.by_label.keys().all(numbered) || most > Some(u32::MAX / 2) {
            return Err("tokens have numbers that were never given".to_owned());
        }
        Ok(())
    }

    /// Takes another state's tokens and grants in place of its own.
    pub(crate) fn take_tokens_of(&mut self, other: Self) {
        self.grants = other.grants;
        self.codes = other.codes;
        self.device_codes = other.device_codes;
        self.lineages = other.lineages;
        self.access = other.access;
        self.index = other.index;
    }

    /// Where a value leads.
    pub(crate) fn place_of(&self, value: &str) -> Option<TokenRef> {
        self.index.by_value.get(value).copied()
    }

    /// Where a label leads.
    pub(crate) fn find(&self, label: Label) -> Option<TokenRef> {
        self.index.by_label.get(&label).copied()
    }

    pub(crate) fn access(&self, place: u32) -> &AccessToken {
        &self.access[place as usize]
    }

    pub(crate) fn code(&self, place: u32) -> &Code {
        &self.codes[place as usize]
    }

    pub(crate) fn lineage(&self, place: u32) -> &Lineage {
        &self.lineages[place as usize]
    }

    pub(crate) fn lineage_mut(&mut self, place: u32) -> &mut Lineage {
        &mut self.lineages[place as usize]
    }

    /// The label of a token that this realm has minted.
    pub(crate) fn label_of(&self, value: &str) -> Option<Label> {
        match self.place_of(value)? {
            TokenRef::Access(place) => Some(self.access(place).label),
            TokenRef::Refresh(place, generation) => Some(self.lineage(place).tokens[generation as usize].0),
            TokenRef::Code(place) => Some(self.code(place).label),
            TokenRef::Device(_) => None,
        }
    }

    /// The user with this subject.
    pub(crate) fn user(&self, sub: &str) -> Option<&User> {
        self.users.iter().find(|user| user.sub == sub)
    }

    /// The user whom a subject or an e-mail address means.
    pub(crate) fn user_hinted(&self, who: &str) -> Option<&User> {
        self.users.iter().find(|user| user.is_hinted_by(who))
    }

    /// The service account with this e-mail address.
    pub(crate) fn robot(&self, email: &str) -> Option<&ServiceAccount> {
        self.service_accounts.iter().find(|robot| robot.email == email)
    }

    /// What a user has granted to a client's project.
    pub(crate) fn grant(&self, client: &str, sub: &str) -> Option<&Grant> {
        self.grants.get(sub)?.get(project_of(client))
    }

    pub(crate) fn grant_mut(&mut self, client: &str, sub: &str) -> &mut Grant {
        self.grants.entry(sub.to_owned()).or_default().entry(project_of(client).to_owned()).or_default()
    }

    /// The life rules for a client.
    pub(crate) fn policy_for(&self, client: &str) -> Policy {
        self.clients.get(client).map_or(self.policy, |client| self.policy.patched(&client.policy))
    }

    /// The next label of an access token.
    pub(crate) fn access_label(&mut self) -> Label {
        self.minted.access += 1;
        Label { kind: TokenKind::Access, number: self.minted.access }
    }

    /// Adds an access token.
    pub(crate) fn add_access(&mut self, token: AccessToken) -> u32 {
        let place = place(self.access.len());
        self.index.add(&token.value, Some(token.label), TokenRef::Access(place));
        self.access.push(token);
        place
    }

    /// Adds a code and gives it a label.
    pub(crate) fn add_code(&mut self, code: impl FnOnce(Label, Secret) -> Code) -> u32 {
        self.minted.codes += 1;
        let label = Label { kind: TokenKind::Code, number: self.minted.codes };
        let value = Secret::new(self.entropy.code());
        let place = place(self.codes.len());
        self.index.add(&value, Some(label), TokenRef::Code(place));
        self.codes.push(code(label, value));
        place
    }

    /// Adds a device code.
    pub(crate) fn add_device_code(&mut self, code: impl FnOnce(Secret, String) -> DeviceCode) -> u32 {
        self.minted.devices += 1;
        let value = Secret::new(self.entropy.device_code());
        let user_code = self.entropy.user_code();
        let place = place(self.device_codes.len());
        self.index.add(&value, None, TokenRef::Device(place));
        self.device_codes.push(code(value, user_code));
        place
    }

    /// Adds a lineage that has no token value yet.
    pub(crate) fn add_lineage(&mut self, lineage: Lineage) -> u32 {
        let place = place(self.lineages.len());
        self.grant_mut(&lineage.client, &lineage.sub).families.insert(place);
        self.lineages.push(lineage);
        place
    }

    /// Mints the value of the newest generation of a lineage.
    pub(crate) fn mint_refresh(&mut self, lineage: u32) -> Label {
        self.minted.refresh += 1;
        let label = Label { kind: TokenKind::Refresh, number: self.minted.refresh };
        let value = Secret::new(self.entropy.refresh_token());
        let tokens = &mut self.lineages[lineage as usize].tokens;
        self.index.add(&value, Some(label), TokenRef::Refresh(lineage, place(tokens.len())));
        if tokens.is_empty() {
            tokens.reserve_exact(1);
        }
        tokens.push((label, value));
        label
    }

    /// Mints the label of an id_token.
    pub(crate) fn mint_id(&mut self) -> Label {
        self.minted.id += 1;
        Label { kind: TokenKind::Id, number: self.minted.id }
    }

    /// The value of a refresh token.
    pub(crate) fn refresh_value(&self, lineage: u32, generation: Generation) -> &(Label, Secret) {
        &self.lineage(lineage).tokens[generation]
    }

    /// The secret values that the realm has minted or was shown, and its clients' secrets, with a name for each. For searching where they leaked to.
    pub(crate) fn secrets(&self) -> Vec<(String, Secret)> {
        let access = self.access.iter().map(|token| (token.label.to_string(), token.value.clone()));
        let refresh = self.lineages.iter().flat_map(|lineage| &lineage.tokens);
        let refresh = refresh.map(|(label, value)| (label.to_string(), value.clone()));
        let codes = self.codes.iter().map(|code| (code.label.to_string(), code.value.clone()));
        let devices = self.device_codes.iter().map(|code| ("device_code".to_owned(), code.value.clone()));
        let clients = self.clients.values().flat_map(|client| [&client.secret, &client.next_secret]);
        let clients = clients.flatten().map(|secret| ("client_secret".to_owned(), secret.clone()));
        let verifiers = self.verifiers.iter().map(|value| ("code_verifier".to_owned(), value.clone()));
        let rapts = self.reauth.values().filter_map(|reauth| reauth.done.clone());
        let verifiers = verifiers.chain(rapts.map(|(_, proof)| ("rapt".to_owned(), proof)));
        access.chain(refresh).chain(codes).chain(devices).chain(clients).chain(verifiers).collect()
    }
}

/// The project that a client belongs to; consent and revocation reach over the whole project.
pub(crate) fn project_of(client: &str) -> &str {
    client.split_once('-').map_or(client, |(project, _)| project)
}

/// An index as it is stored. More than four thousand million tokens do not fit into a test.
fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
