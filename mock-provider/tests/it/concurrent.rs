//! Atomic truth over HTTP: of many at once exactly one wins, and a revocation has a before and an after.
//!
//! That every interleaving is one after the other is a property in `src/linear_tests.rs`.

use std::collections::BTreeSet;

use mock_provider::{Endpoint, RealmHandle};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::World;

/// Requests at once in a round.
const AT_ONCE: usize = 32;

fn form(world: &World, refresh: &str) -> Vec<(String, String)> {
    let own = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    own.into_iter().chain(world.credentials()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn post(world: &World, path: &str, form: &[(String, String)]) -> impl Future<Output = (u16, Value)> + use<> {
    let request = world.http.post(format!("{}{path}", world.realm.issuer())).form(form);
    async move {
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_redemptions_of_one_token_exactly_one_wins() {
    let world = World::new().await;
    world.realm.change_policy(&serde_json::from_value(json!({"rotation": "always"})).unwrap());
    let mut current = world.sign_in().await.refresh.unwrap();
    let mut seen = BTreeSet::from([current.clone()]);
    for round in 0..20 {
        let mut tasks = JoinSet::new();
        for _ in 0..AT_ONCE {
            tasks.spawn(post(&world, "/token", &form(&world, &current)));
        }
        let answers = tasks.join_all().await;
        let winners: Vec<&Value> = answers.iter().filter(|(status, _)| *status == 200).map(|(_, body)| body).collect();
        assert_eq!(winners.len(), 1, "round {round}");
        current = winners[0]["refresh_token"].as_str().unwrap().to_owned();
        assert!(seen.insert(current.clone()), "no value is minted twice");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_redemptions_of_one_code_exactly_one_wins() {
    let world = World::new().await;
    for _ in 0..10 {
        let code = world.code(&[("access_type", "offline"), ("prompt", "consent")]).await;
        let own = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", crate::REDIRECT)];
        let form = own.into_iter().chain(world.credentials());
        let form: Vec<(String, String)> = form.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut tasks = JoinSet::new();
        for _ in 0..AT_ONCE {
            tasks.spawn(post(&world, "/token", &form));
        }
        let wins = tasks.join_all().await.iter().filter(|(status, _)| *status == 200).count();
        assert_eq!(wins, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revocation_parts_the_refreshes_into_before_and_after() {
    let mut mixed = 0;
    for round in 0..20 {
        let world = World::new().await;
        let refresh = world.sign_in().await.refresh.unwrap();
        let since = world.realm.next_sequence();
        let mut tasks = JoinSet::new();
        for index in 0..AT_ONCE {
            tasks.spawn(post(&world, "/token", &form(&world, &refresh)));
            if index == AT_ONCE / 2 {
                tasks.spawn(post(&world, "/revoke", &[("token".into(), refresh.clone())]));
            }
        }
        tasks.join_all().await;
        mixed += usize::from(before_and_after(&world.realm, since, round));
    }
    assert!(mixed > 0, "the revocation never came among the refreshes, so nothing was shown");
}

/// Checks the order of effects; says whether there were refreshes on both sides.
fn before_and_after(realm: &RealmHandle, since: u64, round: usize) -> bool {
    let mut entries = realm.journal(since);
    entries.sort_by_key(|entry| entry.decided_tick);
    let cut = entries.iter().position(|entry| entry.endpoint == Endpoint::Revoke).unwrap();
    assert!(entries[..cut].iter().all(|entry| entry.status == Some(200)), "round {round}");
    assert!(entries[cut + 1..].iter().all(|entry| entry.status == Some(400)), "round {round}");
    cut > 0 && cut + 1 < entries.len()
}
