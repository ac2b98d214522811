//! The authorization endpoint: checks the request, lets a person or nobody decide, and redirects.
//!
//! What is wrong with the client or the redirect URI never reaches the redirect URI; it goes to a page of Google's own
//! (RFC 6749 section 4.1.2.1). Nobody is asked unless the realm says so; [`crate::consent_page`] is where a person is.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::answer::{Answer, Effect};
use crate::authorize_request::{AuthorizeRequest, PageError};
use crate::callback::{Callback, with_query};
use crate::html;
use crate::issue::{Hashes, Subject};
use crate::party::{Client, Standing, User};
use crate::policy::Publishing;
use crate::realm::{Realm, is_for_sign_in};
use crate::request::{Params, WireRequest};
use crate::state::{Code, Consent};
use crate::time::{Lifetime, Timestamp};

/// The long names of two scopes.
pub(crate) const EMAIL: &str = "https://www.googleapis.com/auth/userinfo.email";
pub(crate) const PROFILE: &str = "https://www.googleapis.com/auth/userinfo.profile";

/// What is said of an internal project, on the page and at the token endpoint.
pub(crate) const ORG_INTERNAL: &str = "This client is restricted to users within its organization.";

/// Whom a project is not for.
pub(crate) enum ShutOut {
    /// It is internal, and the user belongs to no domain.
    Strangers,
    /// It is in Testing, and the user is no test user.
    Untested,
}

/// What was decided at the page, by a person or by the realm's settings.
pub(crate) struct Choice {
    pub(crate) sub: Arc<str>,
    pub(crate) scopes: Vec<String>,
    pub(crate) shown: bool,
    pub(crate) access_for: Option<Lifetime>,
}

impl Realm {
    pub(crate) fn authorize(&mut self, now: Timestamp, request: &WireRequest) -> Answer {
        let params = &request.params;
        let asked = match self.check_authorization(params) {
            Ok(asked) => asked,
            Err(error) => return self.sign_in_error(params, &error),
        };
        if self.state.at_the_page.consent == Consent::Deny {
            return self.refused(params, &asked, "access_denied");
        }
        let silent = params.words("prompt") == ["none"];
        if self.state.at_the_page.consent == Consent::Ask && !silent {
            return Answer::redirect(format!("{}/v3/signin/identifier?{}", self.base, params.as_form()));
        }
        let user = match self.who_signs_in(params, &asked) {
            Ok(user) => Arc::from(user.sub.as_str()),
            Err(error) => return self.sign_in_error(params, &error),
        };
        let shown = self.consent_is_shown(params, &asked, &user);
        if silent && shown {
            return self.refused(params, &asked, self.state.quirks.prompt_none_error.code());
        }
        let without = &self.state.at_the_page.without;
        let scopes =
            asked.scopes.iter().filter(|scope| !may_untick(scope) || !without.contains(scope)).cloned().collect();
        let access_for = self.state.at_the_page.access_for;
        self.approve(now, params, &asked, &Choice { sub: user, scopes, shown, access_for })
    }

    /// The hinted user, else the chosen one, else the first. A hint that leads nowhere is nobody.
    pub(crate) fn who_sits_there(&self, params: &Params) -> Option<&User> {
        match (params.get("login_hint"), &self.state.at_the_page.user) {
            (Some(hint), _) => self.state.user_hinted(hint),
            (None, Some(sub)) => self.state.user(sub),
            (None, None) => self.state.users.first(),
        }
    }

    fn who_signs_in(&self, params: &Params, asked: &AuthorizeRequest) -> Result<&User, PageError> {
        let user = self.who_sits_there(params);
        let user =
            user.ok_or_else(|| PageError::new(400, "invalid_request", "The realm has no such user; add it first."))?;
        self.check_user(user, asked)?;
        Ok(user)
    }

    /// Whether this user may use this project at all.
    pub(crate) fn check_user(&self, user: &User, asked: &AuthorizeRequest) -> Result<(), PageError> {
        if user.standing != Standing::Active {
            return Err(PageError::new(403, "access_denied", "The account is disabled or deleted."));
        }
        match self.shut_out(&asked.client, user) {
            Some(ShutOut::Strangers) => return Err(PageError::new(403, "org_internal", ORG_INTERNAL)),
            Some(ShutOut::Untested) => {
                let text = "The app has not completed the Google verification process.";
                return Err(PageError::new(403, "access_denied", text));
            }
            None => {}
        }
        if self.is_restricted(user, &asked.scopes) {
            let text = "Access to the requested scopes is blocked by the administrator of your organization.";
            return Err(PageError::new(400, "admin_policy_enforced", text));
        }
        Ok(())
    }

