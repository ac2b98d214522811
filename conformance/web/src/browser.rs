//! One request of a browser, and what came back. Redirects are never followed by themselves.

use std::time::Duration;

use adapter_server::CookieChanges;
use reqwest::header::{COOKIE, DATE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::jar::change;

/// The runner gives up long before.
const LIMIT: Duration = Duration::from_secs(120);

/// Bodies are not read further than this: 4 MiB.
const MOST: usize = 4 << 20;

/// Sends requests.
#[derive(Clone, Debug)]
pub(crate) struct Browser(Client);

/// What to send.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) cookies: Option<String>,
    /// The pairs of a form.
    pub(crate) form: Vec<(&'static str, String)>,
    pub(crate) headers: HeaderMap,
}

impl Request {
    pub(crate) fn get(url: Url, cookies: Option<String>) -> Self {
        Self { method: Method::GET, url, cookies, form: vec![], headers: HeaderMap::new() }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) url: Url,
    pub(crate) location: Option<Url>,
    pub(crate) changes: CookieChanges,
    /// The `Date` header, in milliseconds since the Unix epoch.
    pub(crate) date_ms: Option<i64>,
    pub(crate) body: String,
}

impl Response {
    /// The body as JSON; text where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| Value::String(self.body.clone()))
    }

    /// Where it is and with which status, without what may be secret.
    pub(crate) fn place(&self) -> String {
        format!("{} (status {})", self.url.path(), self.status.as_u16())
    }
}

impl Browser {
    pub(crate) fn new() -> reqwest::Result<Self> {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().timeout(LIMIT);
        // A connection that the application closes while it restarts would fail the next request.
        client.pool_max_idle_per_host(0).build().map(Self)
    }

    /// Sends a request and reads what comes back.
    ///
    /// # Errors
    /// When nothing comes back, in words.
    pub(crate) async fn send(&self, request: Request) -> Result<Response, String> {
        let Request { method, url, cookies, form, headers } = request;
        let mut builder = self.0.request(method.clone(), url.clone()).headers(headers);
        if let Some(cookies) = cookies {
            builder = builder.header(COOKIE, cookies);
        }
        if method != Method::GET {
            builder = builder.form(&form);
        }
        let words = |error: reqwest::Error| format!("{} does not answer: {}", url.path(), cause(&error));
        let mut response = builder.send().await.map_err(words)?;
        let mut body = vec![];
        while let Some(chunk) = response.chunk().await.map_err(words)? {
            body.extend_from_slice(&chunk);
            if body.len() > MOST {
                return Err(format!("{} answers with more than {MOST} bytes", url.path()));
            }
        }
        Ok(read(&url, response.status(), response.headers(), &body))
    }
}

fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn read(url: &Url, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Response {
    let text = |name| headers.get(name).and_then(|value: &reqwest::header::HeaderValue| value.to_str().ok());
    let cookies = headers.get_all(SET_COOKIE).iter().filter_map(|value| change(value.to_str().ok()?));
    let date = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok());
    let since = date.and_then(|date| date.duration_since(std::time::UNIX_EPOCH).ok());
    Response {
        status,
        url: url.clone(),
        location: text(LOCATION).and_then(|location| url.join(location).ok()),
        changes: cookies.collect(),
        date_ms: since.and_then(|since| i64::try_from(since.as_millis()).ok()),
        body: String::from_utf8_lossy(body).into_owned(),
    }
}
