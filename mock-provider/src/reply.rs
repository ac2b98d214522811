//! Scripted replies at work: what an endpoint answers next, instead of the truth or on top of it.
//!
//! A [`Reply`] waits for a matching request, is spent a counted number of times, and is gone; then the endpoint is
//! honest again. [`When::Before`] answers without letting the endpoint do anything. [`When::After`] lets it do its work
//! first: "rotated, and then the answer was lost".

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, header};

use crate::answer::{Answer, Body};
use crate::endpoint::Endpoint;
use crate::entropy::Entropy;
use crate::fault::{Fault, MAX_BYTES};
use crate::json_text::{JsonText, Layout};
use crate::jws::IdTokenDraft;
use crate::matcher::{Matcher, Traits};
use crate::preset::presets;
use crate::reply_spec::{AnswerSpec, Edit, IdTokenEdit, ReplySpec, RetryAfter, When, Window};
use crate::time::{Lifetime, Timestamp};

/// The longest that an answer is delayed, in real time.
const LONGEST_DELAY: std::time::Duration = std::time::Duration::from_secs(60);

/// Why a scripted reply makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReply {
    /// It would never answer.
    #[error("`times` is 0; write how many requests the reply is for")]
    NeverUsed,
    /// Requests are counted from one.
    #[error("`nth` is 0; the first matching request has the number 1")]
    NoSuchRequest,
    /// It would never strike, or is more than certain.
    #[error("`chance: {{percent: {0}}}` is none; write 1 to 100")]
    Chance(u8),
    /// Two bodies.
    #[error("a reply has one body: give one of `json`, `body` and `body_hex`")]
    TwoBodies,
    /// An edit of an answer that is replaced.
    #[error("`mutate`, `id_token` and `callback` change the honest answer, so they go without a body of their own")]
    MutatedAndReplaced,
    /// A status that is none.
    #[error("`status: {0}` is no HTTP status; write 200 to 599")]
    Status(u16),
    /// A header that is none.
    #[error("`{0}` is not a valid header field")]
    Header(String),
    /// More bytes or more time than is good.
    #[error("a reply counts at most {MAX_BYTES} bytes, not {0}")]
    TooLarge(usize),
    /// A delay without end.
    #[error("an answer is delayed by at most a minute, not {0}")]
    TooLate(Lifetime),
    /// Bytes that are none.
    #[error("`{0}` is not hexadecimal")]
    Hex(String),
    /// A pointer that is none.
    #[error("`{0}` is not a JSON pointer; write /member or /member/0")]
    Pointer(String),
    /// Nothing would differ.
    #[error("the reply says nothing; give a preset, a status, a body, headers, an edit, a delay or a fault")]
    Empty,
    /// No such preset.
    #[error("there is no preset `{0}`; GET /_regrant/presets lists them")]
    UnknownPreset(String),
    /// A preset beside an answer of one's own.
    #[error("a preset is a whole answer; only `delay` goes with it")]
    PresetAndMore,
    /// A preset for another endpoint.
    #[error("the preset `{name}` is for {}", names(fits))]
    WrongEndpoint {
        /// Its name.
        name: String,
        /// What it is for.
        fits: Vec<Endpoint>,
    },
}

/// Endpoints as they are written.
fn names(endpoints: &[Endpoint]) -> String {
    let name = |endpoint: &Endpoint| serde_json::to_value(endpoint).ok()?.as_str().map(str::to_owned);
    endpoints.iter().filter_map(name).collect::<Vec<_>>().join(", ")
}

/// A scripted reply that makes sense.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// As it was written, with the uses that are left.
    spec: ReplySpec,
    /// What is answered, where the spec only gives a name.
    with: AnswerSpec,
    when: When,
    prefix: Vec<u8>,
    bytes: Option<Vec<u8>>,
    /// How many matching requests have come by.
    seen: u32,
    /// From when to when, on the realm's clock.
    window: Option<(Timestamp, Timestamp)>,
    dice: Option<(u8, Entropy)>,
}

