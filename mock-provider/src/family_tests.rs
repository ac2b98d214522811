//! The family against examples, and against a naive model that keeps only lists.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::policy::{Limit, LiveLimit};
use crate::time::Lifetime;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn seconds(count: u64) -> Lifetime {
    Lifetime(Duration::from_secs(count))
}

fn strict() -> Policy {
    Policy {
        refresh_idle_ttl: Limit::Never,
        rotation: Rotation::Always,
        live_limit: LiveLimit::None,
        ..Policy::google()
    }
}

#[test]
fn without_rotation_a_token_serves_for_ever() {
    let policy = Policy { rotation: Rotation::Never, ..strict() };
    let mut family = Family::begin(at(0));
    for second in 1..5 {
        assert_eq!(family.refresh(at(second), 0, &policy), Outcome::Kept);
    }
    assert_eq!(family.members().len(), 1);
}

#[test]
fn a_replaced_token_is_refused_and_its_successor_lives() {
    let mut family = Family::begin(at(0));
    assert_eq!(family.refresh(at(1), 0, &strict()), Outcome::Rotated(1));
    assert_eq!(family.refresh(at(2), 0, &strict()), Outcome::Refused(Refusal::Replaced));
    assert_eq!(family.refresh(at(3), 1, &strict()), Outcome::Rotated(2));
}

#[test]
fn reuse_detection_kills_the_successor_too() {
    let policy = Policy { reuse: Reuse::RevokeFamily, ..strict() };
    let mut family = Family::begin(at(0));
    family.refresh(at(1), 0, &policy);
    assert_eq!(family.refresh(at(2), 0, &policy), Outcome::Refused(Refusal::ReuseDetected));
    let ended = Outcome::Refused(Refusal::Ended(FamilyEnd::ReuseDetected));
    assert_eq!(family.refresh(at(3), 1, &policy), ended);
}

#[test]
fn grace_by_time_ends_exactly_at_its_end() {
    let policy = Policy { grace: Grace::Time(seconds(10)), ..strict() };
    let mut family = Family::begin(at(0));
    family.refresh(at(1), 0, &policy);
    assert_eq!(family.refresh(at(10), 0, &policy), Outcome::Repeated(1));
    assert_eq!(family.refresh(at(11), 0, &policy), Outcome::Refused(Refusal::Replaced));
}

#[test]
fn grace_until_the_successor_is_used() {
    let policy = Policy { grace: Grace::UntilSuccessorUsed, ..strict() };
    let mut family = Family::begin(at(0));
    family.refresh(at(1), 0, &policy);
    assert_eq!(family.refresh(at(2), 0, &policy), Outcome::Repeated(1));
    assert_eq!(family.refresh(at(3), 1, &policy), Outcome::Rotated(2));
    assert_eq!(family.refresh(at(4), 0, &policy), Outcome::Refused(Refusal::Replaced));
}

#[test]
fn a_new_successor_on_retry_is_a_branch() {
    let policy = Policy { grace: Grace::Uses(1), successor: Successor::New, ..strict() };
    let mut family = Family::begin(at(0));
    family.refresh(at(1), 0, &policy);
    assert_eq!(family.refresh(at(2), 0, &policy), Outcome::Rotated(2));
    assert_eq!(family.members()[2].parent, Some(0));
    assert_eq!(family.refresh(at(3), 0, &policy), Outcome::Refused(Refusal::Replaced));
}

#[test]
fn idle_and_absolute_ends_are_exact_and_use_resets_only_idle() {
    let policy = Policy {
        rotation: Rotation::Never,
        refresh_ttl: Limit::After(seconds(25)),
        refresh_idle_ttl: Limit::After(seconds(10)),
        ..strict()
    };
    let mut family = Family::begin(at(0));
    assert_eq!(family.refresh(at(9), 0, &policy), Outcome::Kept);
    assert_eq!(family.refresh(at(18), 0, &policy), Outcome::Kept);
    assert_eq!(family.clone().refresh(at(28), 0, &policy), Outcome::Refused(Refusal::Expired));
    assert_eq!(family.refresh(at(24), 0, &policy), Outcome::Kept);
    assert_eq!(family.refresh(at(25), 0, &policy), Outcome::Refused(Refusal::Expired));
}

