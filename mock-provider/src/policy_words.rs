//! The rules of a policy as words: `never`, `30s`, `3 uses`, `every 3 uses`, `last 2 tokens`.
//!
//! People write them in YAML and in JSON alike, so they are one scalar in both.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::policy::{Grace, Limit, LiveLimit, Rotation};
use crate::time::Lifetime;

/// Why a text is not one of the policy's written forms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {expected}")]
pub struct BadPolicyValue {
    given: String,
    expected: &'static str,
}

impl BadPolicyValue {
    fn new(given: &str, expected: &'static str) -> Self {
        Self { given: given.to_owned(), expected }
    }
}

impl FromStr for Limit {
    type Err = BadPolicyValue;

    fn from_str(text: &str) -> Result<Self, BadPolicyValue> {
        if text == "never" {
            return Ok(Self::Never);
        }
        let bad = |_| BadPolicyValue::new(text, "`never` or a length of time such as 30s, 1h or 7d");
        text.parse().map(Self::After).map_err(bad)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::After(lifetime) => lifetime.fmt(f),
        }
    }
}

impl FromStr for Rotation {
    type Err = BadPolicyValue;

    fn from_str(text: &str) -> Result<Self, BadPolicyValue> {
        let bad = || BadPolicyValue::new(text, "`never`, `always`, `every 3 uses` or `after 12h`");
        match text {
            "never" => return Ok(Self::Never),
            "always" => return Ok(Self::Always),
            _ => {}
        }
        if let Some(count) = between(text, "every ", " uses") {
            return number(count).filter(|count| *count > 0).map(Self::EveryUses).ok_or_else(bad);
        }
        let age = text.strip_prefix("after ").ok_or_else(bad)?;
        age.parse().map(Self::AfterAge).map_err(|_| bad())
    }
}

impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::Always => f.write_str("always"),
            Self::EveryUses(count) => write!(f, "every {count} uses"),
            Self::AfterAge(age) => write!(f, "after {age}"),
        }
    }
}

/// A number of digits alone; a sign is none.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.strip_suffix(after)
}

impl FromStr for Grace {
    type Err = BadPolicyValue;

    fn from_str(text: &str) -> Result<Self, BadPolicyValue> {
        let bad = || {
            BadPolicyValue::new(text, "`none`, a length of time, `3 uses`, `last 2 tokens` or `until_successor_used`")
        };
        match text {
            "none" => return Ok(Self::None),
            "until_successor_used" => return Ok(Self::UntilSuccessorUsed),
            _ => {}
        }
        if let Some(count) = between(text, "last ", " tokens") {
            return number(count).map(Self::Last).ok_or_else(bad);
        }
        match text.strip_suffix(" uses") {
            Some(count) => number(count).map(Self::Uses).ok_or_else(bad),
            None => text.parse().map(Self::Time).map_err(|_| bad()),
        }
    }
}

impl fmt::Display for Grace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Time(lifetime) => lifetime.fmt(f),
            Self::Uses(count) => write!(f, "{count} uses"),
            Self::Last(count) => write!(f, "last {count} tokens"),
            Self::UntilSuccessorUsed => f.write_str("until_successor_used"),
        }
    }
}

impl FromStr for LiveLimit {
    type Err = BadPolicyValue;

    fn from_str(text: &str) -> Result<Self, BadPolicyValue> {
        let bad = || BadPolicyValue::new(text, "`none` or a number");
        if text == "none" { Ok(Self::None) } else { number(text).map(Self::AtMost).ok_or_else(bad) }
    }
}

impl fmt::Display for LiveLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::AtMost(count) => count.fmt(f),
        }
    }
}

/// Serializes through `Display` and `FromStr`: people write these values as one word, in YAML and in JSON alike.
macro_rules! as_text {
    ($($name:ident: $expected:literal, $pattern:literal, $kinds:tt;)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Word($expected))?.parse().map_err(de::Error::custom)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": $kinds, "pattern": $pattern, "minimum": 0, "maximum": u32::MAX, "description": $expected
                })
            }
        }
    )*};
}

/// Reads a word or a bare number as text.
struct Word(&'static str);

impl de::Visitor<'_> for Word {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

as_text!(
    Lifetime: "a length of time such as 500ms, 30s, 1h or 7d", "^[0-9]{1,20}(ms|s|m|h|d)$", ["string"];
    Limit: "`never` or a length of time such as 30s, 1h or 7d", "^(never|[0-9]{1,20}(ms|s|m|h|d))$", ["string"];
    Rotation: "`never`, `always`, `every 3 uses` or `after 12h`",
        "^(never|always|every 0*[1-9][0-9]{0,9} uses|after [0-9]{1,20}(ms|s|m|h|d))$", ["string"];
    Grace: "`none`, a length of time, `3 uses`, `last 2 tokens` or `until_successor_used`",
        "^(none|[0-9]{1,20}(ms|s|m|h|d)|[0-9]{1,10} uses|last [0-9]{1,10} tokens|until_successor_used)$", ["string"];
    LiveLimit: "`none` or a number", "^(none|[0-9]{1,10})$", ["string", "integer"];
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn written_forms_read_back() {
        for text in ["none", "30s", "3 uses", "last 2 tokens", "until_successor_used"] {
            assert_eq!(text.parse::<Grace>().unwrap().to_string(), text);
        }
        for text in ["never", "always", "every 3 uses", "after 12h"] {
            assert_eq!(text.parse::<Rotation>().unwrap().to_string(), text);
        }
        for text in ["never", "7d"] {
            assert_eq!(text.parse::<Limit>().unwrap().to_string(), text);
        }
        for text in ["none", "100"] {
            assert_eq!(text.parse::<LiveLimit>().unwrap().to_string(), text);
        }
        for text in ["sometimes", "+3 uses", "last +2 tokens"] {
            assert!(text.parse::<Grace>().is_err(), "{text}");
        }
        assert!("every 0 uses".parse::<Rotation>().is_err(), "no token serves zero times");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(every |last |after )?[0-9a-z]{0,6}( uses| tokens)?") {
            let _ = (text.parse::<Grace>(), text.parse::<Rotation>(), text.parse::<Limit>(), text.parse::<LiveLimit>());
        }
    }
}
