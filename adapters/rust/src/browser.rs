//! The user's browser, and what it is told.

use std::collections::BTreeMap;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use serde_json::Value;

/// Where the application is registered to be redirected to. Nothing listens there.
pub const REDIRECT_URI: &str = "http://127.0.0.1/callback";

const MOST_REDIRECTS: usize = 5;

/// Follows redirects up to an address that begins with `until`, and gives that; it is not visited.
pub async fn browse(url: &str, until: &str) -> Result<Url, String> {
    let client = Client::builder().redirect(Policy::none()).no_proxy().pool_max_idle_per_host(0).build();
    let client = client.map_err(|error| error.to_string())?;
    let mut url = Url::parse(url).map_err(|error| error.to_string())?;
    for _ in 0..MOST_REDIRECTS {
        let answer = client.get(url.clone()).send().await.map_err(|error| error.to_string())?;
        let location = answer.headers().get("location").and_then(|location| location.to_str().ok());
        let location = location.ok_or_else(|| format!("the authorization page answered {}", answer.status()))?;
        url = url.join(location).map_err(|error| error.to_string())?;
        if url.as_str().starts_with(until) {
            return Ok(url);
        }
    }
    Err("the authorization page redirects without end".to_owned())
}

/// The parameters of a URL.
pub fn query(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

/// Who an access token is about, from the provider's userinfo.
pub async fn subject(client: &Client, userinfo: &str, access_token: &str) -> Result<String, String> {
    let answer = client.get(userinfo).bearer_auth(access_token).send().await;
    let user: Value = answer.map_err(|error| error.to_string())?.json().await.map_err(|error| error.to_string())?;
    let subject = user.get("sub").and_then(Value::as_str);
    subject.map(str::to_owned).ok_or_else(|| "userinfo names nobody".to_owned())
}
