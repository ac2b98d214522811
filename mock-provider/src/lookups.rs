//! The endpoints that look tokens up: userinfo, tokeninfo, revocation, and the protected resource.

use std::sync::Arc;

use http::{HeaderValue, Method, header};
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Body, Effect};
use crate::authorize::{EMAIL, PROFILE};
use crate::issue::{has, long_names};
use crate::jws;
use crate::keys::SigningKey;
use crate::party::ServiceAccount;
use crate::quirks::EmptyObject;
use crate::realm::Realm;
use crate::request::WireRequest;
use crate::state::{AccessToken, TokenRef};
use crate::time::Timestamp;

/// What comes with a 401 of Google's APIs.
const CHALLENGE: &str = r#"Bearer realm="https://accounts.google.com/", error="invalid_token""#;

impl Realm {
    pub(crate) fn userinfo(&self, now: Timestamp, request: &WireRequest) -> Answer {
        let value = request.bearer().or_else(|| request.params.get("access_token"));
        let Some(token) = value.and_then(|value| self.good_access(value, now)) else {
            return if is_old(&request.path) { unauthenticated(request) } else { self.invalid_credentials() };
        };
        let Some(user) = self.state.user(&token.sub) else {
            return if is_old(&request.path) { unauthenticated(request) } else { self.invalid_credentials() };
        };
        let old = is_old(&request.path);
        let mut claims = Map::new();
        claims.insert(if old { "id" } else { "sub" }.into(), user.sub.as_str().into());
        let email = || {
            let verified = if old { "verified_email" } else { "email_verified" };
            [("email", Value::from(user.email.as_str())), (verified, true.into())]
        };
        // The old form has the address in front, the new one at the end.
        let (first, last) = if old { (has(&token.scopes, EMAIL), false) } else { (false, has(&token.scopes, EMAIL)) };
        let mut put = |(name, value): (&str, Value)| claims.insert(name.to_owned(), value);
        first.then(email).into_iter().flatten().for_each(|pair| drop(put(pair)));
        if has(&token.scopes, PROFILE) {
            user.userinfo_claims().into_iter().for_each(|pair| drop(put(pair)));
        }
        last.then(email).into_iter().flatten().for_each(|pair| drop(put(pair)));
        claims.extend(user.hd.as_ref().map(|hd| ("hd".to_owned(), hd.as_str().into())));
        claims.extend(user.claims.clone());
        let mut answer = Answer::api(200, Value::Object(claims)).with_effect(self.effect_of(token));
        // Only the token endpoint writes the charset in small letters.
        answer.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
        answer
    }

    /// Of the newer userinfo endpoints; note `invalid_request`, not `invalid_token`.
    fn invalid_credentials(&self) -> Answer {
        let mut answer = Answer::error(401, "invalid_request", "Invalid Credentials");
        if self.state.quirks.www_authenticate.is_on() {
            answer.put_header(header::WWW_AUTHENTICATE, CHALLENGE);
        }
        answer
    }

    /// A small API of our own behind a bearer token (RFC 6750 section 3). It wants the scopes in its parameter `scope`.
    pub(crate) fn resource(&self, now: Timestamp, request: &WireRequest) -> Answer {
        let Some(token) = request.bearer().and_then(|value| self.good_access(value, now)) else {
            return unauthenticated(request);
        };
        let missing = request.params.words("scope").into_iter().find(|scope| !has(&token.scopes, scope));
        let answer = match missing {
            Some(scope) => insufficient(&scope),
            None => Answer::api(200, json!({"sub": &*token.sub, "scope": token.scopes.join(" ")})),
        };
        answer.with_effect(self.effect_of(token))
    }

    fn effect_of(&self, token: &AccessToken) -> Effect {
        Effect {
            client: Some(token.client.to_string()),
            user: Some(token.sub.to_string()),
            presented: Some(token.label),
            ..Effect::default()
        }
    }

