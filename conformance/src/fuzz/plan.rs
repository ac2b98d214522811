//! Plans: lists of moves, generated and shrunk by proptest.

use std::sync::{Arc, LazyLock};

use adapter_protocol::Chunk;
use mock_provider::{Endpoint, Fault, Preset, presets};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::{Just, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::fuzz::moves::{
    Actor, Boundary, Era, Length, Life, Meanwhile, Move, Near, Place, Readers, Schedule, Trouble, Work, Wrong,
};
use crate::fuzz::schedules::SCHEDULES;
use crate::fuzz::steer::{Planned, ROUND, Weights};

/// A plan with the ways in which it can be made simpler.
pub(super) type Tree = Box<dyn ValueTree<Value = Vec<Move>>>;

/// One plan of so many may contain what costs real time.
const PATIENT: usize = 200;

/// One plan of so many begins at a special time.
const SPECIAL: usize = 10;

/// Moves that nobody is left to make anything of, after which somebody signs in again.
const IDLE: usize = 3;

/// The newest access token has ended.
const EXPIRED: Move = Move::Advance(Boundary::Access, Near::SecondAfter);

/// Whether a plan may contain what costs real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    Some,
    None,
}

/// Which plan: everything that it is made of.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) case: usize,
    seed: u64,
    steps: usize,
    weights: Arc<Weights>,
}

impl Draft {
    /// The plan: the same on every machine.
    pub(super) fn tree(&self) -> Option<Tree> {
        self.tree_of(&place(&self.weights, self.patience()))
    }

    fn patience(&self) -> Patience {
        if self.case % PATIENT == PATIENT / 2 { Patience::Some } else { Patience::None }
    }

    fn tree_of(&self, place: &BoxedStrategy<Vec<Move>>) -> Option<Tree> {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&(self.case as u64).to_le_bytes());
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), random);
        let opening = opening(self.case);
        let room = self.steps.saturating_sub(opening.len()).max(1);
        let plan = vec(place.clone(), room).prop_map(move |turns| {
            let rest = turns.into_iter().flatten().take(room);
            healed(opening.iter().cloned().chain(rest))
        });
        plan.boxed().new_tree(&mut runner).ok()
    }

    /// The moves.
    pub(super) fn moves(&self) -> Vec<Move> {
        self.tree().map(|tree| tree.current()).unwrap_or_default()
    }
}

/// Makes plans, one after the other.
#[derive(Debug)]
pub(super) struct Planner {
    next: usize,
    seed: u64,
    steps: usize,
    planned: Planned,
    weights: Arc<Weights>,
    /// What may stand in one place of the plans of this round.
    place: BoxedStrategy<Vec<Move>>,
}

impl Planner {
    pub(super) fn new(seed: u64, steps: usize) -> Self {
        Self {
            next: 0,
            seed,
            steps,
            planned: Planned::default(),
            weights: Arc::default(),
            place: place(&Weights::default(), Patience::None),
        }
    }
}

impl Iterator for Planner {
    type Item = (Draft, Vec<Move>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.next.is_multiple_of(ROUND) {
            self.weights = Arc::new(self.planned.weights());
            self.place = place(&self.weights, Patience::None);
        }
        let Self { next: case, seed, steps, .. } = *self;
        let draft = Draft { case, seed, steps, weights: Arc::clone(&self.weights) };
        let moves = match draft.patience() {
            Patience::Some => draft.moves(),
            Patience::None => draft.tree_of(&self.place).map(|tree| tree.current()).unwrap_or_default(),
        };
        self.planned.add(&moves);
        self.next += 1;
        Some((draft, moves))
    }
}

