//! One request of a browser: the cookies that it brought, and what the answer does to them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use client_core::{
    CookieChange, CookieRefused, CookieWrite, SESSION_LIFETIME, SessionCookie, SessionError, SessionRead,
};

use crate::app::{App, Pending};
use crate::csrf::{self, CsrfToken};
use crate::failure::Failure;
use crate::{cookies, log};

/// How long a user may take at the provider: the quarter of an hour of Auth.js.
const SIGN_IN_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// A request under way.
pub(crate) struct Visit {
    pub(crate) app: Arc<App>,
    brought: BTreeMap<String, String>,
    answer: Vec<HeaderValue>,
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(Self { app: Arc::clone(app), brought: cookies::brought(&parts.headers), answer: vec![] })
    }
}

impl Visit {
    /// The session cookie, where it is there and good.
    pub(crate) fn session_cookie(&self) -> Option<SessionCookie> {
        let read = self.app.cookies.session.read(&self.brought, self.app.now());
        if let Err(refused) = &read
            && *refused != CookieRefused::Absent
        {
            log::line(format_args!("a session cookie is not taken: {refused}"));
        }
        read.ok().map(|opened| SessionCookie { jwt: opened.value, expires: opened.expires })
    }

    /// Reads the session; the browser gets the new cookie with the answer.
    pub(crate) async fn read_session(&mut self) -> Result<SessionRead, Failure> {
        let read = self.app.auth.read(self.session_cookie()).await;
        if let Some(SessionError::RefreshTokenError) = read.session.as_ref().and_then(|session| session.error) {
            log::line("RefreshTokenError: the access token of a session could not be refreshed");
        }
        self.change_session(&read.cookie)?;
        Ok(read)
    }

    pub(crate) fn change_session(&mut self, change: &CookieChange) -> Result<(), Failure> {
        let app = Arc::clone(&self.app);
        let session = &app.cookies.session;
        let writes = match change {
            CookieChange::Keep => vec![],
            CookieChange::Clear => session.clear(&self.brought),
            CookieChange::Set(cookie) => {
                session.write(&cookie.jwt, (app.now(), cookie.expires), &*app.entropy, &self.brought)?
            }
        };
        self.send(writes, SESSION_LIFETIME);
        Ok(())
    }

    /// Has the browser remember a sign-in under way.
    pub(crate) fn remember(&mut self, pending: &Pending) -> Result<(), Failure> {
        let app = Arc::clone(&self.app);
        let lifetime = (app.now(), app.now().plus(SIGN_IN_LIFETIME));
        let writes = app.cookies.pending.write(pending, lifetime, &*app.entropy, &self.brought)?;
        self.send(writes, SIGN_IN_LIFETIME);
        Ok(())
    }

    /// The sign-in under way. It is given once: the browser forgets it with the answer.
    pub(crate) fn recall(&mut self) -> Option<Pending> {
        let app = Arc::clone(&self.app);
        let pending = app.cookies.pending.read(&self.brought, app.now()).ok()?;
        self.send(app.cookies.pending.clear(&self.brought), SIGN_IN_LIFETIME);
        Some(pending.value)
    }

    /// The browser's token against forged forms; it gets one where it has none.
    pub(crate) fn csrf_token(&mut self) -> Result<CsrfToken, Failure> {
        let app = Arc::clone(&self.app);
        if let Some(known) = CsrfToken::known(&app, &self.brought) {
            return Ok(known);
        }
        let token = CsrfToken::new(&app);
        let lifetime = (app.now(), app.now().plus(csrf::LIFETIME));
        let writes = app.cookies.csrf.write(&token, lifetime, &*app.entropy, &self.brought)?;
        self.send(writes, csrf::LIFETIME);
        Ok(token)
    }

    /// Refuses a form that does not come from one of our pages.
    pub(crate) fn check_csrf(&self, claimed: &str) -> Result<(), Failure> {
        let known = CsrfToken::known(&self.app, &self.brought).ok_or(Failure::Csrf)?;
        if known.is(claimed) { Ok(()) } else { Err(Failure::Csrf) }
    }

    fn send(&mut self, writes: Vec<CookieWrite>, lifetime: Duration) {
        let secure = self.app.cookies.secure;
        self.answer.extend(writes.into_iter().filter_map(|write| cookies::set(write, lifetime, secure)));
    }

    /// The answer, with the cookies.
    pub(crate) fn answer(self, response: impl IntoResponse) -> Response {
        let mut response = response.into_response();
        for cookie in self.answer {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}
