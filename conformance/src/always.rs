//! What has to hold in any history, whatever the scenario: the oracle of the fuzzer, of scenarios that say `always`, and of
//! `regrant recheck`.
//!
//! Each invariant is a pure function of a [`History`], and says that it holds, that it is broken, or that nothing can be
//! said. Nothing predicts what a client does: it may refresh early, late, once or never, and is judged by what it
//! shows and sends. Deliberately absent: what only a scenario can ask for, since only it knows what it has set up.

mod answers;
mod requests;
mod sessions;
mod story;
mod tokens;

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Detail};
use crate::history::History;
use crate::scenario::model::Level;

use story::Chapter;
pub use story::Story;

macro_rules! invariants {
    ($($(#[doc = $says:literal])+ $level:ident $source:literal $name:ident = $judge:expr;)*) => {
        /// An invariant of every history.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Invariant {
            $($(#[doc = $says])+ $name,)*
        }

        impl Invariant {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What it says, in a line.
            pub fn says(self) -> &'static str {
                let sentence = match self { $(Self::$name => concat!($($says),+),)* };
                sentence.trim_ascii().trim_end_matches('.')
            }

            /// How binding it is. Where good implementations differ it is a should.
            pub const fn level(self) -> Level {
                match self { $(Self::$name => Level::$level,)* }
            }

            /// Where it comes from.
            pub const fn source(self) -> &'static str {
                match self { $(Self::$name => $source,)* }
            }

            /// What one step says of it.
            fn of(self, chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
                type Judge = fn(&Chapter<'_>, &Story<'_>) -> Holding;
                let judge: Judge = match self { $(Self::$name => $judge,)* };
                judge(chapter, story)
            }
        }
    };
}

invariants! {
    /// A good sign-in leads to a session of that user without an error.
    Must "RFC 6749 section 5.1" SignInIsClean = sessions::sign_in_is_clean;
    /// A sign-in is bound to its browser by PKCE.
    Should "RFC 9700 section 2.1.1" SignInIsBound = |chapter, _| requests::sign_in_is_bound(chapter);
    /// A sign-in that the user declines leaves the session as it was.
    Should "RFC 6749 section 4.1.2.1" DeniedSignInChangesNothing = sessions::denied_sign_in_changes_nothing;
    /// A session without an error does not show an access token that has ended.
    Must "RFC 6749 section 1.5" ExpiredIsRefreshed = sessions::expired_is_refreshed;
    /// A refresh that fails for good is told by an error, or ends the session.
    Must "Auth.js, refresh token rotation: `RefreshTokenError`" FailureIsTold = sessions::failure_is_told;
    /// No error is shown before a refresh was tried.
    Must "Auth.js, refresh token rotation: the error stands for a refresh that failed" ErrorHasCause = sessions::error_has_cause;
    /// After a good refresh no error is left.
    Must "Auth.js, refresh token rotation: the error is not part of a good answer" ErrorGoesAway = sessions::error_goes_away;
    /// A session without an access token says why.
    Should "Auth.js, refresh token rotation: `RefreshTokenError`" EmptySessionSaysWhy = sessions::empty_session_says_why;
    /// A session does not end while no refresh was refused.
    Must "RFC 9110 section 15.6.4" SessionLasts = sessions::session_lasts;
    /// Long after a failure that passes, a read tries again.
    Must "RFC 9110 section 15.6.4" Recovers = sessions::recovers;
    /// A session shows the user who signed in, and nobody else.
    Must "OpenID Connect Core section 12.2" SubjectStays = |chapter, _| sessions::subject_stays(chapter);
    /// A session shows access tokens of its own user alone.
    Must "RFC 6749 section 1.4" OnlyOwnTokens = sessions::only_own_tokens;
    /// A session shows no access token that nobody has issued.
    Should "RFC 6749 section 5.2" OnlyIssuedTokens = sessions::only_issued_tokens;
    /// After signing out nobody is signed in, and no token is used.
    Must "OpenID Connect RP-Initiated Logout section 2" SignedOutStaysOut = |chapter, _| sessions::signed_out_stays_out(chapter);
    /// Signing out works, whatever the provider says.
    Should "RFC 7009 section 2.2" SignOutWorks = |chapter, _| sessions::sign_out_works(chapter);
    /// A read that ends after a sign-out or another sign-in does not undo it.
    Should "RFC 6265 section 5.3: the last cookie to arrive stands" LateAnswerChangesNothing = |chapter, _| sessions::late_answer_changes_nothing(chapter);
    /// Reading the session or calling the resource raises no error.
    Should "Auth.js, session callback" NothingIsThrown = |chapter, _| sessions::nothing_is_thrown(chapter);
    /// A clock that goes back changes nothing but when to refresh.
    May "none: clocks are set back in practice" GoingBackChangesNothing = sessions::going_back_changes_nothing;
    /// Only refresh tokens are presented that the provider has issued.
    Must "RFC 6749 section 6" TokenIsKnown = tokens::token_is_known;
    /// The refresh token of the last sign-in is used, not of one before.
    Must "RFC 6749 section 6" NewestGrantIsUsed = tokens::newest_grant_is_used;
    /// A refresh token is not presented again once its successor has arrived.
    Must "RFC 6749 section 6 and RFC 9700 section 4.14.2" SuccessorIsUsed = tokens::successor_is_used;
    /// Readers at once share one refresh.
    Should "RFC 9700 section 4.14.2" SingleFlight = |chapter, _| tokens::single_flight(chapter);
    /// Readers at once all survive when one of their refreshes has succeeded.
    Should "RFC 9700 section 4.14.2" RaceIsSurvived = tokens::race_is_survived;
    /// A reader with the cookies of a moment ago gets what another has just refreshed.
    Should "RFC 9700 section 4.14.2" FreshResultIsShared = tokens::fresh_result_is_shared;
    /// A refresh token that was refused is not presented again.
    Should "RFC 6749 section 5.2" RefusedTokenRests = tokens::refused_token_rests;
    /// An access token that has just come and lives long is not refreshed.
    Should "RFC 6749 section 5.1, `expires_in`" LivingTokenIsKept = tokens::living_token_is_kept;
    /// Nothing is asked again before the time that Retry-After names.
    Should "RFC 9110 section 10.2.3" RetryAfterIsKept = tokens::retry_after_is_kept;
    /// No access token is sent to the resource after its end.
    Should "RFC 6750 section 3.1" ExpiredTokenStaysHome = tokens::expired_token_stays_home;
    /// No token is shown whose type the client does not know.
    Should "RFC 6749 section 7.1" TokenTypeIsUnderstood = tokens::token_type_is_understood;
    /// Credentials go to the endpoints that they are for, and nowhere else.
    Must "RFC 6749 section 10.4 and RFC 9700 section 4.12" CredentialsStay = |chapter, _| requests::credentials_stay(chapter);
    /// A client authenticates in one way at a time.
    Must "RFC 6749 section 2.3" OneAuthentication = |chapter, _| requests::one_authentication(chapter);
    /// Signing out revokes the refresh token that is in use.
    Should "RFC 7009 section 2" CurrentTokenIsRevoked = requests::current_token_is_revoked;
}

/// What can be said of an invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holding {
    /// It was put to the test, and holds.
    Holds,
    /// It is broken: in this step, in this way.
    Broken {
        /// The step.
        step: String,
        /// What was expected and what came.
        detail: Detail,
    },
    /// Nothing put it to the test.
    Unknown,
}

