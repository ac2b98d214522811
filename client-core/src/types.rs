//! The types of the jwt and session callbacks, as the Auth.js guide to refresh token rotation names them.
//!
//! Source: <https://authjs.dev/guides/refresh-token-rotation>.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::secret::{AccessToken, RefreshToken};
use crate::time::{UnixMillis, UnixSeconds};

/// What the front end is told when a refresh failed: ask the user to sign in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionError {
    /// The access token could not be refreshed.
    RefreshTokenError,
}

/// Who signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The subject identifier at the provider.
    pub sub: String,
    /// The e-mail address, where it was granted.
    pub email: Option<String>,
    /// The full name, where it was granted.
    pub name: Option<String>,
}

/// The provider's answer to a sign-in, as the jwt callback gets it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The access token.
    pub access_token: AccessToken,
    /// When it expires, in seconds since the epoch.
    pub expires_at: UnixSeconds,
    /// The refresh token; Google sends none without offline access and shown consent.
    pub refresh_token: Option<RefreshToken>,
    /// The granted scopes, where the answer names them.
    pub scope: Option<String>,
}

/// Names one sign-in, so that answers of an earlier one can be told from it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub String);

/// The session token: what the server keeps for a browser, and no browser can read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwt {
    /// The sign-in that it comes from.
    pub session_id: SessionId,
    /// Who signed in; serialized as `sub`, `email` and `name` of the token itself, where Auth.js has them.
    #[serde(flatten)]
    pub profile: Profile,
    /// The access token, which may have expired.
    pub access_token: AccessToken,
    /// When the access token expires, in seconds since the epoch.
    pub expires_at: UnixSeconds,
    /// The refresh token, unless there was none or it is known to be dead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<RefreshToken>,
    /// Set by the jwt callback when a refresh failed; gone after the next good one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<SessionError>,
    /// After a passing failure: when to try again, and how often it has failed in a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_off: Option<BackOff>,
}

/// A pause after a passing failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackOff {
    /// When it began.
    pub since: UnixMillis,
    /// Before this, nothing is tried.
    pub until: UnixMillis,
    /// Failures in a row.
    pub failures: u32,
}

impl Jwt {
    /// The access token, if it can be used at `now`. An expired or failed one is never handed out.
    pub fn usable_access_token(&self, now: UnixMillis) -> Option<&AccessToken> {
        (self.error.is_none() && now < self.expires_at.as_millis()).then_some(&self.access_token)
    }
}

/// What the browser may see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Who is signed in.
    pub user: Profile,
    /// When the session ends without further use, in milliseconds since the epoch.
    pub expires: UnixMillis,
    /// Copied from the session token by the session callback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<SessionError>,
    /// Whatever else the session callback shows.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
