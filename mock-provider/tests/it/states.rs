//! Whole states: seeds, snapshots, and restarts that lose something.

use std::time::Duration;

use mock_provider::{KeysAfterRestart, Loss, Snapshot};
use serde_json::{Value, json};

use crate::{START, World, error_of, oauth};

fn seed(world: &World, spec: Value) -> Value {
    let seeded = world.realm.seed(&serde_json::from_value(spec).unwrap()).unwrap();
    serde_json::to_value(seeded).unwrap()
}

fn value(token: &Value) -> &str {
    token["value"].as_str().unwrap()
}

fn length(text: &str) -> Loss {
    Loss::Last(text.parse().unwrap())
}

#[tokio::test]
async fn a_family_at_generation_five_with_three_seconds_left() {
    let world = World::new().await;
    world.realm.change_policy(&serde_json::from_value(json!({"rotation": "always"})).unwrap());
    let seeded = seed(&world, json!({"families": [{"generation": 5, "left": "3s", "access_left": "0s"}]}));
    let family = &seeded["families"][0];
    let tokens = family["refresh_tokens"].as_array().unwrap();
    assert_eq!(tokens.len(), 6);
    assert_eq!(world.refresh(value(&tokens[4])).await.status(), 400, "it has been replaced");
    let url = format!("{}/resource", world.realm.issuer());
    let expired = world.http.get(url).bearer_auth(value(&family["access_token"])).send().await.unwrap();
    assert_eq!(expired.status(), 401);
    world.realm.advance(Duration::from_secs(2));
    let next: Value = world.refresh(value(&tokens[5])).await.json().await.unwrap();
    assert_eq!(next["refresh_token_expires_in"], 1);
    world.realm.advance(Duration::from_secs(1));
    assert_eq!(world.refresh(next["refresh_token"].as_str().unwrap()).await.status(), 400);
}