impl Reply {
    /// A reply, scripted at `now`.
    pub(crate) fn new(spec: ReplySpec, now: Timestamp) -> Result<Self, BadReply> {
        if spec.times == Some(0) {
            return Err(BadReply::NeverUsed);
        }
        if spec.nth == Some(0) {
            return Err(BadReply::NoSuchRequest);
        }
        if let Some(chance) = spec.chance.filter(|chance| !(1..=100).contains(&chance.percent)) {
            return Err(BadReply::Chance(chance.percent));
        }
        let (with, when) = expanded(&spec)?;
        with.check()?;
        let prefix = hex(with.prefix_hex.as_deref().unwrap_or_default())?;
        let bytes = with.body_hex.as_deref().map(hex).transpose()?;
        let window = spec.during.map(|window| {
            let from = window.from_now.map_or(now, |wait| now.plus(wait.0));
            (from, from.plus(window.lasts.0))
        });
        let dice = spec.chance.map(|chance| (chance.percent, Entropy::new(chance.seed, "chance")));
        let times = spec.times.or_else(|| (window.is_none() && dice.is_none()).then_some(1));
        Ok(Self { spec: ReplySpec { times, ..spec }, with, when, prefix, bytes, seen: 0, window, dice })
    }

    /// Whether its window has closed for good, as far as the clock goes forward.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.window.is_some_and(|(_, until)| now >= until)
    }

    /// Shows it a request, which it counts if it is for it. Says whether it would answer.
    pub(crate) fn offer(&mut self, now: Timestamp, traits: &Traits) -> bool {
        let open = self.window.is_none_or(|(from, until)| from <= now && now < until);
        if !open || !self.matcher().fits(traits) {
            return false;
        }
        self.seen = self.seen.saturating_add(1);
        let due = self.spec.nth.is_none_or(|nth| self.seen >= nth);
        // The dice are thrown for every request, so that the same seed strikes the same ones.
        let struck = self.strikes();
        due && struck
    }

    /// Counts a use; says whether it was the last one.
    pub(crate) const fn spend(&mut self) -> bool {
        let Some(times) = &mut self.spec.times else { return false };
        *times -= 1;
        *times == 0
    }

    fn strikes(&mut self) -> bool {
        let Some((percent, dice)) = &mut self.dice else { return true };
        let draw = dice.bytes(2);
        u32::from(u16::from_be_bytes([draw[0], draw[1]])) * 100 < u32::from(*percent) << 16
    }

    fn matcher(&self) -> Matcher<'_> {
        let ReplySpec { to, grant, client, user, token, .. } = &self.spec;
        Matcher { to: *to, grant: *grant, client: client.as_deref(), user: user.as_deref(), token: *token }
    }

    /// Whether the endpoint does its work first.
    pub(crate) fn commits(&self) -> bool {
        self.when == When::After || self.with.edits() || self.with.bends_the_honest_answer()
    }

    /// The spec it was made from, with the uses that are left.
    pub(crate) const fn spec(&self) -> &ReplySpec {
        &self.spec
    }

    /// The spec that would do from `now` on what this reply has left to do. Dice are thrown anew.
    pub(crate) fn spec_at(&self, now: Timestamp) -> ReplySpec {
        let left = |until: Timestamp, from: Timestamp| {
            let millis = until.as_millis().saturating_sub(from.as_millis());
            Lifetime(std::time::Duration::from_millis(u64::try_from(millis).unwrap_or_default()))
        };
        let during = self
            .window
            .map(|(from, until)| Window { from_now: Some(left(from, now)), lasts: left(until, from.max(now)) });
        let nth = self.spec.nth.map(|nth| nth.saturating_sub(self.seen).max(1));
        ReplySpec { during, nth, ..self.spec.clone() }
    }

    /// What the connection does to the answer.
    pub(crate) const fn fault(&self) -> Option<Fault> {
        self.with.fault
    }

    /// How long the answer waits, in real time.
    pub(crate) const fn delay(&self) -> Option<Lifetime> {
        self.with.delay
    }

    /// What it changes in the honest body, where it does nothing else.
    pub(crate) fn edits_alone(&self) -> BTreeMap<String, Option<String>> {
        let alone = AnswerSpec { mutate: self.with.mutate.clone(), ..AnswerSpec::default() };
        if self.with != alone {
            return BTreeMap::new();
        }
        self.with.mutate.iter().map(Edit::shown).collect()
    }

    /// The answer, made from the honest one (or from an empty one when the endpoint did nothing).
    pub(crate) fn answer(&self, now: Timestamp, honest: Option<Answer>) -> Answer {
        let with = &self.with;
        let mut answer = honest.unwrap_or_else(|| Answer::api(200, serde_json::Value::Null));
        if with.replaces() {
            answer.body = self.own_body(&mut answer.headers);
            answer.status = with.status.unwrap_or(200);
        }
        answer.status = with.status.unwrap_or(answer.status);
        let retry = with.retry_after.as_ref().map(|retry| ("retry-after".to_owned(), retry.text(now)));
        for (name, value) in with.headers.clone().into_iter().chain(retry) {
            // `check` has seen that both are what a header may be.
            let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
            answer.headers.remove(&name);
            if !value.is_empty() {
                answer.put_header(name, &value);
            }
        }
        with.edit(now, &mut answer.body);
        answer
    }

    fn own_body(&self, headers: &mut HeaderMap) -> Body {
        if let Some(json) = &self.with.json {
            return Body::Json(json.clone().into(), Layout::Pretty(2));
        }
        let text = self.with.body.as_ref().map(|text| text.clone().into_bytes());
        let bytes = text.or_else(|| self.bytes.clone());
        if bytes.is_none() {
            headers.remove(header::CONTENT_TYPE);
        }
        bytes.map_or(Body::Empty, Body::Bytes)
    }

    /// Puts the prefix in front of a rendered body, and the filling behind it.
    pub(crate) fn padded(&self, mut body: Vec<u8>) -> Vec<u8> {
        if !self.prefix.is_empty() {
            body = [self.prefix.as_slice(), &body].concat();
        }
        body.extend(std::iter::repeat_n(b' ', self.with.fill.unwrap_or_default()));
        body
    }
}

