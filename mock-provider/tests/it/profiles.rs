//! Profiles: other servers' life rules and refusals.

use std::time::Duration;

use mock_provider::profile::{Profile, ProfileName};
use serde_json::{Value, json};

use crate::World;

fn named(name: &str) -> Profile {
    name.parse::<ProfileName>().unwrap().profile()
}

async fn refreshed(world: &World, refresh_token: &str) -> (u16, Value) {
    let answer = world.refresh(refresh_token).await;
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn new_token(answer: &(u16, Value)) -> String {
    assert_eq!(answer.0, 200, "{}", answer.1);
    answer.1["refresh_token"].as_str().unwrap().to_owned()
}

/// A replaced token comes back a day later: what does the server do to it, and to its successor?
async fn replay(name: &str) -> ((u16, Value), (u16, Value)) {
    let world = World::new().await;
    world.realm.follow(named(name));
    let first = world.sign_in().await;
    let second = new_token(&refreshed(&world, first.refresh()).await);
    let third = new_token(&refreshed(&world, &second).await);
    world.realm.advance(Duration::from_secs(600));
    (refreshed(&world, first.refresh()).await, refreshed(&world, &third).await)
}

#[tokio::test]
async fn where_reuse_is_noticed_the_successor_dies_with_it() {
    for name in ["okta", "auth0", "rotating", "supabase", "keycloak-strict"] {
        let (replayed, successor) = replay(name).await;
        assert!(replayed.0 >= 400 && successor.0 >= 400, "{name}: {replayed:?} {successor:?}");
    }
}

#[tokio::test]
async fn where_old_tokens_stay_good_nobody_notices() {
    for name in ["entra", "keycloak"] {
        let (replayed, successor) = replay(name).await;
        assert_eq!((replayed.0, successor.0), (200, 200), "{name}");
    }
}

#[tokio::test]
async fn github_refuses_with_200_and_its_own_error() {
    let (replayed, successor) = replay("github").await;
    assert_eq!((replayed.0, &replayed.1["error"]), (200, &json!("bad_refresh_token")));
    assert_eq!(successor.0, 200);
}

#[tokio::test]
async fn okta_has_a_grace_for_the_previous_token_only() {
    let world = World::new().await;
    world.realm.follow(named("okta"));
    let first = world.sign_in().await;
    let second = new_token(&refreshed(&world, first.refresh()).await);
    assert_eq!(refreshed(&world, first.refresh()).await.0, 200, "a retry within 30 s");
    new_token(&refreshed(&world, &second).await);
    assert_eq!(refreshed(&world, first.refresh()).await.0, 400, "its successor has been replaced too");
}

#[tokio::test]
async fn every_profile_issues_and_refuses() {
    for name in ProfileName::all() {
        let world = World::new().await;
        world.realm.follow(name.profile());
        let tokens = world.sign_in().await;
        assert_eq!(refreshed(&world, tokens.refresh()).await.0, 200, "{name}");
        let bogus = refreshed(&world, "1//nobody").await;
        assert!(bogus.1.get("error").is_some() || bogus.0 >= 400, "{name}: {bogus:?}");
    }
}

#[tokio::test]
async fn keycloak_names_the_end_of_a_refresh_token_in_its_own_way() {
    let world = World::new().await;
    world.realm.follow(named("keycloak"));
    let tokens = world.sign_in().await;
    let answer = refreshed(&world, tokens.refresh()).await.1;
    assert!(answer.get("refresh_expires_in").is_some(), "{answer}");
}

#[tokio::test]
async fn a_profile_leaves_no_trace_when_another_one_is_followed() {
    let world = World::new().await;
    world.realm.follow(named("keycloak"));
    world.realm.follow(named("google"));
    world.realm.change_policy(&serde_json::from_value(json!({"refresh_ttl": "7d"})).unwrap());
    let tokens = world.sign_in().await;
    let answer = refreshed(&world, tokens.refresh()).await.1;
    assert!(answer.get("refresh_token_expires_in").is_some(), "{answer}");
}

#[tokio::test]
async fn a_profile_of_ones_own_is_followed_or_refused_over_http() {
    let world = World::new().await;
    let url = format!("{}/realms/default/policy", world.control);
    let mut profile = serde_json::to_value(named("github")).unwrap();
    profile["policy"]["access_ttl"] = json!("77s");
    let put = |profile: Value| world.http.put(&url).json(&json!({"custom": profile})).send();
    assert_eq!(put(profile.clone()).await.unwrap().json::<Value>().await.unwrap()["access_ttl"], "77s");
    profile["needs"] = json!(["DPoP"]);
    let refused = put(profile).await.unwrap();
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("needs `DPoP`"));
}
