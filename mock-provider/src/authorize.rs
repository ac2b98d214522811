//! The authorization endpoint: checks the request, decides as the user would, and redirects.
//!
//! What is wrong with the client or the redirect URI never reaches the redirect URI; it goes to a page of Google's own
//! (RFC 6749 section 4.1.2.1). Deliberately absent: a page where a person chooses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;

use crate::answer::{Answer, Effect};
use crate::label::{Label, TokenKind};
use crate::realm::{Challenge, Code, Consent, Realm, TokenRef, number_after, project_of};
use crate::request::{Params, WireRequest};
use crate::secret::Secret;
use crate::time::Timestamp;

/// How long an authorization code lives. Google gives no figure; RFC 6749 section 4.1.2 recommends ten minutes at most.
const CODE_LIFETIME: Duration = Duration::from_secs(600);

/// An authorization request whose client and redirect URI are known to be right.
struct Checked<'a> {
    client: String,
    redirect_uri: &'a str,
    scopes: Vec<String>,
    challenge: Option<Challenge>,
}

/// What only Google's own page may say: status, code, message.
struct PageError(u16, &'static str, String);

impl Realm {
    pub(crate) fn authorize(&mut self, now: Timestamp, request: &WireRequest) -> Answer {
        let params = &request.params;
        let checked = match self.check_authorization(params) {
            Ok(checked) => checked,
            Err(error) => return self.sign_in_error(params, &error),
        };
        if self.consent == Consent::Deny {
            return refused(params, &checked, "access_denied");
        }
        let Some(sub) = self.who_signs_in(params) else {
            let error = PageError(400, "invalid_request", "The realm has no such user; add it first.".into());
            return self.sign_in_error(params, &error);
        };
        if params.words("prompt") == ["none"] && self.consent_is_shown(params, &checked, &sub) {
            return refused(params, &checked, "interaction_required");
        }
        self.approve(now, params, &checked, &sub)
    }

    fn check_authorization<'a>(&self, params: &'a Params) -> Result<Checked<'a>, PageError> {
        let missing = |name: &str| PageError(400, "invalid_request", format!("Missing required parameter: {name}"));
        let client = params.get("client_id").ok_or_else(|| missing("client_id"))?;
        let redirect_uri = params.get("redirect_uri").ok_or_else(|| missing("redirect_uri"))?;
        let known = self.clients.get(client);
        let known = known.ok_or_else(|| PageError(401, "invalid_client", "The OAuth client was not found.".into()))?;
        if !known.may_redirect_to(redirect_uri) {
            return Err(PageError(400, "redirect_uri_mismatch", format!("redirect_uri={redirect_uri}")));
        }
        let kind = params.get("response_type");
        let kind = kind
            .ok_or_else(|| PageError(400, "invalid_request", "Required parameter is missing: response_type".into()))?;
        if kind != "code" {
            return Err(PageError(400, "unsupported_response_type", format!("Invalid response_type: {kind}")));
        }
        params.get("scope").ok_or_else(|| missing("scope"))?;
        Ok(Checked {
            client: client.to_owned(),
            redirect_uri,
            scopes: granted_form(&params.words("scope")),
            challenge: challenge(params)?,
        })
    }

    /// The hinted user, else the chosen one, else the first. A hint that leads nowhere is nobody.
    fn who_signs_in(&self, params: &Params) -> Option<String> {
        let user = match (params.get("login_hint"), &self.signs_in) {
            (Some(hint), _) => self.users.iter().find(|user| user.is_hinted_by(hint)),
            (None, Some(sub)) => self.user(sub),
            (None, None) => self.users.first(),
        };
        user.map(|user| user.sub.clone())
    }

    fn approve(&mut self, now: Timestamp, params: &Params, checked: &Checked<'_>, sub: &str) -> Answer {
        let shown = self.consent_is_shown(params, checked, sub);
        self.remember_consent(checked, sub);
        let label = self.mint_code(now, params, checked, sub, shown);
        let location = self.callback(params, checked, label, shown);
        Answer::redirect(location).with_effect(Effect {
            client: Some(checked.client.clone()),
            user: Some(sub.to_owned()),
            minted: vec![label],
            ..Effect::default()
        })
    }

    /// Google asks for consent the first time a project wants something, and again with `prompt=consent`.
    fn consent_is_shown(&self, params: &Params, checked: &Checked<'_>, sub: &str) -> bool {
        let key = (sub.to_owned(), project_of(&checked.client).to_owned());
        let granted = self.consents.get(&key);
        let forced = params.words("prompt").iter().any(|word| word == "consent")
            || params.get("approval_prompt") == Some("force");
        forced || granted.is_none_or(|granted| checked.scopes.iter().any(|scope| !granted.contains(scope)))
    }

    fn remember_consent(&mut self, checked: &Checked<'_>, sub: &str) {
        let key = (sub.to_owned(), project_of(&checked.client).to_owned());
        let granted = self.consents.entry(key).or_default();
        let new = checked.scopes.iter().filter(|scope| !granted.contains(scope)).cloned().collect::<Vec<_>>();
        granted.extend(new);
    }

    fn mint_code(&mut self, now: Timestamp, params: &Params, checked: &Checked<'_>, sub: &str, shown: bool) -> Label {
        let index = self.codes.len();
        let label = Label { kind: TokenKind::Code, number: number_after(index) };
        let value = self.entropy.code();
        self.by_value.insert(value.clone(), TokenRef::Code(index));
        self.codes.push(Code {
            label,
            value: Secret::new(value),
            client: checked.client.clone(),
            sub: sub.to_owned(),
            redirect_uri: checked.redirect_uri.to_owned(),
            scopes: checked.scopes.clone(),
            nonce: params.get("nonce").map(str::to_owned),
            challenge: checked.challenge.clone(),
            offline: shown && params.get("access_type") == Some("offline"),
            expires: now.plus(CODE_LIFETIME),
            redeemed: false,
        });
        label
    }

    /// The order of 2026: `state, iss, code, scope, authuser, [hd,] prompt`.
    fn callback(&self, params: &Params, checked: &Checked<'_>, label: Label, shown: bool) -> String {
        let code = self.codes.iter().find(|code| code.label == label);
        let hd = code.and_then(|code| self.user(&code.sub)).and_then(|user| user.hd.as_deref());
        let scope = checked.scopes.join(" ");
        let pairs = [
            ("state", params.get("state")),
            ("iss", Some(self.base.as_str())),
            ("code", code.map(|code| code.value.expose())),
            ("scope", Some(scope.as_str())),
            ("authuser", Some("0")),
            ("hd", hd),
            ("prompt", Some(if shown { "consent" } else { "none" })),
        ];
        with_query(checked.redirect_uri, &pairs)
    }

    fn sign_in_error(&self, params: &Params, error: &PageError) -> Answer {
        let PageError(status, code, message) = error;
        let packed = STANDARD.encode(auth_error(code, message, *status));
        let pairs = [
            ("authError", Some(packed.as_str())),
            ("client_id", params.get("client_id")),
            ("flowName", Some("GeneralOAuthFlow")),
        ];
        let page = format!("{}/signin/oauth/error", self.base);
        let mut answer = Answer::redirect(with_query(&page, &pairs));
        answer.effect.error = Some((*code).to_owned());
        answer
    }
}

