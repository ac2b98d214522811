//! Verifies id_tokens: at sign-in (OpenID Connect Core section 3.1.3.7) and in refresh answers (section 12.2).
//!
//! jsonwebtoken checks the signature; time is judged here, by the client's own clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use crate::config::ClientConfig;
use crate::http_types::{HttpRequest, Transport};
use crate::time::UnixMillis;

/// How far the provider's clock may be off.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// The JWK set is not fetched again within this time, so that nonsense key ids cause no flood.
const JWKS_PAUSE: Duration = Duration::from_secs(10);

/// The JWK set is fetched again after this time, so that a key that was withdrawn is not trusted for ever.
const JWKS_LIFETIME: Duration = Duration::from_secs(6 * 3600);

/// The claims that the client uses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Subject.
    pub sub: String,
    /// Audience: one client id or several.
    #[serde(deserialize_with = "one_or_many")]
    pub aud: Vec<String>,
    /// Authorized party.
    pub azp: Option<String>,
    /// Expiry, in seconds since the epoch.
    pub exp: i64,
    /// The nonce of the authorization request.
    pub nonce: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Full name.
    pub name: Option<String>,
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let list = if value.is_array() { value } else { serde_json::Value::Array(vec![value]) };
    serde_json::from_value(list).map_err(serde::de::Error::custom)
}

/// What the id_token has to fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// At sign-in: the nonce that was sent.
    SignIn {
        /// The nonce.
        nonce: String,
    },
    /// At a refresh: the user who signed in. A nonce should be absent and is not looked at.
    Refresh {
        /// The subject.
        sub: String,
    },
}

/// Which rule an id_token breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// It is no JWT with readable claims.
    #[error("it is no readable JWT")]
    Unreadable,
    /// Only RS256 is taken (RFC 8725 section 3.1).
    #[error("it is not signed with RS256")]
    Algorithm,
    /// No key of the provider has its key id.
    #[error("the provider has no key with its kid")]
    UnknownKey,
    /// The provider's keys could not be fetched.
    #[error("the provider's keys could not be fetched")]
    NoKeys,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// Section 3.1.3.7 (2).
    #[error("it comes from another issuer")]
    Issuer,
    /// Section 3.1.3.7 (3) to (5): this client has to be an audience, and the authorized party where there are others.
    #[error("it is for another client")]
    Audience,
    /// Section 3.1.3.7 (9).
    #[error("it has expired")]
    Expired,
    /// Section 3.1.3.7 (11).
    #[error("its nonce is not the one that was sent")]
    Nonce,
    /// Section 12.2.
    #[error("it names another user than the one who signed in")]
    Subject,
}

/// Checks id_tokens.
pub trait IdTokenVerifier: Send + Sync {
    /// The claims of an id_token that fits.
    fn verify<'a>(
        &'a self,
        id_token: &'a str,
        expected: &'a Expected,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Claims, IdTokenError>>;
}

/// Checks id_tokens against the provider's JWK set, which it keeps and fetches again when a new key appears.
pub struct JwksVerifier {
    config: Arc<ClientConfig>,
    transport: Arc<dyn Transport>,
    cache: Mutex<Option<Cached>>,
}

#[derive(Clone)]
struct Cached {
    keys: Arc<JwkSet>,
    fetched: UnixMillis,
}

impl Cached {
    fn with<'a>(&'a self, kid: &'a str) -> impl Iterator<Item = &'a Jwk> {
        self.keys.keys.iter().filter(move |key| key.common.key_id.as_deref() == Some(kid))
    }

    fn has(&self, kid: &str) -> bool {
        self.with(kid).next().is_some()
    }

    fn is_within(&self, time: Duration, now: UnixMillis) -> bool {
        now >= self.fetched && now < self.fetched.plus(time)
    }