/// Says whether a scripted reply makes sense, without scripting it.
///
/// # Errors
/// When it makes none.
pub fn check_reply(spec: &ReplySpec) -> Result<(), BadReply> {
    Reply::new(spec.clone(), Timestamp::from_millis(0)).map(drop)
}

/// What is answered, and when: as written, or from the catalogue.
fn expanded(spec: &ReplySpec) -> Result<(AnswerSpec, When), BadReply> {
    let Some(name) = &spec.with.preset else { return Ok((spec.with.clone(), spec.when)) };
    let preset = presets().get(name).ok_or_else(|| BadReply::UnknownPreset(name.clone()))?;
    let alone = AnswerSpec { preset: Some(name.clone()), delay: spec.with.delay, ..AnswerSpec::default() };
    if spec.with != alone {
        return Err(BadReply::PresetAndMore);
    }
    if !preset.fits.contains(&spec.to) {
        return Err(BadReply::WrongEndpoint { name: name.clone(), fits: preset.fits.clone() });
    }
    let when = if spec.when == When::After { When::After } else { preset.when };
    Ok((AnswerSpec { delay: spec.with.delay.or(preset.with.delay), ..preset.with.clone() }, when))
}

impl RetryAfter {
    fn text(&self, now: Timestamp) -> String {
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::DateIn(wait) => now.plus(wait.0).http_date(),
            Self::Raw(text) => text.clone(),
        }
    }

    fn is_sendable(&self) -> bool {
        match self {
            Self::Raw(text) => http::HeaderValue::from_str(text).is_ok(),
            Self::Seconds(_) | Self::DateIn(_) => true,
        }
    }
}

impl AnswerSpec {
    fn check(&self) -> Result<(), BadReply> {
        if *self == Self::default() {
            return Err(BadReply::Empty);
        }
        let bodies = [self.json.is_some(), self.body.is_some(), self.body_hex.is_some()];
        let bodies = bodies.into_iter().filter(|given| *given).count();
        if bodies > 1 {
            return Err(BadReply::TwoBodies);
        }
        if bodies > 0 && self.edits() {
            return Err(BadReply::MutatedAndReplaced);
        }
        if let Some(status) = self.status.filter(|status| !(200..600).contains(status)) {
            return Err(BadReply::Status(status));
        }
        let sizes = [self.fault.map(Fault::size), self.fill];
        if let Some(size) = sizes.into_iter().flatten().find(|size| *size > MAX_BYTES) {
            return Err(BadReply::TooLarge(size));
        }
        if let Some(delay) = self.delay.filter(|delay| delay.0 > LONGEST_DELAY) {
            return Err(BadReply::TooLate(delay));
        }
        if let Some(RetryAfter::Raw(text)) = self.retry_after.as_ref().filter(|retry| !retry.is_sendable()) {
            return Err(BadReply::Header(format!("retry-after: {text}")));
        }
        self.headers.iter().try_for_each(|(name, value)| check_header(name, value))?;
        self.mutate.iter().try_for_each(Edit::check)
    }

    const fn edits(&self) -> bool {
        !self.mutate.is_empty() || self.id_token.is_some() || self.callback.is_some()
    }

    /// Without an answer of its own it is the honest one that is bent, so the endpoint has to make it; unless the
    /// connection breaks before there is any.
    fn bends_the_honest_answer(&self) -> bool {
        !self.replaces() && self.fault.is_none_or(Fault::needs_a_body)
    }

