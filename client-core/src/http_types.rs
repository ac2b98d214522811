//! Requests and answers as values, and the trait behind which the one real transport stands.
//!
//! A request is built and an answer judged without I/O; no type of an HTTP library leaks out of the transport.

use futures_util::future::BoxFuture;
use url::Url;

use crate::secret::AccessToken;

/// A request to the provider.
#[derive(Clone)]
pub struct HttpRequest {
    /// POST with this form, or GET without one.
    pub form: Option<Vec<(String, String)>>,
    /// Where it goes.
    pub url: Url,
    /// The access token to send as a bearer (RFC 6750 section 2.1).
    pub bearer: Option<AccessToken>,
}

impl HttpRequest {
    /// A GET.
    pub const fn get(url: Url) -> Self {
        Self { form: None, url, bearer: None }
    }

    /// A POST of a form.
    pub const fn post(url: Url, form: Vec<(String, String)>) -> Self {
        Self { form: Some(form), url, bearer: None }
    }
}

impl std::fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Option<Vec<&str>> =
            self.form.as_ref().map(|form| form.iter().map(|(name, _)| name.as_str()).collect());
        f.debug_struct("HttpRequest").field("path", &self.url.path()).field("form", &names).finish_non_exhaustive()
    }
}

/// An answer, read whole.
#[derive(Clone)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The value of `Retry-After` (RFC 9110 section 10.2.3).
    pub retry_after: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No connection, or it broke.
    #[error("the connection could not be made or broke")]
    Connection,
    /// The time limit ran out.
    #[error("the provider did not answer in time")]
    Timeout,
    /// The body was longer than the limit.
    #[error("the answer was longer than the client reads")]
    TooLarge,
}

/// Sends requests. An implementation follows no redirects and bounds time and size.
pub trait Transport: Send + Sync {
    /// Sends one request and reads the whole answer.
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>>;
}
