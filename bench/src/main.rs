//! The floor that the fake Google is measured against: axum with nothing behind it.
//!
//! `POST /token` reads the form of a refresh and answers with tokens of Google's size and, if told so, one RS256
//! signature. It knows no client, checks no token and keeps nothing. What the fake Google is slower by is what its
//! state, its checks and its journal cost.

use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use aws_lc_rs::{digest, rand};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clap::{Parser, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;

/// The same key that the fake Google signs with, so that both sign equally long.
const KEY: &str = include_str!("../../mock-provider/keys/test-key-1.pem");

/// Google's hour, less the second that it takes away.
const ACCESS_LIFETIME: u32 = 3599;
const ID_TOKEN_LIFETIME: u64 = 3600;

/// A bare token endpoint to measure the fake Google against.
///
/// Prints one JSON line on standard output when it is ready, and serves until it is killed.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// What an answer holds.
    #[arg(long, value_enum)]
    mode: Mode,
    /// Port to listen on; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Two opaque tokens.
    Opaque,
    /// The same and an id_token with one RS256 signature.
    Rs256,
}

#[tokio::main]
#[expect(clippy::print_stderr, reason = "a command line tells its errors on standard error")]
async fn main() -> ExitCode {
    match serve(&Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-floor: {error}");
            ExitCode::from(2)
        }
    }
}

async fn serve(cli: &Cli) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, cli.port)).await?;
    let base = format!("http://{}", listener.local_addr()?);
    let floor = Floor { signer: (cli.mode == Mode::Rs256).then(|| Signer::new(&base)) };
    let mut out = io::stdout();
    writeln!(out, "{}", json!({"ready": true, "base": base}))?;
    out.flush()?;
    axum::serve(listener, Router::new().route("/token", post(token)).with_state(Arc::new(floor))).await
}

/// All that the server knows.
struct Floor {
    /// Who signs id_tokens; none are given without.
    signer: Option<Signer>,
}

/// The form of a refresh (RFC 6749 section 6), each field of which has to be there.
#[derive(Deserialize)]
struct Refresh {
    grant_type: String,
    client_id: String,
    client_secret: String,
    refresh_token: String,
}

impl Refresh {
    fn is_complete(&self) -> bool {
        let filled = [&self.client_id, &self.client_secret, &self.refresh_token].iter().all(|text| !text.is_empty());
        filled && self.grant_type == "refresh_token"
    }
}

/// The answer (RFC 6749 section 5.1), in Google's order.
#[derive(Serialize)]
struct Answer {
    access_token: String,
    expires_in: u32,
    refresh_token: String,
    scope: &'static str,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

async fn token(State(floor): State<Arc<Floor>>, Form(asked): Form<Refresh>) -> Result<Json<Answer>, StatusCode> {
    if !asked.is_complete() {
        return Err(StatusCode::BAD_REQUEST);
    }
    answer(&floor, &asked).map(Json).map_err(|Unspecified| StatusCode::INTERNAL_SERVER_ERROR)
}

fn answer(floor: &Floor, asked: &Refresh) -> Result<Answer, Unspecified> {
    let access_token = format!("ya29.a0{}", random_text(147)?);
    let id_token = floor.signer.as_ref().map(|signer| signer.id_token(&asked.client_id, &access_token)).transpose()?;
    Ok(Answer {
        access_token,
        expires_in: ACCESS_LIFETIME,
        refresh_token: format!("1//0{}", random_text(74)?),
        scope: "openid",
        token_type: "Bearer",
        id_token,
    })
}

/// Random bytes in base64url.
fn random_text(bytes: usize) -> Result<String, Unspecified> {
    let mut random = vec![0; bytes];
    rand::fill(&mut random)?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}

/// The claims of Google's id_token after a refresh with the scope `openid`.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    azp: &'a str,
    aud: &'a str,
    sub: &'a str,
    at_hash: String,
    iat: u64,
    exp: u64,
}

/// An RSA key in memory, parsed once.
struct Signer {
    pair: KeyPair,
    header: String,
    issuer: String,
}

impl Signer {
    #[expect(clippy::expect_used, reason = "the key is a file of this workspace and a test parses it")]
    fn new(issuer: &str) -> Self {
        let base64: String = KEY.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(base64).expect("the key is base64");
        let pair = KeyPair::from_pkcs8(&der).expect("the key is PKCS#8");
        let header = json!({"alg": "RS256", "kid": kid(&pair), "typ": "JWT"}).to_string();
        Self { pair, header: URL_SAFE_NO_PAD.encode(header), issuer: issuer.to_owned() }
    }

    /// A compact JWS (RFC 7515 section 7.1) for a client, about an access token.
    fn id_token(&self, client: &str, access_token: &str) -> Result<String, Unspecified> {
        let hash = digest::digest(&digest::SHA256, access_token.as_bytes());
        let iat = seconds();
        let claims = Claims {
            iss: &self.issuer,
            azp: client,
            aud: client,
            sub: "100000000000000000001",
            at_hash: URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]),
            iat,
            exp: iat + ID_TOKEN_LIFETIME,
        };
        let payload = serde_json::to_vec(&claims).map_err(|_| Unspecified)?;
        self.sign(&format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(payload)))
    }

    fn sign(&self, input: &str) -> Result<String, Unspecified> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A key id of 40 hexadecimal digits, as Google's.
fn kid(pair: &KeyPair) -> String {
    let fingerprint = digest::digest(&digest::SHA256, pair.public_key().as_ref());
    fingerprint.as_ref()[..20].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[expect(clippy::disallowed_methods, reason = "the floor has no clock that anybody could move")]
fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    fn asked() -> Refresh {
        let text = |text: &str| text.to_owned();
        Refresh {
            grant_type: text("refresh_token"),
            client_id: text("1-a"),
            client_secret: text("s"),
            refresh_token: text("1//0"),
        }
    }

    #[test]
    fn tokens_have_the_lengths_of_googles() {
        let answer = answer(&Floor { signer: None }, &asked()).unwrap();
        assert_eq!((answer.access_token.len(), answer.refresh_token.len()), (203, 103));
        assert_eq!(answer.id_token, None);
    }

    #[test]
    fn an_id_token_is_signed_with_the_key() {
        let floor = Floor { signer: Some(Signer::new("http://127.0.0.1:1")) };
        let id_token = answer(&floor, &asked()).unwrap().id_token.unwrap();
        let (input, signature) = id_token.rsplit_once('.').unwrap();
        let public = floor.signer.as_ref().unwrap().pair.public_key().as_ref();
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
        key.verify(input.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    }

    #[test]
    fn an_incomplete_form_is_refused() {
        assert!(asked().is_complete());
        assert!(!Refresh { refresh_token: String::new(), ..asked() }.is_complete());
        assert!(!Refresh { grant_type: "password".to_owned(), ..asked() }.is_complete());
    }
}
