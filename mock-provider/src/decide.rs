//! From a request to a decision: journal it, let a scripted reply or the endpoint speak, and lay the answer out.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header;

use crate::answer::{Answer, Body};
use crate::authorize::error_page;
use crate::endpoint::Endpoint;
use crate::journal::{Delivery, Entry, Sequence};
use crate::keys::SigningKey;
use crate::realm::Realm;
use crate::reply::{Fault, Reply};
use crate::request::WireRequest;
use crate::time::Timestamp;

/// Parameters whose values may stand in a journal.
const HARMLESS: [&str; 12] = [
    "access_type",
    "approval_prompt",
    "client_id",
    "code_challenge_method",
    "error",
    "grant_type",
    "login_hint",
    "prompt",
    "redirect_uri",
    "response_type",
    "scope",
    "token_type_hint",
];

/// Parameters that are secret whatever their value.
const SECRET: [&str; 7] =
    ["access_token", "assertion", "client_secret", "code", "code_verifier", "refresh_token", "token"];

/// What a realm has decided; signing and sending are left to the caller, who holds no lock.
pub(crate) struct Decision {
    answer: Answer,
    reply: Option<Reply>,
    key: Arc<SigningKey>,
}

/// An answer ready to be sent.
pub(crate) struct Rendered {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) fault: Option<Fault>,
}

impl Realm {
    /// Writes a request into the journal.
    pub(crate) fn arrive(&mut self, now: Timestamp, request: &WireRequest) -> Sequence {
        let sequence = self.journal.next();
        let entry = self.entry(sequence, now, request);
        self.journal.push(entry);
        sequence
    }

    fn entry(&self, sequence: Sequence, now: Timestamp, request: &WireRequest) -> Entry {
        let content_type = request.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let bearer = request.bearer().map(|value| self.named(value).unwrap_or_else(|| "unknown".to_owned()));
        Entry {
            sequence,
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
            client_auth: request.credentials().method,
            bearer,
            cookies: request.headers.contains_key(header::COOKIE),
            client: request.credentials().id,
            user: None,
            presented: None,
            parked: false,
            status: None,
            error: None,
            minted: vec![],
            scripted: false,
            delivery: Delivery::Pending,
        }
    }

    fn named(&self, value: &str) -> Option<String> {
        self.label_of(value).map(|label| label.to_string())
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
            SECRET.contains(&name.as_ref()) || self.label_of(value).is_some()
        };
        in_query.filter(secret).map(|(name, _)| name.into_owned()).collect()
    }

    /// Decides a request. A scripted reply is spent; unless it comes before the commit, the endpoint does its work.
    pub(crate) fn decide(&mut self, now: Timestamp, sequence: Sequence, request: &WireRequest) -> Decision {
        let reply = self.take_reply(request);
        let honest = reply.as_ref().is_none_or(Reply::commits).then(|| self.honest(now, request));
        let effect = honest.as_ref().map(|answer| answer.effect.clone()).unwrap_or_default();
        let answer = match (&reply, honest) {
            (Some(reply), honest) => reply.answer(honest),
            (None, honest) => honest.unwrap_or_else(Answer::wrong_method),
        };
        let presented = effect.presented.or_else(|| self.presented_anywhere(request));
        if let Some(entry) = self.journal.entry_mut(sequence) {
            entry.decided = Some(now);
            entry.client = effect.client.or_else(|| entry.client.take());
            entry.user = effect.user;
            entry.error = answer.error_code().or(effect.error);
            entry.minted = effect.minted;
            entry.scripted = reply.is_some();
            entry.presented = presented;
        }
        Decision { answer, reply, key: Arc::clone(self.signing_key()) }
    }

    fn presented_anywhere(&self, request: &WireRequest) -> Option<crate::label::Label> {
        let named = ["refresh_token", "code", "token", "access_token"].iter().find_map(|name| request.params.get(name));
        named.or_else(|| request.bearer()).and_then(|value| self.label_of(value))
    }

    fn take_reply(&mut self, request: &WireRequest) -> Option<Reply> {
        let index = self.replies.iter().position(|reply| reply.matches(request.endpoint, request.grant()))?;
        let reply = self.replies[index].clone();
        if !self.replies[index].spend() {
            self.replies.remove(index);
        }
        Some(reply)
    }

    fn honest(&mut self, now: Timestamp, request: &WireRequest) -> Answer {
        match request.endpoint {
            Endpoint::Discovery => self.discovery(),
            Endpoint::Jwks => self.jwks(),
            Endpoint::Authorize => self.authorize(now, request),
            Endpoint::Token => self.token(now, request),
            Endpoint::Userinfo => self.userinfo(now, request),
            Endpoint::Tokeninfo => self.tokeninfo(now, request),
            Endpoint::Revoke => self.revoke(now, request),
            Endpoint::Resource => self.resource(now, request),
            Endpoint::SignInError => error_page(request),
        }
    }

    /// Writes down what became of an answer.
    pub(crate) fn settle(&mut self, sequence: Sequence, status: Option<u16>, delivery: Delivery) {
        if let Some(entry) = self.journal.entry_mut(sequence) {
            entry.status = status;
            entry.delivery = delivery;
        }
    }
}

impl Decision {
    /// Signs what is to be signed and lays the body out.
    pub(crate) fn render(self) -> Rendered {
        let body = match self.answer.body {
            Body::Empty => vec![],
            Body::Bytes(bytes) => bytes,
            Body::Json(text, layout) => text.signed(&|draft| self.key.sign(draft)).render(layout).into_bytes(),
        };
        let body = match &self.reply {
            Some(reply) => reply.prefixed(body),
            None => body,
        };
        let fault = self.reply.as_ref().and_then(Reply::fault);
        Rendered { status: self.answer.status, headers: self.answer.headers, body, fault }
    }
}
