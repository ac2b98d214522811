//! The running provider: a listener, its realms, and how they are made.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::control;
use crate::endpoint::Endpoint;
use crate::fault_io::{FaultListener, Wire};
use crate::handle::RealmHandle;
use crate::party::{Client, ServiceAccount, User};
use crate::policy::{Policy, PolicyPatch};
use crate::profile::{Profile, ProfileName, Refusals};
use crate::quirks::{Quirks, QuirksPatch};
use crate::realm::RealmSetup;
use crate::server;
use crate::state::Consent;
use crate::time::{Clock, Timestamp};
use crate::uptime::{Stopwatch, wall_clock};

/// The realm that answers at the root, without a prefix.
pub const DEFAULT_REALM: &str = "default";

/// A running fake Google. It listens until it is dropped.
#[derive(Debug)]
#[must_use = "the provider stops when it is dropped"]
pub struct Provider {
    address: SocketAddr,
    realms: Realms,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<io::Result<()>>,
}

/// Options of a provider before it starts.
#[derive(Clone, Debug)]
pub struct ProviderBuilder {
    host: IpAddr,
    port: u16,
    public_url: Option<String>,
    template: Template,
}

/// What every new realm starts with.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// The seed of everything that it mints.
    pub(crate) seed: u64,
    /// Its life rules.
    pub(crate) policy: Policy,
    /// Its switches.
    pub(crate) quirks: Quirks,
    /// Its refusals, where they differ from Google's.
    pub(crate) refusals: Refusals,
    frozen_at: Option<Timestamp>,
    /// Its users; one is made up where there are none.
    pub(crate) users: Vec<User>,
    /// Its clients; one is made up where there are none.
    pub(crate) clients: Vec<Client>,
    /// Its service accounts; one is made up where there are none.
    pub(crate) service_accounts: Vec<ServiceAccount>,
    /// Who decides at the authorize page.
    pub(crate) consent: Consent,
    /// How many requests its journal keeps.
    pub(crate) journal_capacity: usize,
}

impl Default for ProviderBuilder {
    fn default() -> Self {
        let template = Template {
            seed: 0,
            policy: Policy::default(),
            quirks: Quirks::default(),
            refusals: Refusals::new(),
            frozen_at: None,
            users: vec![],
            clients: vec![],
            service_accounts: vec![],
            consent: Consent::default(),
            journal_capacity: 10_000,
        };
        Self { host: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 0, public_url: None, template }
    }
}

impl ProviderBuilder {
    /// The address to listen on; loopback unless said otherwise.
    #[must_use]
    pub const fn host(mut self, host: IpAddr) -> Self {
        self.host = host;
        self
    }

    /// The port to listen on; 0, the default, takes any free one.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The URL under which clients reach the provider, where it is another than the address it listens on; the issuer
    /// identifiers begin with it.
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into().trim_end_matches('/').to_owned());
        self
    }

    /// The life rules and refusals of new realms, from a profile.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.template = self.template.following(profile);
        self
    }

    /// The switches of new realms, where they are not as usual.
    #[must_use]
    pub fn quirks(mut self, patch: &QuirksPatch) -> Self {
        self.template.quirks = self.template.quirks.patched(patch);
        self
    }

    /// Changes of the life rules of new realms.
    #[must_use]
    pub fn policy(mut self, patch: &PolicyPatch) -> Self {
        self.template.policy = self.template.policy.patched(patch);
        self
    }

    /// The seed of everything that new realms mint.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.template.seed = seed;
        self
    }

    /// New realms start with a clock that stands still here; otherwise it flows from the time of day.
    #[must_use]
    pub const fn frozen_at(mut self, at: Timestamp) -> Self {
        self.template.frozen_at = Some(at);
        self
    }

    /// The users of new realms, in place of the one that is made up.
    #[must_use]
    pub fn users(mut self, users: Vec<User>) -> Self {
        self.template.users = users;
        self
    }

    /// The clients of new realms, in place of the one that is made up.
    #[must_use]
    pub fn clients(mut self, clients: Vec<Client>) -> Self {
        self.template.clients = clients;
        self
    }

    /// The service accounts of new realms, in place of the one that is made up.
    #[must_use]
    pub fn service_accounts(mut self, accounts: Vec<ServiceAccount>) -> Self {
        self.template.service_accounts = accounts;
        self
    }

    /// Who decides at the authorize page of new realms.
    #[must_use]
    pub const fn consent(mut self, consent: Consent) -> Self {
        self.template.consent = consent;
        self
    }

    /// How many requests a realm's journal keeps; 10 000 unless said otherwise.
    #[must_use]
    pub const fn journal_capacity(mut self, entries: usize) -> Self {
        self.template.journal_capacity = entries;
        self
    }

    /// Binds the address and serves. The default realm is there from the start.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(self) -> io::Result<Provider> {
        let listener = TcpListener::bind((self.host, self.port)).await?;
        let address = listener.local_addr()?;
        let realms = Realms::new(self.public_url.unwrap_or_else(|| reachable(address)), self.template);
        realms.open(DEFAULT_REALM);
        let app = router(realms.clone()).into_make_service_with_connect_info::<Wire>();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = axum::serve(FaultListener(listener), app);
        let task = tokio::spawn(async move {
            tokio::select! {
                ended = serving.into_future() => ended,
                _ = stopped => Ok(()),
            }
        });
        Ok(Provider { address, realms, stop: Some(stop), task })
    }
}

