//! Checks and what they come to.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::scenario::model::Level;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Where it stands: `<step>.<path>`, or a name of its own.
    pub id: String,
    /// How binding it is.
    pub level: Level,
    /// How it went.
    pub verdict: Verdict,
    /// What was expected and what came, unless it passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As expected.
    Pass,
    /// Not as expected, and that is no fault.
    Info,
    /// A `should` that is not, or a lesser alternative.
    Warn,
    /// A `must` that is not.
    Fail,
}

/// What was expected and what came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// What was expected.
    pub expected: String,
    /// What came.
    pub got: String,
    /// Why it matters here, where the scenario says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

impl Detail {
    /// An expectation and what came instead.
    pub fn new(expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self { expected: expected.into(), got: got.into(), because: None }
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, got {}", self.expected, self.got)
    }
}

impl Check {
    /// A check that passed.
    pub fn passed(id: impl Into<String>, level: Level) -> Self {
        Self { id: id.into(), level, verdict: Verdict::Pass, detail: None }
    }

    /// A check that did not; what that is worth is up to its level.
    pub fn missed(id: impl Into<String>, level: Level, detail: Detail) -> Self {
        let verdict = match level {
            Level::May => Verdict::Info,
            Level::Should => Verdict::Warn,
            Level::Must => Verdict::Fail,
        };
        Self { id: id.into(), level, verdict, detail: Some(detail) }
    }

    /// A check whose outcome depends on whether there is anything to complain about.
    pub fn of(id: impl Into<String>, level: Level, complaint: Option<Detail>) -> Self {
        match complaint {
            None => Self::passed(id, level),
            Some(detail) => Self::missed(id, level, detail),
        }
    }
}

/// What a case comes to, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseResult {
    /// It was not run: the target does not claim what it needs.
    Skip,
    /// Everything as expected.
    Pass,
    /// A `should` is not.
    Warn,
    /// It could not be run to its end, though the target claims what it needs.
    Blocked,
    /// A `must` is not.
    Fail,
    /// A step took longer than it may.
    Hang,
    /// The target went away.
    Crash,
    /// The adapter or the suite failed.
    Broken,
}

impl CaseResult {
    /// All of them, best first.
    pub const ALL: [Self; 8] =
        [Self::Pass, Self::Warn, Self::Fail, Self::Blocked, Self::Hang, Self::Crash, Self::Broken, Self::Skip];

    /// The key in counts.
    pub fn key(self) -> String {
        self.word().to_lowercase()
    }

    /// The word in reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Skip => "SKIP",
            Self::Pass => "PASS",
            Self::Warn => "WARN",
            Self::Blocked => "BLOCKED",
            Self::Fail => "FAIL",
            Self::Hang => "HANG",
            Self::Crash => "CRASH",
            Self::Broken => "BROKEN",
        }
    }
}

/// What a run has to reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Every `must`.
    #[default]
    Must,
    /// Every `must` and every `should`.
    Should,
}

impl Gate {
    /// Whether a check makes a difference to it.
    pub fn minds(self, check: &Check) -> bool {
        match self {
            Self::Must => check.verdict == Verdict::Fail,
            Self::Should => check.verdict >= Verdict::Warn,
        }
    }

    /// Whether a result makes the run fail.
    pub fn refuses(self, result: CaseResult) -> bool {
        match self {
            Self::Must => result > CaseResult::Warn,
            Self::Should => result > CaseResult::Pass,
        }
    }
}
