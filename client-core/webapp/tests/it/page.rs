//! The page, used as a person without JavaScript would.

use std::time::Duration;

use reqwest::StatusCode;

use crate::world::World;

fn hidden<'a>(page: &'a str, name: &str) -> &'a str {
    let from = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
    from.split('"').next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forms_of_the_page_sign_in_and_out() {
    let World { server, browser, .. } = &mut World::new().await;
    let page = browser.get("").await;
    assert!(page.body.contains("not signed in") && page.headers["cache-control"] == "private, no-cache, no-store");
    let token = hidden(&page.body, "csrfToken").to_owned();
    let begun = browser.post("auth/signin/google", &[("csrfToken", &token), ("callbackUrl", "/")]).await;
    assert_eq!(begun.status, StatusCode::FOUND);
    browser.sign_in().await;
    let page = browser.get("").await.body;
    assert!(page.contains("Ada Example") && page.contains("2030-01-31") && !page.contains("again"), "{page}");
    let token = hidden(&page, "csrfToken").to_owned();
    assert_eq!(browser.post("auth/signout", &[("csrfToken", &token)]).await.location(), server.url);
    assert!(browser.get("").await.body.contains("not signed in"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whose_tokens_cannot_be_refreshed_is_asked_to_sign_in_again() {
    let world = &mut World::new().await;
    world.browser.sign_in().await;
    world.realm.revoke("rt#1".parse().unwrap()).unwrap();
    world.advance(Duration::from_secs(3600)).await;
    let page = world.browser.get("").await.body;
    assert!(page.contains("Sign in again") && page.contains("RefreshTokenError"), "{page}");
    assert_eq!(world.browser.session().await["error"], "RefreshTokenError");
    world.browser.sign_in().await;
    assert!(!world.browser.get("").await.body.contains("again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_failed_is_told_in_our_words() {
    let World { browser, .. } = &mut World::new().await;
    assert!(browser.get("?error=AccessDenied").await.body.contains("You did not allow the sign-in."));
    let page = browser.get("?error=%3Cscript%3E").await.body;
    assert!(page.contains("The sign-in failed.") && !page.contains("<script>"), "{page}");
}
