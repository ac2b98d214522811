//! How a web application looks from outside, as its owner describes it.

use std::collections::BTreeMap;
use std::time::Duration;

use adapter_protocol::Capability;
use schemars::JsonSchema;
use serde::Deserialize;

/// A web application. In `command`, `env` and `base_url`, `$port`, `$issuer`, `$token_endpoint`,
/// `$client_id` and `$client_secret` stand for what a case brings.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The library or convention that it follows.
    pub preset: Preset,
    /// The command that starts it; absent for one that runs already.
    #[serde(default)]
    pub command: Option<Vec<String>>,
    /// What is added to its environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What the provider has to be for an application that runs already.
    #[serde(default)]
    pub running: Option<Running>,
    /// Where it listens.
    #[serde(default = "base_url")]
    pub base_url: String,
    /// What its authentication routes begin with: `/api/auth` for the presets of Auth.js.
    #[serde(default)]
    pub base_path: Option<String>,
    /// The id of the provider in its configuration, part of some paths.
    #[serde(default = "provider_id")]
    pub provider_id: String,
    /// How to know that it is ready.
    #[serde(default)]
    pub ready: Ready,
    /// Where a sign-in begins; for `generic`.
    #[serde(default)]
    pub sign_in: Option<Page>,
    /// What signs out; for `generic`.
    #[serde(default)]
    pub sign_out: Option<Page>,
    /// Where the session is shown.
    #[serde(default)]
    pub session: Session,
    /// What calls the protected resource.
    #[serde(default)]
    pub api: Option<Api>,
    /// How its clock is moved.
    #[serde(default)]
    pub clock: ClockSource,
    /// What it can do.
    pub claims: Vec<Capability>,
    /// The application's own names for the errors of the format.
    #[serde(default)]
    pub errors: BTreeMap<String, Vec<String>>,
}

fn base_url() -> String {
    "http://127.0.0.1:$port".to_owned()
}

fn provider_id() -> String {
    "google".to_owned()
}

/// The library or convention that an application follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Auth.js v5: `csrf`, `signin/PROVIDER`, `callback/PROVIDER`, `session` and `signout` below the base path.
    Authjs,
    /// NextAuth.js v4: the same paths, with `json=true` in forms.
    AuthjsV4,
    /// Pages that the description names.
    Generic,
}

/// The provider of an application that runs already: its configuration cannot follow a case, so the provider follows it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Running {
    /// The port that the provider listens on; its issuer is `http://127.0.0.1:PORT`.
    pub provider_port: u16,
    /// The client id that the application has.
    pub client_id: String,
    /// The client secret that the application has. A test value: it stands in a file.
    pub client_secret: String,
}

/// How to know that an application is ready.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ready {
    /// The path to ask.
    pub path: String,
    /// The status that says so.
    pub status: u16,
    /// Real time until then: `60s`.
    #[serde(deserialize_with = "seconds")]
    #[schemars(with = "String")]
    pub timeout: Duration,
}

impl Default for Ready {
    fn default() -> Self {
        Self { path: "/".to_owned(), status: 200, timeout: Duration::from_secs(60) }
    }
}

fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let number = text.strip_suffix('s').and_then(|number| number.parse().ok());
    number
        .map(Duration::from_secs)
        .ok_or_else(|| serde::de::Error::custom(format!("expected seconds, as in `60s`, found `{text}`")))
}

/// A page, and how it is asked for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Its path.
    pub path: String,
    /// `GET` or `POST`.
    #[serde(default = "get")]
    pub method: String,
}

fn get() -> String {
    "GET".to_owned()
}

/// Where the session is shown: a path that answers with JSON, and JSON pointers (RFC 6901) into it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Session {
    /// The path; `session` below the base path for the presets of Auth.js.
    pub path: Option<String>,
    /// The user, by subject identifier.
    pub subject: Option<String>,
    /// The error; `/error` when absent.
    pub error: Option<String>,
    /// The access token.
    pub access_token: Option<String>,
}

/// What calls the protected resource with the session's access token: a path that is asked with `?url=`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// The path.
    pub path: String,
    /// The status that the call got, in the answer.
    #[serde(default)]
    pub status: Option<String>,
    /// The user, in the answer.
    #[serde(default)]
    pub subject: Option<String>,
    /// The error, in the answer.
    #[serde(default)]
    pub error: Option<String>,
    /// The access token, in the answer.
    #[serde(default)]
    pub access_token: Option<String>,
}

/// How an application's clock is moved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockSource {
    /// From outside, by libfaketime.
    #[default]
    Libfaketime,
    /// By a `POST` of the form `now_ms=…` to this path, answered with `{"now_ms": …}` as the application sees it then.
    Path(String),
    /// Not at all: it is the time of day.
    Real,
}
