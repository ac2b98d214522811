//! Linearisability: threads present, revoke and let time pass at once, and the journal's order of decisions, told to a
//! family of its own one after the other, explains every answer.

use std::sync::{Barrier, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use proptest::prelude::*;

use crate::endpoint::Endpoint;
use crate::family::{Family, FamilyEnd, Outcome};
use crate::handle::RealmHandle;
use crate::journal::Entry;
use crate::label::{Label, TokenKind};
use crate::policy::{Grace, Policy, Reuse, Rotation, Successor};
use crate::provider::Provider;
use crate::request::WireRequest;
use crate::seed::SeedSpec;
use crate::time::{Lifetime, Timestamp};
use crate::traffic::Arrival;

#[derive(Clone, Debug)]
enum Op {
    Refresh(prop::sample::Index),
    Revoke(prop::sample::Index),
    Advance(u64),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        12 => any::<prop::sample::Index>().prop_map(Op::Refresh),
        1 => any::<prop::sample::Index>().prop_map(Op::Revoke),
        3 => (0u64..4).prop_map(Op::Advance),
    ];
    prop::collection::vec(op, 1..12)
}

fn policies() -> impl Strategy<Value = Policy> {
    let grace = prop_oneof![
        Just(Grace::None),
        (0u64..4).prop_map(|seconds| Grace::Time(Lifetime(Duration::from_secs(seconds)))),
        (0u32..3).prop_map(Grace::Uses),
        Just(Grace::UntilSuccessorUsed),
    ];
    let reuse = prop_oneof![Just(Reuse::Reject), Just(Reuse::RevokeFamily), Just(Reuse::Ignore)];
    let rotation = prop_oneof![Just(Rotation::Always), Just(Rotation::Never), Just(Rotation::EveryUses(2))];
    let successor = prop_oneof![Just(Successor::Same), Just(Successor::New)];
    (rotation, reuse, grace, successor).prop_map(|(rotation, reuse, grace, successor)| Policy {
        rotation,
        reuse,
        grace,
        successor,
        ..Policy::google()
    })
}

fn request(endpoint: Endpoint, form: &[(&str, &str)]) -> WireRequest {
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let path = endpoint.path().to_owned();
    WireRequest::read(endpoint, Method::POST, path, String::new(), HeaderMap::new(), &Bytes::from(body))
}

/// What the threads share: the realm, its client, and the refresh tokens that anybody has seen.
struct Arena {
    realm: RealmHandle,
    client: (String, String),
    tokens: Mutex<Vec<String>>,
}

impl Arena {
    fn act(&self, op: &Op) {
        match op {
            Op::Advance(seconds) => self.realm.advance(Duration::from_secs(*seconds)),
            Op::Refresh(pick) => {
                let token = self.pick(pick);
                let (id, secret) = &self.client;
                let form = [
                    ("grant_type", "refresh_token"),
                    ("refresh_token", &*token),
                    ("client_id", id),
                    ("client_secret", secret),
                ];
                self.send(&request(Endpoint::Token, &form));
            }
            Op::Revoke(pick) => self.send(&request(Endpoint::Revoke, &[("token", &*self.pick(pick))])),
        }
    }

    fn pick(&self, pick: &prop::sample::Index) -> String {
        let tokens = self.tokens.lock().unwrap();
        tokens[pick.index(tokens.len())].clone()
    }

    fn send(&self, request: &WireRequest) {
        let (ticket, Arrival::Decided(decision)) = self.realm.arrive(request) else { unreachable!("nothing is held") };
        let rendered = decision.render();
        let body: serde_json::Value = serde_json::from_slice(&rendered.body).unwrap();
        let fresh = body["refresh_token"].as_str().map(str::to_owned);
        self.tokens.lock().unwrap().extend(fresh);
        self.realm.settle(ticket, Some(rendered.status), crate::journal::Delivery::Delivered);
    }
}

async fn arena(policy: Policy) -> (Provider, Arena) {
    let provider = Provider::builder().frozen_at(Timestamp::from_millis(0)).start().await.unwrap();
    let realm = provider.default_realm();
    realm.set_policy(policy);
    let seeded = realm.seed(&SeedSpec { families: vec![Default::default()], ..SeedSpec::default() }).unwrap();
    let first = seeded.families[0].refresh_tokens[0].value.expose().to_owned();
    let client = realm.clients().remove(0);
    let client = (client.id, client.secret.unwrap().expose().to_owned());
    (provider, Arena { realm, client, tokens: Mutex::new(vec![first]) })
}

fn run(arena: &Arena, threads: &[Vec<Op>]) {
    let barrier = Barrier::new(threads.len());
    std::thread::scope(|scope| {
        for ops in threads {
            scope.spawn(|| {
                barrier.wait();
                ops.iter().for_each(|op| arena.act(op));
            });
        }
    });
}

/// Tells the decisions to a family of its own, in their order; every answer must be the one that it gives.
fn explained(mut entries: Vec<Entry>, policy: &Policy) -> Result<(), TestCaseError> {
    entries.sort_by_key(|entry| entry.decided_tick);
    let mut family = Family::begin(Timestamp::from_millis(0));
    let mut labels = vec![Label { kind: TokenKind::Refresh, number: 1 }];
    for entry in entries {
        let now = entry.decided.unwrap();
        let presented = labels.iter().position(|label| Some(*label) == entry.presented).unwrap();
        let minted = entry.minted.iter().copied().find(|label| label.kind == TokenKind::Refresh);
        if entry.endpoint == Endpoint::Revoke {
            let lived = family.dead(now, policy).is_none();
            prop_assert_eq!(entry.status == Some(200), lived);
            family.finish(FamilyEnd::Revoked, now);
            continue;
        }
        let (issued, rotated) = match family.refresh(now, presented, policy) {
            Outcome::Kept | Outcome::Repeated(_) => (true, false),
            Outcome::Rotated(_) => (true, true),
            Outcome::Refused(_) => (false, false),
        };
        prop_assert_eq!(entry.status == Some(200), issued, "request {}", entry.sequence);
        prop_assert_eq!(minted.is_some(), rotated, "request {}", entry.sequence);
        labels.extend(minted);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_at_once_is_explained_one_after_the_other(
        policy in policies(),
        threads in prop::collection::vec(ops(), 2..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (_provider, arena) = runtime.block_on(arena(policy));
        run(&arena, &threads);
        explained(arena.realm.journal(0), &policy)?;
    }
}