/// Everybody begins by signing in. The first plans go through all schedules of a race, each under two life rules.
fn opening(case: usize) -> Vec<Move> {
    let sign_in = Move::SignIn(Actor::Ada);
    let Some((requests, schedule)) = SCHEDULES.get(case / 2).cloned() else {
        let eras = [Era::SummerTime, Era::LeapDay, Era::Year2038];
        let era = case.is_multiple_of(SPECIAL).then(|| Move::Era(eras[case / SPECIAL % eras.len()]));
        return era.into_iter().chain([sign_in]).collect();
    };
    let life = if case.is_multiple_of(2) { Life::Rotating } else { Life::Google };
    let race = Move::Race(Readers::Ada(requests), Some(schedule));
    vec![Move::Life(life), sign_in, EXPIRED, race, Move::Read(Actor::Ada, 1), EXPIRED, Move::Read(Actor::Ada, 1)]
}

/// Where a session has ended, it is begun again after some moves: a plan that never comes back teaches nothing more.
fn healed(moves: impl Iterator<Item = Move>) -> Vec<Move> {
    let (mut healed, mut idle) = (vec![], None);
    for next in moves {
        idle = match (&next, idle) {
            (Move::SignIn(Actor::Ada), _) => None,
            (Move::SignOut(_) | Move::Revoke | Move::ExpireRefresh | Move::Account(_) | Move::SwitchUser, None)
            | (Move::LoseStore | Move::LoseChunk(_), None)
            | (Move::Advance(Boundary::Session | Boundary::Refresh, _), None) => Some(0),
            (_, Some(moves)) => Some(moves + 1),
            (_, None) => None,
        };
        healed.push(next);
        if idle == Some(IDLE) {
            healed.extend([Move::Account("user_restored"), Move::SignIn(Actor::Ada)]);
            idle = None;
        }
    }
    healed
}

/// What may stand in one place: nothing, so that a plan shrinks to its opening, or a turn.
fn place(weights: &Weights, patience: Patience) -> BoxedStrategy<Vec<Move>> {
    prop_oneof![1 => Just(vec![]), 11 => turn(weights, patience)].boxed()
}

/// Some moves that belong together: mostly one, often an expiry and what comes of it.
fn turn(weights: &Weights, patience: Patience) -> impl Strategy<Value = Vec<Move>> + use<> {
    let expired = || Just(EXPIRED);
    let read = || Just(Move::Read(Actor::Ada, 1));
    let later = || select(vec![Boundary::Minutes, Boundary::Hours]).prop_map(|at| Move::Advance(at, Near::SecondAfter));
    prop_oneof![
        50 => one(weights, patience).prop_map(|next| vec![next]),
        10 => (advance(weights), look()).prop_map(|(advance, look)| vec![advance, look]),
        10 => (trouble(weights), expired(), read()).prop_map(|(trouble, expired, read)| vec![trouble, expired, read]),
        6 => (trouble(weights), expired(), read(), later(), read())
            .prop_map(|(trouble, expired, read, later, again)| vec![trouble, expired, read, later, again]),
        4 => (expired(), race(), read()).prop_map(|(expired, race, read)| vec![expired, race, read]),
        1 => (expired(), read())
            .prop_map(|(expired, read)| vec![Move::Life(Life::Rotating), expired, read, Move::SignOut(Actor::Ada)]),
        2 => (Just(Move::Life(Life::Rotating)), Just(Move::CopyJar), expired(), read(), Just(Move::Read(Actor::Fork, 1)))
            .prop_map(|(life, copy, expired, read, other)| vec![life, copy, expired, read, other]),
        3 => (Just(Move::Revoke), expired(), read(), read())
            .prop_map(|(revoke, expired, read, again)| vec![revoke, expired, read, again]),
        4 => (after_an_end(), look()).prop_map(|(next, look)| vec![Move::SignOut(Actor::Ada), next, look]),
        2 => (refused_call(), look()).prop_map(|(trouble, look)| vec![trouble, Move::Api(Actor::Ada), look]),
        1 => (long_tokens(), expired(), read(), lost_chunk(), read())
            .prop_map(|(long, expired, read, lost, again)| vec![long, expired, read, lost, again]),
        1 => (long_tokens(), expired(), read(), Just(Move::TokenLength(Length::Google)), expired(), read())
            .prop_map(|(long, expired, read, short, once_more, again)| vec![long, expired, read, short, once_more, again]),
    ]
}

