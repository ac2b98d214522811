//! Scripted replies and broken connections, as a client sees them.

use mock_provider::Delivery;
use serde_json::{Value, json};

use crate::World;

async fn scripted(reply: Value) -> (World, String) {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    world.realm.change_policy(&serde_json::from_value(json!({"rotation": "always"})).unwrap());
    world.realm.script(serde_json::from_value(reply).unwrap()).unwrap();
    let refresh = tokens.refresh().to_owned();
    (world, refresh)
}

fn to_refresh(with: &Value) -> Value {
    json!({"to": "token", "grant": "refresh_token", "with": with})
}

/// What a refresh under a fault ends in: the innermost cause in words, or the body.
async fn outcome(world: &World, refresh: &str) -> Result<String, String> {
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh)];
    form.extend(world.credentials());
    let sent = world.http.post(format!("{}/token", world.realm.issuer())).form(&form).send().await;
    let read = match sent {
        Ok(response) => response.text().await,
        Err(error) => Err(error),
    };
    read.map_err(|error| {
        let mut cause: &dyn std::error::Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        cause.to_string()
    })
}

#[tokio::test]
async fn a_counted_reply_is_spent_and_then_the_truth_returns() {
    let (world, refresh) =
        scripted(json!({"to": "token", "grant": "refresh_token", "times": 2, "with": {"status": 503}})).await;
    assert_eq!(world.refresh(&refresh).await.status(), 503);
    assert_eq!(world.refresh(&refresh).await.status(), 503);
    assert_eq!(world.refresh(&refresh).await.status(), 200, "the token was not spent by the two before it");
}

#[tokio::test]
async fn a_reply_for_one_grant_leaves_the_others_alone() {
    let (world, _) = scripted(to_refresh(&json!({"status": 503}))).await;
    world.sign_in().await;
    assert_eq!(world.realm.scripted().len(), 1);
}

#[tokio::test]
async fn a_mutation_states_only_what_is_wrong() {
    let edits = json!({"mutate": [{"set": {"at": "/expires_in", "raw": "1e400"}}, {"remove": "/scope"}], "prefix_hex": "efbbbf"});
    let (world, refresh) = scripted(to_refresh(&edits)).await;
    let text = outcome(&world, &refresh).await.unwrap();
    assert!(
        text.starts_with("\u{feff}{") && text.contains("\"expires_in\": 1e400,") && !text.contains("scope"),
        "{text}"
    );
}

#[tokio::test]
async fn an_id_token_can_lie_and_still_be_signed() {
    let (world, refresh) = scripted(to_refresh(&json!({"id_token": {"set": {"sub": "u-eve"}}}))).await;
    let body: Value = world.refresh(&refresh).await.json().await.unwrap();
    let info = world.http.get(format!("{}/tokeninfo", world.realm.issuer()));
    let info: Value =
        info.query(&[("id_token", body["id_token"].as_str().unwrap())]).send().await.unwrap().json().await.unwrap();
    assert_eq!(info["sub"], "u-eve");
}

#[tokio::test]
async fn after_commit_the_token_is_spent_and_the_answer_lost() {
    let lost =
        json!({"to": "token", "grant": "refresh_token", "when": "after", "with": {"fault": "reset_before_headers"}});
    let (world, refresh) = scripted(lost).await;
    assert!(outcome(&world, &refresh).await.unwrap_err().to_lowercase().contains("reset"));
    let entry = world.realm.journal(0).pop().unwrap();
    assert_eq!((entry.delivery, entry.status, entry.minted.len()), (Delivery::Lost, None, 3));
    assert_eq!(world.refresh(&refresh).await.status(), 400, "rotated, and then the answer was lost");
}

#[tokio::test]
async fn before_commit_nothing_is_spent() {
    let (world, refresh) = scripted(to_refresh(&json!({"fault": "reset_before_headers"}))).await;
    outcome(&world, &refresh).await.unwrap_err();
    assert_eq!(world.refresh(&refresh).await.status(), 200);
}

#[tokio::test]
async fn a_body_can_be_cut_reset_mislabelled_or_dripped() {
    for (fault, expected) in [
        (json!({"reset_in_body": 20}), "reset"),
        (json!({"early_close": 20}), "end of file before message length reached"),
        (json!({"wrong_length": 50_000}), "end of file before message length reached"),
    ] {
        let (world, refresh) =
            scripted(json!({"to": "token", "grant": "refresh_token", "when": "after", "with": {"fault": fault}})).await;
        let error = outcome(&world, &refresh).await.unwrap_err();
        assert!(error.to_lowercase().contains(expected), "{fault}: {error}");
    }
    let drip = json!({"to": "token", "grant": "refresh_token", "when": "after", "with": {"fault": {"drip": {"bytes": 900, "every": "1ms"}}}});
    let (world, refresh) = scripted(drip).await;
    let body: Value = serde_json::from_str(&outcome(&world, &refresh).await.unwrap()).unwrap();
    assert!(body["access_token"].is_string());
}

#[tokio::test]
async fn a_client_that_leaves_a_drip_has_not_got_its_answer() {
    let (world, refresh) = scripted(to_refresh(&json!({"fault": {"drip": {"bytes": 1, "every": "1h"}}}))).await;
    let sequence = world.realm.next_sequence();
    tokio::select! {
        _ = outcome(&world, &refresh) => panic!("it was answered"),
        () = async {
            while world.realm.journal(sequence).iter().all(|entry| entry.decided.is_none()) {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    world.realm.wait_for_answer(sequence).await;
    let entry = world.realm.journal(sequence).remove(0);
    assert_eq!((entry.delivery, entry.status), (Delivery::Abandoned, Some(200)));
}

#[tokio::test]
async fn a_request_that_is_never_answered_is_journalled_at_once() {
    let (world, refresh) = scripted(to_refresh(&json!({"fault": "never"}))).await;
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    form.extend(world.credentials());
    let request = world.http.post(format!("{}/token", world.realm.issuer())).form(&form).send();
    let sequence = world.realm.next_sequence();
    tokio::select! {
        _ = request => panic!("it was answered"),
        () = async {
            while world.realm.next_sequence() == sequence { tokio::task::yield_now().await; }
            world.realm.wait_for_answer(sequence).await;
        } => {}
    }
    assert_eq!(world.realm.journal(sequence)[0].delivery, Delivery::Lost);
}
