//! Every random-looking value a realm mints, from its seed.
//!
//! The same seed gives the same values in the same order, so a run can be repeated byte for byte. The values look like
//! Google's (RFC 6749 appendix A leaves their form open); they are not fit for guarding anything real.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::token_length::TokenLength;

/// A seeded source of values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entropy {
    seed: u64,
    purpose: String,
    drawn: u64,
}

impl Entropy {
    /// A source for one purpose (a realm's name); other purposes with the same seed draw other values.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        Self { seed, purpose: purpose.to_owned(), drawn: 0 }
    }

    /// `bytes` fresh bytes.
    pub(crate) fn bytes(&mut self, bytes: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes + 32);
        while out.len() < bytes {
            out.extend_from_slice(self.block().as_ref());
        }
        out.truncate(bytes);
        out
    }

    fn block(&mut self) -> digest::Digest {
        self.drawn = self.drawn.wrapping_add(1);
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.seed.to_be_bytes());
        context.update(&self.drawn.to_be_bytes());
        context.update(self.purpose.as_bytes());
        context.finish()
    }

    /// A text of `length` characters: a prefix, and base64url.
    fn token(&mut self, prefix: &str, length: usize) -> String {
        let bytes = self.bytes((length - prefix.len()) * 3 / 4 + 1);
        let mut text = String::with_capacity(length + 4);
        text.push_str(prefix);
        URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
        text.truncate(length);
        text
    }

    fn base36(&mut self, length: usize) -> String {
        let digits = b"0123456789abcdefghijklmnopqrstuvwxyz";
        self.bytes(length).iter().map(|byte| char::from(digits[usize::from(*byte) % 36])).collect()
    }

    /// An access token: `ya29.a0…`.
    pub(crate) fn access_token(&mut self, length: TokenLength) -> String {
        self.token("ya29.a0", length.characters())
    }

    /// A refresh token: `1//0…`, 103 characters. Its slashes shake out clients that forget to form-encode.
    pub(crate) fn refresh_token(&mut self) -> String {
        self.token("1//0", 103)
    }

    /// An authorization code: `4/0A…`, 73 characters.
    pub(crate) fn code(&mut self) -> String {
        self.token("4/0A", 73)
    }

    /// A device code: `AH-1Ng…`, 98 characters.
    pub(crate) fn device_code(&mut self) -> String {
        self.token("AH-1Ng", 98)
    }

    /// A user code: `XXXX-XXXX`, without vowels, so that it spells nothing (RFC 8628 section 6.1).
    pub(crate) fn user_code(&mut self) -> String {
        let letters = b"BCDFGHJKLMNPQRSTVWXZ";
        let code: String = self.bytes(8).iter().map(|byte| char::from(letters[usize::from(*byte) % 20])).collect();
        format!("{}-{}", &code[..4], &code[4..])
    }

    /// An access token of a service account: `ya29.c.…`.
    pub(crate) fn service_access_token(&mut self, length: TokenLength) -> String {
        self.token("ya29.c.", length.characters())
    }

    /// A proof of having signed in again.
    pub(crate) fn rapt(&mut self) -> String {
        self.token("AEjHL4", 70)
    }

    /// A client id: project number, 32 characters, and Google's suffix.
    pub(crate) fn client_id(&mut self) -> String {
        let number =
            self.bytes(6).iter().fold(100_000_000_000_u64, |sum, byte| (sum * 7 + u64::from(*byte)) % 900_000_000_000);
        format!("{}-{}.apps.googleusercontent.com", 100_000_000_000 + number, self.base36(32))
    }

    /// A client secret: `GOCSPX-` and 28 characters.
    pub(crate) fn client_secret(&mut self) -> String {
        self.token("GOCSPX-", 35)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_repeats_and_another_differs() {
        let draw = |seed, purpose| Entropy::new(seed, purpose).access_token(TokenLength::GOOGLE);
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
    }

    #[test]
    fn values_have_the_lengths_of_googles() {
        let mut entropy = Entropy::new(1, "shape");
        assert_eq!(entropy.access_token(TokenLength::GOOGLE).len(), 203);
        assert_eq!(entropy.refresh_token().len(), 103);
        assert_eq!(entropy.code().len(), 73);
        assert_eq!(entropy.client_secret().len(), 35);
        assert_eq!((entropy.device_code().len(), entropy.user_code().len()), (98, 9));
        assert_eq!(entropy.client_id().len(), 12 + 1 + 32 + 27);
    }
}
