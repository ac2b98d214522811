//! The command line, parsed once. Secrets are better given by the environment: other users of the machine see arguments.

use std::convert::Infallible;

use clap::Parser;
use client_core::{ClientSecret, SealingSecret};
use url::Url;

/// An example web application: users sign in with Google and stay signed in.
#[derive(Debug, Parser)]
#[command(name = "client-core-webapp", version)]
pub(crate) struct Args {
    /// Port to listen on, on loopback; 0 takes any free one. A line of JSON on standard output says which.
    #[arg(long, env = "PORT", default_value_t = 0)]
    pub(crate) port: u16,
    /// The provider; its endpoints are discovered.
    #[arg(long, env = "ISSUER", default_value = "https://accounts.google.com")]
    pub(crate) issuer: String,
    /// The client id.
    #[arg(long, env = "CLIENT_ID")]
    pub(crate) client_id: String,
    /// The client secret.
    #[arg(long, env = "CLIENT_SECRET", hide_env_values = true, value_parser = client_secret)]
    pub(crate) client_secret: ClientSecret,
    /// The secrets that cookies are sealed with, with commas between: the newest comes first and seals, all of them open.
    #[arg(long = "secret", env = "AUTH_SECRET", hide_env_values = true, value_delimiter = ',', required = true, value_parser = sealing_secret)]
    pub(crate) secrets: Vec<SealingSecret>,
    /// Where browsers find the application, if it is another place than the address that it listens on.
    #[arg(long, env = "AUTH_URL", value_name = "URL")]
    pub(crate) base_url: Option<Url>,
    /// The scopes to ask for, with spaces between.
    #[arg(long, env = "SCOPES", default_value = "openid email profile")]
    pub(crate) scopes: String,
    /// How long a request to the provider may take, in milliseconds.
    #[arg(long, default_value_t = 10_000, value_name = "MS")]
    pub(crate) provider_timeout_ms: u64,
    /// Show the access token in the session. For tests only: a browser has no business with it.
    #[arg(long)]
    pub(crate) show_access_token: bool,
    /// Let whoever can reach the application set its clock, by `POST /_test/clock`. For tests only.
    #[arg(long)]
    pub(crate) test_clock: bool,
}

fn client_secret(text: &str) -> Result<ClientSecret, Infallible> {
    Ok(ClientSecret::new(text))
}

fn sealing_secret(text: &str) -> Result<SealingSecret, Infallible> {
    Ok(SealingSecret::new(text))
}
