//! JWE in the one form that Auth.js gives its cookies: compact (RFC 7516 section 7.1), with the key itself (`dir`) and
//! A256CBC-HS512 (RFC 7518 section 5.2.5).
//!
//! Deliberately absent: every other algorithm, compression, and any look at what is inside.

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{constant_time, digest, hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use crate::secret::SealingSecret;

const ALGORITHM: &str = "dir";
const ENCRYPTION: &str = "A256CBC-HS512";

/// Half of the key authenticates, half of it encrypts.
const HALF: usize = 32;
const KEY: usize = 2 * HALF;

/// The initialization vector: one block of AES.
pub(crate) const IV: usize = 16;

/// Why a token does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unopened {
    /// It has not the five parts of a JWE with a direct key.
    #[error("it is no JWE")]
    NotCompact,
    /// Its header is unreadable, or names another algorithm, a compression, or something critical.
    #[error("it is encrypted in another way")]
    Header,
    /// None of the secrets made it.
    #[error("it was made with another secret")]
    UnknownKey,
    /// It was altered, or cut.
    #[error("it was altered")]
    Forged,
}

/// A key derived from a secret, for one purpose.
pub(crate) struct Key {
    bytes: Zeroizing<[u8; KEY]>,
    id: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    enc: String,
    kid: Option<String>,
    // RFC 7516 section 4.1.13: what is critical and not understood is refused.
    crit: Option<serde_json::Value>,
    zip: Option<serde_json::Value>,
}

struct KeyLength;

impl hkdf::KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY
    }
}

impl Key {
    /// The key that Auth.js derives for this salt, which is the cookie's name.
    pub(crate) fn derive(secret: &SealingSecret, salt: &str) -> Self {
        let info = format!("Auth.js Generated Encryption Key ({salt})");
        let bytes = expanded(secret.expose().as_bytes(), salt.as_bytes(), info.as_bytes());
        let id = thumbprint(&bytes[..]);
        Self { bytes, id }
    }

    /// Encrypts; the vector has to be fresh and unpredictable each time.
    pub(crate) fn seal(&self, plaintext: &[u8], iv: [u8; IV]) -> Result<String, Unspecified> {
        let header = json!({"alg": ALGORITHM, "enc": ENCRYPTION, "kid": self.id}).to_string();
        let header = URL_SAFE_NO_PAD.encode(header);
        let mut text = plaintext.to_vec();
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(self.cipher()?)?;
        key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(FixedLength::from(iv)))?;
        let tag = self.tag(header.as_bytes(), &iv, &text);
        let [iv, text, tag] = [&iv[..], &text, &tag].map(|part| URL_SAFE_NO_PAD.encode(part));
        Ok(format!("{header}..{iv}.{text}.{tag}"))
    }

    fn unseal(&self, header: &str, iv: &str, text: &str, tag: &str) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Unopened::Forged);
        let iv: [u8; IV] = decode(iv)?.try_into().map_err(|_| Unopened::Forged)?;
        let mut text = Zeroizing::new(decode(text)?);
        let expected = self.tag(header.as_bytes(), &iv, &text);
        constant_time::verify_slices_are_equal(&expected, &decode(tag)?).map_err(|_| Unopened::Forged)?;
        let length = self.decrypt(&mut text, iv).map_err(|_| Unopened::Forged)?;
        text.truncate(length);
        Ok(text)
    }

    /// Decrypts in place; the length of what was encrypted.
    fn decrypt(&self, text: &mut [u8], iv: [u8; IV]) -> Result<usize, Unspecified> {
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(self.cipher()?)?;
        key.decrypt(text, DecryptionContext::Iv128(FixedLength::from(iv))).map(|plaintext| plaintext.len())
    }

    fn cipher(&self) -> Result<UnboundCipherKey, Unspecified> {
        UnboundCipherKey::new(&AES_256, &self.bytes[HALF..])
    }

    /// RFC 7518 section 5.2.2.1: a keyed digest of header, vector, text and the header's length in bits, cut to half.
    fn tag(&self, header: &[u8], iv: &[u8], text: &[u8]) -> [u8; HALF] {
        let bits = (header.len() as u64 * 8).to_be_bytes();
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA512, &self.bytes[..HALF]));
        [header, iv, text, &bits].iter().for_each(|part| context.update(part));
        let mut tag = [0; HALF];
        tag.copy_from_slice(&context.sign().as_ref()[..HALF]);
        tag
    }
}

#[expect(clippy::expect_used, reason = "HKDF gives up to 255 digests, and two are asked for")]
fn expanded(secret: &[u8], salt: &[u8], info: &[u8]) -> Zeroizing<[u8; KEY]> {
    let mut bytes = Zeroizing::new([0; KEY]);
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    key.expand(&[info], KeyLength).and_then(|material| material.fill(&mut bytes[..])).expect("64 bytes are few");
    bytes
}