    /// Whether a client's project is not for this user.
    pub(crate) fn shut_out(&self, client: &str, user: &User) -> Option<ShutOut> {
        match self.state.policy_for(client).publishing {
            Publishing::Internal => user.hd.is_none().then_some(ShutOut::Strangers),
            Publishing::Testing => (!user.test_user).then_some(ShutOut::Untested),
            Publishing::Production => None,
        }
    }

    /// Whether an administrator keeps one of the scopes from a managed account.
    pub(crate) fn is_restricted(&self, user: &User, scopes: &[String]) -> bool {
        user.hd.is_some() && scopes.iter().any(|scope| self.state.restricted_scopes.contains(scope))
    }

    pub(crate) fn approve(
        &mut self,
        now: Timestamp,
        params: &Params,
        asked: &AuthorizeRequest,
        choice: &Choice,
    ) -> Answer {
        if choice.scopes.is_empty() {
            return self.refused(params, asked, "access_denied");
        }
        let granted = self.remember_consent(params, asked, choice);
        let scopes = Arc::new(granted);
        let mut callback = Callback::new(&asked.redirect_uri, asked.mode);
        let mut effect =
            Effect { client: Some(asked.client.to_string()), user: Some(choice.sub.to_string()), ..Effect::default() };
        callback.put("state", params.get("state"));
        callback.put("iss", self.state.quirks.callback_iss.then(self.base.as_str()));
        let mut hashes = Hashes::default();
        if asked.wants.code {
            let place = self.mint_code(now, params, asked, choice, Arc::clone(&scopes));
            let code = self.state.code(place);
            callback.put("code", Some(code.value.expose()));
            effect.minted.push(code.label);
            hashes.code = Some(code.value.clone());
        }
        if asked.wants.token {
            let place = self.mint_access(now, &asked.client, &choice.sub, &scopes, None);
            let token = self.state.access(place);
            callback.put("access_token", Some(token.value.expose()));
            effect.minted.push(token.label);
            hashes.access_token = Some(token.value.clone());
            callback.put("token_type", Some("Bearer"));
            let seconds = self.state.policy_for(&asked.client).access_ttl.0.as_secs();
            callback.put("expires_in", Some(&seconds.to_string()));
        }
        callback.put("scope", Some(&scopes.join(" ")));
        callback.put("authuser", Some("0"));
        callback.put("hd", self.state.user(&choice.sub).and_then(|user| user.hd.as_deref()));
        callback.put("prompt", Some(if choice.shown { "consent" } else { "none" }));
        if asked.wants.id_token {
            effect.minted.push(self.state.mint_id());
            let subject =
                Subject { client: &asked.client, sub: &choice.sub, scopes: &scopes, nonce: params.get("nonce") };
            callback.put_id_token(self.id_token(now, &subject, &hashes));
        }
        Answer::callback(callback).with_effect(effect)
    }

    /// Google asks for consent the first time a project wants something, and again with `prompt=consent`.
    pub(crate) fn consent_is_shown(&self, params: &Params, asked: &AuthorizeRequest, sub: &str) -> bool {
        let granted = self.state.grant(&asked.client, sub).map(|grant| &grant.scopes);
        let forced = params.words("prompt").iter().any(|word| word == "consent")
            || params.get("approval_prompt") == Some("force");
        forced || granted.is_none_or(|granted| asked.scopes.iter().any(|scope| !granted.contains(scope)))
    }

    /// The scopes of this sign-in; with `include_granted_scopes` all that the project has from this user.
    fn remember_consent(&mut self, params: &Params, asked: &AuthorizeRequest, choice: &Choice) -> Vec<String> {
        self.remember_scopes(&asked.client, &choice.sub, &choice.scopes);
        if params.get("include_granted_scopes") == Some("true") {
            return self.state.grant_mut(&asked.client, &choice.sub).scopes.clone();
        }
        choice.scopes.clone()
    }

    /// Notes down what a user has granted to a client's project.
    pub(crate) fn remember_scopes(&mut self, client: &str, sub: &str, scopes: &[String]) {
        let granted = &mut self.state.grant_mut(client, sub).scopes;
        for scope in scopes {
            if !granted.contains(scope) {
                granted.push(scope.clone());
            }
        }
    }