    /// Key ids should be distinct (RFC 7517 section 4.5); where they are not, any key of that id may have signed.
    fn signed_claims(&self, id_token: &str, kid: &str) -> Result<Claims, IdTokenError> {
        let mut outcome = Err(IdTokenError::UnknownKey);
        for key in self.with(kid).filter_map(|key| DecodingKey::from_jwk(key).ok()) {
            outcome = signed_claims(id_token, &key);
            if !matches!(outcome, Err(IdTokenError::Signature)) {
                break;
            }
        }
        outcome
    }
}

impl std::fmt::Debug for JwksVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JwksVerifier").field("jwks_uri", &self.config.jwks_uri).finish_non_exhaustive()
    }
}

impl JwksVerifier {
    /// A verifier without keys yet.
    pub fn new(config: Arc<ClientConfig>, transport: Arc<dyn Transport>) -> Self {
        Self { config, transport, cache: Mutex::default() }
    }

    /// The keys with this id, and when they were fetched. The set is fetched once more when it has none (OpenID Connect
    /// Core section 10.1.1) or when it is old. Where that fails, an old set is better than none.
    async fn keys(&self, kid: &str, now: UnixMillis) -> Result<Cached, IdTokenError> {
        let cached = self.cache.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let known = cached.clone().filter(|cached| cached.has(kid));
        match (known, cached) {
            (Some(known), _) if known.is_within(JWKS_LIFETIME, now) => Ok(known),
            (None, Some(cached)) if cached.is_within(JWKS_PAUSE, now) => Err(IdTokenError::UnknownKey),
            (known, _) => match self.fetch(now).await {
                Ok(fetched) => Some(fetched).filter(|fetched| fetched.has(kid)).ok_or(IdTokenError::UnknownKey),
                Err(error) => known.ok_or(error),
            },
        }
    }

    /// The claims, if a key of the provider's has signed them. A set that was published wrongly for a moment has the right
    /// key id and the wrong key; unless it has just come, it is fetched once more before a token is called forged.
    async fn signed_claims(&self, id_token: &str, kid: &str, now: UnixMillis) -> Result<Claims, IdTokenError> {
        let cached = self.keys(kid, now).await?;
        match cached.signed_claims(id_token, kid) {
            Err(IdTokenError::Signature) if !cached.is_within(JWKS_PAUSE, now) => {
                self.fetch(now).await?.signed_claims(id_token, kid)
            }
            outcome => outcome,
        }
    }

    async fn fetch(&self, now: UnixMillis) -> Result<Cached, IdTokenError> {
        let request = HttpRequest::get(self.config.jwks_uri.as_url().clone());
        let response = self.transport.send(request).await.map_err(|_| IdTokenError::NoKeys)?;
        let set = (response.status == 200).then(|| key_set(&response.body)).flatten();
        let keys = Arc::new(set.ok_or(IdTokenError::NoKeys)?);
        let cached = Cached { keys, fetched: now };
        *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = Some(cached.clone());
        Ok(cached)
    }

    async fn check(&self, id_token: &str, expected: &Expected, now: UnixMillis) -> Result<Claims, IdTokenError> {
        // An `alg` outside the library's list, `none` among them, does not even parse.
        let header = jsonwebtoken::decode_header(id_token).map_err(|_| IdTokenError::Unreadable)?;
        if header.alg != Algorithm::RS256 {
            return Err(IdTokenError::Algorithm);
        }
        let kid = header.kid.as_deref().ok_or(IdTokenError::UnknownKey)?;
        let claims = self.signed_claims(id_token, kid, now).await?;
        judge(&claims, &self.config, expected, now)?;
        Ok(claims)
    }
}

/// A JWK set without the keys that are of no use here, as RFC 7517 section 5 wants it; nothing where none is. What were kept
/// of them would stand in the way of the true key with that id until the set is old.
fn key_set(body: &[u8]) -> Option<JwkSet> {
    let document: serde_json::Value = serde_json::from_slice(body).ok()?;
    let keys = document.get("keys")?.as_array()?.iter().filter_map(|key| serde_json::from_value(key.clone()).ok());
    let keys: Vec<Jwk> = keys.filter(is_of_use).collect();
    (!keys.is_empty()).then_some(JwkSet { keys })
}