/// One move. The simpler ones come first, since shrinking prefers them.
fn one(weights: &Weights, patience: Patience) -> impl Strategy<Value = Move> + use<> {
    let accounts = vec!["password_changed", "user_disabled", "user_deleted", "user_restored", "user_revoked"];
    let (names, often) = match patience {
        Patience::Some => (SLOW.as_slice(), 9),
        Patience::None => (QUICK.as_slice(), 1),
    };
    let everyday = prop_oneof![
        16 => (actor(), Just(1_u32)).prop_map(|(actor, times)| Move::Read(actor, times)),
        weights.instants.iter().sum::<u32>() => advance(weights),
        12 => trouble(weights),
        5 => Just(Move::Honest),
        2 => (actor(), 2_u32..4).prop_map(|(actor, times)| Move::Read(actor, times)),
        5 => actor().prop_map(Move::Api),
        3 => select(vec![Actor::Ada, Actor::Bob]).prop_map(Move::SignIn),
        2 => actor().prop_map(Move::SignOut),
        4 => life().prop_map(Move::Life),
        weights.races => race(),
    ];
    let rarer = prop_oneof![
        3 => Just(Move::Revoke),
        1 => Just(Move::ExpireRefresh),
        2 => Just(Move::KeepCookie),
        1 => Just(Move::PutBack),
        1 => Just(Move::LoseCookie),
        1 => lost_chunk(),
        1 => long_tokens(),
        1 => Just(Move::OpenTab),
        1 => Just(Move::CopyJar),
        2 => Just(Move::Restart),
        1 => Just(Move::LoseStore),
        1 => Just(Move::RotateKeys),
        1 => Just(Move::Decline),
        1 => Just(Move::SwitchUser),
        1 => select(accounts).prop_map(Move::Account),
        1 => select(vec![1_u32, 60, 7_200]).prop_map(Move::Back),
        1 => select(vec![-60_i32, 5, 60]).prop_map(Move::Skew),
        2 => select(vec![Meanwhile::SignOut, Meanwhile::SwitchUser, Meanwhile::Leave, Meanwhile::Time]).prop_map(Move::Overtake),
        4 => elsewhere(),
        often => named(names),
    ];
    prop_oneof![70 => everyday, 25 => rarer]
}

/// What may bring a session back that is over.
fn after_an_end() -> impl Strategy<Value = Move> {
    select(vec![Move::Restart, Move::OpenTab, Move::Read(Actor::Ada, 1), Move::PutBack, EXPIRED])
}

/// What refreshes a token that has ended, and shows whose session it is.
fn look() -> impl Strategy<Value = Move> {
    select(vec![Move::Read(Actor::Ada, 1), Move::Api(Actor::Ada)])
}

/// The resource refuses a call, though the token is good.
fn refused_call() -> impl Strategy<Value = Move> {
    select(vec![401_u16, 403, 500]).prop_map(|status| once(Wrong::Status(status), Place::Resource))
}

fn lost_chunk() -> impl Strategy<Value = Move> {
    select(vec![Chunk::Last, Chunk::First]).prop_map(Move::LoseChunk)
}

fn long_tokens() -> impl Strategy<Value = Move> {
    Just(Move::TokenLength(Length::MoreThanACookie))
}

fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![6 => Just(Actor::Ada), 2 => Just(Actor::Bob), 1 => Just(Actor::Tab), 1 => Just(Actor::Fork)]
}

