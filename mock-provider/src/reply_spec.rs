//! Scripted replies as they are written in JSON or YAML.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::callback::CallbackEdit;
use crate::endpoint::{Endpoint, GrantType};
use crate::fault::Fault;
use crate::jws::Signature;
use crate::label::Label;
use crate::time::Lifetime;

/// A scripted reply: which requests it is for, how often, and what they get.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplySpec {
    /// The endpoint it is for.
    pub to: Endpoint,
    /// Only for this grant type; any, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantType>,
    /// Only for this client, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Only for this user, by subject or e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Only when this token is presented, by label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Label>,
    /// The first matching request that it answers, counted from 1; those before it go by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 4_294_967_295_u32)))]
    pub nth: Option<u32>,
    /// How many requests it answers: one, or any number where `during` or `chance` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 4_294_967_295_u32)))]
    pub times: Option<u32>,
    /// Only in this window of the realm's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub during: Option<Window>,
    /// Only now and then, by a seed. For soak tests; a test that proves something leaves nothing to chance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<Chance>,
    /// Before or after the endpoint has done its work. A mutation and a fault in the honest body always come after.
    #[serde(default)]
    pub when: When,
    /// What is answered.
    pub with: AnswerSpec,
}

/// A window of the realm's time, counted from when the reply is scripted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// When it opens; at once, when absent.
    #[serde(default)]
    pub from_now: Option<Lifetime>,
    /// How long it stays open.
    pub lasts: Lifetime,
}

/// How often a reply strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Chance {
    /// Of a hundred matching requests, about so many.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 100)))]
    pub percent: u8,
    /// The same seed strikes the same requests.
    #[serde(default)]
    pub seed: u64,
}

/// Whether the endpoint does its work before the scripted answer goes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The model never sees the request.
    #[default]
    Before,
    /// Codes are redeemed, tokens rotated and revoked; only the answer is another.
    After,
}

/// What a scripted reply answers: a whole answer, a change of the honest one, or a broken connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct AnswerSpec {
    /// One of the catalogue, by name; it goes alone, or with `delay`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// The HTTP status; of the honest answer when absent beside `mutate`, else 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 200, max = 599)))]
    pub status: Option<u16>,
    /// Header fields, put in place of the honest ones of the same name; an empty value takes one away.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// The body as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body as bytes, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_hex: Option<String>,
    /// Bytes in front of the body, in hexadecimal: a byte order mark, for example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix_hex: Option<String>,
    /// So many spaces after the body: a gigantic one, for example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill: Option<usize>,
    /// A `Retry-After` header (RFC 9110 section 10.2.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetryAfter>,
    /// Edits of the honest answer, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mutate: Vec<Edit>,
    /// Changes of the id_token in the honest answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<IdTokenEdit>,
    /// Changes of the parameters on their way to the redirect URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<CallbackEdit>,
    /// Real time before the answer goes out; at most a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Lifetime>,
    /// What the connection does to the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// The forms of a `Retry-After` header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RetryAfter {
    /// Seconds.
    Seconds(u64),
    /// A date so much later, on the realm's clock.
    DateIn(Lifetime),
    /// Any text.
    Raw(String),
}

/// One edit of the honest answer's JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Edit {
    /// Puts raw text at a JSON pointer (RFC 6901); the text need not be JSON.
    Set {
        /// The pointer.
        at: String,
        /// The text.
        raw: String,
    },
    /// Takes away what is at a JSON pointer.
    Remove(String),
}

/// Changes of an id_token before it is signed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct IdTokenEdit {
    /// Claims to put in.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    /// Claims that are times, in seconds from the realm's now.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub relative: BTreeMap<String, i64>,
    /// Claims to take away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Members of the header to put in; null takes one away.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub header: Map<String, Value>,
    /// How it is signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}
