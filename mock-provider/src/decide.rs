//! From a request to a decision: journal it, let a scripted reply or the endpoint speak, and lay the answer out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderMap, Method, header};

use crate::answer::{Answer, Body, put_header};
use crate::authorize::error_page;
use crate::callback::Sent;
use crate::endpoint::Endpoint;
use crate::fault::Fault;
use crate::journal::{Delivery, Entry, Sequence};
use crate::keys::SigningKey;
use crate::matcher::Traits;
use crate::realm::Realm;
use crate::realm_error::RealmError;
use crate::reply::Reply;
use crate::request::WireRequest;
use crate::time::{Lifetime, Timestamp};

/// Parameters whose values may stand in a journal.
const HARMLESS: [&str; 15] = [
    "access_type",
    "approval_prompt",
    "client_id",
    "code_challenge_method",
    "error",
    "grant_type",
    "include_granted_scopes",
    "login_hint",
    "prompt",
    "redirect_uri",
    "response_mode",
    "response_type",
    "scope",
    "token_type_hint",
    "user_code",
];

/// The length of an authorization code.
const SHORTEST_TOKEN: usize = 73;

/// Parameters that are secret whatever their value.
const SECRET: [&str; 9] = [
    "access_token",
    "assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "rapt",
    "refresh_token",
    "token",
];

/// What a realm has decided; signing and sending are left to the caller, who holds no lock.
pub(crate) struct Decision {
    now: Timestamp,
    answer: Answer,
    reply: Option<Reply>,
    key: Arc<SigningKey>,
    may_gzip: bool,
}

/// An answer ready to be sent.
pub(crate) struct Rendered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) fault: Option<Fault>,
    /// How long it waits, in real time.
    pub(crate) delay: Option<Lifetime>,
    /// Whether it may be compressed.
    pub(crate) may_gzip: bool,
}

impl Realm {
    /// Writes a request into the journal.
    pub(crate) fn arrive(&mut self, now: Timestamp, request: &WireRequest) -> Sequence {
        let sequence = self.journal.next();
        let mut entry = self.entry(sequence, now, request);
        entry.began_tick = self.journal.tick();
        self.journal.push(entry);
        sequence
    }

    fn entry(&self, sequence: Sequence, now: Timestamp, request: &WireRequest) -> Entry {
        let content_type = request.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let bearer = request.bearer().map(|value| self.named(value).unwrap_or_else(|| "unknown".to_owned()));
        let credentials = request.credentials();
        Entry {
            sequence,
            began_tick: 0,
            decided_tick: None,
            ended_tick: None,
            arrived: now,
            decided: None,
            endpoint: request.endpoint,
            method: method_name(&request.method),
            path: request.endpoint.same_path(&request.path),
            content_type: content_type
                .map(|text| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()),
            params: self.shown_params(request),
            repeated: request.params.repeated().iter().map(|name| plain_name(name.clone()).into_owned()).collect(),
            secrets_in_url: self.secrets_in_url(request),
            client_auth: credentials.method,
            bearer,
            cookies: request.headers.contains_key(header::COOKIE),
            client: credentials.id.clone().filter(|id| self.is_client(id)),
            user: None,
            presented: None,
            parked: false,
            status: None,
            error: None,
            refusal: None,
            minted: vec![],
            scripted: false,
            edits: BTreeMap::new(),
            retry_after: None,
            delivery: Delivery::Pending,
        }
    }

    /// The label of a token, if the value is one; nothing that is shorter than the shortest of them is looked up.
    fn named(&self, value: &str) -> Option<String> {
        if value.len() < SHORTEST_TOKEN {
            return None;
        }
        self.state.label_of(value).map(|label| label.to_string())
    }

    /// Names and values come from outside: what is shown is a plain name, and a value that is known to be harmless.
    fn shown_params(&self, request: &WireRequest) -> BTreeMap<Cow<'static, str>, Cow<'static, str>> {
        let shown = |name: &str, value: &str| match self.named(value) {
            Some(label) => Cow::Owned(label),
            None if name == "client_id" && !self.is_client(value) => Cow::Borrowed("unknown"),
            None if HARMLESS.contains(&name) && !self.is_client_secret(value) => Cow::Owned(value.to_owned()),
            None => Cow::Borrowed("present"),
        };
        request.params.named().map(|(name, value)| (plain_name(name.clone()), shown(name, value))).collect()
    }

    /// Whether a client that is named is known; what is for nobody would never happen.
    pub(crate) fn expect_client(&self, id: Option<&str>) -> Result<(), RealmError> {
        match id.filter(|id| !self.is_client(id)) {
            Some(unknown) => Err(RealmError::NoSuchClient(unknown.to_owned())),
            None => Ok(()),
        }
    }

    fn is_client(&self, id: &str) -> bool {
        self.state.clients.contains_key(id) || self.state.robot(id).is_some()
    }

    fn is_client_secret(&self, value: &str) -> bool {
        value.len() > 8 && self.state.clients.values().any(|client| client.has_secret(value))
    }

    fn secrets_in_url(&self, request: &WireRequest) -> Vec<String> {
        if request.query.is_empty() {
            return vec![];
        }
        let in_query = form_urlencoded::parse(request.query.as_bytes());
        let secret = |(name, value): &(Cow<'_, str>, Cow<'_, str>)| {
            SECRET.contains(&name.as_ref()) || self.state.label_of(value).is_some()
        };
        in_query.filter(secret).map(|(name, _)| plain_name(Cow::Owned(name.into_owned())).into_owned()).collect()
    }

