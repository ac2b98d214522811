//! The application: one authenticator for each user, asked for a token whenever one is needed.

use rust_adapter::adapter_protocol::{ProviderInfo, SessionView, Start};
use rust_adapter::{Application, REDIRECT_URI, active, subject, time_of_day};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use yup_oauth2::authenticator::Authenticator;
use yup_oauth2::{
    AccessToken, ApplicationSecret, DefaultHyperClientBuilder, Error, HyperClientBuilder, InstalledFlowAuthenticator,
    InstalledFlowReturnMethod,
};

use crate::sign_in::Person;
use crate::store::Store;

/// The crate's only error.
pub(crate) const ERROR: &str = "yup_oauth2::Error";

type Tokens = Authenticator<<DefaultHyperClientBuilder as HyperClientBuilder>::Connector>;

pub(crate) struct App {
    provider: ProviderInfo,
    scopes: Vec<String>,
    http: reqwest::Client,
}

pub(crate) struct User {
    subject: String,
    store: Store,
    tokens: Tokens,
}

/// A user as the application stores them.
#[derive(Serialize, Deserialize)]
struct Saved {
    subject: String,
    tokens: Option<String>,
}

impl App {
    async fn authenticator(&self, store: &Store, person: &Person) -> Result<Tokens, String> {
        let secret = ApplicationSecret {
            client_id: self.provider.client.id.clone(),
            client_secret: self.provider.client.secret.clone(),
            auth_uri: self.provider.endpoints.authorization.clone(),
            token_uri: self.provider.endpoints.token.clone(),
            redirect_uris: vec![REDIRECT_URI.to_owned()],
            ..ApplicationSecret::default()
        };
        InstalledFlowAuthenticator::builder(secret, InstalledFlowReturnMethod::Interactive)
            .with_storage(Box::new(store.clone()))
            .flow_delegate(Box::new(person.clone()))
            // Google gives a refresh token at the first consent only, unless it is asked for again.
            .force_account_selection(true)
            .build()
            .await
            .map_err(words)
    }

    async fn token(&self, user: &User) -> Result<AccessToken, Error> {
        let token = user.tokens.token(&self.scopes).await;
        token.inspect_err(|error| eprintln!("no access token: {error}"))
    }
}

impl Application for App {
    type User = User;

    fn new(start: &Start, _: Option<i64>) -> Result<Self, String> {
        Ok(Self { provider: start.provider.clone(), scopes: start.scopes.clone(), http: reqwest::Client::new() })
    }

    async fn sign_in(&self) -> Result<User, String> {
        let (store, person) = (Store::default(), Person::default());
        let tokens = self.authenticator(&store, &person).await?;
        person.comes();
        let token = tokens.token(&self.scopes).await.map_err(words);
        person.leaves();
        let token = token?;
        let access_token = token.token().ok_or("the crate gave no access token")?;
        let subject = subject(&self.http, &self.provider.endpoints.userinfo, access_token).await?;
        Ok(User { subject, store, tokens })
    }

    async fn session(&self, user: &User) -> Result<SessionView, String> {
        Ok(match self.token(user).await {
            Ok(token) => active(&user.subject, token.token(), None),
            Err(_) => active(&user.subject, None, Some(ERROR)),
        })
    }

    async fn api(&self, user: &User, url: &str) -> Result<(SessionView, Option<u16>), String> {
        let Ok(token) = self.token(user).await else {
            return Ok((active(&user.subject, None, Some(ERROR)), None));
        };
        let mut request = self.http.get(url);
        // Without a token there is no header, as in google-apis-rs.
        if let Some(access_token) = token.token() {
            request = request.bearer_auth(access_token);
        }
        let status = request.send().await.ok().map(|answer| answer.status().as_u16());
        Ok((active(&user.subject, token.token(), None), status))
    }

    async fn save(&self, user: &User) -> Result<Value, String> {
        serde_json::to_value(Saved { subject: user.subject.clone(), tokens: user.store.saved() }).map_err(words)
    }

    async fn load(&self, saved: Value) -> Result<User, String> {
        let Saved { subject, tokens } = serde_json::from_value(saved).map_err(words)?;
        let store = Store::new(tokens);
        let tokens = self.authenticator(&store, &Person::default()).await?;
        Ok(User { subject, store, tokens })
    }

    /// It is moved from outside.
    fn clock(&self, _: i64) -> i64 {
        time_of_day()
    }
}

fn words(error: impl std::error::Error) -> String {
    error.to_string()
}
