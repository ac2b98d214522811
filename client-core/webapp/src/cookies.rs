//! The headers of cookies: what a request brought, and how the application's own are written.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use client_core::CookieWrite;
use cookie::{Cookie, SameSite};

/// The cookies of the application, with the names that Auth.js gives them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CookieKind {
    /// The session token.
    Session,
    /// A sign-in under way; Auth.js has one cookie each for state, nonce and PKCE verifier.
    Pending,
    /// What forms are compared with.
    Csrf,
}

impl CookieKind {
    pub(crate) const fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, false) => "authjs.session-token",
            (Self::Session, true) => "__Secure-authjs.session-token",
            (Self::Pending, false) => "authjs.sign-in",
            (Self::Pending, true) => "__Secure-authjs.sign-in",
            (Self::Csrf, false) => "authjs.csrf-token",
            (Self::Csrf, true) => "__Host-authjs.csrf-token",
        }
    }
}

/// The cookies of a request. Of two with one name the first counts: browsers send the more specific one first.
pub(crate) fn brought(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut cookies = BTreeMap::new();
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    for cookie in texts.flat_map(Cookie::split_parse).filter_map(Result::ok) {
        cookies.entry(cookie.name().to_owned()).or_insert_with(|| cookie.value().to_owned());
    }
    cookies
}

/// The `Set-Cookie` header for one cookie; nothing where its value cannot stand in one.
pub(crate) fn set(write: CookieWrite, lifetime: Duration, secure: bool) -> Option<HeaderValue> {
    let CookieWrite { name, value } = write;
    let lifetime = if value.is_some() { lifetime } else { Duration::ZERO };
    let cookie = Cookie::build((name, value.unwrap_or_default()))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .max_age(time::Duration::try_from(lifetime).unwrap_or(time::Duration::MAX));
    HeaderValue::try_from(cookie.build().to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: Option<&str>, secure: bool) -> String {
        let write = CookieWrite { name: "a".into(), value: value.map(str::to_owned) };
        set(write, Duration::from_secs(60), secure).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn a_cookie_has_every_attribute_that_keeps_it_in() {
        assert_eq!(written(Some("b"), false), "a=b; HttpOnly; SameSite=Lax; Path=/; Max-Age=60");
        assert_eq!(written(Some("b"), true), "a=b; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60");
        assert_eq!(written(None, false), "a=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
    }

    #[test]
    fn cookies_are_read_from_all_headers_and_nonsense_is_passed_over() {
        let mut headers = HeaderMap::new();
        for value in ["a=1; b=2;; =;x", "a=3; c=%7C"] {
            headers.append(header::COOKIE, HeaderValue::from_static(value));
        }
        let expected = [("a", "1"), ("b", "2"), ("c", "%7C")].map(|(name, value)| (name.into(), value.into()));
        assert_eq!(brought(&headers), expected.into());
    }
}
