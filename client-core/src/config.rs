//! What the client knows of its provider, parsed once.

use std::fmt;

use url::{Host, Url};

use crate::secret::ClientSecret;

/// A URL of the provider: https, or a loopback address (OAuth 2.1, "Communication Security").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointUrl(Url);

/// Why a URL is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEndpoint {
    /// It is no URL.
    #[error("`{0}` is not an absolute URL")]
    NotAUrl(String),
    /// It would send tokens in clear.
    #[error(
        "`{0}` must be https: tokens never travel in clear (RFC 6749 section 10.4); only loopback addresses may be http"
    )]
    NotSecure(String),
    /// A fragment has no place there.
    #[error("`{0}` has a fragment, which RFC 6749 section 3.2 forbids")]
    Fragment(String),
}

impl EndpointUrl {
    /// Parses a URL.
    ///
    /// # Errors
    /// When it is no URL, not https and not loopback, or has a fragment.
    pub fn parse(text: &str) -> Result<Self, BadEndpoint> {
        let url = Url::parse(text).map_err(|_| BadEndpoint::NotAUrl(text.to_owned()))?;
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err(BadEndpoint::NotSecure(text.to_owned()));
        }
        if url.fragment().is_some() {
            return Err(BadEndpoint::Fragment(text.to_owned()));
        }
        Ok(Self(url))
    }

    /// The URL, with the query that it was configured with (RFC 6749 section 3.2 keeps it).
    pub const fn as_url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The provider and this client's registration with it.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The issuer identifier, compared exactly as received.
    pub issuer: String,
    /// The authorization endpoint.
    pub authorization_endpoint: EndpointUrl,
    /// The token endpoint.
    pub token_endpoint: EndpointUrl,
    /// The JWK set.
    pub jwks_uri: EndpointUrl,
    /// The revocation endpoint, where there is one.
    pub revocation_endpoint: Option<EndpointUrl>,
    /// The client id.
    pub client_id: String,
    /// The client secret; a public client has none.
    pub client_secret: Option<ClientSecret>,
    /// Where the provider sends the user back to.
    pub redirect_uri: String,
    /// The scopes to ask for.
    pub scopes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_may_be_http() {
        for fine in [
            "https://oauth2.googleapis.com/token",
            "http://127.0.0.1:1/token",
            "http://[::1]/t",
            "http://localhost/t?tenant=a",
        ] {
            assert!(EndpointUrl::parse(fine).is_ok(), "{fine}");
        }
        for bad in
            ["http://example.com/", "ftp://127.0.0.1/", "/token", "", "http://localhost.example/", "https://a/#x"]
        {
            assert!(EndpointUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
