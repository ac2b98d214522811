//! The one interface between a run and everything that reports it: an event log, one JSON object a line.
//!
//! Terminal, JSON and JUnit are pure functions of these events, so any report can be made again from the log. The last
//! line is the footer; a log without one was cut off.

use std::collections::BTreeMap;

use adapter_protocol::ClockMode;
use serde::{Deserialize, Serialize};

use crate::check::{CaseResult, Check, Gate, Verdict};
use crate::fuzz::Size;
use crate::history::History;
use crate::known::Standing;
use crate::scenario::model::Level;

/// The version of the event log.
pub const LOG_FORMAT: u32 = 1;

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first line.
    RunStarted(RunStarted),
    /// A case has begun.
    CaseStarted {
        /// Its id.
        id: String,
    },
    /// What happened in a case, whole, for `regrant recheck`.
    CaseHistory {
        /// Its id.
        id: String,
        /// What happened.
        history: Box<History>,
    },
    /// A case has ended.
    CaseFinished(Box<CaseReport>),
    /// The last line.
    RunFinished(Footer),
}

/// What is run against what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The version of the log.
    pub format: u32,
    /// Name and version of the suite.
    pub suite: String,
    /// The day of the run, as `25 Nov 2026`.
    #[serde(default)]
    pub date: String,
    /// The target's name on the command line.
    pub target: String,
    /// The target's own name and version.
    pub implementation: String,
    /// Its programming language, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Name and version of its adapter.
    pub adapter: String,
    /// What it claims.
    pub claims: Vec<String>,
    /// The claims that did not stand a probe, with what was wrong.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unproven: BTreeMap<String, String>,
    /// Who moves its clock.
    pub clock: ClockMode,
    /// Real time without a new arrival after which no further request is waited for.
    pub settle_ms: u64,
    /// The seed of everything that the provider mints.
    pub seed: u64,
    /// What the run has to reach.
    pub gate: Gate,
    /// Where the scenarios come from; none for the built-in ones.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Which part of the selection it is, where machines share the work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// Names the selection by everything that is in it.
    #[serde(default)]
    pub fingerprint: String,
    /// How many cases were selected, in all shards.
    #[serde(default)]
    pub selected: usize,
    /// How many of them are run here.
    pub cases: usize,
    /// What a fuzz was asked for; of none it is a run of scenarios.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuzz: Option<FuzzStarted>,
}

/// What a fuzz was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FuzzStarted {
    /// How many plans at most.
    pub plans: usize,
    /// Real time for them, in milliseconds, where that was limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
    /// How many moves a plan has at most.
    pub moves: usize,
}

/// What a fuzz came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FuzzFinished {
    /// How many plans were carried out.
    pub plans: usize,
    /// How many steps they had.
    pub steps: usize,
    /// How many refreshes reached the provider.
    pub refreshes: usize,
    /// How often a clock was moved.
    pub moves_of_the_clock: usize,
    /// How many situations were reached.
    pub reached: usize,
    /// How many there are.
    pub situations: usize,
    /// Those that were never reached.
    pub missed: Vec<String>,
    /// Why nothing was learnt, if that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hollow: Option<String>,
}

/// What a fuzz found of one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleReport {
    /// Plans in which it was put to the test and held.
    pub kept: usize,
    /// Plans in which it was broken.
    pub broken: usize,
    /// Those of them that could not be seen again.
    pub not_seen_again: usize,
    /// What was found, each kind once.
    pub findings: Vec<FindingReport>,
}

/// A failure, as small as it got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingReport {
    /// The scenario's id.
    pub id: String,
    /// Its file.
    pub file: String,
    /// The plan that it was found in.
    pub case: usize,
    /// How many moves that had.
    pub moves: usize,
    /// How often it was seen again, of so many tries.
    pub reproduced: (u32, u32),
    /// How small it is.
    pub size: Size,
    /// The steps that are left.
    pub steps: Vec<String>,
    /// What else matters.
    pub facts: Vec<String>,
    /// What was expected and what came.
    pub check: Option<Check>,
    /// What happened, as lines.
    pub timeline: Vec<String>,
}

