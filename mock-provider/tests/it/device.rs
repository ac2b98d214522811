//! The device flow as Google speaks it.

use std::time::Duration;

use mock_provider::{Client, ClientKind};
use reqwest::Response;
use serde_json::{Value, json};

use crate::{Tokens, World, error_of, oauth};

async fn tv() -> World {
    let world = World::new().await;
    world.realm.put_client(Client { kind: ClientKind::Tv, ..world.client.clone() });
    world
}

async fn begin(world: &World, scope: &str) -> Response {
    let form = [("client_id", world.client.id.as_str()), ("scope", scope)];
    world.http.post(format!("{}/device/code", world.realm.issuer())).form(&form).send().await.unwrap()
}

async fn begun(world: &World) -> Value {
    begin(world, "openid email").await.json().await.unwrap()
}

async fn poll(world: &World, code: &Value) -> Response {
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let mut form = vec![("grant_type", grant), ("device_code", code["device_code"].as_str().unwrap())];
    form.extend(world.credentials());
    world.token(&form).await
}

fn pending() -> (u16, String, String) {
    oauth(428, "authorization_pending", "Precondition Required")
}

#[tokio::test]
async fn the_answer_has_googles_members_in_googles_order() {
    let world = tv().await;
    let code = begun(&world).await;
    let names: Vec<&str> = code.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["device_code", "user_code", "expires_in", "interval", "verification_url"]);
    assert_eq!((&code["expires_in"], &code["interval"]), (&json!(1800), &json!(5)));
    assert_eq!(code["verification_url"], format!("{}/device", world.realm.issuer()));
}

#[tokio::test]
async fn a_device_waits_is_approved_and_gets_tokens_once() {
    let world = tv().await;
    let code = begun(&world).await;
    assert_eq!(error_of(poll(&world, &code).await).await, pending());
    assert_eq!(error_of(poll(&world, &code).await).await, oauth(403, "slow_down", "Forbidden"));
    world.realm.decide_device(code["user_code"].as_str().unwrap(), Some("ada@example.com")).unwrap();
    world.realm.advance(Duration::from_secs(11));
    let tokens = Tokens::of(poll(&world, &code).await).await;
    assert!(tokens.refresh.is_some() && !tokens.id.is_empty());
    assert_eq!(error_of(poll(&world, &code).await).await, oauth(400, "invalid_grant", "Bad Request"));
}

#[tokio::test]
async fn slow_down_makes_the_interval_longer() {
    let world = tv().await;
    let code = begun(&world).await;
    for (wait, expected) in [
        (0, pending()),
        (1, oauth(403, "slow_down", "Forbidden")),
        (9, oauth(403, "slow_down", "Forbidden")),
        (15, pending()),
    ] {
        world.realm.advance(Duration::from_secs(wait));
        assert_eq!(error_of(poll(&world, &code).await).await, expected, "after {wait} s");
    }
}

#[tokio::test]
async fn a_denied_and_an_expired_code_say_so() {
    let world = tv().await;
    let code = begun(&world).await;
    world.realm.decide_device(&code["user_code"].as_str().unwrap().to_lowercase().replace('-', ""), None).unwrap();
    assert_eq!(error_of(poll(&world, &code).await).await, oauth(403, "access_denied", "Forbidden"));
    assert!(world.realm.decide_device("XXXX-XXXX", None).is_err());
    let late = begun(&world).await;
    world.realm.advance(Duration::from_secs(1800));
    assert_eq!(error_of(poll(&world, &late).await).await.1, "expired_token");
    world.realm.change_quirks(&serde_json::from_value(json!({"device_expired": "invalid_grant"})).unwrap());
    assert_eq!(error_of(poll(&world, &late).await).await.1, "invalid_grant");
}

#[tokio::test]
async fn only_a_tv_may_and_only_for_few_scopes() {
    let world = World::new().await;
    assert_eq!(error_of(begin(&world, "openid").await).await, oauth(401, "invalid_client", "Invalid client type."));
    let world = tv().await;
    assert_eq!(error_of(begin(&world, "https://mail.google.com/").await).await, oauth(400, "invalid_scope", ""));
}

#[tokio::test]
async fn a_person_enters_the_code_on_a_page() {
    let world = tv().await;
    let code = begun(&world).await;
    let url = code["verification_url"].as_str().unwrap();
    let page = world.http.get(url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("name=\"user_code\"") && page.contains("Ada Example"), "{page}");
    let sub = world.realm.users()[0].sub.clone();
    let form = |user_code: &str| {
        [("user_code", user_code.to_owned()), ("regrant_user", sub.clone()), ("regrant_decision", "allow".to_owned())]
    };
    let wrong = world.http.post(url).form(&form("ABCD-EFGH")).send().await.unwrap();
    assert_eq!(wrong.status(), 400);
    let right = world.http.post(url).form(&form(code["user_code"].as_str().unwrap())).send().await.unwrap();
    assert_eq!(right.status(), 200);
    assert_eq!(poll(&world, &code).await.status(), 200);
}

#[tokio::test]
async fn polls_of_others_and_of_old_are_told_apart() {
    let world = tv().await;
    let code = begun(&world).await;
    let invalid = oauth(400, "invalid_grant", "Bad Request");
    assert_eq!(error_of(poll(&world, &json!({"device_code": "AH-1Ngunknown"})).await).await, invalid);
    let value = code["device_code"].as_str().unwrap();
    world.realm.put_client(Client { id: "9-other".into(), kind: ClientKind::Tv, ..world.client.clone() });
    let [_, secret] = world.credentials();
    let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
    let foreign = world.token(&[grant, ("device_code", value), ("client_id", "9-other"), secret]).await;
    assert_eq!(error_of(foreign).await, invalid);
    let mut old = vec![("grant_type", "http://oauth.net/grant_type/device/1.0"), ("code", value)];
    old.extend(world.credentials());
    assert_eq!(error_of(world.token(&old).await).await, pending());
    let body = json!({"client_id": world.client.id, "scope": "openid"});
    let as_json = world.http.post(format!("{}/device/code", world.realm.issuer())).json(&body).send().await.unwrap();
    assert_eq!(as_json.status(), 200);
}

#[tokio::test]
async fn a_poll_asks_who_may_use_the_project() {
    for (publishing, test_user, expected) in [("internal", true, "org_internal"), ("testing", false, "access_denied")] {
        let world = tv().await;
        let code = begun(&world).await;
        let user = mock_provider::User { test_user, ..world.realm.users().remove(0) };
        world.realm.put_user(user.clone());
        world.realm.change_policy(&serde_json::from_value(json!({"publishing": publishing})).unwrap());
        world.realm.decide_device(code["user_code"].as_str().unwrap(), Some(&user.sub)).unwrap();
        let refused = error_of(poll(&world, &code).await).await;
        assert_eq!((refused.0, refused.1.as_str()), (403, expected));
    }
}