/// The page behind [`Realm::sign_in_error`]: says what the packed error says.
pub(crate) fn error_page(request: &WireRequest) -> Answer {
    let packed = request.params.get("authError").and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    let text: String = String::from_utf8_lossy(&packed)
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '<' | '>' | '&' | '"'))
        .collect();
    Answer::html(
        400,
        &format!("<!DOCTYPE html><title>Sign in – Google Accounts</title><h1>Access blocked</h1><p>{text}</p>"),
    )
}

/// What may be told to the redirect URI (RFC 6749 section 4.1.2.1).
fn refused(params: &Params, checked: &Checked<'_>, code: &str) -> Answer {
    let pairs = [("error", Some(code)), ("state", params.get("state"))];
    let mut answer = Answer::redirect(with_query(checked.redirect_uri, &pairs));
    answer.effect.client = Some(checked.client.clone());
    answer.effect.error = Some(code.to_owned());
    answer
}

fn with_query(uri: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let glue = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{glue}{}", query.finish())
}

/// Google grants `email` and `profile` under their long names too.
fn granted_form(asked: &[String]) -> Vec<String> {
    let mut granted: Vec<String> = vec![];
    for scope in asked {
        let long = match scope.as_str() {
            "email" => Some("https://www.googleapis.com/auth/userinfo.email"),
            "profile" => Some("https://www.googleapis.com/auth/userinfo.profile"),
            _ => None,
        };
        for name in [scope.as_str()].into_iter().chain(long) {
            if !granted.iter().any(|known| known == name) {
                granted.push(name.to_owned());
            }
        }
    }
    granted
}

fn challenge(params: &Params) -> Result<Option<Challenge>, PageError> {
    let Some(challenge) = params.get("code_challenge") else { return Ok(None) };
    match params.get("code_challenge_method").unwrap_or("plain") {
        "plain" => Ok(Some(Challenge::Plain(challenge.to_owned()))),
        "S256" => Ok(Some(Challenge::S256(challenge.to_owned()))),
        other => Err(PageError(
            400,
            "invalid_request",
            format!("Invalid parameter value for code_challenge_method: {other}"),
        )),
    }
}

/// The protobuf that Google packs into `authError`: 1 code, 2 message, 4 status.
fn auth_error(code: &str, message: &str, status: u16) -> Vec<u8> {
    let mut out = vec![];
    for (tag, text) in [(0x0a, code), (0x12, message)] {
        out.push(tag);
        varint(text.len(), &mut out);
        out.extend_from_slice(text.as_bytes());
    }
    out.push(0x20);
    varint(usize::from(status), &mut out);
    out
}

fn varint(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or_default());
}
