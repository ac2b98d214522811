//! Which requests a scripted reply is for, how often it strikes, and when.

use std::time::Duration;

use mock_provider::{BadReply, Client, RealmError, User};
use serde_json::{Value, json};

use crate::{Tokens, World, claims};

fn script(world: &World, spec: Value) {
    world.realm.script(serde_json::from_value(spec).unwrap()).unwrap();
}

async fn statuses(world: &World, tokens: &Tokens, count: usize) -> Vec<u16> {
    let mut statuses = vec![];
    for _ in 0..count {
        statuses.push(world.refresh(tokens.refresh()).await.status().as_u16());
    }
    statuses
}

#[tokio::test]
async fn the_nth_request_fails_and_then_it_heals() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    script(&world, json!({"to": "token", "nth": 2, "times": 2, "with": {"status": 503}}));
    assert_eq!(statuses(&world, &tokens, 4).await, [200, 503, 503, 200]);
}

#[tokio::test]
async fn only_one_token_one_user_or_one_client_is_hit() {
    let world = World::new().await;
    world.realm.put_user(User::named("u-bob", "bob"));
    let ada = world.sign_in().await;
    world.realm.sign_in_as("u-bob").unwrap();
    let bob = world.sign_in().await;
    for only in [json!({"token": "rt#2"}), json!({"user": "bob@example.com"})] {
        let mut spec = json!({"to": "token", "grant": "refresh_token", "with": {"status": 503}});
        spec.as_object_mut().unwrap().extend(only.as_object().unwrap().clone());
        script(&world, spec);
        assert_eq!(statuses(&world, &ada, 1).await, [200], "{only}");
        assert_eq!(statuses(&world, &bob, 2).await, [503, 200], "{only}");
    }
    world.realm.put_client(Client { id: "9-other".into(), ..world.client.clone() });
    script(&world, json!({"to": "token", "client": "9-other", "with": {"status": 503}}));
    assert_eq!(statuses(&world, &ada, 1).await, [200]);
    assert_eq!(world.realm.scripted().len(), 1);
}

#[tokio::test]
async fn an_outage_begins_and_ends_on_the_realms_clock() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    script(
        &world,
        json!({"to": "token", "during": {"from_now": "10m", "lasts": "5m"}, "with": {"preset": "html_503"}}),
    );
    assert_eq!(statuses(&world, &tokens, 1).await, [200]);
    world.realm.advance(Duration::from_secs(600));
    assert_eq!(statuses(&world, &tokens, 3).await, [503, 503, 503]);
    world.realm.advance(Duration::from_secs(300));
    assert_eq!(statuses(&world, &tokens, 1).await, [200]);
}

#[tokio::test]
async fn chance_is_the_same_for_the_same_seed() {
    let run = |seed: u64| async move {
        let world = World::new().await;
        let tokens = world.sign_in().await;
        script(&world, json!({"to": "token", "chance": {"percent": 30, "seed": seed}, "with": {"status": 503}}));
        statuses(&world, &tokens, 40).await
    };
    let (once, again, other) = (run(1).await, run(1).await, run(2).await);
    assert_eq!(once, again);
    assert_ne!(once, other);
    let struck = once.iter().filter(|status| **status == 503).count();
    assert!((4..=20).contains(&struck), "{struck} of 40 at 30 percent");
}

#[tokio::test]
async fn before_and_after_the_commit_hold_everywhere() {
    let world = World::new().await;
    for when in ["before", "after"] {
        let tokens = world.sign_in().await;
        script(&world, json!({"to": "revoke", "when": when, "with": {"status": 503}}));
        let form = [("token", tokens.refresh())];
        let revoked = world.http.post(format!("{}/revoke", world.realm.issuer())).form(&form).send().await.unwrap();
        assert_eq!(revoked.status(), 503);
        let alive = world.refresh(tokens.refresh()).await.status() == 200;
        assert_eq!(alive, when == "before", "{when}");
    }
}

#[tokio::test]
async fn an_id_token_can_be_wrong_in_every_part() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    let edit = json!({
        "set": {"aud": "somebody-else"}, "relative": {"exp": -60}, "remove": ["azp"],
        "header": {"kid": "nobody", "typ": null}, "signature": "hmac",
    });
    script(&world, json!({"to": "token", "with": {"id_token": edit}}));
    let body: Value = world.refresh(tokens.refresh()).await.json().await.unwrap();
    let id_token = body["id_token"].as_str().unwrap();
    let claims = claims(id_token);
    assert_eq!((&claims["aud"], claims.get("azp")), (&json!("somebody-else"), None));
    assert_eq!(claims["exp"], world.realm.now().as_secs() - 60);
    let header = jsonwebtoken::decode_header(id_token).unwrap();
    assert_eq!((header.kid.as_deref(), header.typ, header.alg), (Some("nobody"), None, jsonwebtoken::Algorithm::HS256));
}

