//! Signing in and out, and what goes wrong on the way.

use std::time::Duration;

use mock_provider::Consent;
use reqwest::StatusCode;
use serde_json::Value;

use crate::world::{SECRET, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_user_signs_in_reads_the_session_and_signs_out() {
    let World { realm, server, browser, .. } = &mut World::new().await;
    let callback = browser.leave_for_provider("/inbox?page=2").await;
    let back = browser.get(callback.as_str()).await;
    assert_eq!((back.status, back.location()), (StatusCode::FOUND, server.url.join("/inbox?page=2").unwrap()));
    let session = browser.session().await;
    assert_eq!(session["user"]["name"], "Ada Example");
    assert_eq!(session["expires"], "2030-01-31T00:00:00Z");
    assert_eq!(realm.label_of(session["access_token"].as_str().unwrap()).unwrap().to_string(), "at#1");
    let token = browser.csrf().await;
    let out = browser.post("auth/signout", &[("csrfToken", &token)]).await;
    assert_eq!(out.location(), server.url);
    assert_eq!(browser.session().await, Value::Null);
    assert!(realm.journal(0).iter().any(|entry| entry.path == "/revoke"), "the grant is taken back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_from_elsewhere_does_nothing() {
    let World { browser, .. } = &mut World::new().await;
    browser.sign_in().await;
    let before = browser.jar.clone();
    for path in ["auth/signin/google", "auth/signout"] {
        for token in ["", "forged"] {
            let answer = browser.post(path, &[("csrfToken", token)]).await;
            assert_eq!((answer.status, answer.set_cookies()), (StatusCode::FORBIDDEN, vec![]), "{path}");
        }
    }
    assert_eq!(browser.jar, before);
    browser.jar.remove("authjs.csrf-token");
    browser.jar.insert("authjs.csrf-token".to_owned(), "planted".to_owned());
    assert_eq!(browser.post("auth/signout", &[("csrfToken", "planted")]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sign_in_keeps_the_session_and_says_so() {
    let world = &mut World::new().await;
    world.browser.sign_in().await;
    let session = world.browser.session().await;
    world.realm.set_consent(Consent::Deny);
    let denied = world.browser.sign_in().await.location();
    assert_eq!(denied.query(), Some("error=AccessDenied"));
    world.realm.set_consent(Consent::Approve);
    world.script(r#"{"to": "token", "with": {"preset": "http_503"}}"#);
    assert_eq!(world.browser.sign_in().await.location().query(), Some("error=OAuthCallbackError"));
    assert_eq!(world.browser.session().await["user"], session["user"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_is_taken_once_and_only_from_the_browser_that_left() {
    let world = &mut World::new().await;
    let callback = world.browser.leave_for_provider("/").await;
    let mut other = crate::browser::Browser::new(world.server.url.clone());
    assert_eq!(other.get(callback.as_str()).await.location().query(), Some("error=OAuthCallbackError"));
    assert_eq!(world.requests("token", None), 0, "the code went nowhere");
    assert_eq!(world.browser.get(callback.as_str()).await.location(), world.server.url);
    let again = world.browser.get(callback.as_str()).await;
    assert_eq!(again.location().query(), Some("error=OAuthCallbackError"));
    assert_ne!(world.browser.session().await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_takes_too_long_is_begun_anew() {
    let world = &mut World::new().await;
    let callback = world.browser.leave_for_provider("/").await;
    world.advance(Duration::from_secs(16 * 60)).await;
    assert_eq!(world.browser.get(callback.as_str()).await.location().query(), Some("error=OAuthCallbackError"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_outlive_the_process_and_a_change_of_the_secret() {
    let world = &mut World::new().await;
    world.browser.sign_in().await;
    let newer = format!("another test secret of many bytes,{SECRET}");
    world.restart(&["--test-clock"], &newer).await;
    assert_eq!(world.browser.session().await["user"]["name"], "Ada Example");
    world.restart(&["--test-clock"], newer.split(',').next().unwrap()).await;
    assert_eq!(world.browser.session().await["user"]["name"], "Ada Example", "sealed anew at the last read");
    world.restart(&["--test-clock"], SECRET).await;
    assert_eq!(world.browser.session().await, Value::Null);
    assert!(!world.browser.jar.contains_key("authjs.session-token"), "what does not open is taken away");
}
