//! How long the text of a token is.

use serde::{Deserialize, Serialize};

/// The length of an access token's text, in characters of ASCII, which are bytes: from 64 to 16384.
///
/// Google's have about 200 and may have 2048; tokens of other servers that are JWTs with groups and roles have several
/// thousand, which is more than one cookie holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "u32")]
pub struct TokenLength(#[cfg_attr(feature = "schema", schemars(range(min = 64, max = 16_384)))] u32);

impl TokenLength {
    /// That of a token of Google's.
    pub const GOOGLE: Self = Self(203);

    /// The number.
    pub const fn characters(self) -> usize {
        self.0 as usize
    }
}

/// A length that no token has here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an access token has from 64 to 16384 characters, not {0}")]
pub struct BadTokenLength(u32);

impl TryFrom<u32> for TokenLength {
    type Error = BadTokenLength;

    fn try_from(characters: u32) -> Result<Self, BadTokenLength> {
        // Shorter ones could be guessed, or be the same twice; longer ones fit no header.
        if (64..=16_384).contains(&characters) { Ok(Self(characters)) } else { Err(BadTokenLength(characters)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_two_ends() {
        for (text, good) in
            [("63", false), ("64", true), ("16384", true), ("16385", false), ("-1", false), ("\"64\"", false)]
        {
            assert_eq!(serde_json::from_str::<TokenLength>(text).is_ok(), good, "{text}");
        }
    }
}
