//! Matchers: what a value may be.

use std::fmt;

use regex_lite::Regex;
use schemars::JsonSchema;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::scenario::model::Level;

/// What a value may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matcher {
    /// Exactly this.
    Literal(String),
    /// There is no value.
    Absent,
    /// There is some value.
    Present,
    /// Whatever.
    Any,
    /// A number within these bounds, both included.
    Range {
        /// The lower bound.
        min: u64,
        /// The upper bound; none is endless.
        max: Option<u64>,
    },
    /// It fits this regular expression somewhere. Written `/…/`.
    Pattern(String),
    /// One of these.
    OneOf(Vec<Self>),
}

impl Matcher {
    /// Reads a matcher that is one word.
    ///
    /// # Errors
    /// When it looks like a range and is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bound = |text: &str| text.trim().parse::<u64>().map_err(|_| format!("`{text}` is not a whole number"));
        if let Some(pattern) =
            text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|inner| !inner.is_empty())
        {
            return match Regex::new(pattern) {
                Ok(_) => Ok(Self::Pattern(pattern.to_owned())),
                Err(error) => Err(format!("`{text}` is not a regular expression: {error}")),
            };
        }
        if let Some(rest) = text.strip_prefix(">=") {
            return Ok(Self::Range { min: bound(rest)?, max: None });
        }
        if let Some(rest) = text.strip_prefix("<=") {
            return Ok(Self::Range { min: 0, max: Some(bound(rest)?) });
        }
        if let Some((min, max)) = text.split_once("..") {
            let (min, max) = (bound(min)?, bound(max)?);
            return if min <= max {
                Ok(Self::Range { min, max: Some(max) })
            } else {
                Err(format!("`{text}` is an empty range"))
            };
        }
        Ok(match text {
            "absent" => Self::Absent,
            "present" => Self::Present,
            "any" => Self::Any,
            _ => Self::Literal(text.to_owned()),
        })
    }

    /// Whether a value is one of those meant.
    pub fn matches(&self, value: Option<&str>) -> bool {
        match self {
            Self::Literal(wanted) => value == Some(wanted),
            Self::Absent => value.is_none(),
            Self::Present => value.is_some(),
            Self::Any => true,
            Self::Range { min, max } => {
                let number = value.and_then(|value| value.parse::<u64>().ok());
                number.is_some_and(|number| number >= *min && max.is_none_or(|max| number <= max))
            }
            Self::Pattern(pattern) => {
                value.is_some_and(|value| Regex::new(pattern).is_ok_and(|regex| regex.is_match(value)))
            }
            Self::OneOf(matchers) => matchers.iter().any(|matcher| matcher.matches(value)),
        }
    }

    /// The literals in it, for checking that they make sense.
    pub fn literals(&self) -> Vec<&str> {
        match self {
            Self::Literal(text) => vec![text],
            Self::OneOf(matchers) => matchers.iter().flat_map(Self::literals).collect(),
            Self::Absent | Self::Present | Self::Any | Self::Range { .. } | Self::Pattern(_) => vec![],
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text) => f.write_str(text),
            Self::Absent => f.write_str("absent"),
            Self::Present => f.write_str("present"),
            Self::Any => f.write_str("any"),
            Self::Range { min, max: None } => write!(f, ">= {min}"),
            Self::Range { min, max: Some(max) } if min == max => write!(f, "{min}"),
            Self::Range { min, max: Some(max) } => write!(f, "{min}..{max}"),
            Self::Pattern(pattern) => write!(f, "/{pattern}/"),
            Self::OneOf(matchers) => {
                let words: Vec<String> = matchers.iter().map(ToString::to_string).collect();
                f.write_str(&words.join(" or "))
            }
        }
    }
}

/// A matcher for one value, with a level or a name of its own where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// What the value may be.
    pub is: Matcher,
    /// The level of this check, in place of the scenario's.
    pub level: Option<Level>,
    /// The name of this check, in place of its path.
    pub check: Option<String>,
}

impl From<Matcher> for Leaf {
    fn from(is: Matcher) -> Self {
        Self { is, level: None, check: None }
    }
}

