//! From a request to a decision: journal it, let a scripted reply or the endpoint speak, and lay the answer out.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header;

use crate::answer::{Answer, Body};
use crate::authorize::error_page;
use crate::callback::Sent;
use crate::endpoint::Endpoint;
use crate::fault::Fault;
use crate::journal::{Delivery, Entry, Sequence};
use crate::keys::SigningKey;
use crate::matcher::Traits;
use crate::realm::Realm;
use crate::reply::{Offer, Reply};
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
    pub(crate) headers: Vec<(String, String)>,
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
            method: request.method.to_string(),
            path: request.path.clone(),
            content_type: content_type
                .map(|text| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()),
            params: self.shown_params(request),
            repeated: request.params.repeated().to_vec(),
            secrets_in_url: self.secrets_in_url(request),
            client_auth: credentials.method,
            bearer,
            cookies: request.headers.contains_key(header::COOKIE),
            client: credentials.id,
            user: None,
            presented: None,
            parked: false,
            status: None,
            error: None,
            refusal: None,
            minted: vec![],
            scripted: false,
            delivery: Delivery::Pending,
        }
    }

    fn named(&self, value: &str) -> Option<String> {
        self.state.label_of(value).map(|label| label.to_string())
    }

    fn shown_params(&self, request: &WireRequest) -> BTreeMap<String, String> {
        let shown = |name: &str, value: &str| match self.named(value) {
            Some(label) => label,
            None if HARMLESS.contains(&name) => value.to_owned(),
            None => "present".to_owned(),
        };
        request.params.iter().map(|(name, value)| (name.to_owned(), shown(name, value))).collect()
    }

    fn secrets_in_url(&self, request: &WireRequest) -> Vec<String> {
        let in_query = form_urlencoded::parse(request.query.as_bytes());
        let secret = |(name, value): &(std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
            SECRET.contains(&name.as_ref()) || self.state.label_of(value).is_some()
        };
        in_query.filter(secret).map(|(name, _)| name.into_owned()).collect()
    }

    /// Decides a request. A scripted reply is spent; unless it comes before the commit, the endpoint does its work.
    pub(crate) fn decide(&mut self, now: Timestamp, sequence: Sequence, request: &WireRequest) -> Decision {
        let reply = self.take_reply(now, request);
        let honest = reply.as_ref().is_none_or(Reply::commits).then(|| self.honest(now, request));
        let effect = honest.as_ref().map(|answer| answer.effect.clone()).unwrap_or_default();
        let answer = match (&reply, honest) {
            (Some(reply), honest) => reply.answer(now, honest),
            (None, honest) => honest.unwrap_or_else(Answer::wrong_method),
        };
        let presented = effect.presented.or_else(|| self.presented_anywhere(request));
        let tick = self.journal.tick();
        if let Some(entry) = self.journal.entry_mut(sequence) {
            entry.decided = Some(now);
            entry.decided_tick = Some(tick);
            entry.client = effect.client.or_else(|| entry.client.take());
            entry.user = effect.user;
            entry.error = answer.error_code().or(effect.error);
            entry.refusal = effect.refusal;
            entry.minted = effect.minted;
            entry.scripted = reply.is_some();
            entry.presented = presented;
        }
        self.memory.note(now, &self.state);
        let may_gzip = self.state.quirks.gzip.is_on() && reply.is_none();
        Decision { now, answer, reply, key: self.signing_key(now), may_gzip }
    }

    fn take_reply(&mut self, now: Timestamp, request: &WireRequest) -> Option<Reply> {
        if self.replies.is_empty() {
            return None;
        }
        let traits: Traits = self.traits_of(request);
        let offers = self.replies.iter_mut().map(|reply| reply.offer(now, &traits));
        let (index, offer) = offers.enumerate().find(|(_, offer)| *offer != Offer::Passes)?;
        match offer {
            Offer::AnswersLast => Some(self.replies.remove(index)),
            Offer::Answers | Offer::Passes => self.replies.get(index).cloned(),
        }
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
            Endpoint::DevicePage => self.device_page(request),
            Endpoint::ConsentPage => self.consent_page(now, request),
            Endpoint::SignInError => error_page(request),
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
                    headers.push(("location".to_owned(), url));
                    vec![]
                }
                Sent::Page(page) => {
                    status = if status == 302 { 200 } else { status };
                    headers.push(("content-type".to_owned(), "text/html; charset=UTF-8".to_owned()));
                    page.into_bytes()
                }
            },
        };
        let body = match &reply {
            Some(reply) => reply.padded(body),
            None => body,
        };
        if !headers.iter().any(|(name, _)| name == "date") {
            headers.push(("date".to_owned(), now.http_date()));
        }
        let fault = reply.as_ref().and_then(Reply::fault);
        let delay = reply.as_ref().and_then(Reply::delay);
        Rendered { status, headers, body, fault, delay, may_gzip }
    }
}
