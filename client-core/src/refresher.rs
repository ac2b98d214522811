//! The refresh grant (RFC 6749 section 6): builds the request, has it sent once per grant, judges the answer.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::config::ClientConfig;
use crate::decision::{RefreshFailure, Refreshed, retry_after};
use crate::flight::{Coordinator, GrantKey, Outcome};
use crate::http_types::{HttpRequest, HttpResponse, Transport};
use crate::id_token::{Claims, Expected, IdTokenVerifier};
use crate::secret::RefreshToken;
use crate::time::UnixMillis;
use crate::token_answer::{TokenAnswer, TokenFailure, judge};

/// Refreshes access tokens.
#[derive(Clone)]
pub struct Refresher {
    config: Arc<ClientConfig>,
    transport: Arc<dyn Transport>,
    verifier: Arc<dyn IdTokenVerifier>,
    coordinator: Arc<dyn Coordinator>,
}

impl std::fmt::Debug for Refresher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refresher").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Refresher {
    /// A refresher made of its parts.
    pub fn new(
        config: Arc<ClientConfig>,
        transport: Arc<dyn Transport>,
        verifier: Arc<dyn IdTokenVerifier>,
        coordinator: Arc<dyn Coordinator>,
    ) -> Self {
        Self { config, transport, verifier, coordinator }
    }

    /// Refreshes the grant of user `sub` at `now`. Of those who ask at once, one asks the provider. Where the result is
    /// remembered but its access token is spent, its successor is refreshed in turn.
    pub fn refresh(&self, refresh_token: RefreshToken, sub: String, now: UnixMillis) -> BoxFuture<'static, Outcome> {
        let this = self.clone();
        async move { this.follow(refresh_token, &sub, now).await }.boxed()
    }

    async fn follow(&self, refresh_token: RefreshToken, sub: &str, now: UnixMillis) -> Outcome {
        let mut presented = refresh_token;
        let mut outcome = self.once(&presented, sub, now).await;
        for _ in 0..MOST_SUCCESSORS {
            let Some(next) = successor_to_refresh(&outcome, &presented, now) else { break };
            outcome = self.once(&next, sub, now).await.map(|tokens| inherit(tokens, &next));
            presented = next;
        }
        outcome
    }

    fn once(&self, refresh_token: &RefreshToken, sub: &str, now: UnixMillis) -> BoxFuture<'static, Outcome> {
        let (this, token, sub) = (self.clone(), refresh_token.clone(), sub.to_owned());
        let start = Box::new(move || async move { this.exchange(&token, sub, now).await }.boxed());
        self.coordinator.run(GrantKey::of(refresh_token), start)
    }

    async fn exchange(&self, refresh_token: &RefreshToken, sub: String, now: UnixMillis) -> Outcome {
        let request = refresh_request(&self.config, refresh_token);
        let response = self.transport.send(request).await.map_err(|error| failure(error.into()))?;
        let answer = judge(&response).map_err(|reason| with_retry_after(failure(reason), &response, now))?;
        let claims = self.check_id_token(&answer, sub, now).await?;
        Ok(Refreshed {
            access_token: answer.access_token,
            // RFC 6749 section 5.1 counts from the answer; counting from the request errs on the safe side.
            expires_at: now.as_secs().plus(answer.lifetime.duration()),
            refresh_token: answer.refresh_token,
            lifetime: answer.lifetime,
            claims,
        })
    }

    /// OpenID Connect Core section 12.2: an id_token may be absent; one that is there has to fit.
    async fn check_id_token(
        &self,
        answer: &TokenAnswer,
        sub: String,
        now: UnixMillis,
    ) -> Result<Option<Claims>, RefreshFailure> {
        let Some(id_token) = &answer.id_token else { return Ok(None) };
        let verified = self.verifier.verify(id_token.expose(), &Expected::Refresh { sub }, now).await;
        // The old refresh token may be spent by now, so a new one outlives the refused answer.
        verified.map(Some).map_err(|error| RefreshFailure {
            replacement: answer.refresh_token.clone(),
            ..failure(TokenFailure::IdToken(error))
        })
    }
}

/// How far a chain of remembered successors is followed.
const MOST_SUCCESSORS: usize = 8;

/// The successor that came with a remembered result whose access token is spent by now.
fn successor_to_refresh(outcome: &Outcome, presented: &RefreshToken, now: UnixMillis) -> Option<RefreshToken> {
    let tokens = outcome.as_ref().ok().filter(|tokens| now >= tokens.expires_at.as_millis())?;
    tokens.refresh_token.clone().filter(|next| next != presented)
}

/// A chain of successors ends with the last refresh token that was given.
fn inherit(tokens: Refreshed, last: &RefreshToken) -> Refreshed {
    Refreshed { refresh_token: tokens.refresh_token.or_else(|| Some(last.clone())), ..tokens }
}

const fn failure(reason: TokenFailure) -> RefreshFailure {
    RefreshFailure { reason, retry_after: None, replacement: None }
}

fn with_retry_after(failure: RefreshFailure, response: &HttpResponse, now: UnixMillis) -> RefreshFailure {
    let asked = response.retry_after.as_deref().and_then(|value| retry_after(value, now));
    RefreshFailure { retry_after: asked, ..failure }
}

/// The request of RFC 6749 section 6, with the client's credentials in the body as the guide sends them.
pub fn refresh_request(config: &ClientConfig, refresh_token: &RefreshToken) -> HttpRequest {
    let form = vec![
        ("grant_type".to_owned(), "refresh_token".to_owned()),
        ("refresh_token".to_owned(), refresh_token.expose().to_owned()),
    ];
    HttpRequest::post(config.token_endpoint.as_url().clone(), with_credentials(config, form))
}

/// Adds `client_id` and, for a confidential client, `client_secret` (RFC 6749 section 2.3.1).
pub(crate) fn with_credentials(config: &ClientConfig, mut form: Vec<(String, String)>) -> Vec<(String, String)> {
    form.push(("client_id".to_owned(), config.client_id.clone()));
    form.extend(config.client_secret.as_ref().map(|secret| ("client_secret".to_owned(), secret.expose().to_owned())));
    form
}
