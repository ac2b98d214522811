//! What a browser does with an application: sign in, read the session, call the resource, sign out.

use adapter_protocol::{SessionState, SessionView};
use adapter_server::{CookieChanges, Jars};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

use crate::browser::{Browser, Request, Response};
use crate::description::{Description, Preset};
use crate::jar;

/// Redirects that a sign-in may take on the application's side.
const MOST_REDIRECTS: usize = 10;

/// Tells Auth.js to answer a form with the URL instead of a redirect.
const RETURN_REDIRECT: HeaderName = HeaderName::from_static("x-auth-return-redirect");

/// A browser in front of an application.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow<'a> {
    pub(crate) description: &'a Description,
    pub(crate) base: &'a Url,
    pub(crate) browser: &'a Browser,
    pub(crate) jars: &'a Jars,
    pub(crate) actor: &'a str,
}

/// What a session read showed, and the cookies that came with it.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) view: SessionView,
    pub(crate) status: Option<u16>,
    pub(crate) changes: CookieChanges,
}

impl Flow<'_> {
    fn url(&self, path: &str) -> Result<Url, String> {
        self.base.join(path).map_err(|error| format!("`{path}`: {error}"))
    }

    fn auth_url(&self, path: &str) -> Result<Url, String> {
        let base = self.description.base_path.as_deref().unwrap_or("/api/auth").trim_end_matches('/');
        self.url(&format!("{base}/{path}"))
    }

    async fn send(&self, request: Request) -> Result<Response, String> {
        let response = self.browser.send(request).await?;
        self.jars.apply(self.actor, response.changes.clone());
        Ok(response)
    }

    /// The `Cookie` header of the actor's browser.
    fn cookies(&self) -> Option<String> {
        jar::header(&self.jars.of(self.actor))
    }

    async fn get(&self, url: Url) -> Result<Response, String> {
        self.send(Request::get(url, self.cookies())).await
    }

    // --- signing in ---

    /// Signs in. An error is the application's own: it ended somewhere else than signed in.
    pub(crate) async fn sign_in(&self) -> Result<(), String> {
        let begun = match self.description.preset {
            Preset::Authjs | Preset::AuthjsV4 => {
                self.post_with_csrf(&format!("signin/{}", self.description.provider_id)).await?
            }
            Preset::Generic => self.begin_generic().await?,
        };
        if begun.host_str() == self.base.host_str() && begun.port() == self.base.port() {
            return Err(format!("the sign-in does not lead to the provider, but to {}", place(&begun)));
        }
        let callback = self.through_provider(begun).await?;
        self.come_back(callback).await
    }

    /// Where a generic application sends the browser.
    async fn begin_generic(&self) -> Result<Url, String> {
        let page = self.description.sign_in.as_ref().ok_or("the description names no `sign_in`")?;
        let mut response = self.ask(page).await?;
        for _ in 0..MOST_REDIRECTS {
            let Some(next) = response.location.clone() else { break };
            if next.origin() != self.base.origin() {
                return Ok(next);
            }
            response = self.get(next).await?;
        }
        Err(format!("the sign-in stays at {}", response.place()))
    }

    async fn ask(&self, page: &crate::description::Page) -> Result<Response, String> {
        let method =
            page.method.to_uppercase().parse::<Method>().map_err(|_| format!("`{}` is no method", page.method))?;
        let request = Request { method, ..Request::get(self.url(&page.path)?, self.cookies()) };
        self.send(request).await
    }

    /// The provider never sees the application's cookies.
    async fn through_provider(&self, url: Url) -> Result<Url, String> {
        let response = self.browser.send(Request::get(url, None)).await?;
        let status = response.status.as_u16();
        response.location.ok_or_else(|| format!("the provider shows a page with status {status}"))
    }

    /// Follows the application until it stays somewhere.
    async fn come_back(&self, callback: Url) -> Result<(), String> {
        if callback.origin() != self.base.origin() {
            return Err("the provider sends the browser to another place than the application".to_owned());
        }
        let mut response = self.get(callback).await?;
        let signed_in = sets_a_cookie(&response);
        for _ in 0..MOST_REDIRECTS {
            match response.location.clone().filter(|next| next.origin() == self.base.origin()) {
                Some(next) if self.is_error(&next) => return Err(format!("the sign-in ends at {}", place(&next))),
                Some(_) if signed_in && self.description.preset != Preset::Generic => return Ok(()),
                Some(next) => response = self.get(next).await?,
                None => break,
            }
        }
        let fine = response.status.is_success() || response.location.is_some();
        if fine { Ok(()) } else { Err(format!("the sign-in ends at {}", response.place())) }
    }

    fn is_error(&self, url: &Url) -> bool {
        self.description.preset != Preset::Generic && url.query_pairs().any(|(name, _)| name == "error")
    }

    /// Posts a form of Auth.js, with the token against forged requests, and gives the URL that comes back.
    async fn post_with_csrf(&self, path: &str) -> Result<Url, String> {
        let csrf = self.get(self.auth_url("csrf")?).await?;
        let token = csrf.json().get("csrfToken").and_then(Value::as_str).map(str::to_owned);
        let token = token.ok_or_else(|| format!("{} gives no csrfToken", csrf.place()))?;
        let mut form = vec![("csrfToken", token), ("callbackUrl", self.base.to_string())];
        let mut headers = HeaderMap::new();
        match self.description.preset {
            Preset::AuthjsV4 => form.push(("json", "true".to_owned())),
            Preset::Authjs | Preset::Generic => drop(headers.insert(RETURN_REDIRECT, HeaderValue::from_static("1"))),
        }
        let url = self.auth_url(path)?;
        let request = Request { method: Method::POST, url, cookies: self.cookies(), form, headers };
        let response = self.send(request).await?;
        let url = response.json().get("url").and_then(Value::as_str).and_then(|url| self.base.join(url).ok());
        url.or_else(|| response.location.clone()).ok_or_else(|| format!("{} leads nowhere", response.place()))
    }

    /// Signs out.
    pub(crate) async fn sign_out(&self) -> Result<(), String> {
        match self.description.preset {
            Preset::Authjs | Preset::AuthjsV4 => self.post_with_csrf("signout").await.map(drop),
            Preset::Generic => {
                let page = self.description.sign_out.as_ref().ok_or("the description names no `sign_out`")?;
                let response = self.ask(page).await?;
                let refused = response.status.is_client_error() || response.status.is_server_error();
                if refused { Err(format!("the sign-out ends at {}", response.place())) } else { Ok(()) }
            }
        }
    }

    // --- reading ---

    /// Reads the session. The cookies that come with it are the caller's to deliver.
    pub(crate) async fn session(&self) -> Result<Read, String> {
        let session = &self.description.session;
        let url = match &session.path {
            Some(path) => self.url(path)?,
            None => self.auth_url("session")?,
        };
        let response = self.browser.send(Request::get(url, self.cookies())).await?;
        let view = |page: &Value| SessionView {
            state: SessionState::Active,
            subject: text_at(page, session.subject.as_deref()),
            error: text_at(page, Some(session.error.as_deref().unwrap_or("/error"))),
            access_token: text_at(page, session.access_token.as_deref()),
            page: page.clone(),
        };
        read(response, view)
    }

    /// Has the application call the resource.
    pub(crate) async fn api(&self, resource: &str) -> Result<Read, String> {
        let api = self.description.api.as_ref().ok_or("the description names no `api`")?;
        let mut url = self.url(&api.path)?;
        url.query_pairs_mut().append_pair("url", resource);
        let response = self.browser.send(Request::get(url, self.cookies())).await?;
        let status = at(&response.json(), api.status.as_deref()).as_ref().and_then(Value::as_u64);
        let view = |page: &Value| SessionView {
            state: SessionState::Active,
            subject: text_at(page, api.subject.as_deref()),
            error: text_at(page, Some(api.error.as_deref().unwrap_or("/error"))),
            access_token: text_at(page, api.access_token.as_deref()),
            // What the application says to its own code is not what a browser reads.
            page: Value::Null,
        };
        let mut read = read(response, view)?;
        read.status = status.and_then(|status| u16::try_from(status).ok());
        Ok(read)
    }
}

