//! The keys that sign id_tokens, and what the JWK set shows of them.
//!
//! A key pair is parsed or generated once and kept; signing needs no lock. Two test keys are built in, a third is
//! generated when somebody rotates that often.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::json_text::{IdTokenDraft, Signature};

/// An RSA key with its id.
#[derive(Debug)]
pub(crate) struct SigningKey {
    pair: KeyPair,
    kid: String,
}

/// Why there is no new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an RSA key of 2048 bits could not be generated")]
pub struct NoKey;

static BUILT_IN: LazyLock<[Arc<SigningKey>; 2]> = LazyLock::new(|| {
    [include_str!("../keys/test-key-1.pem"), include_str!("../keys/test-key-2.pem")]
        .map(|pem| Arc::new(SigningKey::built_in(pem)))
});

impl SigningKey {
    /// The key that a realm starts with.
    pub(crate) fn first() -> Arc<Self> {
        Arc::clone(&BUILT_IN[0])
    }

    /// The key after `current`: the second built-in key, then fresh ones (100 ms or so each).
    ///
    /// # Errors
    /// When the library cannot generate a key.
    pub(crate) fn after(current: &Self) -> Result<Arc<Self>, NoKey> {
        if current.kid == BUILT_IN[0].kid {
            return Ok(Arc::clone(&BUILT_IN[1]));
        }
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| NoKey)?;
        Ok(Arc::new(Self::new(pair)))
    }

    #[expect(clippy::expect_used, reason = "the two files are part of this crate and a test parses them")]
    fn built_in(pem: &str) -> Self {
        let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(base64).expect("a built-in key is base64");
        Self::new(KeyPair::from_pkcs8(&der).expect("a built-in key is PKCS#8"))
    }

    fn new(pair: KeyPair) -> Self {
        let fingerprint = digest::digest(&digest::SHA256, pair.public_key().as_ref());
        let kid = fingerprint.as_ref()[..20].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { pair, kid }
    }

    /// The key id: 40 hexadecimal digits, as Google's.
    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    /// The public part as a JWK (RFC 7517).
    pub(crate) fn jwk(&self) -> Value {
        let public = self.pair.public_key();
        let modulus = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
        let exponent = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
        json!({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.kid, "n": modulus, "e": exponent})
    }

    /// The compact JWS of a draft (RFC 7515 section 7.1), right or wrong as the draft says.
    pub(crate) fn sign(&self, draft: &IdTokenDraft) -> String {
        let header = match draft.signature {
            Signature::Valid | Signature::Broken => json!({"alg": "RS256", "kid": draft.kid, "typ": "JWT"}),
            Signature::None => json!({"alg": "none", "typ": "JWT"}),
        };
        let payload = Value::Object(draft.claims.clone());
        let input =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload.to_string()));
        let mut signature = self.signature(input.as_bytes());
        match draft.signature {
            Signature::Valid => {}
            Signature::Broken => signature[0] ^= 1,
            Signature::None => signature.clear(),
        }
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    #[expect(
        clippy::expect_used,
        reason = "RSA signing fails only when the buffer has the wrong length, and it is the key's own"
    )]
    fn signature(&self, input: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input, &mut signature).expect("an RSA key signs");
        signature
    }

    /// Whether this key made the signature of a compact JWS.
    pub(crate) fn signed(&self, jws: &str) -> bool {
        let Some((input, signature)) = jws.rsplit_once('.') else { return false };
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key().as_ref());
        key.verify(input.as_bytes(), &signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(signature: Signature) -> IdTokenDraft {
        let claims = json!({"sub": "1"}).as_object().unwrap().clone();
        IdTokenDraft { kid: "k".into(), claims, signature }
    }

    #[test]
    fn only_a_valid_signature_verifies() {
        let key = SigningKey::first();
        assert!(key.signed(&key.sign(&draft(Signature::Valid))));
        assert!(!key.signed(&key.sign(&draft(Signature::Broken))));
        assert!(!key.signed(&key.sign(&draft(Signature::None))));
        assert!(!SigningKey::after(&key).unwrap().signed(&key.sign(&draft(Signature::Valid))));
    }

    #[test]
    fn a_jwk_verifies_with_another_library() {
        let key = SigningKey::first();
        let token = key.sign(&draft(Signature::Valid));
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(key.jwk()).unwrap();
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let decoding = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
        let decoded = jsonwebtoken::decode::<Value>(&token, &decoding, &validation).unwrap();
        assert_eq!(decoded.claims, json!({"sub": "1"}));
    }

    #[test]
    fn a_third_key_is_generated() {
        let second = SigningKey::after(&SigningKey::first()).unwrap();
        assert_ne!(SigningKey::after(&second).unwrap().kid(), second.kid());
    }
}
