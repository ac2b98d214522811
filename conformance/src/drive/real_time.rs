//! Time where nobody can move the application's clock: the provider's clock is the time of day too.
//!
//! Tokens live for seconds, and a step that moves the clock waits instead. Where it would have to wait too long, or where
//! the target is so slow that a token which a step takes for valid may have expired meanwhile, nothing can be said: the case is out
//! of reach rather than wrong.

use std::time::Duration;

use adapter_process::pause;
use mock_provider::policy::PolicyPatch;
use mock_provider::{Lifetime, RealmHandle, Timestamp};

use crate::history::Ending;
use crate::scenario::time_expr::Anchor;

/// How long an access token lives, whatever longer time the scenario gives it: nobody waits for an hour.
const ACCESS_LIFETIME: Duration = Duration::from_secs(3);

/// The longest wait of a step.
const LONGEST: Duration = Duration::from_secs(10);

/// Real time between two moves of the clock in which a token is still valid for certain.
const BETWEEN_MOVES: Duration = Duration::from_secs(2);

/// The life rules that a case in real time begins with.
pub(super) fn first_policy(patch: &PolicyPatch) -> PolicyPatch {
    let lifetime = patch.access_ttl.unwrap_or(Lifetime(ACCESS_LIFETIME));
    policy(&PolicyPatch { access_ttl: Some(lifetime), ..patch.clone() })
}

/// Other life rules as they can be had in real time.
pub(super) fn policy(patch: &PolicyPatch) -> PolicyPatch {
    let lifetime = patch.access_ttl.map(|lifetime| lifetime.min(Lifetime(ACCESS_LIFETIME)));
    PolicyPatch { access_ttl: lifetime, ..patch.clone() }
}

/// Waits for an instant.
pub(super) async fn reach(realm: &RealmHandle, step: &str, anchor: Anchor, to: Timestamp) -> Result<(), Ending> {
    let wait = to.as_millis() - realm.now().as_millis();
    let wait = u64::try_from(wait).map(Duration::from_millis);
    let wait = wait.map_err(|_| "nobody can turn the target's clock back".to_owned());
    let wait = wait.and_then(|wait| bearable(wait, anchor));
    pause(wait.map_err(|reason| Ending::OutOfReach { step: step.to_owned(), reason })?).await;
    Ok(())
}

/// A wait, if it is short enough, and means here what it means in the scenario.
fn bearable(wait: Duration, anchor: Anchor) -> Result<Duration, String> {
    if wait > LONGEST {
        return Err(format!("it would wait for {} s, since nobody can move the target's clock", wait.as_secs()));
    }
    match anchor {
        Anchor::Expiry(_) => Ok(wait),
        // The scenario's tokens live longer than those of a case in real time: what it takes for valid may have expired.
        Anchor::Now | Anchor::Start if wait > BETWEEN_MOVES => {
            Err(format!("tokens live for 3 s here, and it would wait for {} s", wait.as_secs()))
        }
        Anchor::Now | Anchor::Start => Ok(wait),
    }
}

/// Whether so little time has passed since the clock was last moved that what was valid then is valid still.
pub(super) fn in_time(realm: &RealmHandle, step: &str, moved: Timestamp) -> Result<(), Ending> {
    let passed = realm.now().as_millis() - moved.as_millis();
    if u128::try_from(passed).unwrap_or_default() <= BETWEEN_MOVES.as_millis() {
        return Ok(());
    }
    let reason = format!("{passed} ms have passed, too long for tokens that live in real time");
    Err(Ending::OutOfReach { step: step.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_never_live_longer_than_anybody_waits() {
        let of = |patch: &PolicyPatch, rules: fn(&PolicyPatch) -> PolicyPatch| rules(patch).access_ttl;
        let stated = |seconds| PolicyPatch {
            access_ttl: Some(Lifetime(Duration::from_secs(seconds))),
            ..PolicyPatch::default()
        };
        let short = Some(Lifetime(ACCESS_LIFETIME));
        assert_eq!(of(&stated(3600), first_policy), short);
        assert_eq!(of(&stated(1), first_policy), Some(Lifetime(Duration::from_secs(1))));
        assert_eq!(of(&PolicyPatch::default(), first_policy), short);
        assert_eq!(of(&stated(3600), policy), short);
        assert_eq!(of(&PolicyPatch::default(), policy), None, "what a change does not name stays as it is");
    }

    #[test]
    fn only_waits_for_an_expiry_mean_what_they_say() {
        let four = Duration::from_secs(4);
        assert_eq!(bearable(four, Anchor::Expiry("at#1".parse().unwrap())), Ok(four));
        assert!(bearable(four, Anchor::Now).is_err() && bearable(four, Anchor::Start).is_err());
        assert!(bearable(Duration::from_secs(1), Anchor::Now).is_ok());
        assert!(bearable(Duration::from_secs(11), Anchor::Expiry("at#1".parse().unwrap())).is_err());
    }
}
