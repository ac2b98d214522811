//! The routes below `/auth`, as Auth.js has them.

use axum::extract::Form;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Json, Response};
use client_core::{CallbackRefused, CookieChange, SessionCookie, SignInError};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::app::{App, Pending};
use crate::failure::Failure;
use crate::visit::Visit;
use crate::{log, session_view};

const CALLBACK: &str = "auth/callback/google";

/// Asks for the URL as JSON in place of a redirect; a header of Auth.js, for scripts.
const RETURN_REDIRECT: &str = "x-auth-return-redirect";

/// Where the provider sends users back to.
pub(crate) fn callback_url(base: &Url) -> String {
    format!("{base}{CALLBACK}")
}

/// `GET /auth/csrf`: the token that forms have to bring.
pub(crate) async fn csrf(mut visit: Visit) -> Result<Response, Failure> {
    let token = visit.csrf_token()?;
    Ok(visit.answer(Json(json!({"csrfToken": token.expose()}))))
}

/// `GET /auth/providers`: the one there is.
pub(crate) async fn providers(visit: Visit) -> Json<Value> {
    let base = &visit.app.base;
    Json(json!({"google": {
        "id": "google",
        "name": "Google",
        "type": "oidc",
        "signinUrl": format!("{base}auth/signin/google"),
        "callbackUrl": callback_url(base),
    }}))
}

/// What the forms of this application hold.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Posted {
    #[serde(default)]
    csrf_token: String,
    callback_url: Option<String>,
}

/// `POST /auth/signin/google`: sends the browser to the provider.
pub(crate) async fn sign_in(
    mut visit: Visit,
    headers: HeaderMap,
    Form(form): Form<Posted>,
) -> Result<Response, Failure> {
    visit.check_csrf(&form.csrf_token)?;
    let (url, sign_in) = visit.app.auth.begin_sign_in();
    let return_to = return_to(&visit.app.base, form.callback_url.as_deref());
    visit.remember(&Pending { sign_in, return_to })?;
    Ok(visit.answer(redirect(&url, &headers)))
}

/// A place of this application, whatever the form says: elsewhere it would be an open redirector (RFC 9700 section 4.11).
fn return_to(base: &Url, asked: Option<&str>) -> Url {
    let asked = asked.and_then(|asked| base.join(asked).ok());
    asked.filter(|asked| asked.origin() == base.origin()).unwrap_or_else(|| base.clone())
}

/// `GET /auth/callback/google`: the browser comes back from the provider.
pub(crate) async fn callback(mut visit: Visit, uri: Uri) -> Result<Response, Failure> {
    let pending = visit.recall();
    let to = match finish(&visit, pending, &uri).await {
        Ok((cookie, return_to)) => {
            visit.change_session(&CookieChange::Set(Box::new(cookie)))?;
            return_to
        }
        Err(error) => {
            log::line(format_args!("a sign-in failed: {error}"));
            error_page(&visit.app, &error)
        }
    };
    Ok(visit.answer(redirect(&to, &HeaderMap::new())))
}

async fn finish(visit: &Visit, pending: Option<Pending>, uri: &Uri) -> Result<(SessionCookie, Url), SignInError> {
    let app = &visit.app;
    // Whoever has no sign-in under way has not sent this state.
    let Pending { sign_in, return_to } = pending.ok_or(CallbackRefused::State)?;
    let mut url = app.base.clone();
    url.set_path(uri.path());
    url.set_query(uri.query());
    let cookie = app.auth.finish_sign_in(sign_in, &url, visit.session_cookie()).await?;
    Ok((cookie, return_to))
}

fn error_page(app: &App, error: &SignInError) -> Url {
    let code = match error {
        SignInError::Callback(CallbackRefused::Denied { code }) if code == "access_denied" => "AccessDenied",
        SignInError::Callback(_) | SignInError::Token(_) | SignInError::IdToken(_) | SignInError::NoSession => {
            "OAuthCallbackError"
        }
    };
    let mut url = app.base.clone();
    url.query_pairs_mut().append_pair("error", code);
    url
}

/// `GET /auth/session`: what the browser may see of the session, or `null`.
pub(crate) async fn session(mut visit: Visit) -> Result<Response, Failure> {
    let read = visit.read_session().await?;
    let view = session_view::session(&read, visit.app.show_access_token);
    Ok(visit.answer(Json(view)))
}

/// `POST /auth/signout`: ends the session here, and the grant at the provider.
pub(crate) async fn sign_out(
    mut visit: Visit,
    headers: HeaderMap,
    Form(form): Form<Posted>,
) -> Result<Response, Failure> {
    visit.check_csrf(&form.csrf_token)?;
    let change = visit.app.auth.sign_out(visit.session_cookie()).await;
    visit.change_session(&change)?;
    let to = return_to(&visit.app.base, form.callback_url.as_deref());
    Ok(visit.answer(redirect(&to, &headers)))
}

fn redirect(to: &Url, headers: &HeaderMap) -> Response {
    if headers.contains_key(RETURN_REDIRECT) {
        return Json(json!({"url": to})).into_response();
    }
    (StatusCode::FOUND, [(header::LOCATION, to.to_string())]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        let base = Url::parse("http://127.0.0.1:3000/").unwrap();
        for (asked, expected) in [
            ("/inbox?page=2", "http://127.0.0.1:3000/inbox?page=2"),
            ("http://127.0.0.1:3000/inbox", "http://127.0.0.1:3000/inbox"),
            ("//evil.example/", "http://127.0.0.1:3000/"),
            (r"\\evil.example/", "http://127.0.0.1:3000/"),
            ("https://127.0.0.1:3000/", "http://127.0.0.1:3000/"),
            ("javascript:alert(1)", "http://127.0.0.1:3000/"),
            ("http://[", "http://127.0.0.1:3000/"),
        ] {
            assert_eq!(return_to(&base, Some(asked)).as_str(), expected, "{asked}");
        }
    }
}
