//! What the jwt callback decides: the three cases of the guide, and what a refresh does to the session token. Pure.

use std::time::Duration;

use crate::secret::RefreshToken;
use crate::time::{UnixMillis, UnixSeconds};
use crate::token_answer::TokenFailure;
use crate::types::{Account, BackOff, Jwt, Profile, SessionError, SessionId};

/// The first pause after a passing failure; it doubles with every further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause that the client takes by itself.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The longest `Retry-After` that is believed.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(86_400);

/// What to do with a session token at a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The access token is good: nothing.
    Keep,
    /// It has expired: refresh with this token.
    Refresh(RefreshToken),
    /// It has expired, and a refresh has just failed: wait.
    Wait,
    /// It has expired, and there is nothing to refresh with.
    SignInAgain,
}

/// Tokens of a good refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// The new access token.
    pub access_token: crate::secret::AccessToken,
    /// When it expires, in seconds since the epoch.
    pub expires_at: UnixSeconds,
    /// The new refresh token, if there is one; else the old one lives on.
    pub refresh_token: Option<RefreshToken>,
    /// What the answer said about the lifetime.
    pub lifetime: crate::token_answer::Lifetime,
    /// The claims of the answer's id_token, if it had one.
    pub claims: Option<crate::id_token::Claims>,
}

/// A refresh that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshFailure {
    /// Why.
    pub reason: TokenFailure,
    /// How long the provider asks to be left alone.
    pub retry_after: Option<Duration>,
    /// A new refresh token that came although the answer was refused: the old one is spent, so this one is kept.
    pub replacement: Option<RefreshToken>,
}

/// Decides by the time and the token alone.
pub fn next_step(jwt: &Jwt, now: UnixMillis) -> Step {
    if jwt.usable_access_token(now).is_some() {
        return Step::Keep;
    }
    let Some(refresh_token) = &jwt.refresh_token else { return Step::SignInAgain };
    match jwt.back_off {
        Some(back_off) if waits(back_off, now) => Step::Wait,
        Some(_) | None => Step::Refresh(refresh_token.clone()),
    }
}

/// A pause that has yet to begin was made before the clock went back; it is over.
fn waits(back_off: BackOff, now: UnixMillis) -> bool {
    back_off.since <= now && now < back_off.until
}

/// The session token of a sign-in. The refresh token of an earlier sign-in of the same user is kept where none came.
pub fn signed_in(session_id: SessionId, profile: Profile, account: Account, previous: Option<&Jwt>) -> Jwt {
    let same_user = previous.filter(|previous| previous.profile.sub == profile.sub);
    let refresh_token = account.refresh_token.or_else(|| same_user.and_then(|previous| previous.refresh_token.clone()));
    let Account { access_token, expires_at, .. } = account;
    Jwt { session_id, profile, access_token, expires_at, refresh_token, error: None, back_off: None }
}

/// The session token after a good refresh: new tokens, and no error left.
#[must_use]
pub fn refreshed(jwt: Jwt, tokens: Refreshed) -> Jwt {
    Jwt {
        access_token: tokens.access_token,
        expires_at: tokens.expires_at,
        refresh_token: tokens.refresh_token.or(jwt.refresh_token),
        error: None,
        back_off: None,
        ..jwt
    }
}

/// The session token after a failed refresh: the error is set, and a dead refresh token is given up.
#[must_use]
pub fn failed(jwt: Jwt, failure: RefreshFailure, now: UnixMillis) -> Jwt {
    let dead = matches!(failure.reason, TokenFailure::DeadGrant(_));
    let failures = jwt.back_off.map_or(0, |back_off| back_off.failures).saturating_add(1);
    let until = now.plus(pause(failures, failure.retry_after));
    Jwt {
        refresh_token: if dead { None } else { failure.replacement.or(jwt.refresh_token) },
        error: Some(SessionError::RefreshTokenError),
        back_off: (!dead).then_some(BackOff { since: now, until, failures }),
        ..jwt
    }
}

/// The session token when there is nothing to refresh with.
#[must_use]
pub fn needs_sign_in(jwt: Jwt) -> Jwt {
    Jwt { error: Some(SessionError::RefreshTokenError), ..jwt }
}

/// How long to wait after this many failures in a row, at least as long as the provider asks.
pub fn pause(failures: u32, retry_after: Option<Duration>) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST_PAUSE);
    doubled.max(retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER))
}

/// Reads `Retry-After`: seconds, or an HTTP date (RFC 9110 section 10.2.3).
pub fn retry_after(value: &str, now: UnixMillis) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value.trim()).ok()?;
    let date = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    let now = Duration::from_millis(u64::try_from(now.0).ok()?);
    Some(date.saturating_sub(now))
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