#[tokio::test]
async fn ends_idleness_access_tokens_and_codes_can_be_seeded() {
    let world = World::new().await;
    let seeded = seed(
        &world,
        json!({
            "families": [{"end": "reuse_detected"}, {"idle": "182d"}],
            "access_tokens": [{"left": "10s", "for": {"scopes": ["openid"]}}],
            "codes": [{"redirect_uri": crate::REDIRECT, "nonce": "n"}],
        }),
    );
    let refresh = |index: usize| world.refresh(value(&seeded["families"][index]["refresh_tokens"][0]));
    assert_eq!(refresh(0).await.status(), 400);
    assert_eq!(refresh(1).await.status(), 200);
    let code: Value = world.redeem(value(&seeded["codes"][0]), &[]).await.json().await.unwrap();
    assert!(code["refresh_token"].is_string());
    let access = value(&seeded["access_tokens"][0]);
    let userinfo = || world.http.get(format!("{}/v1/userinfo", world.realm.issuer())).bearer_auth(access).send();
    assert_eq!(userinfo().await.unwrap().status(), 200);
    world.realm.advance(Duration::from_secs(10));
    assert_eq!(userinfo().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_bad_seed_changes_nothing() {
    let world = World::new().await;
    let before = serde_json::to_value(world.realm.snapshot()).unwrap();
    for spec in [
        json!({"families": [{}, {"for": {"user": "nobody"}}]}),
        json!({"families": [{"for": {"client": "nobody"}}]}),
        json!({"families": [{"generation": 2_000_000}]}),
        json!({"families": [{"count": 1_000_000}, {"count": 1_000_001}]}),
    ] {
        assert!(world.realm.seed(&serde_json::from_value(spec.clone()).unwrap()).is_err(), "{spec}");
    }
    assert_eq!(serde_json::to_value(world.realm.snapshot()).unwrap(), before);
}

#[tokio::test]
async fn a_snapshot_brings_everything_back_in_another_process_too() {
    let world = World::new().await;
    world
        .realm
        .change_policy(&serde_json::from_value(json!({"rotation": "always", "reuse": "revoke_family"})).unwrap());
    let tokens = world.sign_in().await;
    let spec = json!({"to": "token", "during": {"from_now": "1h", "lasts": "1h"}, "with": {"status": 503}});
    world.realm.script(serde_json::from_value(spec).unwrap()).unwrap();
    world.realm.advance(Duration::from_secs(5));
    let text = serde_json::to_string(&world.realm.snapshot()).unwrap();
    world.realm.revoke("rt#1".parse().unwrap()).unwrap();
    let elsewhere = World::with(|builder| builder.seed(99)).await;
    for realm in [&world.realm, &elsewhere.realm] {
        let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
        realm.restore(snapshot).unwrap();
        assert_eq!(serde_json::to_string(&realm.snapshot()).unwrap(), text, "nothing is lost on the way");
        assert_eq!(realm.now(), START.plus(Duration::from_secs(5)));
    }
    let form = |token: &str| {
        let mut form = vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", token.to_owned())];
        form.extend(world.credentials().map(|(name, value)| (name, value.to_owned())));
        form
    };
    for world in [&world, &elsewhere] {
        let url = format!("{}/token", world.realm.issuer());
        let refreshed = world.http.post(&url).form(&form(tokens.refresh())).send().await.unwrap();
        assert_eq!(refreshed.status(), 200);
        let replayed = world.http.post(&url).form(&form(tokens.refresh())).send().await.unwrap();
        assert_eq!(replayed.status(), 400, "the rules came along");
        world.realm.advance(Duration::from_secs(3600));
        assert_eq!(world.http.post(&url).form(&form(tokens.refresh())).send().await.unwrap().status(), 503);
    }
    let labels = |world: &World| serde_json::to_value(world.realm.families(&Default::default())).unwrap();
    assert_eq!(labels(&world)[0]["tokens"][1]["label"], "rt#2");
}

#[tokio::test]
async fn a_snapshot_of_another_version_is_refused() {
    let mut snapshot = serde_json::to_value(World::new().await.realm.snapshot()).unwrap();
    snapshot["version"] = json!("2");
    assert!(serde_json::from_value::<Snapshot>(snapshot).is_err());
}

#[tokio::test]
async fn a_restart_loses_the_last_stretch_and_mints_nothing_twice() {
    let world = World::new().await;
    world.realm.remember(Some("10s".parse().unwrap()));
    world.realm.change_policy(&serde_json::from_value(json!({"rotation": "always"})).unwrap());
    let first = world.sign_in().await;
    world.realm.advance(Duration::from_secs(1));
    let second: Value = world.refresh(first.refresh()).await.json().await.unwrap();
    let second = second["refresh_token"].as_str().unwrap().to_owned();
    world.realm.restart(length("500ms"), KeysAfterRestart::Same).unwrap();
    let lost = oauth(400, "invalid_grant", "Bad Request");
    assert_eq!(error_of(world.refresh(&second).await).await, lost, "the rotation is forgotten");
    let again: Value = world.refresh(first.refresh()).await.json().await.unwrap();
    assert_ne!(again["refresh_token"], second.as_str());
    world.realm.restart(length("9s"), KeysAfterRestart::Same).unwrap();
    assert_eq!(error_of(world.refresh(first.refresh()).await).await, lost, "the sign-in is forgotten too");
    world.realm.restart(length("1s"), KeysAfterRestart::Same).unwrap();
    assert_eq!(error_of(world.refresh(first.refresh()).await).await, lost, "what was lost stays lost");
    let too_far = world.realm.restart(length("11s"), KeysAfterRestart::Same);
    assert!(too_far.unwrap_err().to_string().contains("remembers nothing that old"));
}

#[tokio::test]
async fn a_restart_can_lose_everything_or_nothing() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    world.realm.restart(Loss::Nothing, KeysAfterRestart::Same).unwrap();
    assert_eq!(world.refresh(tokens.refresh()).await.status(), 200);
    world.realm.restart(Loss::Everything, KeysAfterRestart::Same).unwrap();
    assert_eq!(error_of(world.refresh(tokens.refresh()).await).await, oauth(400, "invalid_grant", "Bad Request"));
    assert_ne!(world.sign_in().await.refresh(), tokens.refresh());
    assert!(world.realm.journal(0).len() > 3, "the journal is the witness and stays");
}

#[tokio::test]
async fn what_was_parked_at_a_restart_gets_a_503_and_is_journalled_as_abandoned() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    world.realm.hold(serde_json::from_value(json!({"to": "token"})).unwrap()).unwrap();
    let restart = async {
        world.realm.wait_for_parked(1).await;
        world.realm.restart(Loss::Nothing, KeysAfterRestart::Same).unwrap();
    };
    let (refreshed, ()) = tokio::join!(world.refresh(tokens.refresh()), restart);
    assert_eq!(refreshed.status(), 503);
    let last = world.realm.journal(0).pop().unwrap();
    assert_eq!(last.delivery, mock_provider::Delivery::Abandoned);
}

