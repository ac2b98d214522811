//! Names for tokens that are no secret: `at#1` is the first access token a realm minted, `rt#2` its second refresh token.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What sort of token a label names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenKind {
    /// `at`: an access token.
    Access,
    /// `rt`: a refresh token.
    Refresh,
    /// `code`: an authorization code.
    Code,
    /// `id`: an id_token.
    Id,
}

const PREFIXES: [(TokenKind, &str); 4] =
    [(TokenKind::Access, "at"), (TokenKind::Refresh, "rt"), (TokenKind::Code, "code"), (TokenKind::Id, "id")];

impl TokenKind {
    /// The part of the label before `#`.
    pub fn prefix(self) -> &'static str {
        PREFIXES.iter().find(|(kind, _)| *kind == self).map_or("", |(_, prefix)| prefix)
    }
}

/// A token's name: its kind and its number in order of minting, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// What sort of token it is.
    pub kind: TokenKind,
    /// Its number within the realm.
    pub number: u32,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.kind.prefix(), self.number)
    }
}

/// Why a text is not a label.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a token label; write at#1, rt#2, code#1 or id#1")]
pub struct BadLabel(String);

impl FromStr for Label {
    type Err = BadLabel;

    fn from_str(text: &str) -> Result<Self, BadLabel> {
        let bad = || BadLabel(text.to_owned());
        let (prefix, number) = text.split_once('#').ok_or_else(bad)?;
        let (kind, _) = PREFIXES.iter().find(|(_, known)| *known == prefix).ok_or_else(bad)?;
        // One label, one way to write it.
        let plain = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0') && number.len() < 10;
        let number = plain.then(|| number.parse().ok()).flatten().ok_or_else(bad)?;
        Ok(Self { kind: *kind, number })
    }
}

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Label {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Label".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(at|rt|code|id)#[1-9][0-9]{0,8}$",
            "description": "a token: at#1, rt#2, code#1 or id#1"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_read_back() {
        for text in ["at#1", "rt#12", "code#3", "id#4"] {
            assert_eq!(text.parse::<Label>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "at", "at#", "at#0", "at#-1", "at#+1", "at#01", "xt#1", "at#1x"] {
            assert!(text.parse::<Label>().is_err(), "{text}");
        }
    }
}