/// The long form of a [`Leaf`].
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LongLeaf {
    #[serde(default)]
    is: Option<Matcher>,
    #[serde(default)]
    one_of: Option<Vec<Matcher>>,
    #[serde(default)]
    level: Option<Level>,
    #[serde(default)]
    check: Option<String>,
}

impl LongLeaf {
    fn leaf<E: de::Error>(self) -> Result<Leaf, E> {
        let is = match (self.is, self.one_of) {
            (Some(is), None) => is,
            (None, Some(list)) if !list.is_empty() => Matcher::OneOf(list),
            (None, Some(_)) => return Err(E::custom("`one_of` is empty, so nothing can match")),
            (Some(_), Some(_)) => return Err(E::custom("give `is` or `one_of`, not both")),
            (None, None) => return Err(E::custom("a matcher needs `is` or `one_of`")),
        };
        Ok(Leaf { is, level: self.level, check: self.check })
    }
}

const EXPECTED: &str = "a matcher: a literal, absent, present, any, 1..2, \">= 1\", /re/ or { one_of: [a, b] }";

/// Reads either form.
struct LeafVisitor;

impl<'de> Visitor<'de> for LeafVisitor {
    type Value = Leaf;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Leaf, E> {
        Ok(Matcher::Literal(value.to_string()).into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Leaf, E> {
        Ok(Matcher::Literal(value.to_string()).into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Leaf, E> {
        Ok(Matcher::Literal(value.to_string()).into())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Leaf, E> {
        Matcher::parse(text).map(Leaf::from).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Leaf, A::Error> {
        Err(de::Error::custom("a list stands under `one_of`"))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Leaf, A::Error> {
        LongLeaf::deserialize(de::value::MapAccessDeserializer::new(members))?.leaf()
    }
}

impl<'de> Deserialize<'de> for Leaf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LeafVisitor)
    }
}

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LeafVisitor).map(|leaf| leaf.is)
    }
}

impl JsonSchema for Leaf {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Leaf".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let long = generator.subschema_for::<LongLeaf>();
        schemars::json_schema!({"description": EXPECTED, "anyOf": [{"type": ["string", "integer", "boolean"]}, long]})
    }
}

impl JsonSchema for Matcher {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Matcher".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let list =
            serde_json::json!({"type": "object", "properties": {"one_of": {"type": "array"}}, "required": ["one_of"]});
        schemars::json_schema!({"description": EXPECTED, "anyOf": [{"type": ["string", "integer", "boolean"]}, list]})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(matcher: &str, value: Option<&str>) -> bool {
        Matcher::parse(matcher).unwrap().matches(value)
    }

    #[test]
    fn each_word_means_what_it_says() {
        assert!(matches("absent", None) && !matches("absent", Some("x")));
        assert!(matches("present", Some("x")) && !matches("present", None));
        assert!(matches("any", None) && matches("any", Some("x")));
        assert!(matches("at#1", Some("at#1")) && !matches("at#1", Some("at#12")) && !matches("at#1", None));
        assert!(matches("1..2", Some("2")) && !matches("1..2", Some("3")) && !matches("1..2", Some("x")));
        assert!(matches(">= 1", Some("7")) && !matches(">= 1", Some("0")));
        assert!(matches("/^a+$/", Some("aa")) && !matches("/^a+$/", Some("ab")) && !matches("/a/", None));
        assert!(Matcher::parse("/(/").is_err());
        assert!(Matcher::parse("2..1").is_err() && Matcher::parse("a..b").is_err());
    }

    proptest! {
        #[test]
        fn a_matcher_reads_back_from_its_own_words(text in "absent|present|any|[a-z]{1,6}#[1-9]|[0-9]{1,3}|[0-4]\\.\\.[5-9]|>= [0-9]{1,4}") {
            let matcher = Matcher::parse(&text).unwrap();
            prop_assert_eq!(Matcher::parse(&matcher.to_string()).unwrap(), matcher);
        }

        #[test]
        fn any_text_is_parsed_without_panic(text in ".{0,20}") {
            let _ = Matcher::parse(&text);
        }
    }
}