fn is_of_use(key: &Jwk) -> bool {
    let rsa = matches!(key.algorithm, AlgorithmParameters::RSA(_));
    let signs = key.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let rs256 = key.common.key_algorithm.is_none_or(|algorithm| algorithm == KeyAlgorithm::RS256);
    rsa && signs && rs256 && DecodingKey::from_jwk(key).is_ok()
}

fn signed_claims(id_token: &str, key: &DecodingKey) -> Result<Claims, IdTokenError> {
    let mut validation = Validation::new(Algorithm::RS256);
    // The library would ask the operating system for the time; `judge` asks the client's clock.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let decoded = jsonwebtoken::decode::<Claims>(id_token, key, &validation);
    decoded.map(|token| token.claims).map_err(|error| match error.kind() {
        jsonwebtoken::errors::ErrorKind::InvalidSignature => IdTokenError::Signature,
        _ => IdTokenError::Unreadable,
    })
}

/// The rules beyond the signature. Pure.
fn judge(claims: &Claims, config: &ClientConfig, expected: &Expected, now: UnixMillis) -> Result<(), IdTokenError> {
    let ensure = |holds: bool, error| if holds { Ok(()) } else { Err(error) };
    ensure(claims.iss == config.issuer, IdTokenError::Issuer)?;
    ensure(claims.aud.contains(&config.client_id) && authorized(claims, &config.client_id), IdTokenError::Audience)?;
    ensure(now < crate::time::UnixSeconds(claims.exp).as_millis().plus(CLOCK_SKEW), IdTokenError::Expired)?;
    match expected {
        Expected::SignIn { nonce } => ensure(claims.nonce.as_ref() == Some(nonce), IdTokenError::Nonce),
        Expected::Refresh { sub } => ensure(claims.sub == *sub, IdTokenError::Subject),
    }
}

fn authorized(claims: &Claims, client_id: &str) -> bool {
    claims.azp.as_ref().map_or(claims.aud.len() == 1, |azp| azp == client_id)
}

impl IdTokenVerifier for JwksVerifier {
    fn verify<'a>(
        &'a self,
        id_token: &'a str,
        expected: &'a Expected,
        now: UnixMillis,
    ) -> BoxFuture<'a, Result<Claims, IdTokenError>> {
        self.check(id_token, expected, now).boxed()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const MODULUS: &str = "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1WlUzewbgBHod5pcM9H95GQRV3JDXboIRROSBigeC5yjU1hGzHHyXss8UDprecbAYxknTcQkhslANGRUZmdTOQ5qTRsLAt6BTYuyvVRdhS8exSZEy_c4gs_7svlJJQ4H9_NxsiIoLwAEk7-Q3UXERGYw_75IDrGA84-lA_-Ct4eTlXHBIY2EaV7t7LjJaynVJCpkv4LKjTTAumiGUIuQhrNhZLuF_RJLqHpM2kgWFLU7-VTdL1VbC2tejvcI2BlMkEpk1BzBZI0KQB0GaDWFLN-aEAw3vRw";

    fn usable(changes: &Value) -> bool {
        let mut key = json!({"kty": "RSA", "kid": "k1", "n": MODULUS, "e": "AQAB"});
        key.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        key_set(json!({"keys": [key]}).to_string().as_bytes()).is_some()
    }

    #[test]
    fn only_keys_that_can_check_rs256_are_kept() {
        assert!(usable(&json!({})));
        assert!(usable(&json!({"use": "sig", "alg": "RS256"})));
        assert!(!usable(&json!({"use": "enc"})));
        assert!(!usable(&json!({"alg": "RS512"})));
        assert!(!usable(&json!({"n": "!"})));
        assert!(!usable(&json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"})));
        assert!(!usable(&json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"})));
    }

    #[test]
    fn what_is_no_set_is_none() {
        for body in ["", "[]", "{}", r#"{"keys": {}}"#, r#"{"keys": []}"#, r#"{"keys": [7]}"#] {
            assert!(key_set(body.as_bytes()).is_none(), "{body}");
        }
    }
}
