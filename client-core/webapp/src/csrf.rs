//! Forms are taken only with a token that stands in a cookie too (double submit): another site can send a form with this
//! application's cookies, but can read neither. The cookie is sealed, so nobody can plant one of their own.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use client_core::Unguessable;
use serde::{Deserialize, Serialize};

use crate::app::App;

/// As long as a session: a page may stay open.
pub(crate) const LIFETIME: Duration = client_core::SESSION_LIFETIME;

/// The token of a browser.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CsrfToken {
    token: Unguessable,
}

impl CsrfToken {
    pub(crate) fn new(app: &App) -> Self {
        Self { token: Unguessable::new(app.entropy.token()) }
    }

    /// The one that the browser has.
    pub(crate) fn known(app: &App, cookies: &BTreeMap<String, String>) -> Option<Self> {
        app.cookies.csrf.read(cookies, app.now()).ok().map(|opened| opened.value)
    }

    /// For a form, or for a script of the application's own pages.
    pub(crate) fn expose(&self) -> &str {
        self.token.expose()
    }

    pub(crate) fn is(&self, claimed: &str) -> bool {
        verify_slices_are_equal(self.expose().as_bytes(), claimed.as_bytes()).is_ok()
    }
}
