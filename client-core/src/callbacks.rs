//! The jwt and session callbacks of Auth.js, as a trait, and the implementation that gets them right.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::decision::{Step, failed, needs_sign_in, next_step, refreshed, signed_in};
use crate::refresher::Refresher;
use crate::time::UnixMillis;
use crate::types::{Account, Jwt, Profile, Session, SessionId};

/// When the jwt callback runs.
#[derive(Clone, Debug)]
pub enum JwtTrigger {
    /// At a sign-in, once.
    SignIn {
        /// The name of the new session.
        session_id: SessionId,
        /// Who signed in.
        profile: Profile,
        /// The provider's tokens.
        account: Account,
        /// The session token that the browser had before.
        previous: Option<Jwt>,
    },
    /// At every read of the session.
    Read {
        /// The session token as the browser brought it.
        token: Jwt,
    },
}

/// Something went wrong inside a callback. The user is shown as signed out, never as fine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the callback failed: {0}")]
pub struct CallbackError(pub String);

/// The two callbacks that an application defines.
pub trait Callbacks: Send + Sync {
    /// Makes the session token of a sign-in, or brings one up to date at a read. `None` ends the session.
    fn jwt(&self, trigger: JwtTrigger, now: UnixMillis) -> BoxFuture<'_, Result<Option<Jwt>, CallbackError>>;

    /// Decides what of the session token the browser may see.
    fn session(&self, session: Session, token: &Jwt) -> Session;
}

/// Callbacks that refresh, report a failure as `RefreshTokenError`, and clear it after the next good refresh.
#[derive(Clone, Debug)]
pub struct RefreshingCallbacks {
    refresher: Refresher,
}

impl RefreshingCallbacks {
    /// Callbacks that refresh with this refresher.
    pub const fn new(refresher: Refresher) -> Self {
        Self { refresher }
    }

    async fn bring_up_to_date(&self, token: Jwt, now: UnixMillis) -> Jwt {
        match next_step(&token, now) {
            Step::Keep | Step::Wait => token,
            Step::SignInAgain => needs_sign_in(token),
            Step::Refresh(refresh_token) => {
                let sub = token.profile.sub.clone();
                match self.refresher.refresh(refresh_token, sub, now).await {
                    Ok(tokens) => refreshed(token, tokens),
                    Err(failure) => failed(token, failure, now),
                }
            }
        }
    }
}

impl Callbacks for RefreshingCallbacks {
    fn jwt(&self, trigger: JwtTrigger, now: UnixMillis) -> BoxFuture<'_, Result<Option<Jwt>, CallbackError>> {
        async move {
            Ok(Some(match trigger {
                JwtTrigger::SignIn { session_id, profile, account, previous } => {
                    signed_in(session_id, profile, account, previous.as_ref())
                }
                JwtTrigger::Read { token } => self.bring_up_to_date(token, now).await,
            }))
        }
        .boxed()
    }

    fn session(&self, session: Session, token: &Jwt) -> Session {
        Session { error: token.error, ..session }
    }
}
