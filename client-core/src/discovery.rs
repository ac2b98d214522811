//! Where a provider's endpoints are: its own metadata (OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3).

use serde::Deserialize;
use url::Url;

use crate::config::{BadEndpoint, EndpointUrl};
use crate::http_types::{HttpRequest, HttpResponse, Transport, TransportError};

/// The endpoints that a client of this crate uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovered {
    /// The authorization endpoint.
    pub authorization_endpoint: EndpointUrl,
    /// The token endpoint.
    pub token_endpoint: EndpointUrl,
    /// The JWK set.
    pub jwks_uri: EndpointUrl,
    /// The revocation endpoint, where there is one.
    pub revocation_endpoint: Option<EndpointUrl>,
}

/// Why a provider's metadata is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// The issuer or an endpoint is no usable URL.
    #[error(transparent)]
    Endpoint(#[from] BadEndpoint),
    /// No answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The provider has none there.
    #[error("the provider answered with status {0}")]
    Status(u16),
    /// Something is missing, or it is no JSON.
    #[error("the provider's metadata is incomplete or unreadable")]
    Malformed,
    /// RFC 8414 section 3.3.
    #[error("the metadata is that of another issuer")]
    Issuer,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    revocation_endpoint: Option<String>,
}

/// Asks the issuer.
///
/// # Errors
/// When it does not answer, or with something that cannot be used.
pub async fn discover(transport: &dyn Transport, issuer: &str) -> Result<Discovered, DiscoveryError> {
    let response = transport.send(HttpRequest::get(metadata_url(issuer)?)).await?;
    judge(&response, issuer)
}

fn metadata_url(issuer: &str) -> Result<Url, BadEndpoint> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    EndpointUrl::parse(&url).map(|url| url.as_url().clone())
}

fn judge(response: &HttpResponse, issuer: &str) -> Result<Discovered, DiscoveryError> {
    if response.status != 200 {
        return Err(DiscoveryError::Status(response.status));
    }
    let metadata: Metadata = serde_json::from_slice(&response.body).map_err(|_| DiscoveryError::Malformed)?;
    if metadata.issuer != issuer {
        return Err(DiscoveryError::Issuer);
    }
    Ok(Discovered {
        authorization_endpoint: EndpointUrl::parse(&metadata.authorization_endpoint)?,
        token_endpoint: EndpointUrl::parse(&metadata.token_endpoint)?,
        jwks_uri: EndpointUrl::parse(&metadata.jwks_uri)?,
        revocation_endpoint: metadata.revocation_endpoint.as_deref().map(EndpointUrl::parse).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://accounts.example";

    fn judged(status: u16, body: &str) -> Result<Discovered, DiscoveryError> {
        judge(&HttpResponse { status, retry_after: None, body: body.into() }, ISSUER)
    }

    #[test]
    fn metadata_is_taken_from_its_own_issuer_only_and_over_tls_only() {
        let metadata = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://accounts.example/auth",
            "token_endpoint": "https://oauth2.example/token",
            "jwks_uri": "https://www.example/certs",
        });
        assert_eq!(judged(200, &metadata.to_string()).unwrap().revocation_endpoint, None);
        for (name, value, error) in [
            ("issuer", json!("https://accounts.example/"), DiscoveryError::Issuer),
            ("token_endpoint", json!(null), DiscoveryError::Malformed),
            ("jwks_uri", json!("http://www.example/"), BadEndpoint::NotSecure("http://www.example/".into()).into()),
            ("revocation_endpoint", json!("/revoke"), BadEndpoint::NotAUrl("/revoke".into()).into()),
        ] {
            let mut wrong = metadata.clone();
            wrong[name] = value;
            assert_eq!(judged(200, &wrong.to_string()), Err(error), "{name}");
        }
        assert_eq!(judged(404, &metadata.to_string()), Err(DiscoveryError::Status(404)));
        assert_eq!(judged(200, "<h1>"), Err(DiscoveryError::Malformed));
    }

    #[test]
    fn the_path_of_an_issuer_stays() {
        for (issuer, url) in [
            ("https://a.example", "https://a.example/.well-known/openid-configuration"),
            ("https://a.example/t/x", "https://a.example/t/x/.well-known/openid-configuration"),
        ] {
            assert_eq!(metadata_url(issuer).unwrap().as_str(), url);
        }
    }
}
