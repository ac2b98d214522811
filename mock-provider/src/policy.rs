//! How long tokens live and what happens to a refresh token that has been replaced: the rules of a realm, as data.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Lifetime;

/// The life rules of a realm; every field can be changed while the realm runs (see [`PolicyPatch`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Which replaced refresh tokens have a grace at all.
    pub grace_for: GraceFor,
    /// What a retry within the grace gets.
    pub successor: Successor,
    /// How many families may live for one user and client; one more silently evicts the oldest.
    pub live_limit: LiveLimit,
    /// Whom the project is for; in Testing a family lives seven days.
    pub publishing: Publishing,
    /// How long after a sign-in a user's Google Cloud session lasts; then a refresh asks for it anew (`invalid_rapt`).
    pub session_length: Limit,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The refresh token stays and the answer does not repeat it (Google). Written `never`.
    Never,
    /// Every refresh replaces the refresh token. Written `always`.
    Always,
    /// A refresh token serves this many times; its last use replaces it. Written `every 3 uses`.
    EveryUses(u32),
    /// A use at this age or later replaces the refresh token. Written `after 12h`.
    AfterAge(Lifetime),
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
    /// The same, for every family of that user and project.
    RevokeGrant,
    /// The same, for every family of that user.
    RevokeUser,
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
    /// As long as it is one of this many that were replaced last. Written `last 2 tokens`.
    Last(u32),
    /// Until one of its successors has been used. Written `until_successor_used`.
    UntilSuccessorUsed,
}

/// Which replaced refresh tokens have a grace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GraceFor {
    /// Every one of the family.
    Any,
    /// Only the one whose successor is current.
    Previous,
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

/// Whom a project is for: the publishing status on Google's consent screen page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Publishing {
    /// Everybody.
    Production,
    /// Test users only; a refresh token with more than the sign-in scopes lives seven days.
    Testing,
    /// Users of a Workspace domain only (`org_internal`).
    Internal,
}

impl Policy {
    /// Google's own: no rotation, six months idle, 100 live tokens.
    pub const fn google() -> Self {
        Self {
            access_ttl: Lifetime(Duration::from_secs(3_599)),
            refresh_ttl: Limit::Never,
            refresh_idle_ttl: Limit::After(Lifetime::days(183)),
            rotation: Rotation::Never,
            reuse: Reuse::Reject,
            grace: Grace::None,
            grace_for: GraceFor::Any,
            successor: Successor::Same,
            live_limit: LiveLimit::AtMost(100),
            publishing: Publishing::Production,
            session_length: Limit::Never,
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
            grace_for: patch.grace_for.unwrap_or(self.grace_for),
            successor: patch.successor.unwrap_or(self.successor),
            live_limit: patch.live_limit.unwrap_or(self.live_limit),
            publishing: patch.publishing.unwrap_or(self.publishing),
            session_length: patch.session_length.unwrap_or(self.session_length),
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::google()
    }
}

/// A change of some fields of a [`Policy`]; what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the fields are those of Policy")]
pub struct PolicyPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_ttl: Option<Lifetime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_ttl: Option<Limit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_idle_ttl: Option<Limit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reuse: Option<Reuse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace: Option<Grace>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_for: Option<GraceFor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<Successor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_limit: Option<LiveLimit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publishing: Option<Publishing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_length: Option<Limit>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let patch = PolicyPatch { rotation: Some(Rotation::Always), ..PolicyPatch::default() };
        let patched = Policy::default().patched(&patch);
        assert_eq!(patched, Policy { rotation: Rotation::Always, ..Policy::default() });
    }
}
