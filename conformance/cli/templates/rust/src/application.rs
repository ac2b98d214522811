//! A tiny application that signs users in and keeps their tokens fresh.
//!
//! REPLACE: all of this file, by what your own application does with its library. `main.rs` calls what is public here.

use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{Clock, Error};

const REDIRECT_URI: &str = "http://127.0.0.1/callback"; // Nothing has to listen there.

/// How this application says that a refresh has failed. REPLACE: by your library's own error.
#[derive(Debug)]
pub struct RefreshError(pub Error);

impl std::fmt::Display for RefreshError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the refresh has failed: {}", self.0)
    }
}

impl std::error::Error for RefreshError {}

/// Somebody who has signed in. REPLACE: `saved` by what your application stores, as its library gives it.
pub struct User {
    pub subject: String,
    pub saved: Mutex<Value>,
}

impl User {
    pub fn new(saved: Value) -> Self {
        Self { subject: text(&saved["subject"]).unwrap_or_default(), saved: Mutex::new(saved) }
    }
}

pub struct Application {
    agent: ureq::Agent,
    endpoints: Value,
    client: Value,
    scopes: String,
    clock: Clock,
}

impl Application {
    pub fn new(provider: &Value, scopes: &Value, clock: Clock) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5))).proxy(None);
        // Redirects are not followed, and every status is an answer.
        let agent = config.max_redirects(0).http_status_as_error(false).build().into();
        let scopes: Vec<&str> = scopes.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let (endpoints, client) = (provider["endpoints"].clone(), provider["client"].clone());
        Self { agent, endpoints, client, scopes: scopes.join(" "), clock }
    }

    pub fn sign_in(&self) -> Result<User, Error> {
        // REPLACE: the URL, the check of the state and the exchange of the code, by your library's calls.
        let (state, verifier) = (random()?, random()?);
        let page = self.agent.get(string(&self.endpoints["authorization"])?).query_pairs([
            ("response_type", "code"),
            ("client_id", &string(&self.client["id"])?),
            ("redirect_uri", REDIRECT_URI),
            ("scope", &self.scopes),
            ("state", &state),
            ("code_challenge", &BASE64URL.encode(Sha256::digest(&verifier))),
            ("code_challenge_method", "S256"),
            ("access_type", "offline"),
            ("prompt", "consent"),
        ]);
        // This is the browser. The fake Google asks nothing and sends it back at once.
        let sent = page.call()?;
        let callback = sent.headers().get("location").ok_or("the provider sends the browser nowhere")?.to_str()?;
        let query = callback.split_once('?').unwrap_or_default().1.as_bytes();
        let came = |name: &str| form_urlencoded::parse(query).find(|(key, _)| key == name).map(|(_, value)| value);
        match came("code") {
            Some(code) if came("state").is_some_and(|came| came == state) => {
                let grant = [("grant_type", "authorization_code"), ("code", &code), ("code_verifier", &verifier)];
                Ok(User::new(self.tokens(&json!({}), &[&grant[..], &[("redirect_uri", REDIRECT_URI)]].concat())?))
            }
            _ => Err(format!("the sign-in was refused: {}", came("error").unwrap_or("wrong state".into())).into()),
        }
    }

    pub fn access_token(&self, user: &User) -> Result<String, Error> {
        // REPLACE: by your library's call for a valid access token.
        let mut saved = user.saved.lock().unwrap(); // Of several requests at once only the first refreshes.
        if self.clock.now_ms() >= saved["expires_at"].as_i64().unwrap_or_default() {
            let fresh = self.refreshed(&saved).map_err(RefreshError)?;
            *saved = fresh;
        }
        string(&saved["access_token"])
    }

    fn refreshed(&self, saved: &Value) -> Result<Value, Error> {
        let refresh_token = text(&saved["refresh_token"]).ok_or("there is no refresh token")?;
        self.tokens(saved, &[("grant_type", "refresh_token"), ("refresh_token", &refresh_token)])
    }

    pub fn api(&self, access_token: &str, url: &str) -> Result<u16, Error> {
        let response = self.agent.get(url).header("authorization", format!("Bearer {access_token}")).call()?;
        Ok(response.status().as_u16())
    }

    /// Asks the token endpoint, and gives what is to be stored from now on.
    fn tokens(&self, saved: &Value, form: &[(&str, &str)]) -> Result<Value, Error> {
        let (id, secret) = (string(&self.client["id"])?, string(&self.client["secret"])?);
        let form = [form, &[("client_id", &id), ("client_secret", &secret)]].concat();
        let mut response = self.agent.post(string(&self.endpoints["token"])?).send_form(form)?;
        let answer: Value = serde_json::from_str(&response.body_mut().read_to_string()?)?;
        let bearer = text(&answer["token_type"]).is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
        let access_token = text(&answer["access_token"]).filter(|_| response.status() == 200 && bearer);
        let expires_in = answer.get("expires_in").map_or(Some(3600), Value::as_i64).ok_or("no usable lifetime")?;
        Ok(json!({
            "access_token": access_token.ok_or_else(|| format!("the token endpoint answered {}", response.status()))?,
            "expires_at": self.clock.now_ms() + 1000 * expires_in,
            // A new refresh token is often left out.
            "refresh_token": text(&answer["refresh_token"]).or(text(&saved["refresh_token"])),
            "subject": text(&saved["subject"]).map_or_else(|| subject(&answer["id_token"]), Ok)?,
        }))
    }
}

/// It came straight from the provider, so the signature need not be checked (OpenID Connect Core, 3.1.3.7).
fn subject(id_token: &Value) -> Result<String, Error> {
    let payload = BASE64URL.decode(string(id_token)?.split('.').nth(1).unwrap_or_default())?;
    string(&serde_json::from_slice::<Value>(&payload)?["sub"])
}

fn random() -> Result<String, Error> {
    let mut bytes = [0; 48];
    getrandom::fill(&mut bytes)?;
    Ok(BASE64URL.encode(bytes))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn string(value: &Value) -> Result<String, Error> {
    text(value).ok_or_else(|| "a text is missing".into())
}
