//! Every invariant against histories made by hand: it holds in one, is broken in another, and is unknown in an empty one.

mod tale;

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use tale::{HOUR, Tale};

fn judged_in(invariant: Invariant, tale: &Tale) -> Holding {
    invariant.judge(&Story::of(&tale.history))
}

/// What breaks an invariant, beside what does not.
struct Pair {
    invariant: Invariant,
    good: Tale,
    bad: Tale,
}

fn pair(invariant: Invariant, tell: impl Fn(Ends) -> Tale) -> Pair {
    Pair { invariant, good: tell(Ends::Well), bad: tell(Ends::Badly) }
}

/// How a tale ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Well,
    Badly,
}

impl Ends {
    fn pick<T>(self, well: T, badly: T) -> T {
        match self {
            Self::Well => well,
            Self::Badly => badly,
        }
    }
}

const FINE: &str = "u-ada at#1";
const FRESH: &str = "u-ada at#2";
const SICK: &str = "u-ada error";
const OUT: &str = "out";

/// Ada has signed in, and her first access token has ended.
fn expired() -> Tale {
    Tale::new().sign_in("ada", FINE).clock(HOUR + 1_000)
}

/// A refusal of the first refresh token has been read.
fn refused() -> Tale {
    expired().refresh("rt#1", &json!({"status": 400, "error": "invalid_grant", "minted": []})).read("ada", SICK)
}

/// The first refresh token was replaced by the second.
fn rotated() -> Tale {
    expired().refresh("rt#1", &json!({"minted": ["at#2", "rt#2"]})).read("ada", FRESH)
}

fn session_pairs() -> Vec<Pair> {
    use Invariant as I;
    let failed = || expired().refresh("rt#1", &json!({"status": 503, "minted": []}));
    vec![
        pair(I::SignInIsClean, |ends| Tale::new().sign_in("ada", ends.pick(FINE, SICK))),
        pair(I::DeniedSignInChangesNothing, |ends| {
            Tale::new().sign_in("ada", FINE).denied("ada").read("ada", ends.pick(FINE, OUT))
        }),
        pair(I::ExpiredIsRefreshed, |ends| match ends {
            Ends::Well => rotated(),
            Ends::Badly => expired().read("ada", FINE),
        }),
        pair(I::FailureIsTold, |ends| {
            let bad = json!({"status": 400, "error": "invalid_grant", "minted": []});
            expired().refresh("rt#1", &bad).read("ada", ends.pick("u-ada at#1 error", FINE))
        }),
        pair(I::ErrorHasCause, |ends| Tale::new().sign_in("ada", FINE).read("ada", ends.pick(FINE, SICK))),
        pair(I::ErrorGoesAway, |ends| expired().refresh("rt#1", &json!({})).read("ada", ends.pick(FRESH, SICK))),
        pair(I::EmptySessionSaysWhy, |ends| failed().read("ada", ends.pick(SICK, "u-ada"))),
        pair(I::SessionLasts, |ends| failed().read("ada", ends.pick(SICK, OUT))),
        pair(I::Recovers, |ends| {
            let later = failed().read("ada", SICK).clock(2 * HOUR);
            let later = ends.pick(later.clone().refresh("rt#1", &json!({"status": 503, "minted": []})), later);
            later.read("ada", SICK)
        }),
        pair(I::SubjectStays, |ends| Tale::new().sign_in("ada", FINE).read("ada", ends.pick(FINE, "u-eve at#1"))),
        pair(I::OnlyOwnTokens, |ends| {
            let both = Tale::new().sign_in("ada", FINE).sign_in("bob", "u-bob at#2");
            both.read("ada", ends.pick(FINE, FRESH))
        }),
        pair(I::OnlyIssuedTokens, |ends| {
            let error = json!({"scripted": true, "error": "invalid_grant", "minted": []});
            let taken = expired().refresh("rt#1", &error).read("ada", "u-ada at#?");
            ends.pick(Tale::new().sign_in("ada", FINE).read("ada", FINE), taken)
        }),
        pair(I::SignedOutStaysOut, |ends| {
            Tale::new().sign_in("ada", FINE).sign_out("ada").read("ada", ends.pick(OUT, FINE))
        }),
        pair(I::SignOutWorks, |ends| {
            let tale = Tale::new().sign_in("ada", FINE);
            ends.pick(tale.clone().sign_out("ada"), tale.sign_out_throws("ada"))
        }),
        pair(I::LateAnswerChangesNothing, |ends| {
            expired().begin().sign_out("ada").join(&["u-ada at#2"]).read("ada", ends.pick(OUT, FRESH))
        }),
        pair(I::NothingIsThrown, |ends| Tale::new().sign_in("ada", FINE).read("ada", ends.pick(FINE, "threw"))),
        pair(I::GoingBackChangesNothing, |ends| {
            Tale::new().sign_in("ada", FINE).clock(-HOUR).read("ada", ends.pick(FINE, SICK))
        }),
    ]
}

