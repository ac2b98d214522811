//! The judge against histories made by hand.

use std::collections::BTreeSet;

use adapter_protocol::Capability;
use mock_provider::{Entry, Timestamp};
use serde_json::json;

use super::*;
use crate::history::{Deed, Leak, LeakPlace, SessionSeen, StepPath};
use crate::scenario::{expand, yaml};

fn scenario(expect: &str) -> Scenario {
    let text = format!(
        "regrant: 1\nid: a/b\ntitle: t\nwhy: w\nlevel: must\nrefs: [x]\nneeds: []\nprovider: {{ users: [ada] }}\nsteps:\n  - session: {{ actor: ada, as: read, expect: {expect} }}\n"
    );
    expand::expand(&yaml::read(&text).unwrap()).unwrap().remove(0).scenario
}

fn session(state: &str, error: Option<&str>, token: Option<&str>) -> Seen {
    Seen::Session(SessionSeen {
        state: state.into(),
        subject: (state == "active").then(|| "u-ada".to_owned()),
        error: error.map(str::to_owned),
        access_token: token.map(str::to_owned),
    })
}

fn entry(sequence: u64, change: &serde_json::Value) -> Entry {
    let mut value = json!({
        "sequence": sequence, "arrived": 0, "decided": 0, "endpoint": "token", "method": "POST", "path": "/token",
        "content_type": null, "params": {"grant_type": "refresh_token", "refresh_token": "rt#1"}, "repeated": [],
        "secrets_in_url": [], "client_auth": "post", "bearer": null, "cookies": false, "client": null, "user": null,
        "presented": "rt#1", "parked": false, "status": 200, "error": null, "minted": ["at#2", "id#2"], "scripted": false,
        "delivery": "delivered",
    });
    value.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

fn all_claims() -> BTreeSet<Capability> {
    [Capability::SessionAccessToken, Capability::Logs].into()
}

fn history(seen: Vec<Seen>, journal: Vec<Entry>) -> History {
    let start = Timestamp::from_millis(0);
    let observations = seen.into_iter().map(|seen| Observation { actor: "ada".into(), seen }).collect();
    let record = StepRecord {
        path: StepPath { outer: 0, inner: None },
        name: "read".into(),
        deed: Deed::Read { actor: "ada".into() },
        action: "ada reads the session".into(),
        took: std::time::Duration::ZERO,
        at: start,
        observations,
        wire: (1, 100),
        during: (1, 100),
        kind: RecordKind::Asked,
    };
    History {
        steps: vec![record],
        journal,
        counters: Counters::default(),
        leaks: vec![],
        claims: all_claims(),
        start,
        expiries: std::collections::BTreeMap::new(),
        output: vec![],
        ended: None,
    }
}

/// The ids of the checks that did not pass.
fn missed(expect: &str, history: &History) -> Vec<String> {
    let checks = judge(&scenario(expect), history);
    checks.into_iter().filter(|check| check.verdict != Verdict::Pass).map(|check| check.id).collect()
}

#[test]
fn every_mismatch_of_a_session_is_its_own_check() {
    let history = history(vec![session("active", Some("RefreshTokenError"), None)], vec![]);
    let expect = "{ session: { state: active, error: absent, access_token: at#2 } }";
    assert_eq!(missed(expect, &history), ["read.session.error", "read.session.access_token"]);
}

#[test]
fn alternatives_have_grades() {
    let expect = "{ session: { any_of: [ { error: RefreshTokenError }, { state: signed_out, grade: warn, because: b }, { state: active, grade: fail } ] } }";
    let verdict = |seen| {
        let history = history(vec![seen], vec![]);
        let checks = judge(&scenario(expect), &history);
        (checks[1].verdict, result(&history, &checks))
    };
    assert_eq!(verdict(session("active", Some("RefreshTokenError"), None)), (Verdict::Pass, CaseResult::Pass));
    assert_eq!(verdict(session("signed_out", None, None)), (Verdict::Warn, CaseResult::Warn));
    assert_eq!(verdict(session("active", None, None)), (Verdict::Fail, CaseResult::Fail));
}

#[test]
fn the_wire_is_compared_one_by_one() {
    let expect = "{ wire: [ { to: token, grant: refresh_token, token: rt#1, got: \"200\", mints: [at#2] } ] }";
    let wire = |journal| missed(expect, &history(vec![Seen::Done], journal));
    assert!(wire(vec![entry(1, &json!({}))]).is_empty());
    assert!(wire(vec![entry(1, &json!({})), entry(2, &json!({"endpoint": "jwks"}))]).is_empty(), "keys are tolerated");
    assert_eq!(wire(vec![]), ["read.wire"]);
    assert_eq!(wire(vec![entry(1, &json!({"presented": "rt#2"}))]), ["read.wire"]);
    assert_eq!(wire(vec![entry(1, &json!({"minted": ["at#3"]}))]), ["read.wire"]);
    assert_eq!(wire(vec![entry(1, &json!({})), entry(2, &json!({}))]), ["read.wire"]);
    assert_eq!(wire(vec![entry(1, &json!({"delivery": "lost"}))]), ["read.wire"]);
}

#[test]
fn a_count_has_a_level_of_its_own() {
    let expect = "{ wire: { count: { to: token }, is: 0..1, level: should, check: single-flight } }";
    let two = history(vec![Seen::Done], vec![entry(1, &json!({})), entry(2, &json!({}))]);
    let checks = judge(&scenario(expect), &two);
    assert_eq!(result(&two, &checks), CaseResult::Warn);
    assert!(checks.iter().any(|check| check.id == "single-flight" && check.verdict == Verdict::Warn));
}

#[test]
fn an_exception_of_the_target_fails_unless_expected() {
    let history = history(vec![Seen::Threw("boom".into())], vec![]);
    assert_eq!(missed("{ session: { state: active } }", &history), ["read.threw"]);
    assert!(missed("{ threw: any }", &history).is_empty());
}

#[test]
fn the_invariants_hold_in_every_case() {
    let clean = history(vec![Seen::Done], vec![]);
    assert!(missed("{}", &clean).is_empty());
    let leak = |place| History { leaks: vec![Leak { secret: "rt#1".into(), place }], ..clean.clone() };
    assert_eq!(missed("{}", &leak(LeakPlace::Session("read".into()))), ["no-secret-in-session"]);
    assert_eq!(missed("{}", &leak(LeakPlace::Log)), ["no-secret-in-log"]);
    let in_url = history(vec![Seen::Done], vec![entry(1, &json!({"secrets_in_url": ["client_secret"]}))]);
    assert_eq!(missed("{}", &in_url), ["no-secret-in-url"]);
    let unasked = history(vec![Seen::Done], vec![entry(100, &json!({}))]);
    assert_eq!(missed("{}", &unasked), ["no-unasked-token-request"]);
    let storm = history(vec![Seen::Done], (1..=3).map(|sequence| entry(sequence, &json!({}))).collect());
    assert_eq!(missed("{}", &storm), ["no-refresh-storm"]);
    let hang =
        History { ended: Some(Ending::Hang { step: "read".into(), reason: "r".into(), level: Level::Must }), ..clean };
    assert_eq!(missed("{}", &hang), ["answers-in-time"]);
    assert_eq!(result(&hang, &[]), CaseResult::Hang);
}

#[test]
fn what_is_not_claimed_is_not_judged() {
    let unasked = history(vec![session("active", None, None)], vec![entry(100, &json!({}))]);
    let with = |claims: &[Capability]| History { claims: claims.iter().copied().collect(), ..unasked.clone() };
    assert!(missed("{}", &with(&[Capability::RefreshBackground])).is_empty());
    let token = "{ session: { access_token: at#2 } }";
    assert_eq!(missed(token, &with(&[Capability::RefreshBackground, Capability::SessionAccessToken])).len(), 1);
    assert!(missed(token, &with(&[Capability::RefreshBackground])).is_empty());
    let ids: Vec<String> = judge(&scenario("{}"), &with(&[])).into_iter().map(|check| check.id).collect();
    assert!(!ids.contains(&"no-secret-in-log".to_owned()), "a log that was not read is not said to be clean");
}

#[test]
fn a_request_between_two_steps_is_unasked_although_it_counts_for_the_next() {
    let mut early = history(vec![Seen::Done], vec![entry(1, &json!({}))]);
    early.steps[0].during = (2, 100);
    assert_eq!(missed("{ wire: [ { to: token } ] }", &early), ["no-unasked-token-request"]);
}

#[test]
fn a_secret_in_a_message_is_a_leak() {
    let place = LeakPlace::Message("read".into());
    let told = History { leaks: vec![Leak { secret: "rt#1".into(), place }], ..history(vec![Seen::Done], vec![]) };
    assert_eq!(missed("{}", &told), ["no-secret-in-log"]);
}

#[test]
fn a_hang_is_worth_what_its_step_is_worth() {
    let ended = Some(Ending::Hang { step: "read".into(), reason: "r".into(), level: Level::Should });
    let slow = History { ended, ..history(vec![Seen::Done], vec![]) };
    let checks = judge(&scenario("{}"), &slow);
    assert_eq!(result(&slow, &checks), CaseResult::Warn);
}

#[test]
fn keys_are_tolerated_in_a_list_and_counted_in_a_count() {
    let keys = history(vec![Seen::Done], vec![entry(1, &json!({"endpoint": "jwks"}))]);
    assert!(missed("{ wire: none }", &keys).is_empty());
    assert_eq!(missed("{ wire: { count: { to: jwks }, is: 0 } }", &keys), ["read.wire"]);
}

#[test]
fn unknown_never_counts_as_a_pass() {
    let history = history(vec![Seen::Done], vec![]);
    assert_eq!(missed("{ session: { state: active } }", &history), ["read.session.state"]);
}

#[test]
fn a_value_with_a_level_of_its_own_is_a_check_of_its_own() {
    let expect = "{ wire: [ { to: token, params: { scope: { is: absent, level: should, check: no-scope } }, client_auth: { is: basic, level: may } } ] }";
    let with_scope = json!({"params": {"grant_type": "refresh_token", "refresh_token": "rt#1", "scope": "openid"}});
    let checks = judge(&scenario(expect), &history(vec![Seen::Done], vec![entry(1, &with_scope)]));
    let verdict = |id: &str| checks.iter().find(|check| check.id == id).map(|check| check.verdict);
    assert_eq!(verdict("read.wire"), Some(Verdict::Pass));
    assert_eq!(verdict("no-scope"), Some(Verdict::Warn));
    assert_eq!(verdict("read.wire.client_auth"), Some(Verdict::Info));
}

#[test]
fn some_refreshes_too_many_should_not_be_and_many_are_a_storm() {
    let verdict = |count: u64| {
        let journal = (1..=count).map(|sequence| entry(sequence, &json!({}))).collect();
        let checks = judge(&scenario("{}"), &history(vec![Seen::Done], journal));
        checks.iter().find(|check| check.id == "no-refresh-storm").map(|check| check.verdict)
    };
    assert_eq!([2, 3, 4, 5].map(verdict), [Verdict::Pass, Verdict::Warn, Verdict::Warn, Verdict::Fail].map(Some));
}

#[test]
fn userinfo_may_be_asked_at_any_time() {
    let asked = history(vec![Seen::Done], vec![entry(1, &json!({"endpoint": "userinfo"}))]);
    assert!(missed("{ wire: none }", &asked).is_empty());
}
