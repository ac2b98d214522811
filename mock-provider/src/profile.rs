//! Profiles: how other servers treat their refresh tokens, as data.
//!
//! A profile is a JSON file with a policy and the texts of its refusals. It is refused where it needs what the model does
//! not have: a profile that is silently half right would prove nothing. Deliberately absent: other servers' paths and
//! formats; only their life rules and their refusals are imitated.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::policy::Policy;
use crate::quirks::{ExpiryCounts, ExpiryMember, Quirks};

/// The life rules of a server and how it says no.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What it is, in a sentence.
    pub about: String,
    /// Where it is documented.
    #[serde(default)]
    pub sources: Vec<Source>,
    /// How sure that is.
    #[serde(default)]
    pub confidence: String,
    /// What it cannot do without and the model does not have.
    #[serde(default)]
    pub needs: Vec<String>,
    /// What of the server is not imitated.
    #[serde(default)]
    pub unlike: Vec<String>,
    /// The life rules.
    pub policy: Policy,
    /// What the token endpoint says to a refresh token that buys nothing, where that differs from Google.
    #[serde(default)]
    pub refusals: Refusals,
    /// The names of members.
    #[serde(default)]
    pub members: Members,
}

/// A page, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The page.
    pub url: String,
    /// The fact.
    pub says: String,
}

/// Refusals by reason.
pub type Refusals = BTreeMap<RefusalReason, RefusalText>;

/// Why a refresh token buys nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// No such token was ever minted.
    Unknown,
    /// Its family was revoked.
    Revoked,
    /// Its family has reached its end.
    Expired,
    /// Its family was unused for too long.
    Idle,
    /// A newer family took its place.
    Evicted,
    /// It has been replaced.
    Replaced,
    /// It has been replaced, and its coming back has revoked others.
    ReuseDetected,
}

/// A refusal on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RefusalText {
    /// The HTTP status.
    pub status: u16,
    /// The members of the JSON object.
    pub body: Map<String, Value>,
}

/// Names of members that differ between servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Members {
    /// The member that says when the refresh token ends.
    pub refresh_expiry: Option<ExpiryMember>,
    /// Whether that counts the time without use too.
    pub refresh_expiry_counts: Option<ExpiryCounts>,
}

impl Members {
    /// The switches with these names in them; Google's where nothing is said.
    pub(crate) fn put_into(self, quirks: Quirks) -> Quirks {
        let googles = Quirks::default();
        Quirks {
            expiry_member: self.refresh_expiry.unwrap_or(googles.expiry_member),
            expiry_counts: self.refresh_expiry_counts.unwrap_or(googles.expiry_counts),
            ..quirks
        }
    }
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadProfile {
    /// It is not what a profile should be.
    #[error("the profile makes no sense: {0}")]
    Syntax(#[from] serde_json::Error),
    /// It needs what the model does not have.
    #[error("the profile needs `{0}`, which this provider cannot imitate; leaving it out would make the profile a lie")]
    Lacks(String),
    /// A refusal with a status that is none.
    #[error("the refusal `{reason:?}` has the status {status}; write 200 to 599")]
    Status {
        /// Which refusal.
        reason: RefusalReason,
        /// Its status.
        status: u16,
    },
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// When it is no profile, or needs what the model does not have.
    pub fn parse(json: &str) -> Result<Self, BadProfile> {
        serde_json::from_str::<Self>(json)?.checked()
    }

    /// The profile, if it can be followed.
    ///
    /// # Errors
    /// When it needs what the model does not have, or a refusal has no status.
    pub fn checked(self) -> Result<Self, BadProfile> {
        let profile = self;
        if let Some(need) = profile.needs.first() {
            return Err(BadProfile::Lacks(need.clone()));
        }
        let wrong = profile.refusals.iter().find(|(_, text)| !(200..600).contains(&text.status));
        if let Some((reason, text)) = wrong {
            return Err(BadProfile::Status { reason: *reason, status: text.status });
        }
        Ok(profile)
    }
}

/// The name of a built-in profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProfileName(usize);

macro_rules! built_in {
    ($($name:literal),*) => {
        const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../profiles/", $name, ".json")))),*];
    };
}

built_in!(
    "google",
    "rotating",
    "grace",
    "okta",
    "auth0",
    "entra",
    "entra-spa",
    "github",
    "keycloak",
    "keycloak-strict",
    "supabase"
);

impl ProfileName {
    /// Google: no rotation.
    pub const GOOGLE: Self = Self(0);
    /// OAuth 2.1: every refresh rotates, reuse revokes the family.
    pub const ROTATING: Self = Self(1);
    /// Rotation with 30 seconds in which a retry gets the same successor.
    pub const GRACE: Self = Self(2);

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..FILES.len()).map(Self)
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        FILES[self.0].0
    }

    /// The profile.
    #[expect(clippy::expect_used, reason = "the files are part of this crate and a test reads them all")]
    pub fn profile(self) -> Profile {
        Profile::parse(FILES[self.0].1).expect("a built-in profile is a profile")
    }
}

impl Default for ProfileName {
    /// Google.
    fn default() -> Self {
        Self::GOOGLE
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text names no profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no profile `{given}`; there are {}", names())]
pub struct UnknownProfile {
    given: String,
}

fn names() -> String {
    ProfileName::all().map(ProfileName::as_str).collect::<Vec<_>>().join(", ")
}

impl FromStr for ProfileName {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        Self::all().find(|name| name.as_str() == text).ok_or_else(|| UnknownProfile { given: text.to_owned() })
    }
}

impl Serialize for ProfileName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ProfileName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ProfileName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ProfileName".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<_> = Self::all().map(Self::as_str).collect();
        schemars::json_schema!({"type": "string", "enum": names, "description": "a ready-made policy"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_profile_is_one_and_says_where_it_comes_from() {
        for name in ProfileName::all() {
            let profile = name.profile();
            assert!(!profile.sources.is_empty(), "{name} has no source");
            assert!(!profile.confidence.is_empty(), "{name} does not say how sure it is");
        }
    }

    #[test]
    fn the_named_ones_have_their_names() {
        let names = [ProfileName::GOOGLE, ProfileName::ROTATING, ProfileName::GRACE].map(ProfileName::as_str);
        assert_eq!(names, ["google", "rotating", "grace"]);
    }

    #[test]
    fn googles_profile_is_the_default_policy() {
        assert_eq!(ProfileName::default().profile().policy, Policy::google());
    }

    #[test]
    fn a_profile_that_needs_more_is_refused_by_name() {
        let mut profile = serde_json::to_value(ProfileName::default().profile()).unwrap();
        profile["needs"] = serde_json::json!(["sender-constrained tokens"]);
        let error = Profile::parse(&profile.to_string()).unwrap_err();
        assert!(error.to_string().contains("sender-constrained tokens"), "{error}");
        profile["needs"] = serde_json::json!([]);
        profile["refusals"] = serde_json::json!({"unknown": {"status": 42, "body": {}}});
        assert!(Profile::parse(&profile.to_string()).unwrap_err().to_string().contains("42"));
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let error = "oktta".parse::<ProfileName>().unwrap_err().to_string();
        assert!(error.contains("okta, auth0"), "{error}");
    }
}
