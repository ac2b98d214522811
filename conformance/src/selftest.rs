//! The suite proves its own checks: mutants of the reference client, each with one named bug, have to be caught.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::CaseResult;
use crate::event::{CaseReport, Event, finished};
use crate::judge::INVARIANTS;

/// Which scenarios catch which mutants.
#[derive(Clone, Debug, Default)]
pub struct KillMatrix {
    /// The scenarios that are not clean against the reference itself.
    pub unclean: Vec<String>,
    /// For each mutant, in order, the scenarios that catch it.
    pub kills: Vec<(String, Vec<String>)>,
    /// The scenarios that catch a mutant by a check of their own, not only by what holds in every case.
    pub with_teeth: BTreeSet<String>,
    /// All scenarios that were run.
    pub scenarios: Vec<String>,
    /// Whether all mutants were run.
    pub scope: Scope,
}

/// Whether a check belongs to the scenario: it states it, or it is about this invariant and says so with a tag.
fn is_own(report: &CaseReport, check: &str) -> bool {
    !INVARIANTS.contains(&check) || report.tags.iter().any(|tag| tag == check)
}

impl KillMatrix {
    /// A matrix from the run of the reference client.
    pub fn of_reference(events: &[Event]) -> Self {
        let dirty = finished(events).filter(|report| !matches!(report.result, CaseResult::Pass | CaseResult::Skip));
        let mut scenarios: Vec<String> = finished(events).map(|report| report.id.clone()).collect();
        scenarios.sort();
        let unclean = dirty.map(|report| report.id.clone()).collect();
        Self { unclean, scenarios, ..Self::default() }
    }

    /// Adds the run of a mutant. A scenario catches it when its result is worse than a pass.
    pub fn add_mutant(&mut self, name: &str, events: &[Event]) {
        let caught = finished(events).filter(|report| !matches!(report.result, CaseResult::Pass | CaseResult::Skip));
        let caught: Vec<_> = caught.collect();
        let own = caught.iter().filter(|report| report.complaints().any(|check| is_own(report, &check.id)));
        self.with_teeth.extend(own.map(|report| report.id.clone()));
        let mut caught: Vec<String> = caught.into_iter().map(|report| report.id.clone()).collect();
        caught.sort();
        self.kills.push((name.to_owned(), caught));
    }

    /// The mutants that nothing catches.
    pub fn survivors(&self) -> Vec<&str> {
        self.kills.iter().filter(|(_, caught)| caught.is_empty()).map(|(name, _)| name.as_str()).collect()
    }

    /// The scenarios that catch nothing by a check of their own.
    pub fn toothless(&self) -> Vec<&str> {
        self.scenarios.iter().filter(|id| !self.with_teeth.contains(*id)).map(String::as_str).collect()
    }

    /// Whether the suite has proved itself.
    pub fn proved(&self) -> bool {
        let sharp = self.scope == Scope::SomeMutants || self.toothless().is_empty();
        self.unclean.is_empty() && self.survivors().is_empty() && sharp
    }

    /// For each scenario, the mutants that it catches.
    pub fn by_scenario(&self) -> BTreeMap<&str, Vec<&str>> {
        let caught = |id: &str| {
            self.kills
                .iter()
                .filter(|(_, ids)| ids.iter().any(|other| other == id))
                .map(|(name, _)| name.as_str())
                .collect()
        };
        self.scenarios.iter().map(|id| (id.as_str(), caught(id))).collect()
    }

    /// The matrix as text; the last line is `N mutants, N killed`.
    pub fn render(&self, detail: Detail) -> String {
        let mut out: String = self.kills.iter().map(|(name, caught)| kill(name, caught, detail)).collect();
        out.extend(self.unclean.iter().map(|id| format!("the reference client itself does not pass: {id}\n")));
        if self.scope == Scope::AllMutants {
            let toothless = self.toothless();
            out.extend(toothless.iter().map(|id| format!("catches no mutant by a check of its own: {id}\n")));
            let (all, sharp) = (self.scenarios.len(), self.scenarios.len() - toothless.len());
            out.push_str(&format!("{all} scenarios, {sharp} with teeth\n"));
        }
        let killed = self.kills.len() - self.survivors().len();
        out.push_str(&format!("{} mutants, {killed} killed\n", self.kills.len()));
        out
    }
}

/// How much of the matrix is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Some of the scenarios that catch a mutant, and how many there are in each area.
    Short,
    /// All of them.
    Full,
}

/// Whether something can be said about scenarios that catch nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Every mutant was run.
    #[default]
    AllMutants,
    /// A choice of them.
    SomeMutants,
}

fn kill(name: &str, caught: &[String], detail: Detail) -> String {
    const SHOWN: usize = 4;
    if caught.is_empty() {
        return format!("{name:<34}SURVIVES\n");
    }
    let shown = if detail == Detail::Full { caught.len() } else { SHOWN };
    let mut out =
        format!("{name:<34}killed by {}\n", caught.iter().take(shown).cloned().collect::<Vec<_>>().join(", "));
    if caught.len() > shown {
        let mut areas: BTreeMap<&str, usize> = BTreeMap::new();
        for id in &caught[shown..] {
            *areas.entry(id.split('/').next().unwrap_or_default()).or_default() += 1;
        }
        let areas: Vec<String> = areas.into_iter().map(|(area, count)| format!("{count} in {area}")).collect();
        out.push_str(&format!("{:<34}and {}\n", "", areas.join(", ")));
    }
    out
}