fn token_pairs() -> Vec<Pair> {
    use Invariant as I;
    let refresh =
        |tale: Tale, token: &str| tale.clock(HOUR + 1_000).refresh(token, &json!({"minted": ["at#3", "rt#3"]}));
    let both = |second: &serde_json::Value| {
        expired().begin().refresh("rt#1", &json!({"minted": ["at#2", "rt#2"]})).refresh("rt#1", second)
    };
    vec![
        pair(I::TokenIsKnown, |ends| {
            let unknown = json!({"presented": null, "status": 400, "error": "invalid_grant", "minted": []});
            expired().refresh("rt#1", &ends.pick(json!({}), unknown)).read("ada", ends.pick(FRESH, SICK))
        }),
        pair(I::NewestGrantIsUsed, |ends| {
            let twice = Tale::new().sign_in("ada", FINE).sign_in("ada", FRESH);
            refresh(twice, ends.pick("rt#2", "rt#1")).read("ada", "u-ada at#3")
        }),
        pair(I::SuccessorIsUsed, |ends| refresh(rotated(), ends.pick("rt#2", "rt#1")).read("ada", "u-ada at#3")),
        pair(I::FreshResultIsShared, |ends| {
            let late = rotated().disturbed().clock(ends.pick(5_000, 0));
            late.refresh("rt#1", &json!({"status": 400, "error": "invalid_grant", "minted": []})).read("ada", SICK)
        }),
        pair(I::SingleFlight, |ends| match ends {
            Ends::Well => expired().begin().refresh("rt#1", &json!({})).join(&[FRESH, FRESH]),
            Ends::Badly => both(&json!({"minted": ["at#3"]})).join(&[FRESH, "u-ada at#3"]),
        }),
        pair(I::RaceIsSurvived, |ends| {
            let refusal = json!({"status": 400, "error": "invalid_grant", "minted": []});
            both(&refusal).join(&[FRESH, FRESH]).read("ada", ends.pick(FRESH, SICK))
        }),
        pair(I::RefusedTokenRests, |ends| match ends {
            Ends::Well => refused()
                .sign_in("ada", FRESH)
                .clock(HOUR + 1_000)
                .refresh("rt#2", &json!({"minted": ["at#3"]}))
                .read("ada", "u-ada at#3"),
            Ends::Badly => refused()
                .refresh("rt#1", &json!({"status": 400, "error": "invalid_grant", "minted": []}))
                .read("ada", SICK),
        }),
        pair(I::LivingTokenIsKept, |ends| {
            let again = rotated();
            ends.pick(again.clone(), again.refresh("rt#2", &json!({"minted": ["at#3", "rt#3"]}))).read("ada", FRESH)
        }),
        pair(I::RetryAfterIsKept, |ends| {
            let throttled = json!({"status": 429, "minted": [], "retry_after": "120"});
            let told = expired().refresh("rt#1", &throttled).read("ada", SICK);
            told.clock(ends.pick(121_000, 60_000)).refresh("rt#1", &json!({})).read("ada", FRESH)
        }),
        pair(I::ExpiredTokenStaysHome, |ends| {
            let tale = ends.pick(Tale::new().sign_in("ada", FINE), expired());
            tale.resource("at#1").api("ada", FINE)
        }),
        pair(I::TokenTypeIsUnderstood, |ends| {
            let edits = |word: &str| json!({"scripted": true, "edits": {"/token_type": word}});
            expired().refresh("rt#1", &edits(ends.pick("\"bearer\"", "\"mac\""))).read("ada", FRESH)
        }),
    ]
}

fn request_pairs() -> Vec<Pair> {
    use Invariant as I;
    vec![
        pair(I::SignInIsBound, |ends| match ends {
            Ends::Well => Tale::new().sign_in("ada", FINE),
            Ends::Badly => Tale::new().sign_in_without("ada", "code_challenge"),
        }),
        pair(I::CredentialsStay, |ends| {
            let place = ends.pick("token", "resource");
            expired().refresh("rt#1", &json!({"endpoint": place})).read("ada", FRESH)
        }),
        pair(I::OneAuthentication, |ends| {
            expired().refresh("rt#1", &json!({"client_auth": ends.pick("post", "both")})).read("ada", FRESH)
        }),
        pair(I::CurrentTokenIsRevoked, |ends| rotated().revoke(ends.pick("rt#2", "rt#1")).sign_out("ada")),
    ]
}

fn pairs() -> Vec<Pair> {
    session_pairs().into_iter().chain(token_pairs()).chain(request_pairs()).collect()
}

