//! Scripted replies: what an endpoint answers next, instead of the truth or on top of it.
//!
//! A [`Reply`] waits for a matching request, is spent a counted number of times, and is gone; then the endpoint is
//! honest again. [`When::Before`] answers without letting the endpoint do anything. [`When::After`] lets it do its work
//! first: "rotated, and then the answer was lost".

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Body};
use crate::endpoint::{Endpoint, GrantType};
use crate::json_text::{JsonText, Layout, Signature};
use crate::time::Lifetime;

/// A scripted reply, as it is written in JSON or YAML.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplySpec {
    /// The endpoint it is for.
    pub to: Endpoint,
    /// Only for this grant type; any, when absent.
    #[serde(default)]
    pub grant: Option<GrantType>,
    /// How many requests it answers.
    #[serde(default = "once")]
    pub times: u32,
    /// Before or after the endpoint has done its work. A mutation and a fault in the honest body always come after.
    #[serde(default)]
    pub when: When,
    /// What is answered.
    pub with: AnswerSpec,
}

/// The most bytes that a fault may count: 16 MiB.
const MAX_BYTES: usize = 16 << 20;

const fn once() -> u32 {
    1
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
    /// The HTTP status; of the honest answer when absent beside `mutate`, else 200.
    pub status: Option<u16>,
    /// Header fields, put in place of the honest ones of the same name.
    pub headers: BTreeMap<String, String>,
    /// The body as JSON.
    pub json: Option<serde_json::Value>,
    /// The body as text.
    pub body: Option<String>,
    /// Bytes in front of the body, in hexadecimal: a byte order mark, for example.
    pub prefix_hex: Option<String>,
    /// Edits of the honest answer, in order.
    pub mutate: Vec<Edit>,
    /// Changes of the id_token in the honest answer.
    pub id_token: Option<IdTokenEdit>,
    /// What the connection does to the answer.
    pub fault: Option<Fault>,
}

/// One edit of the honest answer's JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    pub set: BTreeMap<String, serde_json::Value>,
    /// Claims to take away.
    pub remove: Vec<String>,
    /// How it is signed.
    pub signature: Option<Signature>,
}

/// What a connection does to an answer. Offsets count bytes of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A TCP reset instead of an answer.
    ResetBeforeHeaders,
    /// A TCP reset after this many bytes.
    ResetInBody(usize),
    /// An orderly close after this many bytes.
    EarlyClose(usize),
    /// The body under a `Content-Length` of this: cut to it, or followed by an orderly close.
    WrongLength(usize),
    /// A few bytes at a time, in real time.
    Drip {
        /// Bytes a piece.
        bytes: usize,
        /// Real time between pieces.
        every: Lifetime,
    },
    /// No answer at all; the connection stays open until the client leaves.
    Never,
}

impl Fault {
    /// Whether it is about the body of an answer, so that there has to be one.
    const fn needs_a_body(self) -> bool {
        !matches!(self, Self::ResetBeforeHeaders | Self::Never)
    }

    /// The largest number of bytes in it.
    const fn size(self) -> usize {
        match self {
            Self::ResetInBody(size)
            | Self::EarlyClose(size)
            | Self::WrongLength(size)
            | Self::Drip { bytes: size, .. } => size,
            Self::ResetBeforeHeaders | Self::Never => 0,
        }
    }

    /// Whether a client may still get the whole answer.
    pub(crate) const fn delivers(self) -> bool {
        matches!(self, Self::Drip { .. })
    }
}

/// Why a scripted reply makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReply {
    /// It would never answer.
    #[error("`times` is 0; write how many requests the reply is for")]
    NeverUsed,
    /// Two bodies.
    #[error("a reply has one body: give `json` or `body`, not both")]
    TwoBodies,
    /// An edit of an answer that is replaced.
    #[error("`mutate` and `id_token` change the honest answer, so they go without `json` and `body`")]
    MutatedAndReplaced,
    /// A status that is none.
    #[error("`status: {0}` is no HTTP status; write 200 to 599")]
    Status(u16),
    /// A header that is none.
    #[error("`{0}` is not a valid header field")]
    Header(String),
    /// A fault that would need more memory than is good.
    #[error("a fault counts at most {MAX_BYTES} bytes, not {0}")]
    TooLarge(usize),
    /// Bytes that are none.
    #[error("`prefix_hex: {0}` is not hexadecimal")]
    Hex(String),
    /// A pointer that is none.
    #[error("`{0}` is not a JSON pointer; write /member or /member/0")]
    Pointer(String),
    /// Nothing would differ.
    #[error("the reply says nothing; give at least one of status, json, body, mutate, id_token or fault")]
    Empty,
}

