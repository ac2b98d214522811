//! The documents that clients read once and keep: discovery and keys.

use http::{HeaderMap, header};
use serde_json::{Map, Value, json};

use crate::answer::{ALT_SVC, Answer, Body, Effect, header_map};
use crate::endpoint::{ROBOT_JWK, ROBOT_X509};
use crate::json_text::Layout;
use crate::keys::SigningKey;
use crate::party::Standing;
use crate::quirks::Switch;
use crate::realm::Realm;
use crate::request::WireRequest;
use crate::time::Timestamp;

/// How long discovery may be kept, in seconds; its header says the same.
const DISCOVERY_LIFETIME: u64 = 3600;

/// How long keys may be kept, in seconds, as their header says: between five and seven hours at Google.
const KEYS_LIFETIME: u64 = 21_155;

impl Realm {
    /// Google's discovery document, one space a level and a newline at the end; or, at its other path, the metadata of
    /// RFC 8414.
    pub(crate) fn discovery(&self, now: Timestamp, request: &WireRequest) -> Answer {
        let document = if request.path.ends_with("oauth-authorization-server") {
            self.server_metadata()
        } else {
            self.openid_configuration()
        };
        let headers = header_map(&[
            ("accept-ranges", "bytes"),
            ("access-control-allow-origin", "*"),
            ("cross-origin-opener-policy", "same-origin; report-to=\"federated-signon-mpm-access\""),
            ("x-content-type-options", "nosniff"),
            ("server", "sffe"),
            ("x-xss-protection", "0"),
            ("cache-control", "public, max-age=3600"),
            ("last-modified", "Tue, 17 Mar 2026 14:48:34 GMT"),
            ("content-type", "application/json"),
            ("vary", "Accept-Encoding"),
            ("alt-svc", ALT_SVC),
        ]);
        cached(now, DISCOVERY_LIFETIME, headers, Value::Object(document), Layout::Lines(1))
    }

    fn openid_configuration(&self) -> Map<String, Value> {
        let mut document = self.endpoints();
        let more = json!({
            "response_types_supported": [
                "code", "token", "id_token", "code token", "code id_token", "token id_token", "code token id_token", "none"
            ],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "claims_supported": [
                "aud", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss", "name", "picture", "sub"
            ],
            "code_challenge_methods_supported": ["plain", "S256"],
            "grant_types_supported": [
                "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code",
                "urn:ietf:params:oauth:grant-type:jwt-bearer"
            ],
        });
        document.extend(more.as_object().cloned().unwrap_or_default());
        if self.state.quirks.callback_iss == Switch::On {
            document.insert("authorization_response_iss_parameter_supported".into(), true.into());
        }
        document
    }

    fn server_metadata(&self) -> Map<String, Value> {
        let mut document = self.openid_configuration();
        document.shift_remove("scopes_supported");
        for (name, path) in [
            ("service_documentation", "https://developers.google.com/identity/protocols/oauth2"),
            ("op_policy_uri", "https://policies.google.com/privacy"),
            ("op_tos_uri", "https://policies.google.com/terms"),
        ] {
            document.insert(name.into(), path.into());
        }
        document
    }

    fn endpoints(&self) -> Map<String, Value> {
        let mut document = Map::from_iter([("issuer".to_owned(), Value::from(self.base.as_str()))]);
        for (name, path) in [
            ("authorization_endpoint", "/o/oauth2/v2/auth"),
            ("device_authorization_endpoint", "/device/code"),
            ("token_endpoint", "/token"),
            ("userinfo_endpoint", "/v1/userinfo"),
            ("revocation_endpoint", "/revoke"),
            ("jwks_uri", "/oauth2/v3/certs"),
        ] {
            document.insert(name.into(), format!("{}{path}", self.base).into());
        }
        document
    }

    /// The keys as a JWK set.
    pub(crate) fn jwks(&self, now: Timestamp) -> Answer {
        let keys: Vec<Value> = self.shown_keys(now).iter().map(|key| key.jwk()).collect();
        keys_answer(now, json!({ "keys": keys }))
    }

    /// The keys as certificates, by key id.
    pub(crate) fn certs(&self, now: Timestamp) -> Answer {
        let keys = self.shown_keys(now);
        let certs = keys.iter().map(|key| (key.kid().to_owned(), key.certificate().into()));
        keys_answer(now, Value::Object(certs.collect()))
    }

    /// The keys of a service account. One that is gone, or whose key is, has none.
    pub(crate) fn service_account_keys(&self, now: Timestamp, request: &WireRequest) -> Answer {
        let (as_jwk, email) = match request.path.strip_prefix(ROBOT_JWK) {
            Some(email) => (true, email),
            None => (false, request.path.strip_prefix(ROBOT_X509).unwrap_or_default()),
        };
        let email = email.replace("%40", "@");
        let Some(robot) = self.state.robot(&email).filter(|robot| robot.standing != Standing::Deleted) else {
            return Answer::robot_page(404, "Not Found", "The requested URL was not found on this server.");
        };
        let key = SigningKey::of_service_accounts();
        let shown = (robot.key == Standing::Active).then_some(&key);
        if as_jwk {
            return keys_answer(now, json!({"keys": shown.map(SigningKey::jwk).into_iter().collect::<Vec<_>>()}));
        }
        let certs = shown.map(|key| (key.kid().to_owned(), key.certificate().into()));
        keys_answer(now, Value::Object(certs.into_iter().collect()))
    }
}

fn keys_answer(now: Timestamp, document: Value) -> Answer {
    let headers = header_map(&[
        ("server", "scaffolding on HTTPServer2"),
        ("x-xss-protection", "0"),
        ("x-frame-options", "SAMEORIGIN"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "public, max-age=21155, must-revalidate, no-transform"),
        ("content-type", "application/json; charset=UTF-8"),
        ("accept-ranges", "none"),
        ("vary", "Origin,X-Origin,Referer,Accept-Encoding"),
        ("alt-svc", ALT_SVC),
    ]);
    cached(now, KEYS_LIFETIME, headers, document, Layout::Pretty(2))
}

fn cached(now: Timestamp, seconds: u64, headers: HeaderMap, document: Value, layout: Layout) -> Answer {
    let body = Body::Json(document.into(), layout);
    let mut answer = Answer { status: 200, headers, body, effect: Effect::default() };
    answer.put_header(header::EXPIRES, &now.plus(std::time::Duration::from_secs(seconds)).http_date());
    answer
}
