//! How long tokens live and what happens to a refresh token that has been replaced: the rules of a realm, as data.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::time::Lifetime;

/// The life rules of a realm; every field can be changed while the realm runs (see [`PolicyPatch`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// How long an access token lives; `expires_in` says exactly this. Google's is 3599 seconds.
    pub access_ttl: Lifetime,
    /// How long a family of refresh tokens lives, counted from the sign-in that began it.
    pub refresh_ttl: Limit,
    /// How long a family lives without a refresh.
    pub refresh_idle_ttl: Limit,
    /// Whether a refresh brings a new refresh token.
    pub rotation: Rotation,
    /// What happens when a replaced refresh token comes back after its grace.
    pub reuse: Reuse,
    /// How long a replaced refresh token may still be used.
    pub grace: Grace,
    /// What a retry within the grace gets.
    pub successor: Successor,
    /// How many families may live for one user and client; one more silently evicts the oldest.
    pub live_limit: LiveLimit,
}

/// A lifetime, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// It never ends by itself. Written `never`.
    Never,
    /// It ends after this long. Written as a length of time.
    After(Lifetime),
}

impl Limit {
    /// The length, where there is one.
    pub const fn duration(self) -> Option<Duration> {
        match self {
            Self::Never => None,
            Self::After(lifetime) => Some(lifetime.0),
        }
    }
}

/// Whether a refresh brings a new refresh token (RFC 6749 section 6 leaves it to the server).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// The refresh token stays and the answer does not repeat it (Google).
    Never,
    /// Every refresh replaces the refresh token.
    Always,
}

/// What happens when a replaced refresh token comes back (RFC 9700 section 4.14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reuse {
    /// `invalid_grant`; its successors live on.
    Reject,
    /// `invalid_grant`, and the whole family is revoked with its access tokens.
    RevokeFamily,
    /// The reuse goes unnoticed: it is treated as a retry within the grace.
    Ignore,
}

/// How long a replaced refresh token may still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grace {
    /// Not at all. Written `none`.
    None,
    /// For this long after it was replaced. Written as a length of time.
    Time(Lifetime),
    /// This many more times. Written `3 uses`.
    Uses(u32),
    /// Until one of its successors has been used. Written `until_successor_used`.
    UntilSuccessorUsed,
}

/// What a retry within the grace gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Successor {
    /// The refresh token that the first use already got.
    Same,
    /// One more refresh token, beside the first.
    New,
}

/// How many families may live for one user and client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveLimit {
    /// Any number. Written `none`.
    None,
    /// At most this many. Written as a number.
    AtMost(u32),
}

/// The name of a ready-made policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Google: no rotation, six months idle, 100 live tokens.
    #[default]
    Google,
    /// OAuth 2.1: every refresh rotates, reuse revokes the family (RFC 9700 section 4.14.2).
    Rotating,
    /// Rotation with 30 seconds in which a retry gets the same successor.
    Grace,
}

impl Policy {
    /// The policy of a profile.
    pub fn of(profile: Profile) -> Self {
        match profile {
            Profile::Google => Self::google(),
            Profile::Rotating => Self { rotation: Rotation::Always, reuse: Reuse::RevokeFamily, ..Self::google() },
            Profile::Grace => Self {
                rotation: Rotation::Always,
                grace: Grace::Time(Lifetime(Duration::from_secs(30))),
                ..Self::google()
            },
        }
    }

    fn google() -> Self {
        let days = |days: u64| Lifetime(Duration::from_secs(days * 86_400));
        Self {
            access_ttl: Lifetime(Duration::from_secs(3_599)),
            refresh_ttl: Limit::Never,
            refresh_idle_ttl: Limit::After(days(183)),
            rotation: Rotation::Never,
            reuse: Reuse::Reject,
            grace: Grace::None,
            successor: Successor::Same,
            live_limit: LiveLimit::AtMost(100),
        }
    }

    /// This policy with the patch's fields put in.
    #[must_use]
    pub fn patched(self, patch: &PolicyPatch) -> Self {
        Self {
            access_ttl: patch.access_ttl.unwrap_or(self.access_ttl),
            refresh_ttl: patch.refresh_ttl.unwrap_or(self.refresh_ttl),
            refresh_idle_ttl: patch.refresh_idle_ttl.unwrap_or(self.refresh_idle_ttl),
            rotation: patch.rotation.unwrap_or(self.rotation),
            reuse: patch.reuse.unwrap_or(self.reuse),
            grace: patch.grace.unwrap_or(self.grace),
            successor: patch.successor.unwrap_or(self.successor),
            live_limit: patch.live_limit.unwrap_or(self.live_limit),
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::of(Profile::default())
    }
}

/// A change of some fields of a [`Policy`]; what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the fields are those of Policy")]
pub struct PolicyPatch {
    pub access_ttl: Option<Lifetime>,
    pub refresh_ttl: Option<Limit>,
    pub refresh_idle_ttl: Option<Limit>,
    pub rotation: Option<Rotation>,
    pub reuse: Option<Reuse>,
    pub grace: Option<Grace>,
    pub successor: Option<Successor>,
    pub live_limit: Option<LiveLimit>,
}

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

impl FromStr for Grace {
    type Err = BadPolicyValue;

    fn from_str(text: &str) -> Result<Self, BadPolicyValue> {
        let bad = || BadPolicyValue::new(text, "`none`, a length of time, `3 uses` or `until_successor_used`");
        match text {
            "none" => Ok(Self::None),
            "until_successor_used" => Ok(Self::UntilSuccessorUsed),
            _ => match text.strip_suffix(" uses") {
                Some(count) => count.parse().map(Self::Uses).map_err(|_| bad()),
                None => text.parse().map(Self::Time).map_err(|_| bad()),
            },
        }
    }
}

impl fmt::Display for Grace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Time(lifetime) => lifetime.fmt(f),
            Self::Uses(count) => write!(f, "{count} uses"),
            Self::UntilSuccessorUsed => f.write_str("until_successor_used"),
        }
    }
}

impl FromStr for LiveLimit {
    type Err = BadPolicyValue;

    fn from_str(text: &str) -> Result<Self, BadPolicyValue> {
        let bad = |_| BadPolicyValue::new(text, "`none` or a number");
        if text == "none" { Ok(Self::None) } else { text.parse().map(Self::AtMost).map_err(bad) }
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
    ($($name:ident: $expected:literal),*) => {$(
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
                schemars::json_schema!({"type": ["string", "integer"], "description": $expected})
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
    Lifetime: "a length of time such as 500ms, 30s, 1h or 7d",
    Limit: "`never` or a length of time such as 30s, 1h or 7d",
    Grace: "`none`, a length of time, `3 uses` or `until_successor_used`",
    LiveLimit: "`none` or a number"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let patch = PolicyPatch { rotation: Some(Rotation::Always), ..PolicyPatch::default() };
        let patched = Policy::default().patched(&patch);
        assert_eq!(patched, Policy { rotation: Rotation::Always, ..Policy::default() });
    }

    #[test]
    fn written_forms_read_back() {
        for text in ["none", "30s", "3 uses", "until_successor_used"] {
            assert_eq!(text.parse::<Grace>().unwrap().to_string(), text);
        }
        for text in ["never", "7d"] {
            assert_eq!(text.parse::<Limit>().unwrap().to_string(), text);
        }
        for text in ["none", "100"] {
            assert_eq!(text.parse::<LiveLimit>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_wrong_form_names_the_right_ones() {
        let error = "sometimes".parse::<Grace>().unwrap_err();
        assert!(error.to_string().contains("until_successor_used"), "{error}");
    }
}
