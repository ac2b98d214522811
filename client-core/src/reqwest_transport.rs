//! The one real transport: reqwest without redirects, proxies, retries or unbounded waits.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::http_types::{HttpRequest, HttpResponse, Transport, TransportError};

/// The bounds of every request.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Real time from the request to the last byte of the answer.
    pub time: Duration,
    /// Bytes of body.
    pub size: usize,
}

impl Default for Limits {
    /// Ten seconds and one mebibyte.
    fn default() -> Self {
        Self { time: Duration::from_secs(10), size: 1 << 20 }
    }
}

/// Sends requests with reqwest.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    limits: Limits,
}

/// The HTTP client could not be set up; the TLS library found no certificates, for example.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be set up: {0}")]
pub struct SetupError(reqwest::Error);

impl ReqwestTransport {
    /// A transport with these bounds.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(limits: Limits) -> Result<Self, SetupError> {
        // A redirect would carry the refresh token and the client secret to whoever it names (RFC 6749 section 10.4).
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(limits.time)
            .build()
            .map_err(SetupError)?;
        Ok(Self { client, limits })
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let builder = match &request.form {
            Some(form) => self.client.post(request.url).form(form),
            None => self.client.get(request.url),
        };
        let builder = builder.header(reqwest::header::ACCEPT, "application/json");
        let builder = match &request.bearer {
            Some(token) => builder.bearer_auth(token.expose()),
            None => builder,
        };
        let response = builder.send().await.map_err(|error| reason(&error))?;
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(reqwest::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        Ok(HttpResponse { status, retry_after, body: self.read(response).await? })
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Vec<u8>, TransportError> {
        let mut body = vec![];
        while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
            if body.len() + chunk.len() > self.limits.size {
                return Err(TransportError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn reason(error: &reqwest::Error) -> TransportError {
    if error.is_timeout() { TransportError::Timeout } else { TransportError::Connection }
}

impl Transport for ReqwestTransport {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        self.exchange(request).boxed()
    }
}