fn advance(weights: &Weights) -> impl Strategy<Value = Move> + use<> {
    let [just_after, just_before, long_after] = weights.instants;
    let after = prop_oneof![6 => Just(Near::SecondAfter), 1 => Just(Near::MillisecondAfter), 1 => Just(Near::At)];
    let before = select(vec![Near::MillisecondBefore, Near::SecondBefore, Near::MinuteBefore]);
    let later = prop_oneof![
        4 => Just(Boundary::Minutes),
        4 => Just(Boundary::Hours),
        2 => Just(Boundary::RetryAfter),
        2 => Just(Boundary::Grace),
        1 => Just(Boundary::Refresh),
        1 => Just(Boundary::Session),
    ];
    prop_oneof![
        just_after => after.prop_map(|near| Move::Advance(Boundary::Access, near)),
        just_before => before.prop_map(|near| Move::Advance(Boundary::Access, near)),
        long_after => (later, near()).prop_map(|(boundary, near)| Move::Advance(boundary, near)),
    ]
}

fn near() -> impl Strategy<Value = Near> {
    let rare = vec![Near::At, Near::MillisecondAfter, Near::MillisecondBefore, Near::SecondBefore];
    prop_oneof![6 => Just(Near::SecondAfter), 4 => select(rare)]
}

fn life() -> impl Strategy<Value = Life> {
    let rare = vec![Life::Google, Life::Grace, Life::Short, Life::Ending, Life::Idle];
    prop_oneof![4 => Just(Life::Rotating), 5 => select(rare)]
}

fn race() -> impl Strategy<Value = Move> {
    let readers = prop_oneof![
        2 => Just(Readers::Ada(2)),
        2 => Just(Readers::Ada(3)),
        1 => Just(Readers::Bob),
        1 => Just(Readers::Fork),
    ];
    let some: Vec<Option<Schedule>> = SCHEDULES.iter().map(|(_, schedule)| Some(schedule.clone())).collect();
    let schedule = prop_oneof![2 => Just(None), 3 => select(some)];
    (readers, schedule).prop_map(|(readers, schedule)| Move::Race(readers, schedule))
}

fn work() -> impl Strategy<Value = Work> {
    prop_oneof![2 => Just(Work::Undone), 1 => Just(Work::Done)]
}

/// Trouble of refreshes.
fn trouble(weights: &Weights) -> impl Strategy<Value = Move> + use<> {
    let [outage, throttle, lost, refusal, altered, other] = weights.troubles;
    let wrong = prop_oneof![
        outage => select(vec![503_u16, 500, 502]).prop_map(Wrong::Status),
        throttle => select(vec![Wrong::Status(429), Wrong::Throttle(120)]),
        lost => Just(Wrong::Reset),
        refusal => Just(Wrong::FalseRefusal),
        altered => select(members()).prop_map(|(name, value)| Wrong::Member(name, value)),
        1 => Just(Wrong::ForeignSubject),
        other => select(vec![400_u16, 401, 403, 408]).prop_map(Wrong::Status),
        2 * other => select(QUICK.as_slice()).prop_map(Wrong::Preset),
    ];
    let times = prop_oneof![2 => Just(Some(1)), 1 => Just(Some(2)), 1 => Just(Some(3)), 2 => Just(None)];
    (wrong, times, work())
        .prop_map(|(wrong, times, work)| Move::Trouble(Trouble { wrong, times, place: Place::Refresh, work }))
}

/// Trouble of other requests.
fn elsewhere() -> impl Strategy<Value = Move> {
    let exchange = select(members()).prop_map(|(name, value)| (Wrong::Member(name, value), Place::Exchange));
    let status = select(vec![503_u16, 500, 401, 403]).prop_map(Wrong::Status);
    let places = select(vec![Place::Revocation, Place::Resource, Place::Keys, Place::Exchange]);
    let of = |names: &'static [String], place| select(names).prop_map(move |name| (Wrong::Preset(name), place));
    let named = prop_oneof![of(&OF_REVOCATIONS, Place::Revocation), of(&OF_KEYS, Place::Keys)];
    let what = prop_oneof![2 => exchange, 2 => (status, places), 1 => named];
    (what, work()).prop_map(|((wrong, place), work)| Move::Trouble(Trouble { wrong, times: Some(1), place, work }))
}