    fn mint_code(
        &mut self,
        now: Timestamp,
        params: &Params,
        asked: &AuthorizeRequest,
        choice: &Choice,
        scopes: Arc<Vec<String>>,
    ) -> u32 {
        let installed = self.state.clients.get(&*asked.client).is_some_and(Client::is_installed);
        let expires = now.plus(self.state.quirks.code_ttl.0);
        self.state.add_code(|label, value| Code {
            label,
            value,
            client: Arc::clone(&asked.client),
            sub: Arc::clone(&choice.sub),
            redirect_uri: asked.redirect_uri.clone(),
            scopes,
            nonce: params.get("nonce").map(str::to_owned),
            challenge: asked.challenge.clone(),
            offline: choice.shown && (installed || params.get("access_type") == Some("offline")),
            access_for: choice.access_for,
            expires,
            redeemed: false,
            bought: None,
        })
    }

    pub(crate) fn sign_in_error(&self, params: &Params, error: &PageError) -> Answer {
        let packed = STANDARD.encode(auth_error(&error.code, &error.message, error.status));
        let pairs = [
            ("authError", Some(packed.as_str())),
            ("client_id", params.get("client_id")),
            ("flowName", Some("GeneralOAuthFlow")),
        ];
        let page = format!("{}/signin/oauth/error", self.base);
        let mut answer = Answer::redirect(with_query(&page, &pairs));
        answer.effect.error = Some(error.code.clone());
        answer
    }

    /// What may be told to the redirect URI (RFC 6749 section 4.1.2.1).
    pub(crate) fn refused(&self, params: &Params, asked: &AuthorizeRequest, code: &str) -> Answer {
        let mut callback = Callback::new(&asked.redirect_uri, asked.mode);
        callback.put("error", Some(code));
        callback.put("error_subtype", (code == "immediate_failed").then_some("access_denied"));
        callback.put("state", params.get("state"));
        callback.put("iss", self.state.quirks.denial_iss.then(self.base.as_str()));
        let mut answer = Answer::callback(callback);
        answer.effect.client = Some(asked.client.to_string());
        answer.effect.error = Some(code.to_owned());
        answer
    }
}

/// The page behind [`Realm::sign_in_error`]: says what the packed error says.
pub(crate) fn error_page(request: &WireRequest) -> Answer {
    let packed = request.params.get("authError").and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    let (code, message, status) = read_auth_error(&packed).unwrap_or_default();
    let status = u16::try_from(status).ok().filter(|status| (400..500).contains(status)).unwrap_or(400);
    let body = format!(
        "<h1>Access blocked</h1>\n<p>{}</p>\n<p>Error {status}: {}</p>",
        html::escape(&message),
        html::escape(&code)
    );
    Answer::html(status, &html::page("Sign in – Google Accounts", &body))
}

/// Google grants `email` and `profile` under their long names too, and `openid` with either.
pub(crate) fn granted_form(asked: &[String]) -> Vec<String> {
    let mut granted = with_long_names(asked);
    let says_who = granted.iter().any(|scope| scope == EMAIL || scope == PROFILE);
    if says_who && !granted.iter().any(|scope| scope == "openid") {
        granted.push("openid".to_owned());
    }
    granted
}

/// The scopes, and the long names of those that have one.
pub(crate) fn with_long_names(asked: &[String]) -> Vec<String> {
    let mut granted: Vec<String> = vec![];
    for scope in asked {
        let long = match scope.as_str() {
            "email" => Some(EMAIL),
            "profile" => Some(PROFILE),
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

/// The scopes that a person may untick: those that say who somebody is are not among them.
pub(crate) fn may_untick(scope: &str) -> bool {
    !is_for_sign_in(scope)
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

fn read_auth_error(bytes: &[u8]) -> Option<(String, String, usize)> {
    let mut rest = bytes;
    let mut texts = vec![];
    while texts.len() < 2 {
        let (_tag, length) = (read_varint(&mut rest)?, read_varint(&mut rest)?);
        let (text, after) = rest.split_at_checked(length)?;
        texts.push(String::from_utf8_lossy(text).into_owned());
        rest = after;
    }
    let _tag = read_varint(&mut rest)?;
    let status = read_varint(&mut rest)?;
    let message = texts.pop()?;
    Some((texts.pop()?, message, status))
}

fn read_varint(bytes: &mut &[u8]) -> Option<usize> {
    let mut number = 0;
    for shift in (0..28).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= usize::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_packed_error_reads_back(code in "[a-z_]{0,30}", message in ".{0,200}", status in 400u16..600) {
            let read = read_auth_error(&auth_error(&code, &message, status));
            prop_assert_eq!(read, Some((code, message, usize::from(status))));
        }

        #[test]
        fn any_bytes_are_unpacked_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = read_auth_error(&bytes);
        }
    }
}