#[test]
fn rotation_by_uses_and_by_age() {
    let by_uses = Policy { rotation: Rotation::EveryUses(2), ..strict() };
    let mut family = Family::begin(at(0));
    assert_eq!(family.refresh(at(1), 0, &by_uses), Outcome::Kept);
    assert_eq!(family.refresh(at(2), 0, &by_uses), Outcome::Rotated(1));
    let by_age = Policy { rotation: Rotation::AfterAge(seconds(10)), ..strict() };
    assert_eq!(family.refresh(at(11), 1, &by_age), Outcome::Kept);
    assert_eq!(family.refresh(at(12), 1, &by_age), Outcome::Rotated(2));
}

#[test]
fn only_the_last_replaced_tokens_have_a_grace() {
    let policy = Policy { grace: Grace::Last(1), ..strict() };
    let mut family = Family::begin(at(0));
    family.refresh(at(1), 0, &policy);
    family.refresh(at(2), 1, &policy);
    assert_eq!(family.refresh(at(3), 1, &policy), Outcome::Repeated(2));
    assert_eq!(family.refresh(at(3), 0, &policy), Outcome::Refused(Refusal::Replaced));
}

#[test]
fn a_grace_for_the_previous_token_leaves_its_parent_out() {
    let grace = Grace::Time(seconds(60));
    let policy = Policy { grace, grace_for: GraceFor::Previous, reuse: Reuse::RevokeFamily, ..strict() };
    let mut family = Family::begin(at(0));
    family.refresh(at(1), 0, &policy);
    family.refresh(at(2), 1, &policy);
    assert_eq!(family.refresh(at(3), 1, &policy), Outcome::Repeated(2));
    assert_eq!(family.refresh(at(3), 0, &policy), Outcome::Refused(Refusal::ReuseDetected));
    assert_eq!(family.end().unwrap().reused, Some(0));
}

#[test]
fn an_end_of_its_own_beats_a_later_one_of_the_policy() {
    let policy = Policy { refresh_ttl: Limit::After(seconds(100)), ..strict() };
    let family = Family::begin(at(0)).until(Some(at(7)));
    assert_eq!(family.dead(at(6), &policy), None);
    assert_eq!(family.dead(at(7), &policy), Some(Refusal::Expired));
}

#[test]
fn a_revocation_may_take_its_time_to_be_felt() {
    let mut family = Family::begin(at(0));
    family.finish_late(FamilyEnd::Revoked, at(5), at(8));
    assert_eq!(family.dead(at(7), &strict()), None);
    assert_eq!(family.dead(at(8), &strict()), Some(Refusal::Ended(FamilyEnd::Revoked)));
}

/// What must hold of any server, told without a tree: a list of (born, replaced at, used) and the rule for each.
#[derive(Default)]
struct Naive {
    born: Vec<i64>,
    replaced_at: Vec<Option<i64>>,
    parent: Vec<Option<usize>>,
    used: Vec<u32>,
    retries: Vec<u32>,
    last_used: i64,
    killed: bool,
}

impl Naive {
    fn begin() -> Self {
        let mut naive = Self::default();
        naive.push(0, None);
        naive
    }

    fn push(&mut self, now: i64, parent: Option<usize>) {
        self.born.push(now);
        self.replaced_at.push(None);
        self.parent.push(parent);
        self.used.push(0);
        self.retries.push(0);
    }

    /// Whether tokens are issued, and whether a new refresh token comes with them.
    fn refresh(&mut self, now: i64, token: usize, policy: &Policy) -> Option<bool> {
        let over = |from: i64, limit: Limit| limit.duration().is_some_and(|d| now - from >= d.as_secs() as i64);
        if self.killed || over(0, policy.refresh_ttl) || over(self.last_used, policy.refresh_idle_ttl) {
            return None;
        }
        let retry = self.replaced_at[token].is_some();
        if retry && !self.excused(now, token, policy) {
            self.killed = policy.reuse != Reuse::Reject;
            return None;
        }
        self.last_used = now;
        self.used[token] += 1;
        self.retries[token] += u32::from(retry);
        let fresh = if retry { policy.successor == Successor::New } else { self.rotates(now, token, policy.rotation) };
        if fresh {
            self.replaced_at[token].get_or_insert(now);
            self.push(now, Some(token));
        }
        Some(fresh)
    }

    fn rotates(&self, now: i64, token: usize, rotation: Rotation) -> bool {
        match rotation {
            Rotation::Never => false,
            Rotation::Always => true,
            Rotation::EveryUses(count) => self.used[token] == count,
            Rotation::AfterAge(age) => now - self.born[token] >= age.0.as_secs() as i64,
        }
    }

