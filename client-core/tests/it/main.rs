//! The client against a stubbed provider: what cannot be shown without HTTP.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod refresh;
mod sign_in;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use client_core::{
    Auth, AuthParts, ClientConfig, ClientSecret, Clock, CookieChange, EndpointUrl, Flights, JwksVerifier, Limits,
    ManualClock, Memory, Refresher, RefreshingCallbacks, ReqwestTransport, SeededEntropy, SessionCookie, SessionRead,
    Transport, UnixMillis,
};
use serde_json::{Value, json};
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

pub(crate) const START: UnixMillis = UnixMillis(1_893_456_000_000);
const SIGNER: &str = include_str!("../keys/signer.pem");

/// A stubbed provider and an application that uses it.
pub(crate) struct Rig {
    pub(crate) server: MockServer,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) auth: Auth,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with_limits(Limits { time: Duration::from_secs(5), size: 10_000 }).await
    }

    pub(crate) async fn with_limits(limits: Limits) -> Self {
        let server = MockServer::start().await;
        let config = Arc::new(config(&server.uri()));
        let transport: Arc<dyn Transport> = Arc::new(ReqwestTransport::new(limits).unwrap());
        let clock = Arc::new(ManualClock::at(START));
        let verifier = Arc::new(JwksVerifier::new(Arc::clone(&config), Arc::clone(&transport)));
        let coordinator = Arc::new(Flights::new(Arc::clone(&clock) as Arc<dyn Clock>, Memory::default()));
        let refresher =
            Refresher::new(Arc::clone(&config), Arc::clone(&transport), Arc::clone(&verifier) as _, coordinator);
        let auth = Auth::new(AuthParts {
            config,
            transport,
            verifier,
            callbacks: Arc::new(RefreshingCallbacks::new(refresher)),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: Arc::new(SeededEntropy::new("test")),
        });
        let rig = Self { server, clock, auth };
        let jwks = Mock::given(method("GET")).and(path("/jwks"));
        jwks.respond_with(ResponseTemplate::new(200).set_body_json(jwk_set())).mount(&rig.server).await;
        rig
    }

    /// Publishes these keys when they are fetched the next time, and the right ones after that.
    pub(crate) async fn publishes_once(&self, keys: &Value) {
        let mock =
            Mock::given(method("GET")).and(path("/jwks")).respond_with(ResponseTemplate::new(200).set_body_json(keys));
        mock.up_to_n_times(1).with_priority(1).mount(&self.server).await;
    }

    /// Answers the next token requests of this grant type.
    pub(crate) async fn answers(&self, grant: &str, times: u64, answer: ResponseTemplate) {
        let mock =
            Mock::given(method("POST")).and(path("/token")).and(body_string_contains(format!("grant_type={grant}")));
        mock.respond_with(answer).up_to_n_times(times).mount(&self.server).await;
    }

    /// Signs Ada in; her tokens live for an hour.
    pub(crate) async fn signed_in(&self) -> SessionCookie {
        let (url, pending) = self.auth.begin_sign_in();
        let value = |name: &str| url.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
        let id_token = self.id_token(&json!({"nonce": value("nonce")}));
        let body = json!({"access_token": "at1", "refresh_token": "rt1", "expires_in": 3600, "token_type": "Bearer", "id_token": id_token});
        self.answers("authorization_code", 1, ResponseTemplate::new(200).set_body_json(body)).await;
        let callback = format!("http://127.0.0.1:9/cb?state={}&code=c1", value("state")).parse().unwrap();
        self.auth.finish_sign_in(pending, &callback, None).await.unwrap()
    }

    /// A session whose access token has just expired.
    pub(crate) async fn expired(&self) -> SessionCookie {
        let cookie = self.signed_in().await;
        self.clock.set(START.plus(Duration::from_secs(3600)));
        cookie
    }

    pub(crate) async fn read(&self, cookie: &SessionCookie) -> (SessionRead, SessionCookie) {
        let read = self.auth.read(Some(cookie.clone())).await;
        let next = match &read.cookie {
            CookieChange::Set(cookie) => (**cookie).clone(),
            CookieChange::Keep | CookieChange::Clear => cookie.clone(),
        };
        (read, next)
    }

    /// The bodies of the refresh requests that arrived.
    pub(crate) async fn refreshes(&self) -> Vec<String> {
        let requests = self.server.received_requests().await.unwrap();
        let bodies = requests.into_iter().filter(|request| request.url.path() == "/token");
        let bodies = bodies.map(|request| String::from_utf8(request.body).unwrap());
        bodies.filter(|body| body.contains("grant_type=refresh_token")).collect()
    }

    /// An id_token of Ada's with some claims changed.
    pub(crate) fn id_token(&self, changes: &Value) -> String {
        let now = self.clock.now().as_secs().0;
        let mut claims =
            json!({"iss": self.server.uri(), "sub": "u-ada", "aud": "client", "iat": now, "exp": now + 3600});
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        signed(&claims)
    }
}

pub(crate) fn config(base: &str) -> ClientConfig {
    let at = |path: &str| EndpointUrl::parse(&format!("{base}{path}")).unwrap();
    ClientConfig {
        issuer: base.to_owned(),
        authorization_endpoint: at("/authorize"),
        token_endpoint: at("/token"),
        jwks_uri: at("/jwks"),
        revocation_endpoint: Some(at("/revoke")),
        client_id: "client".into(),
        client_secret: Some(ClientSecret::new("secret")),
        redirect_uri: "http://127.0.0.1:9/cb".into(),
        scopes: vec!["openid".into()],
    }
}

fn signed(claims: &Value) -> String {
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
    header.kid = Some("k1".into());
    jsonwebtoken::encode(&header, claims, &jsonwebtoken::EncodingKey::from_rsa_pem(SIGNER.as_bytes()).unwrap()).unwrap()
}

pub(crate) fn jwk_set() -> Value {
    let base64: String = SIGNER.lines().filter(|line| !line.starts_with("-----")).collect();
    let pair = KeyPair::from_pkcs8(&STANDARD.decode(base64).unwrap()).unwrap();
    let text = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    let public = pair.public_key();
    json!({"keys": [{"kty": "of the future", "kid": "k0"}, {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k1",
        "n": text(public.modulus().big_endian_without_leading_zero()),
        "e": text(public.exponent().big_endian_without_leading_zero())}]})
}

pub(crate) fn tokens(extra: &Value) -> ResponseTemplate {
    let mut body = json!({"access_token": "at2", "expires_in": 3600, "token_type": "Bearer"});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    ResponseTemplate::new(200).set_body_json(body)
}
