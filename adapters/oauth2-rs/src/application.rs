//! The application: signs users in as the crate's own example for Google does, and keeps their tokens.

use std::sync::PoisonError;

use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, PkceCodeChallenge,
    RedirectUrl, Scope, TokenUrl, reqwest,
};
use rust_adapter::adapter_protocol::{SessionView, Start};
use rust_adapter::{Application, REDIRECT_URI, active, browse, query, subject, time_of_day};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::tokens::{ERROR, Tokens};

/// A client that can begin a sign-in and ask for tokens.
pub(crate) type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

pub(crate) struct App {
    client: Client,
    http: reqwest::Client,
    scopes: Vec<Scope>,
    userinfo: String,
    /// Milliseconds since the Unix epoch, where the clock is set; else it is the time of day.
    clock: std::sync::Mutex<Option<i64>>,
}

pub(crate) struct User {
    subject: String,
    /// One at a time: whoever waits finds the tokens that the one before has got.
    tokens: Mutex<Tokens>,
}

/// A user as the application stores them.
#[derive(Serialize, Deserialize)]
struct Saved {
    subject: String,
    tokens: Tokens,
}

impl App {
    fn now(&self) -> i64 {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_else(time_of_day)
    }

    /// A token that can be used now, refreshed where it has to be.
    async fn access_token(&self, user: &User) -> Result<String, String> {
        let mut tokens = user.tokens.lock().await;
        if tokens.have_expired(self.now()) {
            *tokens = tokens.refreshed(&self.client, &self.http, self.now()).await?;
        }
        Ok(tokens.access_token().to_owned())
    }
}

impl Application for App {
    type User = User;

    fn new(start: &Start, now_ms: Option<i64>) -> Result<Self, String> {
        let provider = &start.provider;
        let client = BasicClient::new(ClientId::new(provider.client.id.clone()))
            .set_client_secret(ClientSecret::new(provider.client.secret.clone()))
            .set_auth_uri(AuthUrl::new(provider.endpoints.authorization.clone()).map_err(words)?)
            .set_token_uri(TokenUrl::new(provider.endpoints.token.clone()).map_err(words)?)
            .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).map_err(words)?);
        // As the documentation has it: following redirects opens the client up to SSRF vulnerabilities.
        let http = reqwest::ClientBuilder::new().redirect(reqwest::redirect::Policy::none()).build().map_err(words)?;
        Ok(Self {
            client,
            http,
            scopes: start.scopes.iter().cloned().map(Scope::new).collect(),
            userinfo: provider.endpoints.userinfo.clone(),
            clock: std::sync::Mutex::new(now_ms),
        })
    }

    async fn sign_in(&self) -> Result<User, String> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state) = self
            .client
            .authorize_url(CsrfToken::new_random)
            .add_scopes(self.scopes.iter().cloned())
            .add_extra_param("access_type", "offline")
            .add_extra_param("prompt", "consent")
            .set_pkce_challenge(challenge)
            .url();
        let mut answer = query(&browse(url.as_str(), REDIRECT_URI).await?);
        if answer.get("state") != Some(state.secret()) {
            return Err("the state is another".to_owned());
        }
        let code = answer.remove("code").ok_or_else(|| format!("no code, but {:?}", answer.get("error")))?;
        let exchange = self.client.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(verifier);
        let tokens = Tokens::new(exchange.request_async(&self.http).await.map_err(words)?, self.now());
        let subject = subject(&self.http, &self.userinfo, tokens.access_token()).await?;
        Ok(User { subject, tokens: Mutex::new(tokens) })
    }

    async fn session(&self, user: &User) -> Result<SessionView, String> {
        Ok(match self.access_token(user).await {
            Ok(access_token) => active(&user.subject, Some(&access_token), None),
            Err(_) => active(&user.subject, None, Some(ERROR)),
        })
    }

    async fn api(&self, user: &User, url: &str) -> Result<(SessionView, Option<u16>), String> {
        let Ok(access_token) = self.access_token(user).await else {
            return Ok((active(&user.subject, None, Some(ERROR)), None));
        };
        let answer = self.http.get(url).bearer_auth(&access_token).send().await;
        let status = answer.ok().map(|answer| answer.status().as_u16());
        Ok((active(&user.subject, Some(&access_token), None), status))
    }

    async fn save(&self, user: &User) -> Result<Value, String> {
        let saved = Saved { subject: user.subject.clone(), tokens: user.tokens.lock().await.clone() };
        serde_json::to_value(saved).map_err(words)
    }

    async fn load(&self, saved: Value) -> Result<User, String> {
        let Saved { subject, tokens } = serde_json::from_value(saved).map_err(words)?;
        Ok(User { subject, tokens: Mutex::new(tokens) })
    }

    fn clock(&self, now_ms: i64) -> i64 {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).iter_mut().for_each(|known| *known = now_ms);
        self.now()
    }
}

/// An error with all its causes, as most applications print them.
pub(crate) fn words(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