/// A scripted reply that makes sense.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    spec: ReplySpec,
    prefix: Vec<u8>,
}

impl TryFrom<ReplySpec> for Reply {
    type Error = BadReply;

    fn try_from(spec: ReplySpec) -> Result<Self, BadReply> {
        if spec.times == 0 {
            return Err(BadReply::NeverUsed);
        }
        spec.with.check()?;
        let prefix = hex(spec.with.prefix_hex.as_deref().unwrap_or_default())?;
        Ok(Self { spec, prefix })
    }
}

/// Says whether a scripted reply makes sense, without scripting it.
///
/// # Errors
/// When it makes none.
pub fn check_reply(spec: &ReplySpec) -> Result<(), BadReply> {
    Reply::try_from(spec.clone()).map(drop)
}

impl AnswerSpec {
    fn check(&self) -> Result<(), BadReply> {
        let replaced = self.json.is_some() || self.body.is_some();
        if *self == Self::default() {
            return Err(BadReply::Empty);
        }
        if self.json.is_some() && self.body.is_some() {
            return Err(BadReply::TwoBodies);
        }
        if replaced && self.edits() {
            return Err(BadReply::MutatedAndReplaced);
        }
        if let Some(status) = self.status.filter(|status| !(200..600).contains(status)) {
            return Err(BadReply::Status(status));
        }
        if let Some(size) = self.fault.map(Fault::size).filter(|size| *size > MAX_BYTES) {
            return Err(BadReply::TooLarge(size));
        }
        self.headers.iter().try_for_each(|(name, value)| check_header(name, value))?;
        self.mutate.iter().try_for_each(Edit::check)
    }

    const fn edits(&self) -> bool {
        !self.mutate.is_empty() || self.id_token.is_some()
    }

    /// A fault in a body, with no body of its own: it is the honest one that is cut, so the endpoint has to make it.
    fn cuts_the_honest_body(&self) -> bool {
        !self.replaces() && self.fault.is_some_and(Fault::needs_a_body)
    }

    /// Whether it states a whole answer of its own, a bare status or header included.
    fn replaces(&self) -> bool {
        let only_fault = Self { fault: self.fault, ..Self::default() } == *self;
        !self.edits() && !only_fault
    }
}

impl Edit {
    fn check(&self) -> Result<(), BadReply> {
        let (Self::Set { at: pointer, .. } | Self::Remove(pointer)) = self;
        let fine = pointer.is_empty() || pointer.starts_with('/');
        if fine { Ok(()) } else { Err(BadReply::Pointer(pointer.clone())) }
    }

    fn apply(&self, body: &mut JsonText) {
        match self {
            Self::Set { at, raw } => body.set(at, JsonText::Raw(raw.clone())),
            Self::Remove(pointer) => body.remove(pointer),
        }
    }
}

fn check_header(name: &str, value: &str) -> Result<(), BadReply> {
    let fine = http::HeaderName::from_bytes(name.as_bytes()).is_ok() && http::HeaderValue::from_str(value).is_ok();
    if fine { Ok(()) } else { Err(BadReply::Header(format!("{name}: {value}"))) }
}

fn hex(text: &str) -> Result<Vec<u8>, BadReply> {
    let bad = || BadReply::Hex(text.to_owned());
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(bad());
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| bad())).collect()
}

impl Reply {
    /// Whether it answers this request.
    pub(crate) fn matches(&self, endpoint: Endpoint, grant: Option<GrantType>) -> bool {
        self.spec.to == endpoint && (self.spec.grant.is_none() || self.spec.grant == grant)
    }

    /// Counts one use down; says whether any are left.
    pub(crate) const fn spend(&mut self) -> bool {
        self.spec.times -= 1;
        self.spec.times > 0
    }

    /// Whether the endpoint does its work first.
    pub(crate) fn commits(&self) -> bool {
        self.spec.when == When::After || self.spec.with.edits() || self.spec.with.cuts_the_honest_body()
    }

    /// The spec it was made from, with the uses that are left.
    pub(crate) const fn spec(&self) -> &ReplySpec {
        &self.spec
    }

    /// What the connection does to the answer.
    pub(crate) const fn fault(&self) -> Option<Fault> {
        self.spec.with.fault
    }

