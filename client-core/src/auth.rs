//! The application's side of a sign-in: begin, finish, read the session, sign out.
//!
//! What a browser keeps is a [`SessionCookie`]; what becomes of it is said by a [`CookieChange`], as `Set-Cookie` would.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::callbacks::{Callbacks, JwtTrigger};
use crate::config::ClientConfig;
use crate::entropy::Entropy;
use crate::http_types::{HttpRequest, Transport};
use crate::id_token::{Expected, IdTokenError, IdTokenVerifier};
use crate::refresher::with_credentials;
use crate::secret::{AccessToken, RefreshToken};
use crate::sign_in::{self, CallbackRefused, PendingSignIn, ValidatedCallback};
use crate::time::{Clock, UnixMillis};
use crate::token_answer::{TokenAnswer, TokenFailure, judge};
use crate::types::{Account, Jwt, Profile, Session, SessionId};

/// How long a session lasts without a read: the 30 days of Auth.js.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(30 * 86_400);

/// How many ended sessions are remembered.
const ENDED_CAPACITY: usize = 10_000;

/// What a browser keeps. An application seals it before it leaves the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionCookie {
    /// The session token.
    pub jwt: Jwt,
    /// When the session ends without a further read.
    pub expires: UnixMillis,
}

/// What an answer does to the browser's cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CookieChange {
    /// Nothing.
    Keep,
    /// Replaces it.
    Set(Box<SessionCookie>),
    /// Deletes it.
    Clear,
}

/// What a read of the session gives.
#[derive(Clone, Debug)]
pub struct SessionRead {
    /// What the browser may see; none is signed out.
    pub session: Option<Session>,
    /// What becomes of the cookie.
    pub cookie: CookieChange,
    /// The access token for calls that the server makes for the user; never an expired or failed one.
    pub access_token: Option<AccessToken>,
}

