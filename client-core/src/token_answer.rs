//! Judges an answer of the token endpoint (RFC 6749 sections 5.1 and 5.2). Pure: bytes in, verdict out.
//!
//! The rule for every doubt: a session is never shown as fine without a usable access token, and a refresh token is
//! given up only when the provider says that the grant is dead.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::http_types::{HttpResponse, TransportError};
use crate::secret::{AccessToken, IdToken, RefreshToken};

/// The lifetime of a token whose answer says nothing usable about it.
pub const ASSUMED_LIFETIME: Duration = Duration::from_secs(3600);

/// The lifetime of a token that is said to have none left: long enough not to refresh at every read.
pub const SHORTEST_LIFETIME: Duration = Duration::from_secs(60);

/// Longer lifetimes are cut to this: ten years.
pub const LONGEST_LIFETIME: Duration = Duration::from_secs(315_360_000);

/// Tokens, as the provider gave them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenAnswer {
    /// The access token.
    pub access_token: AccessToken,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// The refresh token; absent, empty and ill-typed ones are all none, and the old one is kept.
    pub refresh_token: Option<RefreshToken>,
    /// The id_token, unverified.
    pub id_token: Option<IdToken>,
    /// The granted scopes; none means as asked (RFC 6749 section 5.1).
    pub scope: Option<String>,
}

/// What an answer says about a token's lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// `expires_in` was a positive number, or a text that is one.
    Told(Duration),
    /// `expires_in` was less than a second, zero or negative.
    Spent,
    /// `expires_in` was missing, null or no number.
    Untold,
}

impl Lifetime {
    /// The lifetime to go by.
    pub const fn duration(self) -> Duration {
        match self {
            Self::Told(lifetime) => lifetime,
            Self::Spent => SHORTEST_LIFETIME,
            Self::Untold => ASSUMED_LIFETIME,
        }
    }

    fn read(value: Option<&Value>) -> Self {
        let seconds = match value {
            Some(Value::Number(number)) => number.as_f64(),
            // GitHub's own example of 2020 has strings.
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => None,
        };
        match seconds {
            Some(seconds) if seconds.is_nan() => Self::Untold,
            Some(seconds) if seconds < 1.0 => Self::Spent,
            Some(seconds) => {
                Self::Told(Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_LIFETIME).min(LONGEST_LIFETIME))
            }
            None => Self::Untold,
        }
    }
}

/// Why there are no tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFailure {
    /// The provider says that the grant is gone: `invalid_grant` and its kin. Asking again is pointless.
    #[error("the grant is dead ({0})")]
    DeadGrant(DeadGrant),
    /// The provider named another OAuth error.
    #[error("the provider refused with an OAuth error and status {status}")]
    OAuthError {
        /// The HTTP status.
        status: u16,
    },
    /// A status that is neither success nor an OAuth error.
    #[error("the provider answered with status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// A success that is none.
    #[error("the provider answered with success, but {0}")]
    Malformed(Malformed),
    /// An id_token that does not fit.
    #[error("the id_token was refused: {0}")]
    IdToken(crate::id_token::IdTokenError),
    /// No answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// The codes that say: this refresh token will never work again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeadGrant {
    /// RFC 6749 section 5.2.
    #[error("invalid_grant")]
    InvalidGrant,
    /// GitHub, with status 200.
    #[error("bad_refresh_token")]
    BadRefreshToken,
    /// Slack, with status 200.
    #[error("invalid_refresh_token")]
    InvalidRefreshToken,
    /// The user has to take part again (OpenID Connect Core section 3.1.2.6).
    #[error("interaction required")]
    InteractionRequired,
}

impl DeadGrant {
    fn named(code: &str) -> Option<Self> {
        match code {
            "invalid_grant" => Some(Self::InvalidGrant),
            "bad_refresh_token" => Some(Self::BadRefreshToken),
            "invalid_refresh_token" => Some(Self::InvalidRefreshToken),
            "interaction_required" | "login_required" | "consent_required" => Some(Self::InteractionRequired),
            _ => None,
        }
    }
}

/// What is wrong with a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not a JSON object.
    #[error("its body is not a JSON object")]
    NotAnObject,
    /// No `access_token` that is a non-empty text of visible characters (RFC 6749 appendix A.12).
    #[error("it has no usable access_token")]
    AccessToken,
    /// A `token_type` other than Bearer (RFC 6749 section 7.1).
    #[error("its token_type is not Bearer")]
    TokenType,
}

/// Judges an answer.
///
/// # Errors
/// When it holds no usable tokens; the failure says why.
pub fn judge(response: &HttpResponse) -> Result<TokenAnswer, TokenFailure> {
    let status = response.status;
    let body = serde_json::from_slice::<Map<String, Value>>(without_bom(&response.body)).ok();
    // A server error proves nothing about the grant, whatever its body says.
    if status >= 500 || status == 429 || status == 408 || (300..400).contains(&status) {
        return Err(TokenFailure::Status { status });
    }
    if let Some(error) = body.as_ref().and_then(|body| body.get("error")).filter(|error| !error.is_null()) {
        let dead = error.as_str().and_then(DeadGrant::named);
        return Err(dead.map_or(TokenFailure::OAuthError { status }, TokenFailure::DeadGrant));
    }
    if !(200..300).contains(&status) {
        return Err(TokenFailure::Status { status });
    }
    body.ok_or(Malformed::NotAnObject).and_then(|body| tokens(&body)).map_err(TokenFailure::Malformed)
}

fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

fn tokens(body: &Map<String, Value>) -> Result<TokenAnswer, Malformed> {
    let access_token = text(body, "access_token").filter(|token| is_visible(token)).ok_or(Malformed::AccessToken)?;
    // RFC 6749 section 5.1 requires token_type; Google's neighbours leave it out, and a bearer token is what was asked for.
    let bearer =
        body.get("token_type").is_none_or(|kind| kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")));
    if !bearer {
        return Err(Malformed::TokenType);
    }
    Ok(TokenAnswer {
        access_token: AccessToken::new(access_token),
        lifetime: Lifetime::read(body.get("expires_in")),
        refresh_token: text(body, "refresh_token").filter(|token| is_visible(token)).map(RefreshToken::new),
        id_token: text(body, "id_token").map(IdToken::new),
        scope: text(body, "scope").map(str::to_owned),
    })
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

/// `1*VSCHAR` of RFC 6749 appendix A.
fn is_visible(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn response(status: u16, body: &str) -> HttpResponse {
        HttpResponse { status, retry_after: None, body: body.as_bytes().to_vec() }
    }

    fn lifetime(expires_in: &str) -> Option<Lifetime> {
        let body = format!(r#"{{"access_token":"a","token_type":"Bearer","expires_in":{expires_in}}}"#);
        judge(&response(200, &body)).ok().map(|answer| answer.lifetime)
    }

    #[test]
    fn every_odd_expires_in_has_a_defined_answer() {
        let told = |seconds| Some(Lifetime::Told(Duration::from_secs(seconds)));
        for (text, expected) in [
            ("3600", told(3600)),
            ("\"3600\"", told(3600)),
            ("3599.7", Some(Lifetime::Told(Duration::from_millis(3_599_700)))),
            ("0", Some(Lifetime::Spent)),
            ("0.4", Some(Lifetime::Spent)),
            ("1", told(1)),
            ("-1", Some(Lifetime::Spent)),
            ("null", Some(Lifetime::Untold)),
            ("\"soon\"", Some(Lifetime::Untold)),
            ("\"NaN\"", Some(Lifetime::Untold)),
            ("\"inf\"", Some(Lifetime::Told(LONGEST_LIFETIME))),
            ("{}", Some(Lifetime::Untold)),
            ("9007199254740993", Some(Lifetime::Told(LONGEST_LIFETIME))),
            ("1e400", None),
        ] {
            assert_eq!(lifetime(text), expected, "{text}");
        }
    }

    #[test]
    fn malformed_successes_are_failures() {
        for body in [
            "",
            "null",
            "[]",
            "42",
            "\"at\"",
            "{}",
            "<h1>",
            "{\"access_token\":\"",
            r#"{"access_token":""}"#,
            r#"{"access_token":null}"#,
            r#"{"access_token":12345}"#,
            r#"{"access_token":"a\r\nb"}"#,
            r#"{"Access_Token":"a"}"#,
            r#"{"data":{"access_token":"a"}}"#,
            r#"{"access_token":"a","token_type":"mac"}"#,
            r#"{"access_token":"a"} trailing"#,
        ] {
            assert!(matches!(judge(&response(200, body)), Err(TokenFailure::Malformed(_))), "{body}");
        }
    }

    #[test]
    fn an_error_in_a_success_is_an_error() {
        for code in ["invalid_grant", "bad_refresh_token", "invalid_refresh_token"] {
            let body = json!({"access_token": "a", "error": code}).to_string();
            assert!(matches!(judge(&response(200, &body)), Err(TokenFailure::DeadGrant(_))), "{code}");
        }
    }

    #[test]
    fn only_the_provider_can_declare_a_grant_dead() {
        let invalid_grant = r#"{"error":"invalid_grant"}"#;
        for status in [400, 401, 403] {
            assert!(matches!(judge(&response(status, invalid_grant)), Err(TokenFailure::DeadGrant(_))), "{status}");
        }
        for (status, body) in [
            (500, invalid_grant),
            (503, ""),
            (429, invalid_grant),
            (400, "{}"),
            (400, r#"{"error":{"code":1}}"#),
            (401, r#"{"error":"invalid_client"}"#),
            (307, invalid_grant),
            (404, "<h1>"),
        ] {
            let failure = judge(&response(status, body)).unwrap_err();
            assert!(!matches!(failure, TokenFailure::DeadGrant(_)), "{status} {body}");
        }
    }

    #[test]
    fn a_useless_refresh_token_counts_as_none() {
        for refresh in ["\"\"", "null", "12", "{}"] {
            let body = format!(r#"{{"access_token":"a","refresh_token":{refresh}}}"#);
            assert_eq!(judge(&response(200, &body)).unwrap().refresh_token, None, "{refresh}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(status in 100u16..600, body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = judge(&HttpResponse { status, retry_after: None, body });
        }

        #[test]
        fn a_lifetime_is_at_least_a_whole_second_and_never_endless(number in any::<f64>(), small in -2.0f64..2.0) {
            for text in [number.to_string(), format!("\"{number}\""), small.to_string()] {
                if let Some(lifetime) = lifetime(&text) {
                    prop_assert!(lifetime.duration().as_secs() >= 1, "{}", text);
                    prop_assert!(lifetime.duration() <= LONGEST_LIFETIME);
                }
            }
        }
    }
}
