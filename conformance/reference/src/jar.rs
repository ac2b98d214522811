//! What a browser keeps of the reference client: its session cookie.

use adapter_server::Jar;
use client_core::{CookieChange, SessionCookie};

/// The cookie jar of a browser.
#[derive(Clone, Debug, Default)]
pub(crate) struct CookieJar(pub(crate) Option<SessionCookie>);

impl Jar for CookieJar {
    type Change = CookieChange;

    fn put(&mut self, change: CookieChange) {
        match change {
            CookieChange::Keep => {}
            CookieChange::Set(cookie) => self.0 = Some(*cookie),
            CookieChange::Clear => self.0 = None,
        }
    }
}