    /// The answer, made from the honest one (or from an empty one when the endpoint did nothing).
    pub(crate) fn answer(&self, honest: Option<Answer>) -> Answer {
        let with = &self.spec.with;
        let mut answer = honest.unwrap_or_else(|| Answer::api(200, serde_json::Value::Null));
        if with.replaces() {
            answer.body = with.own_body(&mut answer.headers);
            answer.status = with.status.unwrap_or(200);
        }
        answer.status = with.status.unwrap_or(answer.status);
        for (name, value) in &with.headers {
            answer.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            answer.headers.push((name.clone(), value.clone()));
        }
        with.edit(&mut answer.body);
        answer
    }

    /// Puts the prefix in front of a rendered body.
    pub(crate) fn prefixed(&self, body: Vec<u8>) -> Vec<u8> {
        if self.prefix.is_empty() { body } else { [self.prefix.as_slice(), &body].concat() }
    }
}

impl AnswerSpec {
    fn own_body(&self, headers: &mut Vec<(String, String)>) -> Body {
        if let Some(json) = &self.json {
            return Body::Json(json.clone().into(), Layout::Pretty(2));
        }
        headers.retain(|(name, _)| self.body.is_some() || name != "content-type");
        self.body.as_ref().map_or(Body::Empty, |text| Body::Bytes(text.clone().into_bytes()))
    }

    fn edit(&self, body: &mut Body) {
        let Body::Json(text, _) = body else { return };
        if let (Some(edit), Some(draft)) = (&self.id_token, text.id_token_mut()) {
            draft.claims.retain(|name, _| !edit.remove.contains(name));
            draft.claims.extend(edit.set.clone());
            draft.signature = edit.signature.unwrap_or(draft.signature);
        }
        for edit in &self.mutate {
            edit.apply(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(with: &serde_json::Value) -> Result<Reply, BadReply> {
        let spec = json!({"to": "token", "with": with});
        Reply::try_from(serde_json::from_value::<ReplySpec>(spec).unwrap())
    }

    fn body(answer: &Answer) -> String {
        match &answer.body {
            Body::Empty => String::new(),
            Body::Bytes(bytes) => String::from_utf8(bytes.clone()).unwrap(),
            Body::Json(text, _) => text.render(Layout::Compact),
        }
    }

    fn honest() -> Answer {
        Answer::api(200, json!({"access_token": "a", "expires_in": 3599}))
    }

    #[test]
    fn a_mutation_keeps_the_rest_of_the_honest_answer() {
        let reply = reply(&json!({"mutate": [{"set": {"at": "/expires_in", "raw": "\"soon\""}}]})).unwrap();
        assert!(reply.commits());
        assert_eq!(body(&reply.answer(Some(honest()))), r#"{"access_token":"a","expires_in":"soon"}"#);
    }

    #[test]
    fn a_status_alone_has_no_body() {
        let answer = reply(&json!({"status": 503})).unwrap().answer(None);
        assert_eq!((answer.status, body(&answer)), (503, String::new()));
    }

    #[test]
    fn a_fault_alone_cuts_the_honest_answer() {
        let reply = reply(&json!({"fault": {"early_close": 3}})).unwrap();
        assert!(reply.commits(), "there is no honest body without the endpoint's work");
        assert_eq!(body(&reply.answer(Some(honest()))), body(&honest()));
    }

    #[test]
    fn headers_replace_their_namesakes() {
        let answer = reply(&json!({"body": "<h1>", "headers": {"Content-Type": "text/html"}})).unwrap().answer(None);
        let types: Vec<_> =
            answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type")).collect();
        assert_eq!(types, [&("Content-Type".to_owned(), "text/html".to_owned())]);
    }

    #[test]
    fn nonsense_is_refused_with_the_reason() {
        assert_eq!(reply(&json!({})).unwrap_err(), BadReply::Empty);
        assert_eq!(reply(&json!({"json": 1, "body": "x"})).unwrap_err(), BadReply::TwoBodies);
        assert_eq!(reply(&json!({"json": 1, "mutate": [{"remove": "/a"}]})).unwrap_err(), BadReply::MutatedAndReplaced);
        assert_eq!(reply(&json!({"status": 42})).unwrap_err(), BadReply::Status(42));
        assert_eq!(reply(&json!({"mutate": [{"remove": "a"}]})).unwrap_err(), BadReply::Pointer("a".into()));
        assert_eq!(reply(&json!({"body": "", "prefix_hex": "é1"})).unwrap_err(), BadReply::Hex("é1".into()));
        let huge = json!({"fault": {"wrong_length": u64::MAX}});
        assert!(matches!(reply(&huge), Err(BadReply::TooLarge(_))));
        assert!(matches!(reply(&json!({"status": 200, "headers": {"a b": "c"}})), Err(BadReply::Header(_))));
    }
}
