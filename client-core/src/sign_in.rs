//! Sign-in by authorization code (RFC 6749 section 4.1) with state, nonce and PKCE.
//!
//! The callback check returns a [`ValidatedCallback`], and only that can be exchanged: an unchecked code goes nowhere.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::ClientConfig;
use crate::entropy::Entropy;
use crate::http_types::HttpRequest;
use crate::refresher::with_credentials;
use crate::secret::{AuthorizationCode, CodeVerifier, Unguessable};

/// What the browser remembers between leaving for the provider and coming back. An application seals it before it leaves
/// the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingSignIn {
    state: Unguessable,
    nonce: Unguessable,
    verifier: CodeVerifier,
}

/// A callback whose state and issuer are right.
#[derive(Debug)]
pub struct ValidatedCallback {
    code: AuthorizationCode,
    nonce: Unguessable,
    verifier: CodeVerifier,
}

/// Why a callback is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackRefused {
    /// RFC 6749 section 10.12.
    #[error("the state is not the one that was sent; the sign-in was not begun here")]
    State,
    /// RFC 9207 section 2.4.
    #[error("the answer comes from another issuer")]
    Issuer,
    /// RFC 6749 section 4.1.2.1: the user or the provider said no.
    #[error("the provider answered with the error {}", code.escape_debug())]
    Denied {
        /// The error code.
        code: String,
    },
    /// There is no code.
    #[error("the answer has no code")]
    NoCode,
}

/// Begins a sign-in: where to send the browser, and what it has to remember.
pub(crate) fn begin(config: &ClientConfig, entropy: &dyn Entropy) -> (Url, PendingSignIn) {
    let pending = PendingSignIn {
        state: Unguessable::new(entropy.token()),
        nonce: Unguessable::new(entropy.token()),
        verifier: CodeVerifier::new(entropy.token()),
    };
    let mut url = config.authorization_endpoint.as_url().clone();
    url.query_pairs_mut()
        .append_pair("client_id", &config.client_id)
        .append_pair("redirect_uri", &config.redirect_uri)
        .append_pair("response_type", "code")
        .append_pair("scope", &config.scopes.join(" "))
        .append_pair("state", pending.state.expose())
        .append_pair("nonce", pending.nonce.expose())
        .append_pair("code_challenge", &s256(&pending.verifier))
        .append_pair("code_challenge_method", "S256")
        // Google gives a refresh token only with these two.
        .append_pair("access_type", "offline")
        .append_pair("prompt", "consent");
    (url, pending)
}

/// RFC 7636 section 4.2.
fn s256(verifier: &CodeVerifier) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.expose().as_bytes()))
}

impl PendingSignIn {
    /// Checks the query that the provider sent the browser back with.
    ///
    /// # Errors
    /// When state or issuer are wrong, or the provider said no.
    pub fn validate(self, config: &ClientConfig, callback: &Url) -> Result<ValidatedCallback, CallbackRefused> {
        let value =
            |name: &str| callback.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
        if value("state").map(Unguessable::new).as_ref() != Some(&self.state) {
            return Err(CallbackRefused::State);
        }
        if value("iss").is_some_and(|issuer| issuer != config.issuer) {
            return Err(CallbackRefused::Issuer);
        }
        if let Some(code) = value("error") {
            return Err(CallbackRefused::Denied { code });
        }
        let code = value("code").ok_or(CallbackRefused::NoCode)?;
        Ok(ValidatedCallback { code: AuthorizationCode::new(code), nonce: self.nonce, verifier: self.verifier })
    }
}

impl ValidatedCallback {
    /// The request of RFC 6749 section 4.1.3.
    pub fn token_request(&self, config: &ClientConfig) -> HttpRequest {
        let form = vec![
            ("grant_type".to_owned(), "authorization_code".to_owned()),
            ("code".to_owned(), self.code.expose().to_owned()),
            ("redirect_uri".to_owned(), config.redirect_uri.clone()),
            ("code_verifier".to_owned(), self.verifier.expose().to_owned()),
        ];
        HttpRequest::post(config.token_endpoint.as_url().clone(), with_credentials(config, form))
    }

    /// The nonce that the id_token has to carry.
    pub fn nonce(&self) -> &str {
        self.nonce.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::EndpointUrl;
    use crate::entropy::SeededEntropy;

    fn config() -> ClientConfig {
        let at = |path: &str| EndpointUrl::parse(&format!("http://127.0.0.1:1{path}")).unwrap();
        ClientConfig {
            issuer: "http://127.0.0.1:1".into(),
            authorization_endpoint: at("/auth?tenant=a"),
            token_endpoint: at("/token"),
            jwks_uri: at("/jwks"),
            revocation_endpoint: None,
            client_id: "c".into(),
            client_secret: None,
            redirect_uri: "http://127.0.0.1:2/cb".into(),
            scopes: vec!["openid".into()],
        }
    }

    fn callback(query: &str) -> Result<ValidatedCallback, CallbackRefused> {
        let (url, pending) = begin(&config(), &SeededEntropy::new("t"));
        let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let query = query.replace("STATE", &state);
        pending.validate(&config(), &format!("http://127.0.0.1:2/cb?{query}").parse().unwrap())
    }

    #[test]
    fn the_request_keeps_the_endpoints_query_and_asks_for_offline_access() {
        let (url, _) = begin(&config(), &SeededEntropy::new("t"));
        for part in ["tenant=a", "access_type=offline", "prompt=consent", "code_challenge_method=S256", "nonce="] {
            assert!(url.query().unwrap().contains(part), "{part}");
        }
    }

    #[test]
    fn only_the_right_state_and_issuer_pass() {
        assert!(callback("state=STATE&code=c").is_ok());
        assert!(callback("state=STATE&code=c&iss=http://127.0.0.1:1").is_ok());
        assert_eq!(callback("state=other&code=c").unwrap_err(), CallbackRefused::State);
        assert_eq!(callback("code=c").unwrap_err(), CallbackRefused::State);
        assert_eq!(callback("state=STATE&code=c&iss=https://evil.example").unwrap_err(), CallbackRefused::Issuer);
        assert_eq!(
            callback("state=STATE&error=access_denied").unwrap_err(),
            CallbackRefused::Denied { code: "access_denied".into() }
        );
        assert_eq!(callback("state=STATE").unwrap_err(), CallbackRefused::NoCode);
    }
}
