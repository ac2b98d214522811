//! The messages themselves.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Version(pub u32);

/// A name: of an actor, a user, a case.
pub type Name = String;

/// What the runner asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// Comes back with the answer.
    pub id: u64,
    /// What to do.
    #[serde(flatten)]
    pub verb: Verb,
}

/// What an adapter can be asked to do, told apart by the member `regrant`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "regrant", rename_all = "snake_case")]
pub enum Verb {
    /// First of all: versions and claims.
    Hello(Hello),
    /// Begin a case: a fresh application against this provider.
    Start(Box<Start>),
    /// Sign a user in, through the provider's authorize endpoint.
    SignIn {
        /// Whose browser.
        actor: Name,
    },
    /// Read the session.
    Session {
        /// Whose browser.
        actor: Name,
        /// Whether the new cookie reaches the browser at once.
        deliver: Deliver,
    },
    /// Let a cookie that was kept back reach the browser, or lose it.
    Deliver {
        /// The `id` of the session request whose cookie it is.
        of: u64,
        /// What becomes of it.
        fate: Fate,
    },
    /// Lose a chunk of a session cookie that is kept in several (`name.0`, `name.1`); says in `lost` whether there was one.
    LoseChunk {
        /// Whose browser.
        actor: Name,
        /// Which of them.
        chunk: Chunk,
    },
    /// Give up a command in flight, as a browser that leaves the page does; it is answered with an empty `ok`.
    Cancel {
        /// The `id` of its request.
        of: u64,
    },
    /// Call the protected resource at `url` with the session's access token.
    Api {
        /// Whose browser.
        actor: Name,
        /// The resource.
        url: String,
    },
    /// Sign out.
    SignOut {
        /// Whose browser.
        actor: Name,
    },
    /// Put the application's clock to an instant.
    Clock {
        /// Milliseconds since the Unix epoch.
        now_ms: i64,
    },
    /// Make a second actor out of a first.
    Second {
        /// The first.
        of: Name,
        /// The name of the second.
        actor: Name,
        /// What they share.
        kind: JarKind,
    },
    /// Restart the application.
    Restart {
        /// What it keeps on the server's side. Browsers keep their cookies in any case.
        keep: Keep,
    },
    /// Give the lines that the application has logged since the last such request.
    Logs {},
    /// End the case.
    Stop {},
}

/// The runner introduces itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hello {
    /// The lowest and the highest version that the runner speaks.
    pub protocol: (Version, Version),
    /// Name and version of the runner.
    pub runner: String,
}

/// The adapter introduces itself and its application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HelloAnswer {
    /// The version that will be spoken.
    pub protocol: Version,
    /// Name and version of the adapter.
    pub adapter: String,
    /// The application or library.
    pub target: Implementation,
    /// What it can do. What it does not claim is not asked of it.
    pub claims: Vec<Capability>,
    /// The application's own names for the errors of the format: `RefreshAccessTokenError` for `RefreshTokenError`, say.
    #[serde(default)]
    pub errors: BTreeMap<String, Vec<String>>,
}

impl HelloAnswer {
    /// What it claims, each once.
    pub fn claimed(&self) -> BTreeSet<Capability> {
        self.claims.iter().copied().collect()
    }
}

/// An application or library, as reports and the matrix name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Implementation {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The programming language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Where it lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
}

impl std::fmt::Display for Implementation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// What a target can claim; the closed list that `needs` in a scenario draws from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Capability {
    /// Users can sign in.
    #[serde(rename = "sign_in")]
    SignIn,
    /// Users can sign out.
    #[serde(rename = "sign_out")]
    SignOut,
    /// The session says when a refresh failed.
    #[serde(rename = "session.error")]
    SessionError,
    /// The adapter can tell which access token the session stands for.
    #[serde(rename = "session.access_token")]
    SessionAccessToken,
    /// Several requests can be in flight at once.
    #[serde(rename = "session.concurrent")]
    SessionConcurrent,
    /// The adapter can keep a cookie back and deliver or lose it later.
    #[serde(rename = "session.delivery")]
    SessionDelivery,
    /// A session that is too long for one cookie is kept in several, and the adapter can lose one of them.
    #[serde(rename = "session.chunks")]
    SessionChunks,
    /// A command in flight can be given up.
    #[serde(rename = "session.cancel")]
    SessionCancel,
    /// A session read refreshes an expired token.
    #[serde(rename = "refresh.on_session")]
    RefreshOnSession,
    /// A call of the protected resource refreshes an expired token.
    #[serde(rename = "refresh.on_api")]
    RefreshOnApi,
    /// Tokens are refreshed without a request.
    #[serde(rename = "refresh.background")]
    RefreshBackground,
    /// The application's clock can be set.
    #[serde(rename = "clock.set")]
    ClockSet,
    /// Two actors can share one cookie jar.
    #[serde(rename = "actors.tab")]
    ActorsTab,
    /// An actor can start from a copy of another's cookie jar.
    #[serde(rename = "actors.fork")]
    ActorsFork,
    /// The application can be restarted.
    #[serde(rename = "restart")]
    Restart,
    /// The application uses id_tokens.
    #[serde(rename = "id_token")]
    IdToken,
    /// Signing out revokes the grant at the provider.
    #[serde(rename = "revocation")]
    Revocation,
    /// The application's log can be read.
    #[serde(rename = "logs")]
    Logs,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::SignIn,
        Self::SignOut,
        Self::SessionError,
        Self::SessionAccessToken,
        Self::SessionConcurrent,
        Self::SessionDelivery,
        Self::SessionChunks,
        Self::SessionCancel,
        Self::RefreshOnSession,
        Self::RefreshOnApi,
        Self::RefreshBackground,
        Self::ClockSet,
        Self::ActorsTab,
        Self::ActorsFork,
        Self::Restart,
        Self::IdToken,
        Self::Revocation,
        Self::Logs,
    ];
}