fn named(names: &'static [String]) -> impl Strategy<Value = Move> {
    select(names).prop_map(|name| once(Wrong::Preset(name), Place::Refresh))
}

/// One request meets trouble, and the provider never sees it.
const fn once(wrong: Wrong, place: Place) -> Move {
    Move::Trouble(Trouble { wrong, times: Some(1), place, work: Work::Undone })
}

/// Odd values of the members that a client keeps.
fn members() -> Vec<(&'static str, Option<&'static str>)> {
    let expires_in = [
        None,
        Some("\"3599\""),
        Some("0"),
        Some("-1"),
        Some("1"),
        Some("3599.5"),
        Some("3.6e3"),
        Some("null"),
        Some("1e12"),
        Some("1e400"),
        Some("9223372036854775807"),
        Some("true"),
        Some("[]"),
        Some("\"\""),
        Some("\"1h\""),
    ];
    let refresh_token = [None, Some("\"\""), Some("null"), Some("7"), Some("{}"), Some("\"another\"")];
    let access_token = [None, Some("\"\""), Some("null"), Some("{}")];
    let token_type = [Some("\"bearer\""), Some("\"mac\""), Some("\"BEARER\""), None];
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

/// The provider's named replies for an endpoint: those that cost real time, or the others.
fn fitting(endpoint: Endpoint, patience: Patience) -> Vec<String> {
    let wanted = |preset: &Preset| preset.fits.contains(&endpoint) && is_slow(preset) == (patience == Patience::Some);
    presets().iter().filter(|(_, preset)| wanted(preset)).map(|(name, _)| name.clone()).collect()
}

fn is_slow(preset: &Preset) -> bool {
    let waits = matches!(preset.with.fault, Some(Fault::Never | Fault::Stall(_) | Fault::Drip { .. }));
    waits || preset.with.delay.is_some() || preset.with.fill.is_some()
}

static QUICK: LazyLock<Vec<String>> = LazyLock::new(|| fitting(Endpoint::Token, Patience::None));
static SLOW: LazyLock<Vec<String>> = LazyLock::new(|| fitting(Endpoint::Token, Patience::Some));
static OF_KEYS: LazyLock<Vec<String>> = LazyLock::new(|| fitting(Endpoint::Jwks, Patience::None));
static OF_REVOCATIONS: LazyLock<Vec<String>> = LazyLock::new(|| fitting(Endpoint::Revoke, Patience::None));

#[cfg(test)]
mod tests {
    use super::*;

    fn first(seed: u64, count: usize) -> Vec<Vec<Move>> {
        Planner::new(seed, 20).take(count).map(|(_, moves)| moves).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_plans() {
        assert_eq!(first(7, 200), first(7, 200));
        assert_ne!(first(7, 200), first(8, 200));
    }

    /// What a seed gave on another machine, or before a change, it gives here.
    #[test]
    fn a_seed_gives_what_it_always_gave() {
        let text = format!("{:?}", first(0, 300));
        let hash = text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        assert_eq!(format!("{hash:016x}"), "7cdc74911d0432e6");
    }

    #[test]
    fn plans_are_no_longer_than_wanted_and_shrink_to_their_opening() {
        for (draft, moves) in Planner::new(1, 20).take(300) {
            let healing = moves.len() / (IDLE + 1) * 2;
            assert!(moves.len() <= 20 + healing, "{moves:?}");
            let mut tree = draft.tree().unwrap();
            while tree.simplify() {}
            assert_eq!(tree.current(), healed(opening(draft.case).into_iter()));
        }
    }

    #[test]
    fn every_named_reply_for_a_refresh_is_drawn_sooner_or_later() {
        let all = QUICK.len() + SLOW.len();
        let fits = presets().iter().filter(|(_, preset)| preset.fits.contains(&Endpoint::Token)).count();
        assert_eq!(all, fits);
        assert!(SLOW.len() > 2);
    }
}
