//! What the browser is given to keep.

use std::time::Duration;

use crate::world::{SECRET, World};

#[tokio::test(flavor = "multi_thread")]
async fn every_cookie_is_hidden_from_scripts_and_other_sites() {
    let world = &mut World::new().await;
    let token = world.browser.csrf().await;
    let mut answers = vec![world.browser.post("auth/signin/google", &[("csrfToken", &token)]).await];
    answers.push(world.browser.sign_in().await);
    answers.push(world.browser.get("auth/session").await);
    for header in answers.iter().flat_map(|answer| answer.set_cookies()) {
        for attribute in ["; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(header.contains(attribute), "{header}");
        }
        assert!(!header.contains("Secure"), "http cannot keep that promise: {header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_https_cookies_go_over_https_only() {
    let args = ["--base-url", "https://app.example", "--test-clock"];
    let world = &mut World::with(&args, SECRET).await;
    let mut client = world.realm.clients().remove(0);
    client.redirect_uris = vec!["https://app.example/auth/callback/google".to_owned()];
    world.realm.put_client(client);
    let csrf = world.browser.get("auth/csrf").await;
    let header = csrf.set_cookies()[0];
    assert!(header.starts_with("__Host-authjs.csrf-token=") && header.contains("; Secure"), "{header}");
    let callback = world.browser.leave_for_provider("/").await;
    assert_eq!(callback.origin().ascii_serialization(), "https://app.example");
    let back = world.browser.get(&callback[url::Position::BeforePath..]).await;
    assert_eq!(back.location().as_str(), "https://app.example/");
    let names: Vec<&String> = world.browser.jar.keys().collect();
    assert_eq!(names, ["__Host-authjs.csrf-token", "__Secure-authjs.session-token"]);
    assert!(back.set_cookies().iter().all(|header| header.contains("; Secure")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_grows_into_pieces_and_shrinks_again() {
    let world = &mut World::new().await;
    world.browser.sign_in().await;
    let long = "r".repeat(9_000);
    let raw = serde_json::to_string(&format!("{long:?}")).unwrap();
    world.script(&format!(
        r#"{{"to": "token", "with": {{"mutate": [{{"set": {{"at": "/refresh_token", "raw": {raw}}}}}]}}}}"#
    ));
    world.advance(Duration::from_secs(3600)).await;
    world.browser.session().await;
    let pieces = |world: &World| world.browser.jar.keys().filter(|name| name.contains("session-token")).count();
    assert_eq!(pieces(world), 4);
    assert!(world.browser.jar.values().all(|value| value.len() <= 3936));
    assert_eq!(world.browser.session().await["user"]["name"], "Ada Example");
    world.browser.sign_in().await;
    assert_eq!(pieces(world), 1, "what is not needed any more is taken away: {:?}", world.browser.jar.keys());
    assert_eq!(world.browser.session().await["user"]["name"], "Ada Example");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoiled_cookie_is_no_session() {
    let world = &mut World::new().await;
    world.browser.sign_in().await;
    for spoiled in ["x", "", "a.b.c.d.e", "e30..AAAA.AAAA.AAAA", "é"] {
        world.browser.jar.insert("authjs.session-token".to_owned(), spoiled.to_owned());
        assert!(world.browser.get("auth/session").await.body == "null", "{spoiled}");
    }
}