/// What an answer shows. Nothing, nobody, and a status that asks for a sign-in are a session that is not there.
fn read(response: Response, view: impl FnOnce(&Value) -> SessionView) -> Result<Read, String> {
    if response.status.is_server_error() {
        return Err(format!("the application fails at {}", response.place()));
    }
    let page = response.json();
    let nobody = page.is_null() || page.as_object().is_some_and(serde_json::Map::is_empty);
    let view = if nobody || !response.status.is_success() {
        SessionView { state: SessionState::SignedOut, subject: None, error: None, access_token: None, page }
    } else {
        view(&page)
    };
    Ok(Read { view, status: None, changes: response.changes })
}

fn at(page: &Value, pointer: Option<&str>) -> Option<Value> {
    page.pointer(pointer?).filter(|value| !value.is_null()).cloned()
}

fn text_at(page: &Value, pointer: Option<&str>) -> Option<String> {
    at(page, pointer).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

fn sets_a_cookie(response: &Response) -> bool {
    response.changes.iter().any(|(name, value)| name.contains("session-token") && value.is_some())
}

/// A place without its secrets: the path, and the error that it names.
fn place(url: &Url) -> String {
    let error = url.query_pairs().find(|(name, _)| name == "error").map(|(_, error)| format!("?error={error}"));
    format!("{}{}", url.path(), error.unwrap_or_default())
}
