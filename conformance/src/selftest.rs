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
        Self { unclean, kills: vec![], with_teeth: BTreeSet::new(), scenarios }
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
        self.unclean.is_empty() && self.survivors().is_empty() && self.toothless().is_empty()
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
    pub fn render(&self) -> String {
        const SHOWN: usize = 4;
        let mut out = String::new();
        for (name, caught) in &self.kills {
            let word = if caught.is_empty() { "SURVIVES" } else { "killed by" };
            out.push_str(&format!(
                "{name:<34}{word} {}\n",
                caught.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ")
            ));
            if caught.len() > SHOWN {
                out.push_str(&format!("{:<34}and {} more\n", "", caught.len() - SHOWN));
            }
        }
        let list = |title: &str, ids: &[&str]| ids.iter().map(|id| format!("{title}: {id}\n")).collect::<String>();
        let unclean: Vec<&str> = self.unclean.iter().map(String::as_str).collect();
        out.push_str(&list("the reference client itself does not pass", &unclean));
        out.push_str(&list("catches no mutant by a check of its own", &self.toothless()));
        let killed = self.kills.len() - self.survivors().len();
        out.push_str(&format!(
            "{} scenarios, {} with teeth\n",
            self.scenarios.len(),
            self.scenarios.len() - self.toothless().len()
        ));
        out.push_str(&format!("{} mutants, {killed} killed\n", self.kills.len()));
        out
    }
}
