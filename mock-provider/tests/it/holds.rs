//! Parking requests and letting them go in a chosen order.

use mock_provider::profile::ProfileName;
use mock_provider::{Delivery, HoldSpec, When};
use serde_json::json;

use crate::World;

fn refreshes() -> HoldSpec {
    serde_json::from_value(json!({"to": "token", "grant": "refresh_token"})).unwrap()
}

#[tokio::test]
async fn of_two_racing_refreshes_the_one_released_first_wins() {
    for first in [0, 1] {
        let world = World::with(|builder| builder.profile(ProfileName::ROTATING.profile())).await;
        let tokens = world.sign_in().await;
        world.realm.hold(refreshes()).unwrap();
        let released = async {
            let parked = world.realm.wait_for_parked(2).await;
            for index in [first, 1 - first] {
                world.realm.release(parked[index]).unwrap();
                world.realm.wait_for_answer(parked[index]).await;
            }
            parked
        };
        let (_, _, parked) = tokio::join!(world.refresh(tokens.refresh()), world.refresh(tokens.refresh()), released);
        let status = |sequence| world.realm.journal(sequence)[0].status.unwrap();
        assert_eq!(status(parked[first]), 200);
        assert_eq!(status(parked[1 - first]), 400);
    }
}

#[tokio::test]
async fn other_requests_pass_and_a_lifted_hold_lets_new_ones_pass() {
    let world = World::new().await;
    world.realm.hold(refreshes()).unwrap();
    let tokens = world.sign_in().await;
    world.realm.lift_holds();
    assert_eq!(world.refresh(tokens.refresh()).await.status(), 200);
    assert!(world.realm.release(1).is_err());
}

#[tokio::test]
async fn a_client_that_leaves_is_forgotten_and_journalled() {
    let world = World::new().await;
    let tokens = world.sign_in().await;
    world.realm.hold(refreshes()).unwrap();
    let sequence = tokio::select! {
        _ = world.refresh(tokens.refresh()) => panic!("it was answered"),
        parked = world.realm.wait_for_parked(1) => parked[0],
    };
    world.realm.wait_for_answer(sequence).await;
    assert_eq!(world.realm.journal(sequence)[0].delivery, Delivery::Abandoned);
    assert!(world.realm.parked().is_empty());
}

#[tokio::test]
async fn an_answer_can_be_held_after_the_commit_and_then_be_abandoned() {
    let world = World::with(|builder| builder.profile(ProfileName::ROTATING.profile())).await;
    let tokens = world.sign_in().await;
    world.realm.hold(HoldSpec { when: When::After, ..refreshes() }).unwrap();
    let sequence = tokio::select! {
        _ = world.refresh(tokens.refresh()) => panic!("it was answered"),
        parked = world.realm.wait_for_parked(1) => parked[0],
    };
    world.realm.wait_for_answer(sequence).await;
    let entry = world.realm.journal(sequence).remove(0);
    assert_eq!((entry.delivery, entry.minted.len()), (Delivery::Abandoned, 3));
    world.realm.lift_holds();
    assert_eq!(world.refresh(tokens.refresh()).await.status(), 400, "the token was spent all the same");
}