/// A URL that a client on this machine can use: every address is no address.
fn reachable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

fn router(realms: Realms) -> Router {
    Router::new()
        .nest("/_regrant", control::router())
        .route("/_regrant/", axum::routing::get(control::realms))
        .fallback(server::answer)
        .with_state(realms)
}

impl Provider {
    /// Options for a provider; `Provider::builder().start().await` takes the defaults.
    pub fn builder() -> ProviderBuilder {
        ProviderBuilder::default()
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL of the control API.
    pub fn control(&self) -> String {
        format!("{}/_regrant", self.default_realm().issuer())
    }

    /// The realm at the root.
    pub fn default_realm(&self) -> RealmHandle {
        self.realms.open(DEFAULT_REALM)
    }

    /// The realm of this name, made now if it is new. Its paths lie under `/r/NAME`.
    ///
    /// Names are for URLs: letters, digits, `-`, `_` and `.`; others are replaced by `-`.
    pub fn realm(&self, name: &str) -> RealmHandle {
        self.realms.open(name)
    }

    /// A new realm with options of its own; nothing when the name is taken.
    pub fn new_realm(&self, name: &str, options: RealmOptions) -> Option<RealmHandle> {
        self.realms.create(name, options)
    }

    /// Forgets a realm and everything in it.
    pub fn close_realm(&self, name: &str) {
        self.realms.close(name);
    }

    /// Stops listening and waits until the port is free.
    ///
    /// # Errors
    /// When serving had failed.
    pub async fn stop(mut self) -> io::Result<()> {
        drop(self.stop.take());
        (&mut self.task).await.unwrap_or(Ok(()))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a realm starts with, where it differs from the others.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RealmOptions {
    /// The seed of everything that it mints.
    pub seed: Option<u64>,
    /// Its life rules.
    pub profile: Option<ProfileName>,
    /// Changes of its life rules.
    pub policy: PolicyPatch,
    /// Changes of its switches.
    pub quirks: QuirksPatch,
    /// Where its clock stands still at first, in milliseconds since the epoch.
    pub frozen_at_ms: Option<Timestamp>,
    /// Its users, in place of the one that is made up.
    pub users: Option<Vec<User>>,
    /// Its clients, in place of the one that is made up.
    pub clients: Option<Vec<Client>>,
    /// Its service accounts, in place of the one that is made up.
    pub service_accounts: Option<Vec<ServiceAccount>>,
    /// Who decides at its authorize page.
    pub consent: Option<Consent>,
    /// How many requests its journal keeps.
    pub journal_capacity: Option<usize>,
}

/// The most requests that a journal keeps.
const MOST_ENTRIES: usize = 1_000_000;

impl Template {
    fn following(self, profile: Profile) -> Self {
        let quirks = profile.members.put_into(self.quirks);
        Self { policy: profile.policy, refusals: profile.refusals, quirks, ..self }
    }

    fn with(self, options: RealmOptions) -> Self {
        let own = match options.profile {
            Some(name) => self.following(name.profile()),
            None => self,
        };
        let capacity = options.journal_capacity.unwrap_or(own.journal_capacity);
        Self {
            seed: options.seed.unwrap_or(own.seed),
            policy: own.policy.patched(&options.policy),
            quirks: own.quirks.patched(&options.quirks),
            frozen_at: options.frozen_at_ms.or(own.frozen_at),
            users: options.users.unwrap_or(own.users),
            clients: options.clients.unwrap_or(own.clients),
            service_accounts: options.service_accounts.unwrap_or(own.service_accounts),
            consent: options.consent.unwrap_or(own.consent),
            journal_capacity: capacity.clamp(1, MOST_ENTRIES),
            ..own
        }
    }
}

/// The realms of a provider, by name.
#[derive(Clone, Debug)]
pub(crate) struct Realms(Arc<RealmTable>);

#[derive(Debug)]
struct RealmTable {
    base: String,
    template: Template,
    stopwatch: Stopwatch,
    by_name: RwLock<BTreeMap<String, RealmHandle>>,
}

impl Realms {
    fn new(base: String, template: Template) -> Self {
        let by_name = RwLock::new(BTreeMap::new());
        Self(Arc::new(RealmTable { base, template, stopwatch: Stopwatch::start(), by_name }))
    }

    /// The names of all realms.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.by_name.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    pub(crate) fn find(&self, name: &str) -> Option<RealmHandle> {
        self.0.by_name.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(crate) fn open(&self, name: &str) -> RealmHandle {
        if let Some(known) = self.find(name) {
            return known;
        }
        let name = plain(name);
        let mut table = self.0.by_name.write().unwrap_or_else(PoisonError::into_inner);
        let new = || self.handle(name.clone(), self.0.template.clone());
        table.entry(name.clone()).or_insert_with(new).clone()
    }

    /// The realm of this name, made now if it is new; nothing where it is no name.
    pub(crate) fn open_named(&self, name: &str) -> Option<RealmHandle> {
        Self::is_name(name).then(|| self.open(name))
    }

    pub(crate) fn is_name(name: &str) -> bool {
        let dots = name.chars().all(|c| c == '.');
        !name.is_empty() && !dots && name.len() <= 200 && name.chars().all(is_plain)
    }

    /// A new realm; nothing when the name is taken.
    pub(crate) fn create(&self, name: &str, options: RealmOptions) -> Option<RealmHandle> {
        let name = plain(name);
        let mut table = self.0.by_name.write().unwrap_or_else(PoisonError::into_inner);
        if table.contains_key(&name) {
            return None;
        }
        let realm = self.handle(name.clone(), self.0.template.clone().with(options));
        table.insert(name, realm.clone());
        Some(realm)
    }

    pub(crate) fn close(&self, name: &str) {
        let name = &plain(name);
        let closed = self.0.by_name.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        // Whoever is parked there would otherwise wait for a release that nobody can give.
        closed.iter().for_each(RealmHandle::reset);
    }

    fn handle(&self, name: String, template: Template) -> RealmHandle {
        let base = if name == DEFAULT_REALM { self.0.base.clone() } else { format!("{}/r/{name}", self.0.base) };
        let uptime = self.0.stopwatch.uptime();
        let clock = template.frozen_at.map_or_else(|| Clock::flowing(wall_clock(), uptime), Clock::frozen);
        let clock = (clock, clock.now(uptime));
        let setup = RealmSetup { name, base, clock, template };
        RealmHandle::new(setup, self.0.stopwatch)
    }

    /// The realm that a path belongs to, its endpoint, and the path below its base. An unknown realm is made on first use.
    pub(crate) fn route(&self, path: &str) -> Option<(RealmHandle, Endpoint, String)> {
        let (name, below) = match path.strip_prefix("/r/") {
            Some(prefixed) => prefixed.split_at_checked(prefixed.find('/')?)?,
            None => (DEFAULT_REALM, path),
        };
        // A path that leads nowhere makes no realm.
        let endpoint = Endpoint::at(below)?;
        Some((self.open_named(name)?, endpoint, below.to_owned()))
    }
}

fn plain(name: &str) -> String {
    name.chars().map(|c| if is_plain(c) { c } else { '-' }).collect()
}

const fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}
