//! A browser that is a script: it keeps cookies and follows nothing by itself.

use std::collections::BTreeMap;

use cookie::Cookie;
use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;
use url::Url;

pub(crate) struct Browser {
    client: Client,
    pub(crate) base: Url,
    pub(crate) jar: BTreeMap<String, String>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn location(&self) -> Url {
        self.headers[LOCATION].to_str().unwrap().parse().unwrap()
    }

    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect()
    }
}

impl Browser {
    pub(crate) fn new(base: Url) -> Self {
        let client = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { client, base, jar: BTreeMap::new() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = self.client.get(self.base.join(path).unwrap());
        self.send(request).await
    }

    pub(crate) async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.client.post(self.base.join(path).unwrap()).form(form);
        self.send(request).await
    }

    async fn send(&mut self, request: RequestBuilder) -> Answer {
        let pairs: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let response = request.header(COOKIE, pairs.join("; ")).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let answer = Answer { status, headers, body: response.text().await.unwrap() };
        for header in answer.set_cookies() {
            let cookie = Cookie::parse(header.to_owned()).unwrap();
            match cookie.max_age().is_some_and(|age| !age.is_positive()) {
                true => drop(self.jar.remove(cookie.name())),
                false => drop(self.jar.insert(cookie.name().to_owned(), cookie.value().to_owned())),
            }
        }
        answer
    }

    pub(crate) async fn csrf(&mut self) -> String {
        self.get("auth/csrf").await.json()["csrfToken"].as_str().unwrap().to_owned()
    }

    /// Begins a sign-in; where the provider sends the browser back to.
    pub(crate) async fn leave_for_provider(&mut self, callback_url: &str) -> Url {
        let token = self.csrf().await;
        let begun = self.post("auth/signin/google", &[("csrfToken", &token), ("callbackUrl", callback_url)]).await;
        assert_eq!(begun.status, StatusCode::FOUND);
        // The provider never sees the application's cookies.
        let there = self.client.get(begun.location()).send().await.unwrap();
        there.headers()[LOCATION].to_str().unwrap().parse().unwrap()
    }

    /// Signs in; the application's answer when the browser comes back.
    pub(crate) async fn sign_in(&mut self) -> Answer {
        let back = self.leave_for_provider("/").await;
        self.get(back.as_str()).await
    }

    pub(crate) async fn session(&mut self) -> Value {
        self.get("auth/session").await.json()
    }
}
