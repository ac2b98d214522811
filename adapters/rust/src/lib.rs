//! What the adapters for Rust libraries share: an application is asked what the protocol asks for.
//!
//! Nothing here knows a library. Each request is a task, as in any async server; a request that is given up is dropped, as
//! servers drop the future of a client that hangs up. A panic takes its request down and nothing else.

mod browser;
mod clock;
mod remote;

use std::io;

use adapter_protocol::{Capability, HelloAnswer, Implementation, PROTOCOL, SessionState, SessionView, Start};
use serde_json::Value;

pub use adapter_protocol;
pub use browser::{REDIRECT_URI, browse, query, subject};
pub use clock::time_of_day;

/// An application that keeps users signed in with a library.
pub trait Application: Sized + Send + Sync + 'static {
    /// What it keeps of a user who is signed in.
    type User: Send + Sync + 'static;

    /// A process that has just started. `now_ms` is given where the application's clock is set, and else nothing.
    fn new(start: &Start, now_ms: Option<i64>) -> Result<Self, String>;

    /// Signs a user in. An error keeps whoever was signed in before.
    fn sign_in(&self) -> impl Future<Output = Result<Self::User, String>> + Send;

    /// Reads the session. An error is one that the library does not document for a refresh that failed.
    fn session(&self, user: &Self::User) -> impl Future<Output = Result<SessionView, String>> + Send;

    /// Calls a resource; no status where no call was made or no answer came.
    fn api(
        &self,
        user: &Self::User,
        url: &str,
    ) -> impl Future<Output = Result<(SessionView, Option<u16>), String>> + Send;

    /// What is stored of a user.
    fn save(&self, user: &Self::User) -> impl Future<Output = Result<Value, String>> + Send;

    /// A user after a restart, from what was stored.
    fn load(&self, saved: Value) -> impl Future<Output = Result<Self::User, String>> + Send;

    /// Sets the application's clock, where it can be set, and says what it shows.
    fn clock(&self, now_ms: i64) -> i64;
}

/// Who the adapter is, and what it claims.
#[derive(Clone, Debug)]
pub struct Introduction {
    /// Name and version of the adapter.
    pub adapter: &'static str,
    /// The library.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Where it lives.
    pub homepage: &'static str,
    /// What the application can do.
    pub claims: Vec<Capability>,
    /// How it calls a refresh that failed.
    pub error: &'static str,
}

impl Introduction {
    fn hello(&self) -> HelloAnswer {
        HelloAnswer {
            protocol: PROTOCOL,
            adapter: self.adapter.to_owned(),
            target: Implementation {
                name: self.name.to_owned(),
                version: self.version.to_owned(),
                language: Some("Rust".to_owned()),
                homepage: Some(self.homepage.to_owned()),
            },
            claims: self.claims.clone(),
            errors: [("RefreshTokenError".to_owned(), vec![self.error.to_owned()])].into(),
        }
    }
}

/// A session that is signed in.
pub fn active(subject: &str, access_token: Option<&str>, error: Option<&str>) -> SessionView {
    SessionView {
        state: SessionState::Active,
        subject: Some(subject.to_owned()),
        error: error.map(str::to_owned),
        access_token: access_token.map(str::to_owned),
        page: Value::Null,
    }
}

/// Speaks the protocol over standard input and output until the runner closes its end.
pub async fn serve<A: Application>(introduction: Introduction) -> io::Result<()> {
    let adapter = remote::Remote::<A>::new(introduction);
    adapter_server::serve(&adapter, tokio::io::stdin(), tokio::io::stdout()).await
}
