//! The provider over HTTP, as a client meets it. Every test has a server, a port and realms of its own.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod authorize;
mod concurrent;
mod control;
mod device;
mod documents;
mod faults;
mod holds;
mod http2;
mod in_process;
mod life;
mod observe;
mod presets;
mod profiles;
mod script;
mod service_accounts;
mod sign_in;
mod states;
mod token;
mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use mock_provider::{Client, Provider, RealmHandle, Timestamp};
use reqwest::{Response, Url};
use serde_json::Value;

/// 2030-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_893_456_000_000);
pub(crate) const REDIRECT: &str = "http://127.0.0.1:9/callback";

/// A provider, its default realm, and a browser-like client that follows nothing.
pub(crate) struct World {
    pub(crate) _provider: Provider,
    pub(crate) realm: RealmHandle,
    pub(crate) control: String,
    pub(crate) client: Client,
    pub(crate) http: reqwest::Client,
}

/// Tokens as a client gets them.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    pub(crate) id: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(
        options: impl FnOnce(mock_provider::ProviderBuilder) -> mock_provider::ProviderBuilder,
    ) -> Self {
        let provider = options(Provider::builder().frozen_at(START)).start().await.unwrap();
        let realm = provider.default_realm();
        let client = realm.clients().remove(0);
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()
            .unwrap();
        Self { control: provider.control(), _provider: provider, realm, client, http }
    }

    pub(crate) async fn authorize(&self, extra: &[(&str, &str)]) -> Response {
        let mut query = vec![
            ("client_id", self.client.id.as_str()),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("scope", "openid email profile"),
            ("state", "st"),
        ];
        query.retain(|(name, _)| !extra.iter().any(|(other, _)| other == name));
        query.extend(extra.iter().filter(|(_, value)| !value.is_empty()));
        self.http.get(format!("{}/o/oauth2/v2/auth", self.realm.issuer())).query(&query).send().await.unwrap()
    }

    pub(crate) async fn code(&self, extra: &[(&str, &str)]) -> String {
        let callback = location(&self.authorize(extra).await);
        query_of(&callback).remove("code").expect("a code")
    }

    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> Response {
        self.http.post(format!("{}/token", self.realm.issuer())).form(form).send().await.unwrap()
    }

    pub(crate) async fn redeem(&self, code: &str, extra: &[(&str, &str)]) -> Response {
        let mut form = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)];
        form.extend(self.credentials());
        form.extend(extra);
        self.token(&form).await
    }

    pub(crate) fn credentials(&self) -> [(&str, &str); 2] {
        [("client_id", &self.client.id), ("client_secret", self.client.secret.as_ref().unwrap().expose())]
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> Response {
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        form.extend(self.credentials());
        self.token(&form).await
    }

    pub(crate) async fn sign_in(&self) -> Tokens {
        let code = self.code(&[("access_type", "offline"), ("prompt", "consent")]).await;
        Tokens::of(self.redeem(&code, &[]).await).await
    }
}

impl Tokens {
    pub(crate) async fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        let body: Value = response.json().await.unwrap();
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        Self {
            access: text("access_token").unwrap(),
            refresh: text("refresh_token"),
            id: text("id_token").unwrap_or_default(),
        }
    }

    pub(crate) fn refresh(&self) -> &str {
        self.refresh.as_deref().expect("a refresh token")
    }
}

pub(crate) fn location(response: &Response) -> Url {
    response.headers()["location"].to_str().unwrap().parse().unwrap()
}

pub(crate) fn query_of(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

/// The claims of a JWT, unverified.
pub(crate) fn claims(jwt: &str) -> Value {
    use base64::Engine as _;
    let payload = jwt.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// Status, error and description of an OAuth error.
pub(crate) async fn error_of(response: Response) -> (u16, String, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (status, text("error"), text("error_description"))
}

pub(crate) fn oauth(status: u16, error: &str, description: &str) -> (u16, String, String) {
    (status, error.to_owned(), description.to_owned())
}
