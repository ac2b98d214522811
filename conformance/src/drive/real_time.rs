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
pub(super) async fn reach(realm: &RealmHandle, step: &str, to: Timestamp) -> Result<(), Ending> {
    let out_of_reach = |reason: String| Ending::OutOfReach { step: step.to_owned(), reason };
    let wait = to.as_millis() - realm.now().as_millis();
    let Ok(wait) = u64::try_from(wait).map(Duration::from_millis) else {
        return Err(out_of_reach("nobody can turn the target's clock back".to_owned()));
    };
    if wait > LONGEST {
        let reason = format!("it would wait for {} s, since nobody can move the target's clock", wait.as_secs());
        return Err(out_of_reach(reason));
    }
    pause(wait).await;
    Ok(())
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
