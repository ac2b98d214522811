//! The command line of the provider, which `mock-provider` and `regrant serve` share.

use std::io::{self, Write};
use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use crate::party::{Client, User};
use crate::policy::{PolicyPatch, Profile};
use crate::provider::{Provider, ProviderBuilder};

/// Options of a provider that runs by itself.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen on; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Life rules of the tokens.
    #[arg(long, value_enum, default_value_t)]
    pub profile: Profile,
    /// Seed of everything that is minted.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// JSON file with `policy`, `users` and `clients`, on top of the profile.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// The file behind `--config`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    policy: PolicyPatch,
    users: Vec<User>,
    clients: Vec<Client>,
}

/// Why a provider does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
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
    /// The address cannot be bound, or serving failed.
    #[error("cannot serve on {host}:{port}: {source}")]
    Serve {
        /// The address.
        host: IpAddr,
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
    let serve_error = |source| ServeError::Serve { host: args.host, port: args.port, source };
    let builder = ProviderBuilder::default().host(args.host).port(args.port).profile(args.profile).seed(args.seed);
    let provider = builder.policy(&config.policy).start().await.map_err(serve_error)?;
    let line = ready_line(&provider, config);
    writeln!(ready, "{line}").and_then(|()| ready.flush()).map_err(ServeError::ReadyLine)?;
    stopped().await;
    provider.stop().await.map_err(serve_error)
}

fn read(path: &PathBuf) -> Result<Config, ServeError> {
    let text = std::fs::read_to_string(path).map_err(|source| ServeError::ReadConfig { path: path.clone(), source })?;
    serde_json::from_str(&text).map_err(|source| ServeError::ParseConfig { path: path.clone(), source })
}

fn ready_line(provider: &Provider, config: Config) -> serde_json::Value {
    let realm = provider.default_realm();
    let client = config.clients.first().cloned().or_else(|| realm.clients().into_iter().next());
    config.users.into_iter().for_each(|user| realm.put_user(user));
    config.clients.into_iter().for_each(|client| realm.put_client(client));
    json!({
        "ready": true,
        "issuer": realm.issuer(),
        "control": provider.control(),
        "client_id": client.as_ref().map(|client| client.id.as_str()),
        "client_secret": client.as_ref().and_then(|client| client.secret.as_ref()).map(crate::secret::Secret::expose),
    })
}

/// Resolves on Ctrl-C and, where there is such a thing, on SIGTERM.
async fn stopped() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupted => {}
        () = terminated() => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
