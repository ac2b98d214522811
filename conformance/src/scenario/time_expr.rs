//! Symbolic time: `+30s`, `exp(at#1) + 1s`, `start + 2h`.

use std::fmt;
use std::str::FromStr;

use mock_provider::{Label, Lifetime, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

/// An instant, told by what it is near to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeExpr {
    /// What it is counted from.
    pub from: Anchor,
    /// How far after it, or before.
    pub offset: Offset,
}

/// What an instant is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Where the clock stands.
    Now,
    /// Where it stood at the start of the case.
    Start,
    /// When a token ends by itself: the provider's truth.
    Expiry(Label),
}

/// A step forward or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// Forward.
    After(Lifetime),
    /// Back.
    Before(Lifetime),
}

impl Offset {
    const NONE: Self = Self::After(Lifetime(std::time::Duration::ZERO));

    /// The instant that lies this far from `anchor`.
    pub fn from(self, anchor: Timestamp) -> Timestamp {
        match self {
            Self::After(length) => anchor.plus(length.0),
            Self::Before(length) => anchor.minus(length.0),
        }
    }
}

/// Why a text is not an instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time; write +30s, -2h, exp(at#1), exp(rt#1) - 1ms or start + 2h")]
pub struct BadTime(String);

impl FromStr for TimeExpr {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        let bad = || BadTime(text.to_owned());
        let (anchor, offset) = match text.find(['+', '-']) {
            Some(at) => (text[..at].trim(), Some(text[at..].trim())),
            None => (text.trim(), None),
        };
        let offset = offset.map_or(Some(Offset::NONE), offset_of).ok_or_else(bad)?;
        let from = anchor_of(anchor).ok_or_else(bad)?;
        let says_something = from != Anchor::Now || text.contains(['+', '-']);
        if says_something { Ok(Self { from, offset }) } else { Err(bad()) }
    }
}

fn offset_of(text: &str) -> Option<Offset> {
    let length = text.get(1..)?.trim().parse().ok()?;
    Some(if text.starts_with('+') { Offset::After(length) } else { Offset::Before(length) })
}

fn anchor_of(text: &str) -> Option<Anchor> {
    match text {
        "" => Some(Anchor::Now),
        "start" => Some(Anchor::Start),
        _ => text.strip_prefix("exp(")?.strip_suffix(')')?.trim().parse().ok().map(Anchor::Expiry),
    }
}

impl fmt::Display for TimeExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, length) = match self.offset {
            Offset::After(length) => ('+', length),
            Offset::Before(length) => ('-', length),
        };
        match &self.from {
            Anchor::Now => write!(f, "{sign}{length}"),
            Anchor::Start => write!(f, "start {sign} {length}"),
            Anchor::Expiry(label) if self.offset == Offset::NONE => write!(f, "exp({label})"),
            Anchor::Expiry(label) => write!(f, "exp({label}) {sign} {length}"),
        }
    }
}

impl<'de> Deserialize<'de> for TimeExpr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for TimeExpr {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "+30s, -2h, exp(at#1), exp(rt#1) - 1ms or start + 2h"})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_resolve() {
        let at = |text: &str| text.parse::<TimeExpr>().unwrap().offset.from(Timestamp::from_millis(5_000)).as_millis();
        assert_eq!(at("+30s"), 35_000);
        assert_eq!(at("-2s"), 3_000);
        assert_eq!(at("exp(at#1)"), 5_000);
        assert_eq!(at("exp(at#1) - 1ms"), 4_999);
        assert_eq!(at("start + 1m"), 65_000);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "30s", "exp(at#0)", "exp(at#1", "exp() + 1s", "+", "+1", "tomorrow", "exp(at#1) * 2"] {
            assert!(text.parse::<TimeExpr>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_reads_back(kind in 0..3, number in 1u32..99, millis in 1u64..10_000_000, forward: bool) {
            let length = Lifetime(std::time::Duration::from_millis(millis));
            let from = match kind {
                0 => Anchor::Now,
                1 => Anchor::Start,
                _ => Anchor::Expiry(Label { kind: mock_provider::TokenKind::Access, number }),
            };
            let offset = if forward { Offset::After(length) } else { Offset::Before(length) };
            let time = TimeExpr { from, offset };
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn any_text_is_parsed_without_panic(text in ".{0,24}") {
            let _ = text.parse::<TimeExpr>();
        }
    }
}
