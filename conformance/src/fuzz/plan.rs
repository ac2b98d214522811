//! Plans: lists of moves, generated and shrunk by proptest.

use mock_provider::{Endpoint, PresetGroup, presets};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::{Just, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::fuzz::moves::{Actor, Boundary, Life, Move, Near, Trouble, Turn};

/// A plan with the ways in which it can be made simpler.
pub(super) type Tree = Box<dyn ValueTree<Value = Vec<Move>>>;

/// The plan of this number in a run with this seed: the same on every machine.
pub(super) fn plan(seed: u64, case: usize, steps: usize) -> Option<Tree> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&(case as u64).to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    plans(steps).boxed().new_tree(&mut runner).ok()
}

/// Everybody begins by signing in; what follows is open.
fn plans(steps: usize) -> impl Strategy<Value = Vec<Move>> {
    let first = Move::SignIn(Actor::Ada);
    vec(one(), 1..steps.max(2)).prop_map(move |rest| std::iter::once(first.clone()).chain(rest).collect())
}

/// One move. The simpler ones come first, since shrinking prefers them.
fn one() -> impl Strategy<Value = Move> {
    prop_oneof![
        16 => (actor(), Just(1_u32)).prop_map(|(actor, times)| Move::Read(actor, times)),
        20 => advance(),
        12 => trouble(),
        5 => Just(Move::Honest),
        2 => (actor(), 2_u32..4).prop_map(|(actor, times)| Move::Read(actor, times)),
        5 => actor().prop_map(Move::Api),
        3 => select(vec![Actor::Ada, Actor::Bob]).prop_map(Move::SignIn),
        2 => actor().prop_map(Move::SignOut),
        3 => life().prop_map(Move::Life),
        3 => Just(Move::Revoke),
        1 => Just(Move::ExpireRefresh),
        4 => race(),
        2 => any::<bool>().prop_map(|lost| Move::LateCookie { lost }),
        1 => Just(Move::OpenTab),
        1 => Just(Move::CopyJar),
        2 => prop_oneof![4 => Just(false), 1 => Just(true)].prop_map(|forgetting| Move::Restart { forgetting }),
        1 => Just(Move::RotateKeys),
        1 => select(vec![1_u32, 60, 7_200]).prop_map(Move::Back),
        1 => select(vec![-60_i32, 5, 60]).prop_map(Move::Skew),
    ]
}

fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![6 => Just(Actor::Ada), 2 => Just(Actor::Bob), 1 => Just(Actor::Tab), 1 => Just(Actor::Fork)]
}

fn advance() -> impl Strategy<Value = Move> {
    let near = prop_oneof![
        8 => Just(Near::SecondAfter),
        1 => Just(Near::At),
        1 => Just(Near::MillisecondAfter),
        1 => Just(Near::MillisecondBefore),
        1 => Just(Near::SecondBefore),
        1 => Just(Near::MinuteBefore),
    ];
    let boundary = prop_oneof![
        12 => Just(Boundary::Access),
        3 => Just(Boundary::Minutes),
        3 => Just(Boundary::Hours),
        1 => Just(Boundary::Refresh),
        1 => Just(Boundary::Session),
        1 => Just(Boundary::After2038),
    ];
    (boundary, near).prop_map(|(boundary, near)| Move::Advance(boundary, near))
}

fn life() -> impl Strategy<Value = Life> {
    prop_oneof![4 => Just(Life::Rotating), 1 => Just(Life::Google), 1 => Just(Life::Grace), 1 => Just(Life::Short)]
}

fn race() -> impl Strategy<Value = Move> {
    let turn = select(vec![Turn::FirstFirst, Turn::LastFirst, Turn::Middle]);
    let lose = prop_oneof![3 => Just(None), 1 => (1_u32..4).prop_map(Some)];
    (2_u32..4, turn, lose).prop_map(|(readers, turn, lose)| Move::Race { readers, turn, lose })
}

fn trouble() -> impl Strategy<Value = Move> {
    let what = prop_oneof![
        4 => select(vec![503_u16, 500, 429, 408, 403]).prop_map(Trouble::Status),
        2 => Just(Trouble::Reset),
        2 => Just(Trouble::FalseRefusal),
        4 => select(members()).prop_map(|(name, value)| Trouble::Member(name, value)),
        1 => Just(Trouble::ForeignSubject),
        4 => select(quick_presets()).prop_map(Trouble::Preset),
    ];
    (what, 1_u32..4, any::<bool>()).prop_map(|(trouble, times, after)| Move::Trouble { trouble, times, after })
}

/// Odd values of the members that a client keeps.
fn members() -> Vec<(&'static str, Option<&'static str>)> {
    let expires_in = [None, Some("\"3600\""), Some("0"), Some("-1"), Some("3599.5"), Some("null"), Some("1e12"), Some("[]")];
    let refresh_token = [None, Some("\"\""), Some("null"), Some("7")];
    let access_token = [None, Some("\"\""), Some("null"), Some("{}")];
    let token_type = [Some("\"bearer\""), Some("\"mac\""), None];
    let named = |name: &'static str, values: &[Option<&'static str>]| -> Vec<_> {
        values.iter().map(|value| (name, *value)).collect()
    };
    [
        named("expires_in", &expires_in),
        named("refresh_token", &refresh_token),
        named("access_token", &access_token),
        named("token_type", &token_type),
        named("id_token", &[None, Some("null"), Some("\"x\"")]),
        named("scope", &[None, Some("\"openid\"")]),
    ]
    .concat()
}

/// The provider's named replies for the token endpoint, without those that only cost time.
fn quick_presets() -> Vec<String> {
    let quick = presets().iter().filter(|(_, preset)| {
        preset.fits.contains(&Endpoint::Token) && !matches!(preset.group, PresetGroup::Transport | PresetGroup::IdToken)
    });
    quick.map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_plans() {
        for case in 0..20 {
            let of = |seed| plan(seed, case, 20).unwrap().current();
            assert_eq!(of(7), of(7));
        }
        let all = |seed| -> Vec<Vec<Move>> { (0..20).map(|case| plan(seed, case, 20).unwrap().current()).collect() };
        assert_ne!(all(7), all(8));
    }

    #[test]
    fn plans_begin_with_a_sign_in_and_get_shorter() {
        let mut tree = plan(1, 0, 30).unwrap();
        let before = tree.current().len();
        while tree.simplify() {}
        assert_eq!(tree.current()[0], Move::SignIn(Actor::Ada));
        assert!(tree.current().len() <= before.min(2));
    }
}
