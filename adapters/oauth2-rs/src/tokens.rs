//! The tokens of a user. The crate reads them from answers; when they end, and what to do then, is the application's.

use oauth2::basic::BasicTokenResponse;
use oauth2::{RefreshToken, TokenResponse as _, reqwest};
use serde::{Deserialize, Serialize};

use crate::application::{Client, words};

/// The crate's own error of a request for tokens.
pub(crate) const ERROR: &str = "RequestTokenError";

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Tokens {
    /// As the provider gave them.
    response: BasicTokenResponse,
    /// The last refresh token that came.
    refresh_token: Option<RefreshToken>,
    /// In milliseconds since the Unix epoch; nothing where the provider has not said when.
    expires_at: Option<i64>,
}

impl Tokens {
    pub(crate) fn new(response: BasicTokenResponse, now_ms: i64) -> Self {
        let lifetime = response.expires_in().map(|lifetime| i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX));
        Self {
            refresh_token: response.refresh_token().cloned(),
            expires_at: lifetime.map(|lifetime| now_ms.saturating_add(lifetime)),
            response,
        }
    }

    pub(crate) fn access_token(&self) -> &str {
        self.response.access_token().secret()
    }

    pub(crate) fn have_expired(&self, now_ms: i64) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now_ms)
    }

    /// New tokens, with the refresh token of before where none came (RFC 6749 section 6).
    pub(crate) async fn refreshed(&self, client: &Client, http: &reqwest::Client, now_ms: i64) -> Result<Self, String> {
        let refresh_token = self.refresh_token.as_ref().ok_or("there is no refresh token")?;
        let answer = client.exchange_refresh_token(refresh_token).request_async(http).await;
        let response = answer.map_err(|error| {
            let text = words(error);
            eprintln!("no access token: {text}");
            text
        })?;
        let new = Self::new(response, now_ms);
        let refresh_token = new.refresh_token.clone().or_else(|| self.refresh_token.clone());
        Ok(Self { refresh_token, ..new })
    }
}
