//! `GET /`: the one page. It shows the session and works without scripts.

use axum::extract::Query;
use axum::response::{Html, Response};
use client_core::{Session, SessionError, SessionRead};
use serde::Deserialize;

use crate::failure::Failure;
use crate::session_view::date;
use crate::visit::Visit;

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem}\
    .error{border-left:.25rem solid #b00020;padding-left:1rem}button{font:inherit;padding:.4rem 1rem}";

/// The query: a sign-in that failed comes back here.
#[derive(Deserialize)]
pub(crate) struct Told {
    error: Option<String>,
}

/// Shows the page.
pub(crate) async fn show(mut visit: Visit, Query(told): Query<Told>) -> Result<Response, Failure> {
    let read = visit.read_session().await?;
    let token = visit.csrf_token()?;
    let page = page(&read, told.error.as_deref(), token.expose());
    Ok(visit.answer(Html(page)))
}

fn page(read: &SessionRead, failed: Option<&str>, csrf: &str) -> String {
    let failed = failed.map(notice).unwrap_or_default();
    let session = read.session.as_ref().map_or_else(|| signed_out(csrf), |session| signed_in(session, csrf));
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>client-core</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head>\
         <body><main><h1>client-core</h1>{failed}{session}</main></body></html>\n"
    )
}

/// Of a failed sign-in, only that it failed: the code in the URL is whoever's who made the link.
fn notice(code: &str) -> String {
    let text = match code {
        "AccessDenied" => "You did not allow the sign-in.",
        _ => "The sign-in failed. Please try again.",
    };
    format!("<p class=\"error\" role=\"alert\">{text}</p>")
}

fn signed_out(csrf: &str) -> String {
    format!("<p>You are not signed in.</p>{}", form("signin/google", "Sign in with Google", csrf))
}

fn signed_in(session: &Session, csrf: &str) -> String {
    let user = &session.user;
    let name = escape(user.name.as_deref().or(user.email.as_deref()).unwrap_or(&user.sub));
    let until = date(session.expires).unwrap_or_default();
    let error = session.error.map(|error| sign_in_again(error, csrf)).unwrap_or_default();
    let sign_out = form("signout", "Sign out", csrf);
    format!("<p>You are signed in as <strong>{name}</strong>, until {until} at least.</p>{error}{sign_out}")
}

fn sign_in_again(error: SessionError, csrf: &str) -> String {
    let SessionError::RefreshTokenError = error;
    let form = form("signin/google", "Sign in again", csrf);
    format!(
        "<div class=\"error\" role=\"alert\"><p>Google does not answer for you any more (RefreshTokenError). \
         Please sign in again.</p>{form}</div>"
    )
}

/// The token has letters, digits, `-` and `_` only.
fn form(action: &str, button: &str, csrf: &str) -> String {
    format!(
        "<form method=\"post\" action=\"/auth/{action}\">\
         <input type=\"hidden\" name=\"csrfToken\" value=\"{csrf}\"><input type=\"hidden\" name=\"callbackUrl\" value=\"/\">\
         <button>{button}</button></form>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use client_core::{AccessToken, CookieChange, Profile, UnixMillis};

    use super::*;

    fn read(error: Option<SessionError>) -> SessionRead {
        let user = Profile { sub: "u".into(), email: None, name: Some("<script>\"A&B'".into()) };
        let session = Session { user, expires: UnixMillis(0), error, extra: serde_json::Map::new() };
        SessionRead {
            session: Some(session),
            cookie: CookieChange::Keep,
            access_token: Some(AccessToken::new("ya29.test")),
        }
    }

    #[test]
    fn the_user_is_asked_to_sign_in_again_only_after_an_error() {
        let fine = page(&read(None), None, "t");
        let failed = page(&read(Some(SessionError::RefreshTokenError)), None, "t");
        assert!(!fine.contains("Sign in again") && fine.contains("Sign out"));
        assert!(failed.contains("Sign in again") && failed.contains("Sign out"));
        assert!(!failed.contains("ya29."));
    }

    #[test]
    fn what_the_provider_says_is_no_markup() {
        let page = page(&read(None), Some("<script>"), "t");
        assert!(page.contains("&lt;script&gt;&quot;A&amp;B&#39;") && !page.contains("<script>"));
    }
}