/// Why a sign-in did not come about. An earlier session stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The callback is not taken.
    #[error(transparent)]
    Callback(#[from] CallbackRefused),
    /// The code bought no tokens.
    #[error(transparent)]
    Token(#[from] TokenFailure),
    /// The id_token does not fit, or is not there.
    #[error("the id_token was refused: {0}")]
    IdToken(#[from] IdTokenError),
    /// The application's callback failed.
    #[error("the jwt callback made no session")]
    NoSession,
}

/// The parts an [`Auth`] is made of.
pub struct AuthParts {
    /// The provider.
    pub config: Arc<ClientConfig>,
    /// How requests are sent.
    pub transport: Arc<dyn Transport>,
    /// How id_tokens are checked.
    pub verifier: Arc<dyn IdTokenVerifier>,
    /// The application's callbacks.
    pub callbacks: Arc<dyn Callbacks>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for AuthParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthParts").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Signs users in, reads their sessions and signs them out.
pub struct Auth {
    parts: AuthParts,
    ended: Ended,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth").field("config", &self.parts.config).finish_non_exhaustive()
    }
}

impl Auth {
    /// An application without sessions.
    pub fn new(parts: AuthParts) -> Self {
        Self { parts, ended: Ended::default() }
    }

    /// Begins a sign-in: where to send the browser, and what it has to remember.
    pub fn begin_sign_in(&self) -> (Url, PendingSignIn) {
        sign_in::begin(&self.parts.config, &*self.parts.entropy)
    }

    /// Finishes a sign-in with what the provider sent the browser back with. The session that the browser had before is
    /// over then: a late answer of it changes nothing any more.
    ///
    /// # Errors
    /// When the callback, the tokens or the id_token are refused.
    pub async fn finish_sign_in(
        &self,
        pending: PendingSignIn,
        callback: &Url,
        previous: Option<SessionCookie>,
    ) -> Result<SessionCookie, SignInError> {
        let now = self.parts.clock.now();
        let validated = pending.validate(&self.parts.config, callback)?;
        let answer = self.exchange(&validated).await?;
        let profile = self.identify(&answer, &validated, now).await?;
        let session_id = SessionId(self.parts.entropy.token());
        let previous = previous.map(|cookie| cookie.jwt);
        let superseded = previous.as_ref().map(|jwt| jwt.session_id.clone());
        let trigger = JwtTrigger::SignIn { session_id, profile, account: account(answer, now), previous };
        let jwt = self.parts.callbacks.jwt(trigger, now).await.ok().flatten().ok_or(SignInError::NoSession)?;
        superseded.into_iter().for_each(|session| self.ended.add(session, now));
        Ok(SessionCookie { jwt, expires: now.plus(SESSION_LIFETIME) })
    }

    async fn exchange(&self, validated: &ValidatedCallback) -> Result<TokenAnswer, TokenFailure> {
        let response = self.parts.transport.send(validated.token_request(&self.parts.config)).await?;
        judge(&response)
    }

    async fn identify(
        &self,
        answer: &TokenAnswer,
        validated: &ValidatedCallback,
        now: UnixMillis,
    ) -> Result<Profile, IdTokenError> {
        let id_token = answer.id_token.as_ref().ok_or(IdTokenError::Unreadable)?;
        let expected = Expected::SignIn { nonce: validated.nonce().to_owned() };
        let claims = self.parts.verifier.verify(id_token.expose(), &expected, now).await?;
        Ok(Profile { sub: claims.sub, email: claims.email, name: claims.name })
    }

    /// Reads the session: the jwt callback, then the session callback, then a new cookie, as Auth.js does.
    pub async fn read(&self, cookie: Option<SessionCookie>) -> SessionRead {
        let now = self.parts.clock.now();
        let Some(cookie) = cookie.filter(|cookie| now < cookie.expires) else {
            return SessionRead::signed_out(CookieChange::Clear);
        };
        let session_id = cookie.jwt.session_id.clone();
        if self.ended.contains(&session_id) {
            return SessionRead::signed_out(CookieChange::Keep);
        }
        let outcome = self.parts.callbacks.jwt(JwtTrigger::Read { token: cookie.jwt }, now).await;
        // Meanwhile the user may have signed out, or in again: the cookie that the browser has by now must not be undone.
        if self.ended.contains(&session_id) {
            return SessionRead::signed_out(CookieChange::Keep);
        }
        match outcome {
            Ok(Some(jwt)) => self.shown(jwt, now),
            Ok(None) | Err(_) => SessionRead::signed_out(CookieChange::Clear),
        }
    }

    fn shown(&self, jwt: Jwt, now: UnixMillis) -> SessionRead {
        let expires = now.plus(SESSION_LIFETIME);
        let plain = Session { user: jwt.profile.clone(), expires, error: None, extra: serde_json::Map::new() };
        SessionRead {
            session: Some(self.parts.callbacks.session(plain, &jwt)),
            access_token: jwt.usable_access_token(now).cloned(),
            cookie: CookieChange::Set(Box::new(SessionCookie { jwt, expires })),
        }
    }

    /// Signs out here at once, and takes the grant back at the provider as well as that goes: a provider that is down
    /// or refuses does not keep anybody signed in (RFC 7009 section 2.2.1).
    pub async fn sign_out(&self, cookie: Option<SessionCookie>) -> CookieChange {
        if let Some(SessionCookie { jwt, .. }) = cookie {
            self.ended.add(jwt.session_id, self.parts.clock.now());
            if let Some(refresh_token) = jwt.refresh_token {
                self.revoke(&refresh_token).await;
            }
        }
        CookieChange::Clear
    }

    /// RFC 7009 section 2.1. How it ends is no matter: the session is over here in any case.
    async fn revoke(&self, refresh_token: &RefreshToken) {
        let config = &self.parts.config;
        let Some(endpoint) = &config.revocation_endpoint else { return };
        let form = vec![
            ("token".to_owned(), refresh_token.expose().to_owned()),
            ("token_type_hint".to_owned(), "refresh_token".to_owned()),
        ];
        let request = HttpRequest::post(endpoint.as_url().clone(), with_credentials(config, form));
        drop(self.parts.transport.send(request).await);
    }
}

impl SessionRead {
    const fn signed_out(cookie: CookieChange) -> Self {
        Self { session: None, cookie, access_token: None }
    }
}

fn account(answer: TokenAnswer, now: UnixMillis) -> Account {
    Account {
        expires_at: now.as_secs().plus(answer.lifetime.duration()),
        access_token: answer.access_token,
        refresh_token: answer.refresh_token,
        scope: answer.scope,
    }
}

/// Sessions that are over although a browser may still hold their cookie. Bounded: the oldest is forgotten.
#[derive(Debug, Default)]
struct Ended(Mutex<BTreeMap<SessionId, UnixMillis>>);

impl Ended {
    fn add(&self, session: SessionId, now: UnixMillis) {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ended.insert(session, now);
        if ended.len() > ENDED_CAPACITY {
            let oldest = ended.iter().min_by_key(|(_, at)| **at).map(|(session, _)| session.clone());
            oldest.and_then(|session| ended.remove(&session));
        }
    }

    fn contains(&self, session: &SessionId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(session)
    }
}