    /// Decides a request. A scripted reply is spent; unless it comes before the commit, the endpoint does its work.
    pub(crate) fn decide(&mut self, now: Timestamp, sequence: Sequence, request: &WireRequest) -> Decision {
        let reply = self.take_reply(now, request);
        let mut honest = reply.as_ref().is_none_or(Reply::commits).then(|| self.honest(now, request));
        let effect = honest.as_mut().map(|answer| std::mem::take(&mut answer.effect)).unwrap_or_default();
        let answer = match (&reply, honest) {
            (Some(reply), honest) => reply.answer(now, honest),
            (None, honest) => honest.unwrap_or_else(Answer::wrong_method),
        };
        let presented = effect.presented.or_else(|| self.presented_anywhere(request));
        let known_client = effect.client.filter(|id| self.is_client(id));
        let owner = presented.filter(|_| effect.user.is_none()).and_then(|label| self.owner_of(label));
        let retry_after =
            answer.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let tick = self.journal.tick();
        if let Some(entry) = self.journal.entry_mut(sequence) {
            entry.decided = Some(now);
            entry.decided_tick = Some(tick);
            let (client, user) = owner.unzip();
            entry.client = known_client.or_else(|| entry.client.take()).or(client);
            entry.user = effect.user.or(user);
            entry.error = answer.error_code().or(effect.error);
            entry.refusal = effect.refusal;
            entry.minted = effect.minted;
            entry.scripted = reply.is_some();
            entry.edits = reply.as_ref().map(Reply::edits_alone).unwrap_or_default();
            entry.retry_after = retry_after;
            entry.presented = presented;
        }
        self.note(now);
        let may_gzip = self.state.quirks.gzip.is_on() && reply.is_none();
        Decision { now, answer, reply, key: self.signing_key(now), may_gzip }
    }

    /// The first reply that is for this request; those behind it have seen it too and count it.
    fn take_reply(&mut self, now: Timestamp, request: &WireRequest) -> Option<Reply> {
        if self.replies.is_empty() {
            return None;
        }
        self.replies.retain(|reply| !reply.is_over(now));
        let traits: Traits = self.traits_of(request);
        let strikes: Vec<bool> = self.replies.iter_mut().map(|reply| reply.offer(now, &traits)).collect();
        let index = strikes.iter().position(|strikes| *strikes)?;
        if self.replies[index].spend() {
            return Some(self.replies.remove(index));
        }
        self.replies.get(index).cloned()
    }

    fn honest(&mut self, now: Timestamp, request: &WireRequest) -> Answer {
        match request.endpoint {
            Endpoint::Discovery => self.discovery(now, request),
            Endpoint::Jwks => self.jwks(now),
            Endpoint::Certs => self.certs(now),
            Endpoint::ServiceAccountKeys => self.service_account_keys(now, request),
            Endpoint::Authorize => self.authorize(now, request),
            Endpoint::Token => self.token(now, request),
            Endpoint::Userinfo => self.userinfo(now, request),
            Endpoint::Tokeninfo => self.tokeninfo(now, request),
            Endpoint::Revoke => self.revoke(now, request),
            Endpoint::Resource => self.resource(now, request),
            Endpoint::DeviceCode => self.device_code(now, request),
            Endpoint::DevicePage => self.device_page(now, request),
            Endpoint::ConsentPage => self.consent_page(now, request),
            Endpoint::SignInError => error_page(request),
        }
    }

    /// Writes down that an answer is lost; the request goes on until the client leaves.
    pub(crate) fn lose(&mut self, sequence: Sequence, status: Option<u16>) {
        if let Some(entry) = self.journal.entry_mut(sequence) {
            entry.status = status;
            entry.delivery = Delivery::Lost;
        }
    }

    /// Writes down what became of an answer.
    pub(crate) fn settle(&mut self, sequence: Sequence, status: Option<u16>, delivery: Delivery) {
        let tick = self.journal.tick();
        if let Some(entry) = self.journal.entry_mut(sequence) {
            entry.status = status;
            entry.delivery = delivery;
            entry.ended_tick = Some(tick);
        }
    }
}

impl Decision {
    /// Signs what is to be signed and lays the body out.
    pub(crate) fn render(self) -> Rendered {
        let Self { now, answer, reply, key, may_gzip } = self;
        let Answer { mut status, mut headers, body, .. } = answer;
        let sign = |draft: &_| key.sign(draft);
        let body = match body {
            Body::Empty => vec![],
            Body::Bytes(bytes) => bytes,
            Body::Json(text, layout) => text.signed(&sign).render(layout).into_bytes(),
            Body::Callback(callback) => match callback.send(&sign) {
                Sent::Location(url) => {
                    put_header(&mut headers, header::LOCATION, &url);
                    vec![]
                }
                Sent::Page(page) => {
                    status = if status == 302 { 200 } else { status };
                    put_header(&mut headers, header::CONTENT_TYPE, "text/html; charset=UTF-8");
                    page.into_bytes()
                }
            },
        };
        let body = match &reply {
            Some(reply) => reply.padded(body),
            None => body,
        };
        if !headers.contains_key(header::DATE) {
            put_header(&mut headers, header::DATE, &now.http_date());
        }
        let fault = reply.as_ref().and_then(Reply::fault);
        let delay = reply.as_ref().and_then(Reply::delay);
        Rendered { status, headers, body, fault, delay, may_gzip }
    }
}

fn method_name(method: &Method) -> Cow<'static, str> {
    match *method {
        Method::GET => Cow::Borrowed("GET"),
        Method::POST => Cow::Borrowed("POST"),
        _ => Cow::Owned(method.to_string()),
    }
}

/// A parameter's name as it may stand in a journal: a body that is no form can end up as one.
fn plain_name(name: Cow<'static, str>) -> Cow<'static, str> {
    let plain = name.len() <= 200 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.:/-".contains(&byte));
    if plain { name } else { Cow::Borrowed("(not a name)") }
}
