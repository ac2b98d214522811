//! The decisions as examples and as a state machine under random histories.

use proptest::prelude::*;

use super::*;
use crate::secret::AccessToken;
use crate::token_answer::{DeadGrant, Lifetime};

const START: UnixMillis = UnixMillis(1_893_456_000_000);

fn jwt() -> Jwt {
    Jwt {
        session_id: SessionId("s".into()),
        profile: Profile { sub: "u-ada".into(), email: None, name: None },
        access_token: AccessToken::new("at"),
        expires_at: START.as_secs().plus(Duration::from_secs(3600)),
        refresh_token: Some(RefreshToken::new("rt")),
        error: None,
        back_off: None,
    }
}

fn tokens(refresh_token: Option<&str>, now: UnixMillis) -> Refreshed {
    Refreshed {
        access_token: AccessToken::new("at2"),
        expires_at: now.as_secs().plus(Duration::from_secs(3600)),
        refresh_token: refresh_token.map(RefreshToken::new),
        lifetime: Lifetime::Told(Duration::from_secs(3600)),
        claims: None,
    }
}

fn failure(reason: TokenFailure) -> RefreshFailure {
    RefreshFailure { reason, retry_after: None, replacement: None }
}

fn busy() -> RefreshFailure {
    failure(TokenFailure::Status { status: 503 })
}

fn dead() -> RefreshFailure {
    failure(TokenFailure::DeadGrant(DeadGrant::InvalidGrant))
}

#[test]
fn a_token_is_good_until_the_very_second_it_expires() {
    let expiry = jwt().expires_at.as_millis();
    assert_eq!(next_step(&jwt(), UnixMillis(expiry.0 - 1)), Step::Keep);
    assert_eq!(next_step(&jwt(), expiry), Step::Refresh(RefreshToken::new("rt")));
}

#[test]
fn a_good_refresh_clears_the_error_and_keeps_the_old_refresh_token() {
    let failed = failed(jwt(), busy(), START);
    assert_eq!(failed.error, Some(SessionError::RefreshTokenError));
    let healed = refreshed(failed, tokens(None, START));
    assert_eq!((healed.error, healed.back_off), (None, None));
    assert_eq!(healed.refresh_token, Some(RefreshToken::new("rt")));
    assert_eq!(refreshed(healed, tokens(Some("rt2"), START)).refresh_token, Some(RefreshToken::new("rt2")));
}

#[test]
fn a_dead_grant_is_not_presented_again() {
    let dead = failed(jwt(), dead(), START);
    assert_eq!(next_step(&dead, UnixMillis(i64::MAX)), Step::SignInAgain);
    assert_eq!(dead.usable_access_token(START), None);
}

#[test]
fn a_refused_answer_may_still_have_replaced_the_refresh_token() {
    let refused = RefreshFailure { replacement: Some(RefreshToken::new("rt2")), ..busy() };
    assert_eq!(failed(jwt(), refused, START).refresh_token, Some(RefreshToken::new("rt2")));
}

#[test]
fn a_clock_that_goes_back_ends_the_pause() {
    let waiting = failed(Jwt { expires_at: UnixSeconds(0), ..jwt() }, busy(), START);
    assert_eq!(next_step(&waiting, START), Step::Wait);
    let earlier = UnixMillis(START.0 - 1);
    assert_eq!(next_step(&waiting, earlier), Step::Refresh(RefreshToken::new("rt")));
}

#[test]
fn pauses_double_and_obey_the_provider() {
    let seconds = |failures, retry| pause(failures, retry).as_secs();
    assert_eq!([1, 2, 3, 7, u32::MAX].map(|failures| seconds(failures, None)), [1, 2, 4, 60, 60]);
    assert_eq!(seconds(1, Some(Duration::from_secs(120))), 120);
    assert_eq!(seconds(1, Some(Duration::MAX)), 86_400);
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    assert_eq!(retry_after("120", START), Some(Duration::from_secs(120)));
    assert_eq!(retry_after("Tue, 01 Jan 2030 00:02:00 GMT", START), Some(Duration::from_secs(120)));
    assert_eq!(retry_after("Mon, 01 Jan 1990 00:00:00 GMT", START), Some(Duration::ZERO));
    assert_eq!(retry_after("soon", START), None);
}

#[test]
fn another_users_refresh_token_is_never_inherited() {
    let account =
        Account { access_token: AccessToken::new("at9"), expires_at: UnixSeconds(0), refresh_token: None, scope: None };
    let bob = Profile { sub: "u-bob".into(), email: None, name: None };
    let new = |profile| signed_in(SessionId("n".into()), profile, account.clone(), Some(&jwt()));
    assert_eq!(new(bob).refresh_token, None);
    assert_eq!(new(jwt().profile).refresh_token, Some(RefreshToken::new("rt")));
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Advance(u64),
    Back(u64),
    Good { rotate: bool },
    Busy { retry_after: Option<u64> },
    Dead,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        prop::sample::select(vec![0, 1, 59, 60, 3599, 3600, 86_400, 90_000]).prop_map(Event::Advance),
        (0u64..100_000).prop_map(Event::Back),
        any::<bool>().prop_map(|rotate| Event::Good { rotate }),
        prop::option::of(0u64..200_000).prop_map(|retry_after| Event::Busy { retry_after }),
        Just(Event::Dead),
    ];
    prop::collection::vec(event, 1..40)
}

proptest! {
    #[test]
    fn no_history_breaks_the_promises(events in events()) {
        let (mut jwt, mut now, mut generation) = (jwt(), START, 0);
        let mut last = None;
        for event in events {
            match event {
                Event::Advance(seconds) => now = now.plus(Duration::from_secs(seconds)),
                Event::Back(seconds) => now = UnixMillis(now.0 - seconds as i64 * 1000),
                Event::Good { .. } | Event::Busy { .. } | Event::Dead => {
                    let Step::Refresh(presented) = next_step(&jwt, now) else { continue };
                    prop_assert_eq!(Some(&presented), jwt.refresh_token.as_ref(), "the current refresh token is presented");
                    prop_assert!(jwt.usable_access_token(now).is_none(), "a good access token is not refreshed");
                    jwt = apply(jwt, event, now, &mut generation);
                    last = Some(event);
                }
            }
            let good = matches!(last, None | Some(Event::Good { .. }));
            prop_assert_eq!(jwt.error.is_none(), good, "the error says how the last refresh ended");
            let dead = matches!(last, Some(Event::Dead));
            prop_assert_eq!(jwt.refresh_token.is_none(), dead, "only a dead grant loses its refresh token");
            if let Step::Wait = next_step(&jwt, now) {
                let later = now.plus(LONGEST_RETRY_AFTER);
                prop_assert!(!matches!(next_step(&jwt, later), Step::Wait), "no pause is endless");
            }
        }
    }
}

fn apply(jwt: Jwt, event: Event, now: UnixMillis, generation: &mut u32) -> Jwt {
    match event {
        Event::Good { rotate } => {
            *generation += 1;
            let name = format!("rt{generation}");
            refreshed(jwt, tokens(rotate.then_some(name.as_str()), now))
        }
        Event::Busy { retry_after } => {
            failed(jwt, RefreshFailure { retry_after: retry_after.map(Duration::from_secs), ..busy() }, now)
        }
        Event::Dead => failed(jwt, dead(), now),
        Event::Advance(_) | Event::Back(_) => jwt,
    }
}