    pub(crate) fn tokeninfo(&self, now: Timestamp, request: &WireRequest) -> Answer {
        let old = request.path.contains("/v1/") || request.path.contains("/v2/");
        let invalid = || match old {
            true => crate::answer::OAuthError::bare(400, "invalid_token").into(),
            false => Answer::error(400, "invalid_token", "Invalid Value"),
        };
        if let Some(id_token) = request.params.get("id_token") {
            return self.id_token_info(now, id_token).map_or_else(invalid, |claims| Answer::api(200, claims));
        }
        let value = request.params.get("access_token").or_else(|| request.bearer());
        let Some(token) = value.and_then(|value| self.good_access(value, now)) else { return invalid() };
        let info = if old { self.old_token_info(now, token) } else { self.access_token_info(now, token) };
        Answer::api(200, info).with_effect(self.effect_of(token))
    }

    /// The service account that a token was issued to, if it was one.
    fn robot_of(&self, token: &AccessToken) -> Option<&ServiceAccount> {
        self.state.robot(&token.client)
    }

    /// A service account is told by its numeric id.
    fn client_shown(&self, token: &AccessToken) -> String {
        self.robot_of(token).map_or_else(|| token.client.to_string(), |robot| robot.unique_id.clone())
    }

    /// All values are strings, numbers included.
    fn access_token_info(&self, now: Timestamp, token: &AccessToken) -> Value {
        let mut info = Map::new();
        let mut put = |name: &str, value: String| info.insert(name.to_owned(), value.into());
        put("azp", self.client_shown(token));
        put("aud", self.client_shown(token));
        if has(&token.scopes, "openid") {
            put("sub", token.sub.to_string());
        }
        put("scope", long_names(&token.scopes));
        put("exp", token.expires.as_secs().to_string());
        put("expires_in", (token.expires.as_secs() - now.as_secs()).to_string());
        if let Some(user) = self.state.user(&token.sub).filter(|_| has(&token.scopes, EMAIL)) {
            put("email", user.email.clone());
            put("email_verified", "true".to_owned());
        }
        put("access_type", if token.lineage.is_some() { "offline" } else { "online" }.to_owned());
        Value::Object(info)
    }

    /// The shape of v1, with a number and a truth value.
    fn old_token_info(&self, now: Timestamp, token: &AccessToken) -> Value {
        let mut info = Map::new();
        let mut put = |name: &str, value: Value| info.insert(name.to_owned(), value);
        put("issued_to", (&*token.client).into());
        put("audience", (&*token.client).into());
        put("user_id", (&*token.sub).into());
        put("scope", long_names(&token.scopes).into());
        put("expires_in", (token.expires.as_secs() - now.as_secs()).into());
        if let Some(user) = self.state.user(&token.sub).filter(|_| has(&token.scopes, EMAIL)) {
            put("email", user.email.as_str().into());
            put("verified_email", true.into());
        }
        put("access_type", if token.lineage.is_some() { "offline" } else { "online" }.into());
        Value::Object(info)
    }

    fn id_token_info(&self, now: Timestamp, id_token: &str) -> Option<Value> {
        let (header, claims) = jws::read(id_token)?;
        let named = |key: &Arc<SigningKey>| header.get("kid").is_some_and(|kid| kid == key.kid());
        let key = self.shown_keys(now).into_iter().find(|key| named(key) && key.signed(id_token))?;
        if claims.get("exp")?.as_i64()? <= now.as_secs() {
            return None;
        }
        let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut info: Map<String, Value> = claims.into_iter().map(|(name, value)| (name, text(value).into())).collect();
        info.extend([("alg".into(), "RS256".into()), ("kid".into(), key.kid().into()), ("typ".into(), "JWT".into())]);
        Some(Value::Object(info))
    }

