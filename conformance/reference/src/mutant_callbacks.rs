//! The callbacks of the reference client, right or with one bug.
//!
//! Without a defect every `tweak` is the identity and this is [`client_core::RefreshingCallbacks`], step for step; a test
//! over the suite keeps it so, for the clean reference has to pass everything.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use client_core::decision::{RefreshFailure, Refreshed, Step, failed, needs_sign_in, next_step, refreshed, signed_in};
use client_core::token_answer::{Lifetime, Malformed, TokenFailure};
use client_core::{
    CallbackError, Callbacks, IdTokenError, Jwt, JwtTrigger, RefreshToken, Refresher, Session, SessionId, UnixMillis,
    UnixSeconds,
};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::application::Log;
use crate::defect::Defect;

/// Callbacks with one bug.
pub(crate) struct MutantCallbacks {
    pub(crate) defect: Defect,
    pub(crate) refresher: Refresher,
    pub(crate) log: Arc<Log>,
    pub(crate) refreshed_once: Mutex<BTreeSet<SessionId>>,
}

impl MutantCallbacks {
    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    async fn read(&self, token: Jwt, now: UnixMillis) -> Result<Option<Jwt>, CallbackError> {
        match self.step(&token, now) {
            Step::Keep | Step::Wait => Ok(Some(token)),
            Step::SignInAgain => Ok(Some(needs_sign_in(token))),
            Step::Refresh(refresh_token) => self.refresh(token, refresh_token, now).await,
        }
    }

    fn step(&self, token: &Jwt, now: UnixMillis) -> Step {
        let grace = now < token.expires_at.as_millis().plus(Duration::from_secs(60));
        let again = || self.refreshed_once.lock().unwrap_or_else(PoisonError::into_inner).contains(&token.session_id);
        match next_step(token, now) {
            Step::Refresh(_) if self.has(Defect::ExpiresLate) && grace => Step::Keep,
            Step::Refresh(_) if self.has(Defect::NeverRefreshesTwice) && again() => Step::Keep,
            Step::SignInAgain if self.has(Defect::SendsLiteralNull) => Step::Refresh(RefreshToken::new("null")),
            step => step,
        }
    }

    async fn refresh(
        &self,
        token: Jwt,
        refresh_token: RefreshToken,
        now: UnixMillis,
    ) -> Result<Option<Jwt>, CallbackError> {
        if self.has(Defect::LeaksTokenIntoLog) {
            self.log.write(format!("refreshing with {}", refresh_token.expose()));
        }
        let outcome = self.refresher.refresh(refresh_token, token.profile.sub.clone(), now).await;
        match outcome {
            Ok(tokens) if self.has(Defect::RefusesMissingIdToken) && tokens.claims.is_none() => {
                let reason = TokenFailure::IdToken(IdTokenError::Unreadable);
                Ok(Some(failed(
                    token,
                    RefreshFailure { reason, retry_after: None, replacement: tokens.refresh_token },
                    now,
                )))
            }
            Ok(tokens) => Ok(Some(self.success(token, tokens))),
            Err(failure) => self.failure(token, failure, now),
        }
    }

    fn success(&self, before: Jwt, tokens: Refreshed) -> Jwt {
        self.refreshed_once.lock().unwrap_or_else(PoisonError::into_inner).insert(before.session_id.clone());
        let mut after = refreshed(before.clone(), tokens.clone());
        match self.defect {
            Defect::StickyError => after.error = before.error,
            Defect::DropsRefreshToken => after.refresh_token = tokens.refresh_token,
            Defect::KeepsOldRotatedToken => after.refresh_token = before.refresh_token,
            Defect::NanExpiry if tokens.lifetime == Lifetime::Untold => after.expires_at = UnixSeconds(i64::MIN),
            Defect::AcceptsAnyIdToken => {
                after.profile.sub = tokens.claims.map_or(after.profile.sub, |claims| claims.sub)
            }
            Defect::LosesUserOnRefresh => "anonymous".clone_into(&mut after.profile.sub),
            _ => after.expires_at = self.unit(after.expires_at),
        }
        after
    }

    fn unit(&self, expires_at: UnixSeconds) -> UnixSeconds {
        match self.defect {
            Defect::MillisecondsForSeconds => UnixSeconds(expires_at.0 * 1000),
            Defect::SecondsForMilliseconds => UnixSeconds(expires_at.0 / 1000),
            _ => expires_at,
        }
    }

    fn failure(&self, before: Jwt, failure: RefreshFailure, now: UnixMillis) -> Result<Option<Jwt>, CallbackError> {
        let dead = matches!(failure.reason, TokenFailure::DeadGrant(_));
        let not_json = failure.reason == TokenFailure::Malformed(Malformed::NotAnObject);
        let mut after = failed(before.clone(), failure, now);
        match self.defect {
            Defect::SignsOutOnFailure => return Ok(None),
            Defect::CrashesOnHtml if not_json => return Err(CallbackError("unexpected token < in JSON".to_owned())),
            Defect::RetriesDeadGrant => after = Jwt { refresh_token: before.refresh_token, back_off: None, ..after },
            Defect::Treats503AsDead => after.refresh_token = None,
            Defect::IgnoresRetryAfter => after.back_off = None,
            Defect::KeepsStaleAccessToken if dead => {
                after = Jwt { error: None, expires_at: UnixSeconds(i64::MAX / 1000), ..after };
            }
            _ => {}
        }
        Ok(Some(after))
    }

    fn signed_in(&self, trigger: (SessionId, client_core::Profile, client_core::Account, Option<Jwt>)) -> Jwt {
        let (session_id, profile, account, previous) = trigger;
        let mut jwt = signed_in(session_id, profile, account, previous.as_ref());
        jwt.expires_at = self.unit(jwt.expires_at);
        if self.has(Defect::OldRefreshTokenAfterSignIn) {
            jwt.refresh_token = previous.and_then(|previous| previous.refresh_token).or(jwt.refresh_token);
        }
        jwt
    }
}

impl Callbacks for MutantCallbacks {
    fn jwt(&self, trigger: JwtTrigger, now: UnixMillis) -> BoxFuture<'_, Result<Option<Jwt>, CallbackError>> {
        async move {
            match trigger {
                JwtTrigger::SignIn { session_id, profile, account, previous } => {
                    Ok(Some(self.signed_in((session_id, profile, account, previous))))
                }
                JwtTrigger::Read { token } => self.read(token, now).await,
            }
        }
        .boxed()
    }

    fn session(&self, session: Session, token: &Jwt) -> Session {
        let mut session = Session { error: token.error, ..session };
        match self.defect {
            Defect::SessionCallbackForgetsError => session.error = None,
            Defect::LeaksRefreshTokenIntoSession => {
                let leaked = token.refresh_token.iter().map(|token| ("refreshToken".to_owned(), token.expose().into()));
                session.extra.extend(leaked);
            }
            _ => {}
        }
        session
    }
}
