//! What the application does not do, and does not tell.

use std::time::Duration;

use reqwest::StatusCode;

use crate::world::{SECRET, World};

#[tokio::test(flavor = "multi_thread")]
async fn the_doors_for_tests_are_closed_unless_they_are_opened() {
    let World { browser, .. } = &mut World::with(&[], SECRET).await;
    assert_eq!(browser.post("_test/clock", &[("now_ms", "0")]).await.status, StatusCode::NOT_FOUND);
    browser.sign_in().await;
    let shown = browser.get("auth/session").await.body;
    assert!(!shown.contains("ya29.") && !shown.contains("1//0"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_resource_is_called_with_the_sessions_token() {
    let world = &mut World::new().await;
    let resource = format!("{}/resource", world.realm.issuer());
    let call = format!("api/resource?url={resource}");
    assert_eq!(world.browser.get(&call).await.status, StatusCode::UNAUTHORIZED);
    world.browser.sign_in().await;
    assert_eq!(world.browser.get(&call).await.json()["status"], 200);
    world.realm.revoke("rt#1".parse().unwrap()).unwrap();
    world.advance(Duration::from_secs(3600)).await;
    let failed = world.browser.get(&call).await.json();
    assert_eq!((&failed["status"], &failed["error"]), (&serde_json::Value::Null, &"RefreshTokenError".into()));
    for elsewhere in ["https://example.com/", "http://127.0.0.1:1/", "file:///etc/passwd", "nonsense"] {
        let refused = world.browser.get(&format!("api/resource?url={elsewhere}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{elsewhere}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_reads_at_once_refresh_once() {
    let world = &mut World::new().await;
    world.browser.sign_in().await;
    world.advance(Duration::from_secs(3600)).await;
    let reads = (0..10).map(|_| {
        let mut tab = crate::browser::Browser::new(world.server.url.clone());
        tab.jar = world.browser.jar.clone();
        tokio::spawn(async move { tab.session().await["access_token"].clone() })
    });
    for read in reads.collect::<Vec<_>>() {
        let token = read.await.unwrap();
        assert_eq!(world.realm.label_of(token.as_str().unwrap()).unwrap().to_string(), "at#2");
    }
    assert_eq!(world.requests("token", Some("refresh_token")), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_what_failed_and_no_secret() {
    let mut world = World::new().await;
    world.browser.sign_in().await;
    world.browser.get("auth/callback/google?state=forged&code=4/0Aforged").await;
    world.script(r#"{"to": "token", "with": {"preset": "http_503"}}"#);
    world.advance(Duration::from_secs(3600)).await;
    world.browser.session().await;
    world.browser.jar.values_mut().for_each(|value| value.push('x'));
    world.browser.session().await;
    let log = world.server.log();
    for part in ["a sign-in failed", "RefreshTokenError", "a session cookie is not taken", "--test-clock"] {
        assert!(log.contains(part), "`{part}` is missing:\n{log}");
    }
    let secrets = world.realm.secrets();
    for secret in secrets.iter().map(|(_, secret)| secret.expose()).chain([SECRET, "4/0Aforged"]) {
        assert!(!log.contains(secret), "{log}");
    }
}
