//! The endpoints that look tokens up: discovery, keys, userinfo, tokeninfo, revocation, and the protected resource.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Body, Effect};
use crate::json_text::{JsonText, Layout};
use crate::realm::{AccessToken, Realm, TokenRef};
use crate::request::WireRequest;
use crate::time::Timestamp;
use crate::token::has;

impl Realm {
    /// Google's discovery document: one space a level, and a newline at the end.
    pub(crate) fn discovery(&self) -> Answer {
        let url = |path: &str| format!("{}{path}", self.base);
        let document = json!({
            "issuer": self.base,
            "authorization_endpoint": url("/o/oauth2/v2/auth"),
            "token_endpoint": url("/token"),
            "userinfo_endpoint": url("/v1/userinfo"),
            "revocation_endpoint": url("/revoke"),
            "jwks_uri": url("/oauth2/v3/certs"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "claims_supported": [
                "aud", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss", "name", "sub"
            ],
            "code_challenge_methods_supported": ["plain", "S256"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "authorization_response_iss_parameter_supported": true,
        });
        let text = JsonText::from(document).render(Layout::Pretty(1)) + "\n";
        cached_json(Body::Bytes(text.into_bytes()), "application/json", "public, max-age=3600")
    }

    pub(crate) fn jwks(&self) -> Answer {
        let keys: Vec<Value> = self.keys.iter().rev().map(|key| key.jwk()).collect();
        let body = Body::Json(json!({ "keys": keys }).into(), Layout::Pretty(2));
        cached_json(body, "application/json; charset=UTF-8", "public, max-age=21155, must-revalidate, no-transform")
    }

    pub(crate) fn userinfo(&self, now: Timestamp, request: &WireRequest) -> Answer {
        let value = request.bearer().or_else(|| request.params.get("access_token"));
        let Some(token) = value.and_then(|value| self.good_access(value, now)) else {
            return if is_old(&request.path) {
                unauthenticated(request)
            } else {
                Answer::error(401, "invalid_request", "Invalid Credentials")
            };
        };
        let Some(user) = self.user(&token.sub) else { return unauthenticated(request) };
        let old = is_old(&request.path);
        let mut claims = Map::new();
        claims.insert(if old { "id" } else { "sub" }.into(), user.sub.as_str().into());
        if has(&token.scopes, "profile") {
            claims.insert("name".into(), user.name().into());
            claims.insert("given_name".into(), user.given_name.as_str().into());
            claims.insert("family_name".into(), user.family_name.as_str().into());
        }
        if has(&token.scopes, "email") {
            claims.insert("email".into(), user.email.as_str().into());
            claims.insert(if old { "verified_email" } else { "email_verified" }.into(), true.into());
        }
        claims.extend(user.hd.as_ref().map(|hd| ("hd".to_owned(), hd.as_str().into())));
        Answer::api(200, Value::Object(claims)).with_effect(self.effect_of(token))
    }

    /// A small API of our own behind a bearer token (RFC 6750 section 3).
    pub(crate) fn resource(&self, now: Timestamp, request: &WireRequest) -> Answer {
        match request.bearer().and_then(|value| self.good_access(value, now)) {
            Some(token) => Answer::api(200, json!({"sub": token.sub, "scope": token.scopes.join(" ")}))
                .with_effect(self.effect_of(token)),
            None => unauthenticated(request),
        }
    }

    fn effect_of(&self, token: &AccessToken) -> Effect {
        Effect {
            client: Some(token.client.clone()),
            user: Some(token.sub.clone()),
            presented: Some(token.label),
            ..Effect::default()
        }
    }

    pub(crate) fn tokeninfo(&self, now: Timestamp, request: &WireRequest) -> Answer {
        let invalid = || Answer::error(400, "invalid_token", "Invalid Value");
        if let Some(id_token) = request.params.get("id_token") {
            return self.id_token_info(now, id_token).map_or_else(invalid, |claims| Answer::api(200, claims));
        }
        let value = request.params.get("access_token").or_else(|| request.bearer());
        let Some(token) = value.and_then(|value| self.good_access(value, now)) else { return invalid() };
        let old = request.path.contains("/v1/");
        let info = if old { self.old_token_info(now, token) } else { self.access_token_info(now, token) };
        Answer::api(200, info).with_effect(self.effect_of(token))
    }

    /// All values are strings, numbers included.
    fn access_token_info(&self, now: Timestamp, token: &AccessToken) -> Value {
        let mut info = Map::new();
        let mut put = |name: &str, value: String| info.insert(name.to_owned(), value.into());
        put("azp", token.client.clone());
        put("aud", token.client.clone());
        if has(&token.scopes, "openid") {
            put("sub", token.sub.clone());
        }
        put("scope", token.scopes.join(" "));
        put("exp", token.expires.as_secs().to_string());
        put("expires_in", (token.expires.as_secs() - now.as_secs()).to_string());
        if let Some(user) = self.user(&token.sub).filter(|_| has(&token.scopes, "email")) {
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
        put("issued_to", token.client.as_str().into());
        put("audience", token.client.as_str().into());
        put("user_id", token.sub.as_str().into());
        put("scope", token.scopes.join(" ").into());
        put("expires_in", (token.expires.as_secs() - now.as_secs()).into());
        if let Some(user) = self.user(&token.sub).filter(|_| has(&token.scopes, "email")) {
            put("email", user.email.as_str().into());
            put("verified_email", true.into());
        }
        put("access_type", if token.lineage.is_some() { "offline" } else { "online" }.into());
        Value::Object(info)
    }

    fn id_token_info(&self, now: Timestamp, id_token: &str) -> Option<Value> {
        let key = self.keys.iter().find(|key| key.signed(id_token))?;
        let claims = URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1)?).ok()?;
        let claims: Map<String, Value> = serde_json::from_slice(&claims).ok()?;
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
        let presented = self.label_of(value);
        let answer = match self.owner_if_live(value, now) {
            Some((client, sub)) => {
                self.revoke_grant(&client, &sub);
                Answer::api(200, json!({})).with_effect(Effect {
                    client: Some(client),
                    user: Some(sub),
                    ..Effect::default()
                })
            }
            None => Answer::error(400, "invalid_token", "Token expired or revoked"),
        };
        let effect = Effect { presented, ..answer.effect.clone() };
        answer.with_effect(effect)
    }

    fn owner_if_live(&self, value: &str, now: Timestamp) -> Option<(String, String)> {
        match *self.by_value.get(value)? {
            TokenRef::Access(_) => self.good_access(value, now).map(|token| (token.client.clone(), token.sub.clone())),
            TokenRef::Refresh(lineage, _) => {
                let lineage = &self.lineages[lineage];
                let live = lineage.family.dead(now, &self.policy).is_none();
                live.then(|| (lineage.client.clone(), lineage.sub.clone()))
            }
            TokenRef::Code(_) => None,
        }
    }
}

fn is_old(path: &str) -> bool {
    path.contains("/v1/userinfo") && path.starts_with("/oauth2") || path.contains("/v2/userinfo")
}

fn cached_json(body: Body, content_type: &str, cache: &str) -> Answer {
    let headers = [
        ("content-type", content_type),
        ("cache-control", cache),
        ("x-content-type-options", "nosniff"),
        ("access-control-allow-origin", "*"),
    ];
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer { status: 200, headers, body, effect: Effect::default() }
}

/// What Google's APIs say to a bad bearer token.
fn unauthenticated(request: &WireRequest) -> Answer {
    let first = if request.headers.contains_key(http::header::AUTHORIZATION) {
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
    let challenge = r#"Bearer realm="https://accounts.google.com/", error="invalid_token""#;
    answer.headers.push(("www-authenticate".into(), challenge.into()));
    answer.effect.error = Some("invalid_token".into());
    answer
}