/// What a case begins with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Start {
    /// Names the case; says nothing about it.
    pub case: Name,
    /// The provider to use.
    pub provider: ProviderInfo,
    /// The scopes to ask for.
    pub scopes: Vec<String>,
    /// What the application's clock has to show, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Who moves the application's clock.
    #[serde(default)]
    pub clock: ClockMode,
}

/// Who moves the application's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockMode {
    /// The adapter, when `clock` tells it to.
    #[default]
    Set,
    /// The runner, from outside the process; the answer to `clock` says what the application sees.
    Outside,
    /// Nobody: it is the time of day, and `clock` is never sent.
    Real,
}

/// Where the provider is, and who the application is to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderInfo {
    /// The issuer identifier; discovery lies below it.
    pub issuer: String,
    /// The endpoints, for those who do not use discovery.
    pub endpoints: Endpoints,
    /// The registration.
    pub client: ClientRegistration,
}

/// The provider's endpoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names are those of RFC 8414 without `_endpoint`")]
pub struct Endpoints {
    pub authorization: String,
    pub token: String,
    pub jwks: String,
    pub userinfo: String,
    pub revocation: String,
}

/// A client registration.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClientRegistration {
    /// The client id.
    pub id: String,
    /// The client secret.
    pub secret: String,
}

impl std::fmt::Debug for ClientRegistration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientRegistration").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Whether a new cookie reaches the browser at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Deliver {
    /// When the answer is complete, as browsers do.
    #[default]
    Now,
    /// When a `deliver` request says so.
    Later,
}

/// What becomes of a cookie that was kept back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The browser gets it now.
    Apply,
    /// The browser never gets it.
    Drop,
}

/// A chunk of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Chunk {
    /// The first: what is left has no beginning.
    First,
    /// The last: what is left looks whole.
    Last,
}

impl std::fmt::Display for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::First => "first",
            Self::Last => "last",
        })
    }
}

/// What two actors share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JarKind {
    /// One cookie jar: two tabs of one browser.
    Tab,
    /// Nothing, but the second begins with a copy: two requests on the server with the same `Cookie` header.
    Fork,
}

/// What survives a restart on the server's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// What the application had stored.
    Store,
    /// Nothing.
    Nothing,
}

/// An answer with the `id` of its request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// Always `answer`.
    pub regrant: ReplyKind,
    /// The `id` of the request.
    pub id: u64,
    /// How it went.
    #[serde(flatten)]
    pub answer: Answer,
}

/// The kind of a line from the adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplyKind {
    /// An answer.
    Answer,
}

/// How a request went: exactly one of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It happened; what there is to see.
    Ok(Map<String, Value>),
    /// The application raised an error: an observation, not a fault of the adapter.
    Threw {
        /// What it said.
        message: String,
    },
    /// The adapter cannot do this.
    No {
        /// Why not.
        reason: String,
    },
    /// The adapter itself failed.
    Broken {
        /// How.
        message: String,
    },
    /// It may or may not have happened.
    Unknown {
        /// Why that cannot be told.
        message: String,
    },
}

/// What a session shows, in the member `session` of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionView {
    /// Signed in or not.
    pub state: SessionState,
    /// The user, by subject identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The error, in the application's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The access token that the application would use now, raw; the runner makes a label of it at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// Everything that the browser can read, as the application sent it.
    #[serde(default)]
    pub page: Value,
}

/// Signed in or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// There is a session.
    Active,
    /// There is none.
    SignedOut,
}