#[tokio::test]
async fn a_callback_can_lie() {
    let world = World::new().await;
    script(
        &world,
        json!({"to": "authorize", "with": {"callback": {"set": {"iss": "https://evil.example"}, "remove": ["state"]}}}),
    );
    let callback = crate::query_of(&crate::location(&world.authorize(&[]).await));
    assert_eq!((callback["iss"].as_str(), callback.get("state")), ("https://evil.example", None));
    assert!(callback.contains_key("code"));
}

#[tokio::test]
async fn retry_after_has_every_form() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    for (form, header) in [
        (json!({"seconds": 30}), "30"),
        (json!({"date_in": "30s"}), "Tue, 01 Jan 2030 00:00:30 GMT"),
        (json!({"raw": "soon"}), "soon"),
    ] {
        script(&world, json!({"to": "token", "with": {"status": 429, "retry_after": form}}));
        assert_eq!(world.refresh(tokens.refresh()).await.headers()["retry-after"], header);
    }
}

#[tokio::test]
async fn headers_alone_leave_the_honest_answer_as_it_is() {
    let world = World::new().await;
    script(&world, json!({"to": "discovery", "with": {"headers": {"cache-control": "", "x-more": "1"}}}));
    let url = format!("{}/.well-known/openid-configuration", world.realm.issuer());
    let answer = world.http.get(url).send().await.unwrap();
    assert!(answer.headers().get("cache-control").is_none());
    assert_eq!(answer.headers()["x-more"], "1");
    assert_eq!(answer.json::<Value>().await.unwrap()["issuer"], world.realm.issuer());
}

#[tokio::test]
async fn nonsense_is_refused_by_name() {
    let world = World::new().await;
    let script = |spec: Value| world.realm.script(serde_json::from_value(spec).unwrap()).unwrap_err();
    let with = |extra: Value| {
        let mut spec = json!({"to": "token", "with": {"status": 500}});
        spec.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        script(spec)
    };
    assert_eq!(with(json!({"nth": 0})), RealmError::BadReply(BadReply::NoSuchRequest));
    assert_eq!(with(json!({"chance": {"percent": 101}})), RealmError::BadReply(BadReply::Chance(101)));
    assert_eq!(with(json!({"user": "nobody"})), RealmError::NoSuchUser("nobody".into()));
    assert_eq!(with(json!({"client": "nobody"})), RealmError::NoSuchClient("nobody".into()));
    let preset = |with: Value| script(json!({"to": "token", "with": with}));
    assert!(preset(json!({"preset": "html_5033"})).to_string().contains("no preset `html_5033`"));
    assert_eq!(preset(json!({"preset": "html_503", "status": 200})), RealmError::BadReply(BadReply::PresetAndMore));
    assert_eq!(preset(json!({"preset": "jwks_empty"})).to_string(), "the preset `jwks_empty` is for jwks");
    assert!(preset(json!({"delay": "2m"})).to_string().contains("at most a minute"));
}

#[tokio::test]
async fn every_reply_counts_the_requests_that_another_one_answers() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    script(&world, json!({"to": "token", "nth": 2, "with": {"status": 503}}));
    script(&world, json!({"to": "token", "nth": 3, "with": {"status": 500}}));
    assert_eq!(statuses(&world, &tokens, 4).await, [200, 503, 500, 200]);
}

#[tokio::test]
async fn who_sits_at_the_page_is_matched_without_a_hint() {
    let world = World::new().await;
    world.realm.put_user(User::named("u-bob", "bob"));
    script(&world, json!({"to": "authorize", "user": "bob@example.com", "with": {"status": 503}}));
    assert_eq!(world.authorize(&[]).await.status(), 302);
    world.realm.sign_in_as("u-bob").unwrap();
    assert_eq!(world.authorize(&[]).await.status(), 503);
}

#[tokio::test]
async fn a_cut_cuts_an_answer_without_a_body_too() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    script(&world, json!({"to": "token", "with": {"status": 503, "fault": {"early_close": 0}}}));
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
    form.extend(world.credentials());
    let cut = world.http.post(format!("{}/token", world.realm.issuer())).form(&form).send().await.unwrap();
    assert!(cut.bytes().await.is_err());
}