    fn excused(&self, now: i64, token: usize, policy: &Policy) -> bool {
        let unused_children = || (0..self.used.len()).all(|t| self.parent[t] != Some(token) || self.used[t] == 0);
        let current_child =
            || (0..self.used.len()).any(|t| self.parent[t] == Some(token) && self.replaced_at[t].is_none());
        let replaced_later = || self.replaced_at[token + 1..].iter().flatten().count();
        let reached = policy.grace_for == GraceFor::Any || current_child();
        policy.reuse == Reuse::Ignore
            || reached
                && match policy.grace {
                    Grace::None => false,
                    Grace::Time(length) => now - self.replaced_at[token].unwrap() < length.0.as_secs() as i64,
                    Grace::Uses(count) => self.retries[token] < count,
                    Grace::Last(count) => replaced_later() < count as usize,
                    Grace::UntilSuccessorUsed => unused_children(),
                }
    }
}

prop_compose! {
    fn policies()(
        refresh_ttl in prop_oneof![Just(Limit::Never), (1u64..60).prop_map(|s| Limit::After(seconds(s)))],
        refresh_idle_ttl in prop_oneof![Just(Limit::Never), (1u64..30).prop_map(|s| Limit::After(seconds(s)))],
        rotation in prop_oneof![
            Just(Rotation::Never),
            Just(Rotation::Always),
            (1u32..4).prop_map(Rotation::EveryUses),
            (0u64..8).prop_map(|s| Rotation::AfterAge(seconds(s))),
        ],
        reuse in prop_oneof![
            Just(Reuse::Reject),
            Just(Reuse::RevokeFamily),
            Just(Reuse::RevokeGrant),
            Just(Reuse::RevokeUser),
            Just(Reuse::Ignore),
        ],
        grace in prop_oneof![
            Just(Grace::None),
            (0u64..10).prop_map(|s| Grace::Time(seconds(s))),
            (0u32..3).prop_map(Grace::Uses),
            (0u32..3).prop_map(Grace::Last),
            Just(Grace::UntilSuccessorUsed),
        ],
        grace_for in prop_oneof![Just(GraceFor::Any), Just(GraceFor::Previous)],
        successor in prop_oneof![Just(Successor::Same), Just(Successor::New)],
    ) -> Policy {
        Policy { refresh_ttl, refresh_idle_ttl, rotation, reuse, grace, grace_for, successor, ..strict() }
    }
}

proptest! {
    #[test]
    fn agrees_with_the_naive_model(
        policy in policies(),
        calls in prop::collection::vec((0i64..6, any::<prop::sample::Index>()), 1..40),
    ) {
        let (mut family, mut naive, mut now) = (Family::begin(at(0)), Naive::begin(), 0);
        for (step, pick) in calls {
            now += step;
            let token = pick.index(family.members().len());
            let issued = match family.refresh(at(now), token, &policy) {
                Outcome::Kept | Outcome::Repeated(_) => Some(false),
                Outcome::Rotated(_) => Some(true),
                Outcome::Refused(_) => None,
            };
            prop_assert_eq!(issued, naive.refresh(now, token, &policy));
            prop_assert_eq!(family.members().len(), naive.used.len());
        }
    }

    #[test]
    fn a_repeated_token_is_current_and_descends_from_the_presented(
        calls in prop::collection::vec(any::<prop::sample::Index>(), 1..30),
    ) {
        let policy = Policy { reuse: Reuse::Ignore, ..strict() };
        let mut family = Family::begin(at(0));
        for pick in calls {
            let token = pick.index(family.members().len());
            if let Outcome::Repeated(head) = family.refresh(at(1), token, &policy) {
                prop_assert!(family.members()[head].replaced.is_none());
                prop_assert!(ancestors(&family, head).any(|ancestor| ancestor == token));
            }
        }
    }

    #[test]
    fn an_ended_family_never_issues_again(end_after in 0usize..10, calls in prop::collection::vec(0i64..4, 1..20)) {
        let mut family = Family::begin(at(0));
        for (index, second) in calls.into_iter().enumerate() {
            if index == end_after {
                family.finish(FamilyEnd::Revoked, at(second));
            }
            let head = family.members().len() - 1;
            let refused = matches!(family.refresh(at(second), head, &strict()), Outcome::Refused(_));
            prop_assert_eq!(refused, index >= end_after);
        }
    }
}

fn ancestors(family: &Family, from: Generation) -> impl Iterator<Item = Generation> {
    std::iter::successors(Some(from), |generation| family.members()[*generation].parent)
}
