//! Many implementations side by side: rows are scenarios, columns are implementations, every cell comes from a real run.

use std::collections::{BTreeMap, BTreeSet};

use adapter_protocol::ClockMode;

use crate::check::CaseResult;
use crate::event::{CaseReport, Event, Footer, RunStarted, finished, frame};

/// Implementations side by side.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    /// One for each implementation that was run, in the order given.
    pub columns: Vec<Column>,
    /// Implementations that could not be run, and why.
    pub not_run: Vec<(String, String)>,
    /// The scenarios, by area.
    pub areas: BTreeMap<String, Vec<Row>>,
}

/// An implementation and how its run went.
#[derive(Clone, Debug, Default)]
pub struct Column {
    /// The name of its folder, which its evidence is named after.
    pub name: String,
    /// How its run began.
    pub started: RunStarted,
    /// How its run ended.
    pub footer: Footer,
    /// Its cases.
    pub reports: BTreeMap<String, CaseReport>,
}

/// A scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// How binding it is.
    pub level: String,
}

/// How many cases came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// As they should be.
    pub pass: usize,
    /// With a `should` that is not.
    pub warn: usize,
    /// Not as they have to be.
    pub fail: usize,
    /// Not claimed.
    pub skip: usize,
}

impl Tally {
    fn add(&mut self, result: CaseResult) {
        match result {
            CaseResult::Pass => self.pass += 1,
            CaseResult::Warn => self.warn += 1,
            CaseResult::Skip => self.skip += 1,
            CaseResult::Fail | CaseResult::Blocked | CaseResult::Hang | CaseResult::Crash | CaseResult::Broken => {
                self.fail += 1;
            }
        }
    }

    /// The tally in a few signs; a dash where nothing was judged.
    pub fn signs(&self) -> String {
        let some = |count: usize, sign: &str| (count > 0).then(|| format!("{count} {sign}"));
        let parts: Vec<String> =
            [some(self.pass, "✓"), some(self.warn, "!"), some(self.fail, "✗")].into_iter().flatten().collect();
        if parts.is_empty() { "–".to_owned() } else { parts.join(" ") }
    }
}

/// The sign of a result.
pub const fn sign(result: CaseResult) -> &'static str {
    match result {
        CaseResult::Pass => "✓",
        CaseResult::Warn => "!",
        CaseResult::Fail => "✗",
        CaseResult::Blocked => "blocked",
        CaseResult::Hang => "hang",
        CaseResult::Crash => "crash",
        CaseResult::Broken => "broken",
        CaseResult::Skip => "–",
    }
}

/// A run that did not come to its end has no column: what was not run would look as if it were not claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its log is not that of a complete run")]
pub struct NotComplete;

impl Column {
    /// The column of a log.
    ///
    /// # Errors
    /// When the run was broken off.
    pub fn of(name: &str, events: &[Event]) -> Result<Self, NotComplete> {
        let (Some(started), Some(footer)) = frame(events) else { return Err(NotComplete) };
        if !footer.complete {
            return Err(NotComplete);
        }
        let reports = finished(events).map(|report| (report.id.clone(), report.clone()));
        Ok(Self { name: name.to_owned(), started: started.clone(), footer: footer.clone(), reports: reports.collect() })
    }

    /// How the cases of an area went, or all of them.
    pub fn tally(&self, area: Option<&str>) -> Tally {
        let mut tally = Tally::default();
        let chosen = self.reports.values().filter(|report| area.is_none_or(|area| report.area() == area));
        chosen.for_each(|report| tally.add(report.result));
        tally
    }

    /// What one case came to, if it was run.
    pub fn result(&self, id: &str) -> Option<CaseResult> {
        self.reports.get(id).map(|report| report.result)
    }

    /// How its clock was moved, in a word or two.
    pub const fn clock(&self) -> &'static str {
        match self.started.clock {
            ClockMode::Set => "set",
            ClockMode::Outside => "moved from outside",
            ClockMode::Real => "real time",
        }
    }
}

impl Matrix {
    /// A matrix of these columns.
    pub fn of(columns: Vec<Column>, not_run: Vec<(String, String)>) -> Self {
        let mut areas: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for report in columns.iter().flat_map(|column| column.reports.values()) {
            if seen.insert(report.id.clone()) {
                let row = Row { id: report.id.clone(), title: report.title.clone(), level: report.level.to_string() };
                areas.entry(report.area().to_owned()).or_default().push(row);
            }
        }
        areas.values_mut().for_each(|rows| rows.sort_by(|a, b| a.id.cmp(&b.id)));
        Self { columns, not_run, areas }
    }

    /// Scenarios in which one implementation fails and all others that were judged pass, with its name.
    pub fn fails_only_here(&self) -> Vec<(&str, &str)> {
        let rows = self.areas.values().flatten();
        rows.filter_map(|row| Some((row.id.as_str(), self.only_failing(&row.id)?))).collect()
    }

    fn only_failing(&self, id: &str) -> Option<&str> {
        let judged =
            || self.columns.iter().filter(|column| column.result(id).is_some_and(|result| result != CaseResult::Skip));
        let mut failing = judged().filter(|column| column.result(id).is_some_and(|result| result > CaseResult::Warn));
        let only = failing.next()?;
        (failing.next().is_none() && judged().count() > 1).then_some(only.name.as_str())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn column(name: &str, results: &[(&str, CaseResult)]) -> Column {
        let reports = results.iter().map(|(id, result)| ((*id).to_owned(), CaseReport::bare(id, *result, vec![])));
        let started = RunStarted { implementation: format!("{name} 1.0"), ..RunStarted::default() };
        Column { name: name.to_owned(), reports: reports.collect(), started, ..Column::default() }
    }

    #[test]
    fn every_result_is_counted_once() {
        let results = CaseResult::ALL.map(|result| (result.word(), result));
        let tally = column("x", &results).tally(None);
        assert_eq!(tally, Tally { pass: 1, warn: 1, fail: 5, skip: 1 });
        assert_eq!(tally.signs(), "1 ✓ 1 ! 5 ✗");
        assert_eq!(Tally::default().signs(), "–");
    }

    #[test]
    fn a_run_that_was_broken_off_has_no_column() {
        let started = Event::RunStarted(RunStarted::default());
        let ended = |complete| Event::RunFinished(Footer { complete, ..Footer::default() });
        assert_eq!(Column::of("x", std::slice::from_ref(&started)).unwrap_err(), NotComplete);
        assert_eq!(Column::of("x", &[started.clone(), ended(false)]).unwrap_err(), NotComplete);
        assert!(Column::of("x", &[started, ended(true)]).is_ok());
    }

    #[test]
    fn what_fails_in_one_place_only_is_found() {
        use CaseResult::{Fail, Pass, Skip};
        let matrix = Matrix::of(
            vec![
                column("a", &[("x/1", Fail), ("x/2", Fail), ("x/3", Fail)]),
                column("b", &[("x/1", Pass), ("x/2", Fail), ("x/3", Skip)]),
            ],
            vec![],
        );
        assert_eq!(matrix.fails_only_here(), [("x/1", "a")]);
        assert_eq!(matrix.areas["x"].len(), 3);
    }
}
