//! The named bugs of the mutants.

use std::fmt;
use std::str::FromStr;

macro_rules! defects {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)*) => {
        /// A bug that real clients have had.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Defect {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Defect {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name that `--target mutant:NAME` takes.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What the client does wrong, in a sentence.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)* }
            }
        }
    };
}

defects! {
    /// An error that is on the token stays there after a good refresh.
    StickyError = "sticky-error",
    /// An answer without a refresh token makes the client forget the old one.
    DropsRefreshToken = "drops-refresh-token",
    /// expires_at is kept in milliseconds, so that no token ever expires.
    MillisecondsForSeconds = "milliseconds-for-seconds",
    /// expires_at is compared in the wrong unit, so that every token looks expired.
    SecondsForMilliseconds = "seconds-for-milliseconds",
    /// Every reader refreshes by itself, and nothing is remembered.
    NoSingleFlight = "no-single-flight",
    /// The result of a refresh is forgotten as soon as it lands.
    NoMemoryOfResult = "no-memory-of-result",
    /// The session callback does not copy the error.
    SessionCallbackForgetsError = "session-callback-forgets-error",
    /// A refresh token that was refused with invalid_grant is presented at every read.
    RetriesDeadGrant = "retries-dead-grant",
    /// A redirect of the token endpoint is followed, with the credentials.
    FollowsRedirect = "follows-redirect",
    /// The session callback shows the refresh token to the browser.
    LeaksRefreshTokenIntoSession = "leaks-refresh-token-into-session",
    /// The refresh token stands in the log.
    LeaksTokenIntoLog = "leaks-token-into-log",
    /// An OAuth error in an answer with status 200 counts as success.
    SwallowsErrorIn200 = "swallows-200-with-error",
    /// A missing expires_in makes the expiry NaN, so that every read refreshes.
    NanExpiry = "NaN-expiry",
    /// An expires_in that is a text is glued to the time of day.
    ConcatenatesExpiresIn = "expires-in-string-concatenated",
    /// Any passing failure makes the client throw its refresh token away.
    Treats503AsDead = "treats-503-as-dead",
    /// Any failed refresh ends the session without an error.
    SignsOutOnFailure = "signs-out-on-failure",
    /// The refresh token of a rotation is ignored.
    KeepsOldRotatedToken = "keeps-old-rotated-token",
    /// Retry-After is ignored, and there is no pause after a failure.
    IgnoresRetryAfter = "ignores-retry-after",
    /// An id_token is believed without a check.
    AcceptsAnyIdToken = "accepts-any-id-token",
    /// A refresh without an id_token counts as failed.
    RefusesMissingIdToken = "refuses-missing-id-token",
    /// Secrets travel in the query of the token request.
    SendsSecretInQuery = "sends-secret-in-query",
    /// An access token is used for a minute after it has expired.
    ExpiresLate = "expires-late",
    /// Without a refresh token the client sends the word null.
    SendsLiteralNull = "sends-literal-null",
    /// A request has no time limit.
    HangsWithoutTimeout = "hangs-without-timeout",
    /// The single flight is not keyed by the grant: users get each other's tokens.
    GlobalFlight = "global-flight",
    /// A reader who leaves takes the refresh that it began down, and the others begin anew with the spent token.
    CancelledWithItsReader = "cancelled-with-its-reader",
    /// The first failure of a grant is remembered for ever.
    PoisonedFlight = "poisoned-flight",
    /// After a second sign-in the refresh token of the first is used.
    OldRefreshTokenAfterSignIn = "old-refresh-token-after-sign-in",
    /// The sign-in does not ask for offline access.
    NoOfflineAccess = "no-offline-access",
    /// The sign-in has no PKCE.
    NoPkce = "no-pkce",
    /// After a dead grant the session is shown as fine with the old access token.
    KeepsStaleAccessToken = "keeps-stale-access-token-usable",
    /// A read in flight during a sign-out writes the old session back.
    ResurrectsAfterSignOut = "resurrects-after-sign-out",
    /// A refresh of the old session that lands after another sign-in overwrites the new one.
    SwapsUserOnLateAnswer = "swaps-user-on-late-answer",
    /// Signing out fails when the revocation fails.
    SignOutNeedsProvider = "sign-out-needs-provider",
    /// Signing out revokes the refresh token of the sign-in instead of the current one.
    RevokesFirstToken = "revokes-first-token",
    /// A body that is not JSON raises an exception.
    CrashesOnHtml = "crashes-on-html",
    /// Client credentials are sent in the header and in the body at once.
    BasicAndBody = "basic-and-body",
    /// Any token_type is taken as Bearer.
    TakesAnyTokenType = "takes-any-token-type",
    /// Only the very word Bearer is taken, though token_type has no case.
    StrictTokenType = "strict-token-type",
    /// The provider's keys are fetched once and never again.
    NeverFetchesKeysAgain = "never-fetches-keys-again",
    /// A sign-in that fails ends the session that was there before.
    DropsSessionOnFailedSignIn = "drops-session-on-failed-sign-in",
    /// A restart gives every access token its full lifetime again.
    ResetsLifetimeOnRestart = "resets-lifetime-on-restart",
    /// A refresh loses who the user is.
    LosesUserOnRefresh = "loses-user-data-on-refresh",
    /// Expired tokens are refreshed as soon as the clock has moved, though nobody reads the session.
    RefreshesUnasked = "refreshes-unasked",
    /// Chunks that a shorter cookie does not need any more stay with the browser, and are read with it.
    LeavesOldChunks = "leaves-old-chunks",
    /// A session cookie that does not open raises an exception.
    CrashesOnBadCookie = "crashes-on-bad-cookie",
    /// The second expiry of a session goes unnoticed.
    NeverRefreshesTwice = "never-refreshes-twice",
}

/// There is no such mutant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no mutant `{given}`{}", suggestion.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())]
pub struct UnknownDefect {
    given: String,
    suggestion: Option<&'static str>,
}

impl FromStr for Defect {
    type Err = UnknownDefect;

    fn from_str(text: &str) -> Result<Self, UnknownDefect> {
        let found = Self::ALL.iter().find(|defect| defect.name().eq_ignore_ascii_case(text));
        found.copied().ok_or_else(|| {
            let shares = |name: &str| {
                text.split('-').filter(|word| name.split('-').any(|other| other.eq_ignore_ascii_case(word))).count()
            };
            let nearest = Self::ALL.iter().map(|defect| defect.name()).max_by_key(|name| shares(name));
            UnknownDefect { given: text.to_owned(), suggestion: nearest.filter(|name| shares(name) > 0) }
        })
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_in_any_case_and_are_distinct() {
        for defect in Defect::ALL {
            assert_eq!(defect.name().to_uppercase().parse(), Ok(*defect));
            assert!(!defect.description().is_empty());
        }
    }

    #[test]
    fn a_near_miss_gets_a_suggestion() {
        let error = "sticky-errors".parse::<Defect>().unwrap_err();
        assert!(error.to_string().contains("did you mean `sticky-error`?"), "{error}");
    }
}