/// The SHA-512 thumbprint of the key as a JWK (RFC 7638), which Auth.js takes for a key id.
fn thumbprint(key: &[u8]) -> String {
    let jwk = Zeroizing::new(format!(r#"{{"k":"{}","kty":"oct"}}"#, URL_SAFE_NO_PAD.encode(key)));
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA512, jwk.as_bytes()))
}

/// Decrypts what one of the keys has made. Without a key id it has to be the first.
///
/// # Errors
/// When it is no such token, or was altered.
pub(crate) fn open(keys: &[Key], token: &str) -> Result<Zeroizing<Vec<u8>>, Unopened> {
    let parts: Vec<&str> = token.splitn(6, '.').collect();
    let [header, "", iv, text, tag] = parts[..] else { return Err(Unopened::NotCompact) };
    let kid = key_id(header)?;
    let key = keys.iter().find(|key| kid.as_ref().is_none_or(|kid| *kid == key.id)).ok_or(Unopened::UnknownKey)?;
    key.unseal(header, iv, text, tag)
}

fn key_id(header: &str) -> Result<Option<String>, Unopened> {
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| Unopened::Header)?;
    let Header { alg, enc, kid, crit, zip } = serde_json::from_slice(&header).map_err(|_| Unopened::Header)?;
    let plain = alg == ALGORITHM && enc == ENCRYPTION && crit.is_none() && zip.is_none();
    if plain { Ok(kid) } else { Err(Unopened::Header) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(secrets: &[&str]) -> Vec<Key> {
        secrets.iter().map(|secret| Key::derive(&SealingSecret::new(*secret), "salt")).collect()
    }

    #[test]
    fn another_algorithm_is_refused_before_any_key_is_tried() {
        let keys = keys(&["a"]);
        for header in [
            r#"{"alg":"dir","enc":"A256GCM"}"#,
            r#"{"alg":"none","enc":"A256CBC-HS512"}"#,
            r#"{"alg":"dir","enc":"A256CBC-HS512","zip":"DEF"}"#,
            r#"{"alg":"dir","enc":"A256CBC-HS512","crit":["exp"],"exp":1}"#,
            r#"{"alg":"dir"}"#,
            "[]",
            "",
        ] {
            let token = format!("{}..AAAA.AAAA.AAAA", URL_SAFE_NO_PAD.encode(header));
            assert_eq!(open(&keys, &token).unwrap_err(), Unopened::Header, "{header}");
        }
    }

    #[test]
    fn the_same_secret_makes_another_key_for_another_salt() {
        let (ours, theirs) = (keys(&["a"]), [Key::derive(&SealingSecret::new("a"), "other")]);
        let token = ours[0].seal(b"text", [0; IV]).unwrap();
        assert_eq!(open(&theirs, &token).unwrap_err(), Unopened::UnknownKey);
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_with_any_of_the_secrets(text: Vec<u8>, iv: [u8; IV], made_by in 0usize..3) {
            let keys = keys(&["new", "old", "oldest"]);
            let token = keys[made_by].seal(&text, iv).unwrap();
            prop_assert_eq!(&open(&keys, &token).unwrap()[..], &text[..]);
            prop_assert_eq!(open(&keys[made_by + 1..], &token).unwrap_err(), Unopened::UnknownKey);
        }

        #[test]
        fn a_flipped_bit_is_refused(text in prop::collection::vec(any::<u8>(), 0..80), at: prop::sample::Index, bit in 0u32..7) {
            let keys = keys(&["a"]);
            let mut token = keys[0].seal(&text, [7; IV]).unwrap().into_bytes();
            let at = at.index(token.len());
            token[at] ^= 1 << bit;
            prop_assert!(open(&keys, std::str::from_utf8(&token).unwrap()).is_err());
        }

        #[test]
        fn a_cut_is_refused(text: Vec<u8>, at: prop::sample::Index) {
            let keys = keys(&["a"]);
            let token = keys[0].seal(&text, [7; IV]).unwrap();
            prop_assert!(open(&keys, &token[..at.index(token.len())]).is_err());
        }

        #[test]
        fn any_text_is_read_without_panic(token in "[A-Za-z0-9_.-]{0,200}", other in ".{0,50}") {
            let keys = keys(&["a"]);
            let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"dir","enc":"A256CBC-HS512"}"#);
            for token in [&format!("{header}.{token}"), &format!("{header}..{token}"), &token, &other] {
                prop_assert!(open(&keys, token).is_err());
            }
        }
    }
}
