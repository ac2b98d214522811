//! The part of a browser that goes to the provider and comes back with a callback URL.

use std::time::Duration;

use url::Url;

/// Follows one redirect by hand.
#[derive(Clone, Debug)]
pub(crate) struct Browser(reqwest::Client);

impl Browser {
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        client.timeout(Duration::from_secs(10)).build().map(Self)
    }

    /// Where the provider sends the browser.
    ///
    /// # Errors
    /// When the provider does not answer with a redirect; in words.
    pub(crate) async fn visit(&self, url: Url) -> Result<Url, String> {
        let response = self.0.get(url).send().await.map_err(|error| error.without_url().to_string())?;
        let location = response.headers().get("location").and_then(|value| value.to_str().ok());
        let location =
            location.ok_or_else(|| format!("the provider showed a page with status {}", response.status()))?;
        location.parse().map_err(|_| "the provider redirected to something that is no URL".to_owned())
    }
}
