//! Compact JWS (RFC 7515 section 7.1), right or wrong on purpose.
//!
//! Assembled from raw parts, because what is wanted here no JWT library will write: `alg: none`, a foreign key, a header
//! that lies.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::keys::SigningKey;

/// An id_token before it is signed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IdTokenDraft {
    /// Members of the header in place of the honest ones; null takes one away.
    pub header: Map<String, Value>,
    /// The claims, in Google's order.
    pub claims: Map<String, Value>,
    /// How it is signed.
    pub signature: Signature,
}

impl IdTokenDraft {
    pub(crate) fn new(claims: Map<String, Value>, signature: Signature) -> Self {
        Self { header: Map::new(), claims, signature }
    }
}

/// How an id_token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Signature {
    /// Rightly, with RS256.
    Valid,
    /// With one bit of the signature turned.
    Broken,
    /// Not at all, and the header says `alg: none` (RFC 8725 section 3.2).
    None,
    /// Not at all, though the header says RS256.
    Empty,
    /// With a key that is shown nowhere, under the `kid` of the right one.
    OtherKey,
    /// With HS256, keyed with the text of the public certificate: the confusion of RFC 8725 section 2.1.
    Hmac,
}

/// The token.
pub(crate) fn compact(key: &SigningKey, draft: &IdTokenDraft) -> String {
    let payload = Value::Object(draft.claims.clone()).to_string();
    let header = header(key, draft).to_string();
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = signature(key, draft.signature, input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn header(key: &SigningKey, draft: &IdTokenDraft) -> Value {
    let mut header = match draft.signature {
        Signature::None => json!({"alg": "none", "typ": "JWT"}),
        Signature::Hmac => json!({"alg": "HS256", "kid": key.kid(), "typ": "JWT"}),
        Signature::Valid | Signature::Broken | Signature::Empty | Signature::OtherKey => {
            json!({"alg": "RS256", "kid": key.kid(), "typ": "JWT"})
        }
    };
    if let Some(members) = header.as_object_mut() {
        members.extend(draft.header.clone());
        members.retain(|_, value| !value.is_null());
    }
    header
}

fn signature(key: &SigningKey, how: Signature, input: &[u8]) -> Vec<u8> {
    match how {
        Signature::Valid => key.signature(input),
        Signature::Broken => {
            let mut signature = key.signature(input);
            signature[0] ^= 1;
            signature
        }
        Signature::None | Signature::Empty => vec![],
        // Service accounts' key is the one that no key document for id_tokens ever shows.
        Signature::OtherKey => SigningKey::of_service_accounts().signature(input),
        Signature::Hmac => {
            let secret = hmac::Key::new(hmac::HMAC_SHA256, key.as_shared_secret());
            hmac::sign(&secret, input).as_ref().to_vec()
        }
    }
}

/// Header and claims of a compact JWS, unverified; nothing where it is none.
pub(crate) fn read(jws: &str) -> Option<(Map<String, Value>, Map<String, Value>)> {
    let mut parts = jws.split('.');
    let mut part = || serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok();
    let (header, claims) = (part()?, part()?);
    let signature = parts.next()?;
    (parts.next().is_none() && URL_SAFE_NO_PAD.decode(signature).is_ok()).then_some((header, claims))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn header_members_are_put_in_and_taken_away() {
        let key = SigningKey::of_slot(0);
        let mut draft = IdTokenDraft::new(Map::new(), Signature::Valid);
        draft.header.insert("kid".into(), Value::Null);
        draft.header.insert("typ".into(), "at+jwt".into());
        let (header, _) = read(&compact(&key, &draft)).unwrap();
        assert_eq!(Value::Object(header), json!({"alg": "RS256", "typ": "at+jwt"}));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[A-Za-z0-9_.-]{0,60}") {
            let _ = read(&text);
        }

        #[test]
        fn what_is_signed_reads_back(sub in ".{0,20}", number: i64) {
            let claims = json!({"sub": sub, "n": number}).as_object().unwrap().clone();
            let draft = IdTokenDraft::new(claims.clone(), Signature::Hmac);
            let (_, read) = read(&compact(&SigningKey::of_slot(1), &draft)).unwrap();
            prop_assert_eq!(read, claims);
        }
    }
}
