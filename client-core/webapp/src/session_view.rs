//! The session as a browser reads it, with the members that Auth.js gives it.

use client_core::{Session, SessionRead, UnixMillis};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// JSON for `GET /auth/session`: `null` when nobody is signed in.
pub(crate) fn session(read: &SessionRead, show_access_token: bool) -> Value {
    let Some(session) = &read.session else { return Value::Null };
    let mut view = members(session);
    if let Some(token) = read.access_token.as_ref().filter(|_| show_access_token) {
        view["access_token"] = token.expose().into();
    }
    view
}

fn members(session: &Session) -> Value {
    let mut view = json!(session);
    view["expires"] = date(session.expires).into();
    view
}

/// As `Date.toISOString` writes it, but for the years that RFC 3339 cannot; those are nothing.
pub(crate) fn date(at: UnixMillis) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000).ok()?;
    at.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use client_core::{AccessToken, CookieChange, Profile, SessionError};

    use super::*;

    fn read() -> SessionRead {
        let user = Profile { sub: "u-ada".into(), email: None, name: Some("Ada".into()) };
        let expires = UnixMillis(1_896_048_000_250);
        let error = Some(SessionError::RefreshTokenError);
        SessionRead {
            session: Some(Session { user, expires, error, extra: serde_json::Map::new() }),
            cookie: CookieChange::Keep,
            access_token: Some(AccessToken::new("ya29.test")),
        }
    }

    #[test]
    fn an_access_token_is_shown_only_when_asked_for() {
        let shown = json!({
            "user": {"sub": "u-ada", "email": null, "name": "Ada"},
            "expires": "2030-01-31T00:00:00.25Z",
            "error": "RefreshTokenError",
        });
        assert_eq!(session(&read(), false), shown);
        assert_eq!(session(&read(), true)["access_token"], "ya29.test");
        assert_eq!(session(&SessionRead { session: None, ..read() }, true), Value::Null);
    }

    #[test]
    fn a_date_that_cannot_be_written_is_nothing() {
        assert_eq!(date(UnixMillis(i64::MAX)), None);
    }
}