/// A case and what it came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseReport {
    /// Its id.
    pub id: String,
    /// One line.
    pub title: String,
    /// The scenario's level.
    pub level: Level,
    /// Its tags.
    pub tags: Vec<String>,
    /// What it came to.
    pub result: CaseResult,
    /// Everything that was looked at.
    pub checks: Vec<Check>,
    /// Why it was skipped or did not run to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it matters.
    pub why: String,
    /// What demands it.
    pub refs: Vec<RefReport>,
    /// What happened, as lines.
    pub timeline: Vec<String>,
    /// The last lines that the target's process printed, without secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
    /// What a fuzz found of it, where it is a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleReport>,
    /// What it comes to in the light of what is known.
    #[serde(default)]
    pub standing: Standing,
    /// The scenario's file.
    pub file: String,
    /// The line in it.
    pub line: usize,
    /// Real time.
    pub duration_ms: u64,
}

/// What demands something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefReport {
    /// Its name.
    pub title: String,
    /// Where to read it.
    pub url: String,
    /// What it says.
    pub says: String,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footer {
    /// Whether every selected case came to its end.
    pub complete: bool,
    /// How many cases came to what.
    pub counts: BTreeMap<String, usize>,
    /// How many cases are not as they should be, and not known for it.
    #[serde(default)]
    pub unexpected: usize,
    /// How many fail as it is known of them.
    #[serde(default)]
    pub excused: usize,
    /// How many do not fail any more as it is known of them.
    #[serde(default)]
    pub stale: usize,
    /// What a fuzz came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuzz: Option<FuzzFinished>,
    /// Real time.
    pub duration_ms: u64,
}

impl Footer {
    /// Counts a case that has ended.
    pub fn count(&mut self, report: &CaseReport) {
        let Standing { unexpected, excused, stale } = &report.standing;
        *self.counts.entry(report.result.key()).or_default() += 1;
        self.unexpected += usize::from(!unexpected.is_empty());
        self.excused += usize::from(unexpected.is_empty() && !excused.is_empty());
        self.stale += usize::from(!stale.is_empty());
    }

    /// How many cases have been counted.
    pub fn cases(&self) -> usize {
        self.counts.values().sum()
    }
}

impl CaseReport {
    /// A report of nothing but its outcome.
    pub fn bare(id: &str, result: CaseResult, checks: Vec<Check>) -> Self {
        Self {
            id: id.to_owned(),
            title: String::new(),
            level: Level::Must,
            tags: vec![],
            result,
            checks,
            reason: None,
            why: String::new(),
            refs: vec![],
            timeline: vec![],
            output: vec![],
            rule: None,
            standing: Standing::default(),
            file: String::new(),
            line: 0,
            duration_ms: 0,
        }
    }

    /// The area: the first part of the id.
    pub fn area(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }

    /// The checks that failed or warned, each in a line.
    pub fn failures(&self) -> impl Iterator<Item = String> {
        let failed = self.checks.iter().filter(|check| check.verdict >= Verdict::Warn);
        failed.filter_map(|check| Some(format!("{} {}: {}", check.level, check.id, check.detail.as_ref()?)))
    }

    /// The checks that are worth a word.
    pub fn complaints(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.detail.is_some())
    }
}

/// The cases of a log that have ended.
pub fn finished(events: &[Event]) -> impl Iterator<Item = &CaseReport> {
    events.iter().filter_map(|event| match event {
        Event::CaseFinished(report) => Some(&**report),
        Event::RunStarted(_) | Event::CaseStarted { .. } | Event::CaseHistory { .. } | Event::RunFinished(_) => None,
    })
}

/// What happened in the cases of a log, by their ids.
pub fn histories(events: &[Event]) -> impl Iterator<Item = (&str, &History)> {
    events.iter().filter_map(|event| match event {
        Event::CaseHistory { id, history } => Some((id.as_str(), &**history)),
        Event::RunStarted(_) | Event::CaseStarted { .. } | Event::CaseFinished(_) | Event::RunFinished(_) => None,
    })
}

/// The first and the last line of a log.
pub fn frame(events: &[Event]) -> (Option<&RunStarted>, Option<&Footer>) {
    let started = events.iter().find_map(|event| match event {
        Event::RunStarted(started) => Some(started),
        Event::CaseStarted { .. } | Event::CaseHistory { .. } | Event::CaseFinished(_) | Event::RunFinished(_) => None,
    });
    let footer = events.iter().find_map(|event| match event {
        Event::RunFinished(footer) => Some(footer),
        Event::RunStarted(_) | Event::CaseStarted { .. } | Event::CaseHistory { .. } | Event::CaseFinished(_) => None,
    });
    (started, footer)
}
