//! What of Google's behaviour is uncertain, or differs from one server to the next, as switches with a stated default.
//!
//! Where captures contradict each other or are missing, the default is the best guess and the other way is one call
//! away. `docs/behaviours.md` names the source of each.

use serde::{Deserialize, Serialize};

use crate::policy::{Limit, LiveLimit};
use crate::time::Lifetime;
use crate::token_length::TokenLength;

/// The switches of a realm; every one can be changed while the realm runs (see [`QuirksPatch`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Quirks {
    /// Whether a callback names the issuer (RFC 9207), and discovery says so. On: Google does since early 2026.
    pub callback_iss: Switch,
    /// Whether a refusal that goes to the redirect URI names the issuer too. Off: no capture shows it.
    pub denial_iss: Switch,
    /// What `prompt=none` gets where a person would have to act. `interaction_required`: the one captured code.
    pub prompt_none_error: PromptNoneError,
    /// How long an authorization code lives. 10 minutes: RFC 6749 section 4.1.2; Google gives no figure.
    pub code_ttl: Lifetime,
    /// What a code that is used twice does to the tokens of its first use. Nothing: no evidence that Google revokes.
    pub code_reuse: CodeReuse,
    /// How long a dead refresh token is told `Token has been expired or revoked.`; later `Bad Request`. Always: one
    /// report saw the change after about 12 hours.
    pub dead_text_lasts: Limit,
    /// Whether a refresh repeats, counted down, when the refresh token ends. On: nothing is known either way.
    pub expiry_on_refresh: Switch,
    /// The member that says when the refresh token ends. `refresh_token_expires_in` at Google.
    pub expiry_member: ExpiryMember,
    /// What that member counts. The absolute end only: Google does not tell of the six months.
    pub expiry_counts: ExpiryCounts,
    /// How `{}` is written by the revocation endpoint. Compact: captures show only that it parses to `{}`.
    pub revoke_body: EmptyObject,
    /// Whether `Token expired or revoked` ends in a full stop. Off: in most captures it does not.
    pub revoke_full_stop: Switch,
    /// How long a revocation takes to be felt. At once, though Google documents "some time".
    pub revocation_delay: Lifetime,
    /// Whether a 401 of the token endpoint and of userinfo v3 has a `WWW-Authenticate` header. Off: in no capture.
    pub www_authenticate: Switch,
    /// What an expired device code gets. `expired_token` (RFC 8628 section 3.5); Google may say `invalid_grant`.
    pub device_expired: DeviceExpired,
    /// Which error a user who has to sign in again for Google Cloud gets.
    pub reauth_subtype: ReauthSubtype,
    /// The HTTP status of `access_denied` in the service-account grant. 403: the documentation says 401 elsewhere.
    pub service_account_denied: DeniedStatus,
    /// How many families may live for one user over all clients. None: Google has such a limit and does not tell it.
    pub user_live_limit: LiveLimit,
    /// How long a signing key signs before the next one takes over. 8 days, as observed.
    pub key_rotation: Limit,
    /// How many characters the access tokens have that are minted from now on. 203, as Google's.
    pub access_token_length: TokenLength,
    /// Whether answers are compressed for a client that accepts gzip. On, as Google does.
    pub gzip: Switch,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// It is done.
    On,
    /// It is not done.
    Off,
}

impl Switch {
    pub(crate) const fn is_on(self) -> bool {
        matches!(self, Self::On)
    }

    /// The value, where the switch is on.
    pub(crate) fn then<T>(self, value: T) -> Option<T> {
        self.is_on().then_some(value)
    }
}

/// An error code of OpenID Connect Core section 3.1.2.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the specification")]
pub enum PromptNoneError {
    InteractionRequired,
    LoginRequired,
    ConsentRequired,
    /// Of Google's old `immediate=true` flow.
    ImmediateFailed,
}

impl PromptNoneError {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::InteractionRequired => "interaction_required",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::ImmediateFailed => "immediate_failed",
        }
    }
}

/// What the second use of a code does (RFC 6749 section 4.1.2 says that the tokens SHOULD be revoked).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CodeReuse {
    /// It is refused, and that is all.
    Refuse,
    /// It is refused, and the tokens of the first use are revoked.
    Revoke,
}

/// The name of the member that says how many seconds a refresh token has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExpiryMember {
    /// Google, GitHub.
    RefreshTokenExpiresIn,
    /// Keycloak.
    RefreshExpiresIn,
    /// No such member.
    None,
}