    /// Whether it states an answer of its own: a body, or at least a status. Anything else bends the honest one.
    const fn replaces(&self) -> bool {
        let body = self.json.is_some() || self.body.is_some() || self.body_hex.is_some();
        !self.edits() && (body || self.status.is_some())
    }

    fn edit(&self, now: Timestamp, body: &mut Body) {
        match body {
            Body::Json(text, _) => {
                if let (Some(edit), Some(draft)) = (&self.id_token, text.id_token_mut()) {
                    edit.apply(now, draft);
                }
                self.mutate.iter().for_each(|edit| edit.apply(text));
            }
            Body::Callback(callback) => {
                if let (Some(edit), Some(draft)) = (&self.id_token, callback.id_token_mut()) {
                    edit.apply(now, draft);
                }
                self.callback.iter().for_each(|edit| callback.edit(edit));
            }
            Body::Empty | Body::Bytes(_) => {}
        }
    }
}

/// Members of a token answer whose values are nobody's business (RFC 6749 section 5.1, OIDC Core section 3.1.3.3).
const SECRET_MEMBERS: [&str; 3] = ["/access_token", "/refresh_token", "/id_token"];

impl Edit {
    /// For the journal: where, and what stands there now.
    fn shown(&self) -> (String, Option<String>) {
        match self {
            Self::Remove(at) => (at.clone(), None),
            Self::Set { at, .. } if SECRET_MEMBERS.contains(&at.as_str()) => (at.clone(), Some("present".to_owned())),
            Self::Set { at, raw } => (at.clone(), Some(raw.clone())),
        }
    }
}

impl IdTokenEdit {
    fn apply(&self, now: Timestamp, draft: &mut IdTokenDraft) {
        draft.claims.retain(|name, _| !self.remove.contains(name));
        draft.claims.extend(self.set.clone());
        let at = |(name, seconds): (&String, &i64)| (name.clone(), now.as_secs().saturating_add(*seconds).into());
        draft.claims.extend(self.relative.iter().map(at));
        draft.header.extend(self.header.clone());
        draft.signature = self.signature.unwrap_or(draft.signature);
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
    let fine = HeaderName::from_bytes(name.as_bytes()).is_ok() && http::HeaderValue::from_str(value).is_ok();
    if fine { Ok(()) } else { Err(BadReply::Header(format!("{name}: {value}"))) }
}

fn hex(text: &str) -> Result<Vec<u8>, BadReply> {
    let bad = || BadReply::Hex(text.to_owned());
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(bad());
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| bad())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_900_000_000_000);

    fn reply(with: &serde_json::Value) -> Result<Reply, BadReply> {
        let spec = json!({"to": "token", "with": with});
        Reply::new(serde_json::from_value::<ReplySpec>(spec).unwrap(), NOW)
    }

    fn body(answer: &Answer) -> String {
        match &answer.body {
            Body::Empty => String::new(),
            Body::Bytes(bytes) => String::from_utf8(bytes.clone()).unwrap(),
            Body::Json(text, _) => text.render(Layout::Compact),
            Body::Callback(_) => unreachable!("no reply here is for a redirect"),
        }
    }

    fn honest() -> Answer {
        Answer::api(200, json!({"access_token": "a", "expires_in": 3599}))
    }

    #[test]
    fn a_mutation_keeps_the_rest_of_the_honest_answer() {
        let reply = reply(&json!({"mutate": [{"set": {"at": "/expires_in", "raw": "\"soon\""}}]})).unwrap();
        assert!(reply.commits());
        assert_eq!(body(&reply.answer(NOW, Some(honest()))), r#"{"access_token":"a","expires_in":"soon"}"#);
    }

    #[test]
    fn a_status_alone_has_no_body() {
        let answer = reply(&json!({"status": 503})).unwrap().answer(NOW, None);
        assert_eq!((answer.status, body(&answer)), (503, String::new()));
    }

    #[test]
    fn a_fault_alone_cuts_the_honest_answer() {
        let reply = reply(&json!({"fault": {"early_close": 3}})).unwrap();
        assert!(reply.commits(), "there is no honest body without the endpoint's work");
        assert_eq!(body(&reply.answer(NOW, Some(honest()))), body(&honest()));
    }

    #[test]
    fn headers_replace_their_namesakes() {
        let answer =
            reply(&json!({"body": "<h1>", "headers": {"Content-Type": "text/html"}})).unwrap().answer(NOW, None);
        let types: Vec<_> = answer.headers.get_all("content-type").iter().collect();
        assert_eq!(types, ["text/html"]);
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
