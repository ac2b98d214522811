//! The keys that sign id_tokens, which of them signs when, and what the key documents show of them.
//!
//! A key pair is parsed once and kept; signing needs no lock. Four test keys are built in and take turns: a turn is a
//! *slot*, counted from the realm's start, and every slot has a `kid` of its own. So no key is ever generated, and four
//! slots in a row, which is the most that is ever shown, have four different keys.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::jws::{IdTokenDraft, compact};

/// An RSA key with its id.
#[derive(Debug)]
pub(crate) struct SigningKey {
    pair: &'static KeyPair,
    certificate: &'static str,
    kid: String,
}

struct Pem {
    key: &'static str,
    certificate: &'static str,
}

macro_rules! pem {
    ($key:literal, $certificate:literal) => {
        Pem {
            key: include_str!(concat!("../keys/", $key)),
            certificate: include_str!(concat!("../keys/", $certificate)),
        }
    };
}

const PEMS: [Pem; 4] = [
    pem!("test-key-1.pem", "test-cert-1.pem"),
    pem!("test-key-2.pem", "test-cert-2.pem"),
    pem!("test-key-3.pem", "test-cert-3.pem"),
    pem!("test-key-4.pem", "test-cert-4.pem"),
];

/// The key that service accounts sign with.
const SERVICE_ACCOUNT: Pem = pem!("service-account-key.pem", "service-account-cert.pem");

// Parsing costs a tenth of a millisecond; a provider that never signs with a key never parses it.
static PAIRS: [LazyLock<KeyPair>; 4] = [
    LazyLock::new(|| parse(&PEMS[0])),
    LazyLock::new(|| parse(&PEMS[1])),
    LazyLock::new(|| parse(&PEMS[2])),
    LazyLock::new(|| parse(&PEMS[3])),
];
static SERVICE_ACCOUNT_PAIR: LazyLock<KeyPair> = LazyLock::new(|| parse(&SERVICE_ACCOUNT));

#[expect(clippy::expect_used, reason = "the files are part of this crate and a test parses them")]
fn parse(pem: &Pem) -> KeyPair {
    let base64: String = pem.key.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(base64).expect("a built-in key is base64");
    KeyPair::from_pkcs8(&der).expect("a built-in key is PKCS#8")
}

impl SigningKey {
    /// The key of a slot.
    pub(crate) fn of_slot(slot: u64) -> Arc<Self> {
        let (round, index) = (slot / 4, usize::try_from(slot % 4).unwrap_or_default());
        Arc::new(Self::new(&PAIRS[index], PEMS[index].certificate, round))
    }

    /// The key that service accounts sign with.
    pub(crate) fn of_service_accounts() -> Self {
        Self::new(&SERVICE_ACCOUNT_PAIR, SERVICE_ACCOUNT.certificate, 0)
    }

    fn new(pair: &'static KeyPair, certificate: &'static str, round: u64) -> Self {
        let mut input = pair.public_key().as_ref().to_vec();
        if round > 0 {
            input.extend(round.to_be_bytes());
        }
        let fingerprint = digest::digest(&digest::SHA256, &input);
        let kid = fingerprint.as_ref()[..20].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { pair, certificate, kid }
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

    /// The public part in a certificate, which is how the libraries of Google like it best.
    pub(crate) const fn certificate(&self) -> &'static str {
        self.certificate
    }

    /// What a client that takes any algorithm would use as the secret of HS256: the text that it was given as the key.
    pub(crate) const fn as_shared_secret(&self) -> &[u8] {
        self.certificate.as_bytes()
    }

    /// The compact JWS of a draft (RFC 7515 section 7.1), right or wrong as the draft says.
    pub(crate) fn sign(&self, draft: &IdTokenDraft) -> String {
        compact(self, draft)
    }

    #[expect(
        clippy::expect_used,
        reason = "RSA signing fails only when the buffer has the wrong length, and it is the key's own"
    )]
    pub(crate) fn signature(&self, input: &[u8]) -> Vec<u8> {
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

/// The private key of service accounts, for their key file.
pub(crate) const fn service_account_pem() -> &'static str {
    SERVICE_ACCOUNT.key
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::jws::Signature;

    fn draft(signature: Signature) -> IdTokenDraft {
        let claims = json!({"sub": "1"}).as_object().unwrap().clone();
        IdTokenDraft::new(claims, signature)
    }

    #[test]
    fn only_a_valid_signature_verifies() {
        let key = SigningKey::of_slot(0);
        assert!(key.signed(&key.sign(&draft(Signature::Valid))));
        for wrong in [Signature::Broken, Signature::None, Signature::Empty, Signature::OtherKey, Signature::Hmac] {
            assert!(!key.signed(&key.sign(&draft(wrong))), "{wrong:?}");
        }
        assert!(!SigningKey::of_slot(1).signed(&key.sign(&draft(Signature::Valid))));
    }

    #[test]
    fn a_jwk_verifies_with_another_library() {
        let key = SigningKey::of_slot(0);
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
    fn every_slot_has_a_kid_of_its_own_and_four_in_a_row_have_different_keys() {
        let keys: Vec<_> = (0..12).map(SigningKey::of_slot).collect();
        let kids: BTreeSet<_> = keys.iter().map(|key| key.kid().to_owned()).collect();
        assert_eq!(kids.len(), keys.len());
        for window in keys.windows(4) {
            let moduli: BTreeSet<_> = window.iter().map(|key| key.jwk()["n"].to_string()).collect();
            assert_eq!(moduli.len(), 4);
        }
    }

    #[test]
    fn a_certificate_holds_the_same_key_as_the_jwk() {
        for slot in 0..4 {
            let key = SigningKey::of_slot(slot);
            let base64: String = key.certificate().lines().filter(|line| !line.starts_with("-----")).collect();
            let der = STANDARD.decode(base64).unwrap();
            let public = key.pair.public_key().as_ref();
            assert!(der.windows(public.len()).any(|window| window == public), "slot {slot}");
        }
    }
}