impl ExpiryMember {
    pub(crate) const fn name(self) -> Option<&'static str> {
        match self {
            Self::RefreshTokenExpiresIn => Some("refresh_token_expires_in"),
            Self::RefreshExpiresIn => Some("refresh_expires_in"),
            Self::None => None,
        }
    }
}

/// What the member that says when a refresh token ends counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExpiryCounts {
    /// The end of its life.
    Absolute,
    /// Whichever comes first: that, or the end of the time without use.
    IdleToo,
}

/// How an empty object is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EmptyObject {
    /// `{}`
    Compact,
    /// `{`, a newline, `}`
    TwoLines,
}

/// What an expired device code gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are error codes")]
pub enum DeviceExpired {
    ExpiredToken,
    InvalidGrant,
}

/// The `error_subtype` of a refresh that wants a new sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are error subtypes")]
pub enum ReauthSubtype {
    InvalidRapt,
    RaptRequired,
}

impl ReauthSubtype {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::InvalidRapt => "invalid_rapt",
            Self::RaptRequired => "rapt_required",
        }
    }
}

/// 401 or 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeniedStatus {
    /// 401
    Unauthorized,
    /// 403
    Forbidden,
}

impl DeniedStatus {
    pub(crate) const fn code(self) -> u16 {
        match self {
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
        }
    }
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            callback_iss: Switch::On,
            denial_iss: Switch::Off,
            prompt_none_error: PromptNoneError::InteractionRequired,
            code_ttl: Lifetime(std::time::Duration::from_secs(600)),
            code_reuse: CodeReuse::Refuse,
            dead_text_lasts: Limit::Never,
            expiry_on_refresh: Switch::On,
            expiry_member: ExpiryMember::RefreshTokenExpiresIn,
            expiry_counts: ExpiryCounts::Absolute,
            revoke_body: EmptyObject::Compact,
            revoke_full_stop: Switch::Off,
            revocation_delay: Lifetime(std::time::Duration::ZERO),
            www_authenticate: Switch::Off,
            device_expired: DeviceExpired::ExpiredToken,
            reauth_subtype: ReauthSubtype::InvalidRapt,
            service_account_denied: DeniedStatus::Forbidden,
            user_live_limit: LiveLimit::None,
            key_rotation: Limit::After(Lifetime::days(8)),
            access_token_length: TokenLength::GOOGLE,
            gzip: Switch::On,
        }
    }
}

/// Makes the patch type and the way to apply it, so that a new switch is written down twice and not four times.
macro_rules! patch {
    ($($field:ident: $kind:ty),* $(,)?) => {
        /// A change of some of the [`Quirks`]; what is absent stays as it is.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields, default)]
        #[expect(missing_docs, reason = "the fields are those of Quirks")]
        pub struct QuirksPatch {
            $(#[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$kind>,)*
        }

        impl Quirks {
            /// These switches with the patch's put in.
            #[must_use]
            pub fn patched(self, patch: &QuirksPatch) -> Self {
                Self { $($field: patch.$field.unwrap_or(self.$field),)* }
            }
        }
    };
}

patch!(
    callback_iss: Switch,
    denial_iss: Switch,
    prompt_none_error: PromptNoneError,
    code_ttl: Lifetime,
    code_reuse: CodeReuse,
    dead_text_lasts: Limit,
    expiry_on_refresh: Switch,
    expiry_member: ExpiryMember,
    expiry_counts: ExpiryCounts,
    revoke_body: EmptyObject,
    revoke_full_stop: Switch,
    revocation_delay: Lifetime,
    www_authenticate: Switch,
    device_expired: DeviceExpired,
    reauth_subtype: ReauthSubtype,
    service_account_denied: DeniedStatus,
    user_live_limit: LiveLimit,
    key_rotation: Limit,
    access_token_length: TokenLength,
    gzip: Switch,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let patch: QuirksPatch = serde_json::from_str(r#"{"gzip": "off", "dead_text_lasts": "12h"}"#).unwrap();
        let patched = Quirks::default().patched(&patch);
        assert_eq!((patched.gzip, patched.dead_text_lasts.to_string()), (Switch::Off, "12h".to_owned()));
        assert_eq!(Quirks { gzip: Switch::On, dead_text_lasts: Limit::Never, ..patched }, Quirks::default());
    }
}
