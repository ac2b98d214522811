//! What has to hold in any history, whatever the scenario: the oracle of the fuzzer, and of scenarios that say `always`.
//!
//! Each invariant is a pure function of a [`History`], and says that it holds, that it is broken, or that nothing can be
//! said. Nothing predicts what a client does: it may refresh early, late, once or never, and is judged by what it
//! shows and sends. Deliberately absent: what the scenarios alone can ask for, and what an answer that was altered on the way
//! makes of a client.

mod sessions;
mod story;
mod tokens;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Detail};
use crate::history::History;
use crate::scenario::model::Level;

use story::Chapter;
pub use story::Story;

/// An invariant of every history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Invariant {
    /// A sign-in that the provider has answered honestly leads to a session of that user, without an error.
    SignInIsClean,
    /// After a good refresh no error is left.
    ErrorGoesAway,
    /// A failure that passes does not end the session.
    FailurePasses,
    /// Long after a failure that passes, a read tries again.
    Recovers,
    /// After signing out nobody is signed in.
    SignedOutStaysOut,
    /// A session shows the user who signed in, and nobody else.
    SubjectStays,
    /// Reading the session or calling the resource raises no error.
    NothingIsThrown,
    /// Only refresh tokens are presented that the provider has issued.
    TokenIsKnown,
    /// A refresh token is not presented again once its successor has arrived.
    SuccessorIsUsed,
    /// Readers at once share one refresh.
    SingleFlight,
    /// Readers at once all survive when one of their refreshes has succeeded.
    RaceIsSurvived,
    /// A refresh token that was refused is not presented again.
    RefusedTokenRests,
    /// No access token is sent to the resource after its end.
    ExpiredTokenStaysHome,
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
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::SignInIsClean,
        Self::ErrorGoesAway,
        Self::FailurePasses,
        Self::Recovers,
        Self::SignedOutStaysOut,
        Self::SubjectStays,
        Self::NothingIsThrown,
        Self::TokenIsKnown,
        Self::SuccessorIsUsed,
        Self::SingleFlight,
        Self::RaceIsSurvived,
        Self::RefusedTokenRests,
        Self::ExpiredTokenStaysHome,
    ];

    /// Its name in files, reports and on the command line.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// How binding it is.
    pub const fn level(self) -> Level {
        match self {
            Self::SignInIsClean
            | Self::ErrorGoesAway
            | Self::FailurePasses
            | Self::Recovers
            | Self::SignedOutStaysOut
            | Self::SubjectStays
            | Self::TokenIsKnown
            | Self::SuccessorIsUsed => Level::Must,
            // Good implementations differ: the suite's own scenarios on these are a should.
            Self::NothingIsThrown
            | Self::SingleFlight
            | Self::RaceIsSurvived
            | Self::RefusedTokenRests
            | Self::ExpiredTokenStaysHome => Level::Should,
        }
    }

    /// What it says, in a line.
    pub const fn says(self) -> &'static str {
        match self {
            Self::SignInIsClean => "a good sign-in leads to a session of that user without an error",
            Self::ErrorGoesAway => "after a good refresh no error is left",
            Self::FailurePasses => "a failure that passes does not end the session",
            Self::Recovers => "long after a failure that passes, a read tries again",
            Self::SignedOutStaysOut => "after signing out nobody is signed in",
            Self::SubjectStays => "a session shows the user who signed in, and nobody else",
            Self::NothingIsThrown => "reading the session or calling the resource raises no error",
            Self::TokenIsKnown => "only refresh tokens are presented that the provider has issued",
            Self::SuccessorIsUsed => "a refresh token is not presented again once its successor has arrived",
            Self::SingleFlight => "readers at once share one refresh",
            Self::RaceIsSurvived => "readers at once all survive when one of their refreshes has succeeded",
            Self::RefusedTokenRests => "a refresh token that was refused is not presented again",
            Self::ExpiredTokenStaysHome => "no access token is sent to the resource after its end",
        }
    }

    /// What one step says of it.
    fn of(self, chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
        match self {
            Self::SignInIsClean => sessions::sign_in_is_clean(chapter, story),
            Self::ErrorGoesAway => sessions::error_goes_away(chapter, story),
            Self::FailurePasses => sessions::failure_passes(chapter, story),
            Self::Recovers => sessions::recovers(chapter, story),
            Self::SignedOutStaysOut => sessions::signed_out_stays_out(chapter),
            Self::SubjectStays => sessions::subject_stays(chapter),
            Self::NothingIsThrown => sessions::nothing_is_thrown(chapter),
            Self::TokenIsKnown => tokens::token_is_known(chapter, story),
            Self::SuccessorIsUsed => tokens::successor_is_used(chapter, story),
            Self::SingleFlight => tokens::single_flight(chapter),
            Self::RaceIsSurvived => tokens::race_is_survived(chapter, story),
            Self::RefusedTokenRests => tokens::refused_token_rests(chapter, story),
            Self::ExpiredTokenStaysHome => tokens::expired_token_stays_home(chapter, story),
        }
    }

    /// What a history says of it.
    pub fn judge(self, story: &Story<'_>) -> Holding {
        let mut all = Holding::Unknown;
        for chapter in &story.chapters {
            match self.of(chapter, story) {
                broken @ Holding::Broken { .. } => return broken,
                Holding::Holds => all = Holding::Holds,
                Holding::Unknown => {}
            }
        }
        all
    }
}

/// A check for each of these invariants of which something can be said.
pub fn checks(invariants: impl IntoIterator<Item = Invariant>, history: &History) -> Vec<Check> {
    let story = Story::of(history);
    let check = |invariant: Invariant| {
        let complaint = match invariant.judge(&story) {
            Holding::Unknown => return None,
            Holding::Holds => None,
            Holding::Broken { step, detail } => Some(Detail { got: format!("{step}: {}", detail.got), ..detail }),
        };
        Some(Check::of(format!("always.{}", invariant.name()), invariant.level(), complaint))
    };
    invariants.into_iter().filter_map(check).collect()
}

fn broken(chapter: &Chapter<'_>, expected: impl Into<String>, got: impl Into<String>) -> Holding {
    Holding::Broken { step: chapter.record.name.clone(), detail: Detail::new(expected, got) }
}

#[cfg(test)]
mod tests;
