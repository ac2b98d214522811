//! The command line of the provider, which `mock-provider` and `regrant serve` share.

use std::io::{self, Write};
use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use crate::party::{Client, ServiceAccount, User};
use crate::policy::PolicyPatch;
use crate::profile::{BadProfile, Profile, ProfileName, UnknownProfile};
use crate::provider::{Provider, ProviderBuilder};
use crate::quirks::QuirksPatch;
use crate::state::Consent;

/// Options of a provider that runs by itself.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// Address to listen on: an IP address or a name of this machine.
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    /// Port to listen on; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// URL under which clients reach the provider, if it is another than the address.
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Life rules of the tokens: google, rotating, grace, okta, auth0, entra, entra-spa, github, keycloak,
    /// keycloak-strict, supabase, or a JSON file of your own.
    #[arg(long, default_value_t, value_name = "NAME|FILE.json")]
    pub profile: ProfileChoice,
    /// Ask a person at the authorize page instead of approving at once.
    #[arg(long)]
    pub ask: bool,
    /// Seed of everything that is minted.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// JSON file with `policy`, `quirks`, `users`, `clients` and `service_accounts`, on top of the profile.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// A built-in profile, or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileChoice {
    /// A built-in one.
    Named(ProfileName),
    /// A file with one.
    File(PathBuf),
}

impl Default for ProfileChoice {
    fn default() -> Self {
        Self::Named(ProfileName::default())
    }
}

impl std::fmt::Display for ProfileChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(name) => name.fmt(f),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl std::str::FromStr for ProfileChoice {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        if std::path::Path::new(text).extension().is_some_and(|extension| extension == "json") {
            return Ok(Self::File(text.into()));
        }
        text.parse().map(Self::Named)
    }
}

impl ProfileChoice {
    fn load(&self) -> Result<Profile, ServeError> {
        let path = match self {
            Self::Named(name) => return Ok(name.profile()),
            Self::File(path) => path,
        };
        let text =
            std::fs::read_to_string(path).map_err(|source| ServeError::ReadConfig { path: path.clone(), source })?;
        Profile::parse(&text).map_err(|source| ServeError::Profile { path: path.clone(), source })
    }
}

/// The file behind `--config`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    policy: PolicyPatch,
    quirks: QuirksPatch,
    users: Vec<User>,
    clients: Vec<Client>,
    service_accounts: Vec<ServiceAccount>,
}

/// Why a provider does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration or the profile cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    ReadConfig {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The configuration file is not what it should be.
    #[error("{}: {source}", path.display())]
    ParseConfig {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        source: serde_json::Error,
    },
    /// The profile cannot be used.
    #[error("{}: {source}", path.display())]
    Profile {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: BadProfile,
    },
    /// The address cannot be bound, or serving failed.
    #[error("cannot serve on {host}:{port}: {source}")]
    Serve {
        /// The address.
        host: String,
        /// The port.
        port: u16,
        /// The reason.
        source: io::Error,
    },
    /// Nobody reads standard output.
    #[error("cannot write the ready line: {0}")]
    ReadyLine(io::Error),
}

/// Serves until Ctrl-C or SIGTERM. Writes one JSON line to `ready` once requests are answered.
///
/// # Errors
/// When the configuration or the address is bad.
pub async fn serve(args: ServeArgs, mut ready: impl Write) -> Result<(), ServeError> {
    let config = args.config.as_ref().map_or_else(|| Ok(Config::default()), read)?;
    let serve_error = |source| ServeError::Serve { host: args.host.clone(), port: args.port, source };
    // Listening for signals before saying that it is ready: whoever stops it at once stops it cleanly.
    let stopped = StopSignals::new().map_err(serve_error)?;
    let host = resolve(&args.host).await.map_err(serve_error)?;
    let builder = ProviderBuilder::default().host(host).port(args.port).profile(args.profile.load()?).seed(args.seed);
    let builder = if args.ask { builder.consent(Consent::Ask) } else { builder };
    // Clients are kept by id; the one that the file names first is the one to speak of.
    let first = config.clients.first().map(|client| client.id.clone());
    let builder = args.public_url.iter().fold(
        builder
            .policy(&config.policy)
            .quirks(&config.quirks)
            .users(config.users)
            .clients(config.clients)
            .service_accounts(config.service_accounts),
        |builder, url| builder.public_url(url),
    );
    let provider = builder.start().await.map_err(serve_error)?;
    let line = ready_line(&provider, first.as_deref());
    writeln!(ready, "{line}").and_then(|()| ready.flush()).map_err(ServeError::ReadyLine)?;
    stopped.wait().await;
    provider.stop().await.map_err(serve_error)
}

fn read(path: &PathBuf) -> Result<Config, ServeError> {
    let text = std::fs::read_to_string(path).map_err(|source| ServeError::ReadConfig { path: path.clone(), source })?;
    serde_json::from_str(&text).map_err(|source| ServeError::ParseConfig { path: path.clone(), source })
}

fn ready_line(provider: &Provider, first: Option<&str>) -> serde_json::Value {
    let realm = provider.default_realm();
    let client = realm.clients().into_iter().find(|client| first.is_none_or(|id| id == client.id));
    json!({
        "ready": true,
        "issuer": realm.issuer(),
        "control": provider.control(),
        "client_id": client.as_ref().map(|client| client.id.as_str()),
        "client_secret": client.as_ref().and_then(|client| client.secret.as_ref()).map(crate::secret::Secret::expose),
    })
}

async fn resolve(host: &str) -> io::Result<IpAddr> {
    let mut found = tokio::net::lookup_host((host, 0)).await?;
    found.next().map(|address| address.ip()).ok_or_else(|| io::Error::other("the name has no address"))
}

/// Ctrl-C and, where there is such a thing, SIGTERM.
#[cfg(unix)]
#[derive(Debug)]
pub struct StopSignals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl StopSignals {
    /// Begins to listen; until then the signals end the process.
    ///
    /// # Errors
    /// When the operating system has no room for a handler.
    pub fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Resolves at the first of them.
    pub async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct StopSignals;

#[cfg(not(unix))]
impl StopSignals {
    /// Begins to listen; until then the signals end the process.
    ///
    /// # Errors
    /// When the operating system has no room for a handler.
    pub fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// Resolves at the first of them.
    pub async fn wait(self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
