//! The suite proves its own checks: mutants of the reference client, each with one named bug, have to be caught.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::catalogue::Entry;
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

    /// What the first lines of scenario files promise (`# caught: NAME, NAME`) and the run does not show, as sentences. In a
    /// table or with variants one case is enough.
    pub fn broken_promises(&self, entries: &[Entry]) -> Vec<String> {
        let mut files: BTreeMap<&Path, (&str, Vec<&str>)> = BTreeMap::new();
        for entry in entries {
            let file = files.entry(&entry.file.path).or_insert((&entry.file.text, vec![]));
            file.1.push(&entry.case.id);
        }
        let broken = files.into_iter().flat_map(|(path, (text, ids))| {
            let names = promised(text).into_iter().filter(move |name| !self.catches(name, &ids));
            names.map(move |name| format!("{} says that it catches {name}, and does not", path.display()))
        });
        broken.collect()
    }

    fn catches(&self, mutant: &str, ids: &[&str]) -> bool {
        let caught = self.kills.iter().find(|(name, _)| name == mutant).map(|(_, caught)| caught);
        caught.is_some_and(|caught| ids.iter().any(|id| caught.iter().any(|other| other == id)))
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

/// The mutants that a scenario file names in its first line.
fn promised(text: &str) -> Vec<&str> {
    let first = text.lines().next().and_then(|line| line.strip_prefix("# caught:"));
    first.map(|names| names.split(',').map(str::trim).collect()).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    #[test]
    fn a_promise_is_broken_until_the_run_shows_it() {
        let entries = Catalogue::built_in().entries;
        let named = |matrix: &KillMatrix| {
            let broken = matrix.broken_promises(&entries);
            broken.into_iter().any(|sentence| {
                sentence.contains("good-refresh-clears-the-error.yaml says that it catches sticky-error")
            })
        };
        let mut matrix = KillMatrix::default();
        assert!(named(&matrix));
        matrix.kills.push(("sticky-error".to_owned(), vec!["recovery/good-refresh-clears-the-error".to_owned()]));
        assert!(!named(&matrix));
    }

    #[test]
    fn every_scenario_file_names_what_it_catches() {
        let entries = Catalogue::built_in().entries;
        let silent: Vec<_> = entries
            .iter()
            .filter(|entry| promised(&entry.file.text).is_empty())
            .map(|entry| &entry.file.path)
            .collect();
        assert!(silent.is_empty(), "{silent:?}");
    }

    #[test]
    fn survivors_and_toothless_scenarios_fail_the_proof() {
        let mut matrix = KillMatrix { scenarios: vec!["a/b".to_owned()], ..KillMatrix::default() };
        matrix.kills.push(("m".to_owned(), vec![]));
        assert!(!matrix.proved());
        assert!(matrix.render(Detail::Short).ends_with("1 scenarios, 0 with teeth\n1 mutants, 0 killed\n"));
        matrix.kills[0].1.push("a/b".to_owned());
        assert!(!matrix.proved(), "caught by an invariant alone");
        matrix.with_teeth.insert("a/b".to_owned());
        assert!(matrix.proved());
        matrix.unclean.push("a/b".to_owned());
        assert!(!matrix.proved(), "the reference itself does not pass");
    }
}