    /// Takes back the whole grant that the token belongs to. Google answers 400 for a token that is already dead, where
    /// RFC 7009 section 2.2 wants 200. No client authentication is asked for.
    pub(crate) fn revoke(&mut self, now: Timestamp, request: &WireRequest) -> Answer {
        if request.method != Method::POST && request.path == "/revoke" {
            return Answer::wrong_method();
        }
        let Some(value) = request.params.get("token") else {
            return Answer::error(400, "invalid_request", "Missing required parameter: token");
        };
        let presented = self.state.label_of(value);
        let mut answer = match self.owner_if_live(value, now) {
            Some((client, sub)) => {
                self.revoke_grant(&client, &sub, now);
                let effect = Effect { client: Some(client), user: Some(sub), ..Effect::default() };
                self.empty_object().with_effect(effect)
            }
            None => self.not_revoked(now, value),
        };
        answer.effect.presented = presented;
        answer
    }

    fn empty_object(&self) -> Answer {
        let mut answer = Answer::api(200, json!({}));
        if self.state.quirks.revoke_body == EmptyObject::TwoLines {
            answer.body = Body::Bytes(b"{\n}".to_vec());
        }
        answer
    }

    /// An access token that has run out and a string from elsewhere cannot be revoked; what is revoked, not again.
    fn not_revoked(&self, now: Timestamp, value: &str) -> Answer {
        let revocable = match self.state.place_of(value) {
            Some(TokenRef::Access(place)) => {
                let token = self.state.access(place);
                now < token.expires && self.robot_of(token).is_none()
            }
            Some(TokenRef::Refresh(..) | TokenRef::Code(_)) => true,
            Some(TokenRef::Device(_)) | None => false,
        };
        if !revocable {
            return Answer::error(400, "invalid_token", "Token is not revocable.");
        }
        let stop = self.state.quirks.revoke_full_stop.then(".").unwrap_or_default();
        Answer::error(400, "invalid_token", &format!("Token expired or revoked{stop}"))
    }

    fn owner_if_live(&self, value: &str, now: Timestamp) -> Option<(String, String)> {
        match self.state.place_of(value)? {
            TokenRef::Access(_) => {
                let token = self.good_access(value, now).filter(|token| self.robot_of(token).is_none())?;
                Some((token.client.to_string(), token.sub.to_string()))
            }
            TokenRef::Refresh(place, _) => {
                let lineage = self.state.lineage(place);
                let live = lineage.family.dead(now, &self.state.policy_for(&lineage.client)).is_none();
                live.then(|| (lineage.client.to_string(), lineage.sub.to_string()))
            }
            TokenRef::Code(_) | TokenRef::Device(_) => None,
        }
    }
}

fn is_old(path: &str) -> bool {
    path.contains("/v1/userinfo") && path.starts_with("/oauth2") || path.contains("/v2/userinfo")
}

/// What Google's APIs say to a bad bearer token.
fn unauthenticated(request: &WireRequest) -> Answer {
    let first = if request.headers.contains_key(header::AUTHORIZATION) {
        "Request had invalid authentication credentials."
    } else {
        "Request is missing required authentication credential."
    };
    let message = format!(
        "{first} Expected OAuth 2 access token, login cookie or other valid authentication credential. \
         See https://developers.google.com/identity/sign-in/web/devconsole-project."
    );
    let body = json!({"error": {"code": 401, "message": message, "status": "UNAUTHENTICATED"}});
    let mut answer = Answer::api(401, body);
    answer.put_header(header::WWW_AUTHENTICATE, CHALLENGE);
    answer.effect.error = Some("invalid_token".into());
    answer
}

/// What Google's APIs say to a token without the scope (RFC 6750 section 3.1).
fn insufficient(scope: &str) -> Answer {
    let body = json!({"error": {
        "code": 403,
        "message": "Request had insufficient authentication scopes.",
        "status": "PERMISSION_DENIED",
        "details": [{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "domain": "googleapis.com",
        }],
    }});
    let mut answer = Answer::api(403, body);
    let clean: String = scope.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\')).collect();
    let text = format!(r#"Bearer realm="https://accounts.google.com/", error="insufficient_scope", scope="{clean}""#);
    answer.put_header(header::WWW_AUTHENTICATE, &text);
    answer.effect.error = Some("insufficient_scope".into());
    answer
}
