//! The catalogue of scripted replies by name. Each is written in the same form that anybody can write by hand.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::reply_spec::{AnswerSpec, When};

/// A scripted answer with a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// What happens, in a sentence.
    pub about: String,
    /// What sort of failure it is.
    pub group: PresetGroup,
    /// The endpoints that it makes sense for.
    pub fits: Vec<Endpoint>,
    /// Before or after the endpoint has done its work, where the reply itself does not say.
    #[serde(default)]
    pub when: When,
    /// What is answered.
    pub with: AnswerSpec,
    /// Where it was seen, or which rule it breaks.
    pub source: String,
}

/// Sorts of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PresetGroup {
    /// A 200 that is not what it should be.
    MalformedSuccess,
    /// An error of RFC 6749 section 5.2, or nearly one.
    OauthError,
    /// A page instead of JSON.
    Html,
    /// A redirect where none belongs.
    Redirect,
    /// Too many requests, with every form of `Retry-After`.
    RateLimit,
    /// 5xx.
    ServerError,
    /// The connection breaks or stalls.
    Transport,
    /// Discovery lies.
    Discovery,
    /// The keys are wrong.
    Jwks,
    /// An id_token that must be refused.
    IdToken,
    /// The resource or userinfo says no.
    Userinfo,
}

static CATALOGUE: LazyLock<BTreeMap<String, Preset>> = LazyLock::new(read);

#[expect(clippy::expect_used, reason = "the file is part of this crate and a test reads it")]
fn read() -> BTreeMap<String, Preset> {
    serde_json::from_str(include_str!("../replies.json")).expect("the catalogue is a catalogue")
}

/// All of them, by name.
pub fn presets() -> &'static BTreeMap<String, Preset> {
    &CATALOGUE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply_spec::ReplySpec;

    #[test]
    fn every_preset_is_a_reply_that_can_be_written_by_hand() {
        for (name, preset) in presets() {
            assert!(!preset.fits.is_empty(), "{name} fits nowhere");
            for endpoint in &preset.fits {
                let spec = serde_json::json!({"to": endpoint, "when": preset.when, "with": preset.with});
                let spec: ReplySpec = serde_json::from_value(spec).unwrap();
                assert_eq!(crate::reply::check_reply(&spec), Ok(()), "{name}");
            }
            assert!(preset.with.preset.is_none(), "{name} leads to another");
        }
    }

    #[test]
    fn every_sort_of_failure_has_some() {
        let groups: std::collections::BTreeSet<_> = presets().values().map(|preset| preset.group).collect();
        assert_eq!(groups.len(), 11);
    }
}
