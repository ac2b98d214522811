//! `GET /api/resource?url=`: the application calls a protected resource for its user.
//!
//! An access token goes to loopback addresses only, and there only to the provider: the route is there to be tested with,
//! and must not be a way to have tokens sent to anybody.

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{Json, Response};
use client_core::{AccessToken, HttpRequest, SessionRead};
use serde::Deserialize;
use serde_json::{Value, json};
use url::{Host, Url};

use crate::app::App;
use crate::failure::Failure;
use crate::session_view;
use crate::visit::Visit;

/// The query.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    url: Url,
}

/// Calls the resource; `status` is what it answered, and absent when there is no token to call it with or no answer.
pub(crate) async fn call(mut visit: Visit, Query(Wanted { url }): Query<Wanted>) -> Result<Response, Failure> {
    if !is_allowed(&visit.app.issuer, &url) {
        return Err(Failure::Bad("url: only the provider's own, and only on loopback"));
    }
    let read = visit.read_session().await?;
    if read.session.is_none() {
        return Ok(visit.answer((StatusCode::UNAUTHORIZED, Json(Value::Null))));
    }
    let status = match &read.access_token {
        Some(token) => ask(&visit.app, token, url).await,
        None => None,
    };
    let view = view(&read, status, visit.app.show_access_token);
    Ok(visit.answer(Json(view)))
}

async fn ask(app: &App, token: &AccessToken, url: Url) -> Option<u16> {
    let request = HttpRequest { bearer: Some(token.clone()), ..HttpRequest::get(url) };
    app.transport.send(request).await.ok().map(|response| response.status)
}

fn view(read: &SessionRead, status: Option<u16>, show_access_token: bool) -> Value {
    let mut view = session_view::session(read, show_access_token);
    view["status"] = json!(status);
    view
}

fn is_allowed(issuer: &str, url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    loopback && Url::parse(issuer).is_ok_and(|issuer| issuer.origin() == url.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_nowhere_else() {
        for (issuer, url, allowed) in [
            ("http://127.0.0.1:1/r/a", "http://127.0.0.1:1/userinfo", true),
            ("http://localhost:1", "http://localhost:1/", true),
            ("http://[::1]:1", "http://[::1]:1/x", true),
            ("http://127.0.0.1:1", "http://127.0.0.1:2/", false),
            ("http://127.0.0.1:1", "http://127.0.0.1.evil.example:1/", false),
            ("http://127.0.0.1:1", "file:///etc/passwd", false),
            ("https://accounts.google.com", "https://accounts.google.com/", false),
        ] {
            assert_eq!(is_allowed(issuer, &Url::parse(url).unwrap()), allowed, "{issuer} {url}");
        }
    }
}