impl Invariant {
    /// Its name in files, reports and on the command line.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, invariant)| *invariant == self).map_or("", |(name, _)| name)
    }

    /// The invariant of this name.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| known == name).map(|(_, invariant)| *invariant)
    }

    /// The id of its check.
    pub fn check(self) -> String {
        format!("{CHECK}{}", self.name())
    }

    /// What a history says of it.
    pub fn judge(self, story: &Story<'_>) -> Holding {
        all(story.chapters.iter().map(|chapter| self.of(chapter, story)))
    }
}

/// The names are those that serde gives; asked for at every check of every history.
static NAMES: LazyLock<Vec<(String, Invariant)>> = LazyLock::new(|| {
    let name = |invariant: &Invariant| serde_json::to_value(invariant).ok()?.as_str().map(str::to_owned);
    Invariant::ALL.iter().filter_map(|invariant| Some((name(invariant)?, *invariant))).collect()
});

/// How the ids of these checks begin.
pub const CHECK: &str = "always.";

/// A check for each of these invariants of which something can be said.
pub fn checks(invariants: impl IntoIterator<Item = Invariant>, history: &History) -> Vec<Check> {
    let story = Story::of(history);
    let check = |invariant: Invariant| {
        let complaint = match invariant.judge(&story) {
            Holding::Unknown => return None,
            Holding::Holds => None,
            Holding::Broken { step, detail } => Some(Detail { got: format!("{step}: {}", detail.got), ..detail }),
        };
        Some(Check::of(invariant.check(), invariant.level(), complaint))
    };
    invariants.into_iter().filter_map(check).collect()
}

fn broken(chapter: &Chapter<'_>, expected: impl Into<String>, got: impl Into<String>) -> Holding {
    Holding::Broken { step: chapter.record.name.clone(), detail: Detail::new(expected, got) }
}

/// What several things say together: broken as soon as one is, and unknown only where all are.
fn all(holdings: impl IntoIterator<Item = Holding>) -> Holding {
    let mut all = Holding::Unknown;
    for holding in holdings {
        match holding {
            broken @ Holding::Broken { .. } => return broken,
            Holding::Holds => all = Holding::Holds,
            Holding::Unknown => {}
        }
    }
    all
}

fn judged(good: bool, breach: impl FnOnce() -> Holding) -> Holding {
    if good { Holding::Holds } else { breach() }
}

#[cfg(test)]
mod tests;