#[tokio::test]
async fn a_restart_leaves_rules_people_and_keys_as_they_are() {
    let world = World::new().await;
    world.realm.remember(Some("1h".parse().unwrap()));
    world.realm.change_policy(&serde_json::from_value(json!({"access_ttl": "60s"})).unwrap());
    world.realm.put_user(mock_provider::User::named("u-bob", "bob"));
    world.realm.rotate_keys();
    let before = serde_json::to_value(world.realm.snapshot()).unwrap();
    world.realm.advance(Duration::from_secs(600));
    world.realm.restart(length("599s"), KeysAfterRestart::Same).unwrap();
    let after = serde_json::to_value(world.realm.snapshot()).unwrap();
    for part in ["policy", "users", "clients", "rotations"] {
        assert_eq!(after["state"][part], before["state"][part], "{part}");
    }
}

#[tokio::test]
async fn with_the_answer_in_hand_a_restart_still_means_503() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    world.realm.hold(serde_json::from_value(json!({"to": "token", "when": "after"})).unwrap()).unwrap();
    let restart = async {
        world.realm.wait_for_parked(1).await;
        world.realm.restart(Loss::Everything, KeysAfterRestart::Same).unwrap();
    };
    let (refreshed, ()) = tokio::join!(world.refresh(tokens.refresh()), restart);
    assert_eq!(refreshed.status(), 503);
}

#[tokio::test]
async fn a_snapshot_that_leads_nowhere_is_refused_and_changes_nothing() {
    let world = World::new().await;
    world.sign_in().await;
    let good = serde_json::to_value(world.realm.snapshot()).unwrap();
    for (path, value) in [
        ("/state/access/0/lineage", json!(99)),
        ("/state/grants/100000000000000000001", json!({"1": {"scopes": [], "families": [7], "revoked": []}})),
        ("/state/lineages/0/tokens", json!([])),
        ("/state/lineages/0/family/members/0/parent", json!(0)),
        ("/state/minted/refresh", json!(0)),
        ("/journal/1/sequence", json!(1)),
        ("/next", json!(u64::MAX)),
        ("/replies", json!([{"to": "token", "times": 0, "with": {"status": 500}}])),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(path).unwrap() = value;
        let refused = serde_json::from_value::<Snapshot>(bad).map(|snapshot| world.realm.restore(snapshot));
        assert!(!matches!(refused, Ok(Ok(()))), "{path}");
        assert_eq!(serde_json::to_value(world.realm.snapshot()).unwrap(), good, "{path}");
    }
}

#[tokio::test]
async fn what_is_seeded_is_revoked_like_anything_else() {
    let world = World::new().await;
    let seeded = seed(&world, json!({"access_tokens": [{"left": "1h"}]}));
    let token = value(&seeded["access_tokens"][0]).to_owned();
    let form = [("token", token.clone())];
    let revoked = world.http.post(format!("{}/revoke", world.realm.issuer())).form(&form).send().await.unwrap();
    assert_eq!(revoked.status(), 200);
    let url = format!("{}/v1/userinfo", world.realm.issuer());
    assert_eq!(world.http.get(url).bearer_auth(token).send().await.unwrap().status(), 401);
}