#[test]
fn every_invariant_holds_and_breaks_as_it_says() {
    for Pair { invariant, good, bad } in pairs() {
        assert_eq!(judged_in(invariant, &good), Holding::Holds, "{}: {:#?}", invariant.name(), good.history.steps);
        let holding = judged_in(invariant, &bad);
        assert!(matches!(holding, Holding::Broken { .. }), "{}: {holding:?}", invariant.name());
    }
}

#[test]
fn no_invariant_is_without_such_a_pair() {
    let told: BTreeSet<Invariant> = pairs().iter().map(|pair| pair.invariant).collect();
    let all: BTreeSet<Invariant> = Invariant::ALL.iter().copied().collect();
    assert_eq!(all.difference(&told).collect::<Vec<_>>(), Vec::<&Invariant>::new());
}

/// What is good for one invariant is not bad for another: nothing here is too much to ask.
#[test]
fn a_good_tale_breaks_nothing_that_binds() {
    for Pair { invariant, good, .. } in pairs() {
        // Only where readers do not share a refresh is there a race to survive.
        let asked = Invariant::ALL
            .iter()
            .copied()
            .filter(|asked| (invariant, *asked) != (Invariant::RaceIsSurvived, Invariant::SingleFlight));
        let broken = checks(asked, &good.history).into_iter().filter(|check| check.detail.is_some());
        let broken: Vec<String> = broken.map(|check| format!("{}: {:?}", check.id, check.detail)).collect();
        assert!(broken.is_empty(), "in the good tale of {}: {broken:?}", invariant.name());
    }
}

#[test]
fn a_token_that_is_used_after_the_sign_out_is_found_though_nobody_is_signed_in() {
    let used = Tale::new().sign_in("ada", FINE).sign_out("ada").resource("at#1").api("ada", OUT);
    assert!(matches!(judged_in(Invariant::SignedOutStaysOut, &used), Holding::Broken { .. }));
}

#[test]
fn nothing_is_said_of_an_empty_history() {
    let empty = Tale::new();
    for invariant in Invariant::ALL {
        assert_eq!(judged_in(*invariant, &empty), Holding::Unknown, "{}", invariant.name());
    }
}

#[test]
fn nothing_is_said_of_a_session_once_its_cookies_are_in_doubt() {
    let doubtful = expired().disturbed().read("ada", FINE);
    assert_eq!(judged_in(Invariant::ExpiredIsRefreshed, &doubtful), Holding::Unknown);
    let skewed = expired().client_clock().read("ada", FINE);
    assert_eq!(judged_in(Invariant::ExpiredIsRefreshed, &skewed), Holding::Unknown);
}

#[test]
fn a_copy_with_another_token_was_not_told_to_wait() {
    let throttled = json!({"status": 429, "minted": [], "retry_after": "120"});
    let told = rotated().clock(HOUR + 1_000).refresh("rt#2", &throttled).read("ada", SICK);
    let again =
        |token| judged_in(Invariant::RetryAfterIsKept, &told.clone().refresh(token, &json!({})).read("ada", FRESH));
    assert!(matches!(again("rt#2"), Holding::Broken { .. }));
    assert!(!matches!(again("rt#1"), Holding::Broken { .. }));
}

#[test]
fn a_session_may_end_with_its_cookie_and_no_other_may() {
    let both = Tale::new().sign_in("ada", FINE).sign_in("bob", "u-bob at#2").lost_chunk("ada");
    let holding = |actor, shows| judged_in(Invariant::SessionLasts, &both.clone().read(actor, shows));
    assert_eq!(holding("ada", OUT), Holding::Unknown);
    assert!(matches!(holding("bob", OUT), Holding::Broken { .. }));
}

#[test]
fn a_client_that_was_not_told_the_end_is_not_held_to_it() {
    let of = |edits: &serde_json::Value| {
        let bare = expired().refresh("rt#1", &json!({"scripted": true, "edits": edits})).read("ada", FRESH);
        judged_in(Invariant::ExpiredIsRefreshed, &bare.clock(HOUR + 1_000).read("ada", FRESH))
    };
    assert!(matches!(of(&json!({"/scope": null})), Holding::Broken { .. }));
    assert!(matches!(of(&json!({"/expires_in": "\"3600\""})), Holding::Broken { .. }));
    assert!(!matches!(of(&json!({"/expires_in": null})), Holding::Broken { .. }));
    assert!(!matches!(of(&json!({"/expires_in": "1e12"})), Holding::Broken { .. }));
}

#[test]
fn the_names_are_those_of_files_and_of_the_command_line() {
    for invariant in Invariant::ALL {
        assert_eq!(Invariant::named(invariant.name()), Some(*invariant));
        assert!(!invariant.says().is_empty() && !invariant.source().is_empty());
    }
    assert_eq!(Invariant::ErrorGoesAway.check(), "always.error-goes-away");
}
