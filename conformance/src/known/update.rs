//! Brings a file of known failures up to a run with the smallest difference: what fails and is not known is added at the
//! end, what never fails any more is taken out, and everything else, comments too, stays as it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::check::{CaseResult, Check, Gate, Verdict};
use crate::event::CaseReport;
use crate::known::{Entry, Known, Outcome, ending, staleness, standing};

/// Whether crashes, hangs and broken adapters may be put down as known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crashes {
    /// They are left out: they want mending, not excusing.
    LeftOut,
    /// They are put down too.
    PutDown,
}

/// What an update did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The new text.
    pub text: String,
    /// The patterns that were added.
    pub added: Vec<String>,
    /// The patterns that were taken out.
    pub removed: Vec<String>,
    /// The patterns that were true of some of their cases only, and now name just those.
    pub narrowed: Vec<String>,
    /// The cases that ended abnormally and were left out.
    pub left_out: Vec<String>,
}

/// How a reason begins that nobody has written yet.
pub const UNEXPLAINED: &str = "to be explained: ";

/// A failure that is not known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct New {
    id: String,
    check: Option<String>,
    outcome: &'static str,
    reason: String,
}

/// The new text of a file after a run.
pub fn update(text: &str, known: &Known, reports: &[&CaseReport], gate: Gate, crashes: Crashes) -> Update {
    let Kept { text: kept, removed, narrowed } = without_stale(text, known, reports);
    let mut left_out = vec![];
    let mut new = BTreeSet::new();
    for report in reports {
        let unexpected: BTreeSet<String> = standing(report, gate, &known.entries).unexpected.into_iter().collect();
        new.extend(
            failures(report, gate).filter(|new| unexpected.contains(new.check.as_deref().unwrap_or(new.outcome))),
        );
        let excusable = ending(report).filter(|outcome| unexpected.contains(outcome.word()));
        if excusable.is_some() && crashes == Crashes::LeftOut {
            left_out.push(report.id.clone());
        }
    }
    let wanted = |new: &New| new.check.is_some() || crashes == Crashes::PutDown;
    let new: Vec<New> = together(new.into_iter().filter(wanted).collect(), reports);
    let added = new.iter().map(New::pattern).collect();
    Update { text: with_added(&kept, &new), added, removed, narrowed, left_out }
}

fn failures(report: &CaseReport, gate: Gate) -> impl Iterator<Item = New> {
    let checks = report.checks.iter().filter(move |check| gate.minds(check)).map(|check| New {
        id: report.id.clone(),
        check: Some(check.id.clone()),
        outcome: if check.verdict == Verdict::Warn { "warn" } else { "fail" },
        reason: check.detail.as_ref().map(ToString::to_string).unwrap_or_default(),
    });
    let ended = ending(report).map(|outcome| New {
        id: report.id.clone(),
        check: None,
        outcome: outcome.word(),
        reason: report.reason.clone().unwrap_or_default(),
    });
    checks.chain(ended)
}

impl New {
    fn pattern(&self) -> String {
        self.check.as_ref().map_or_else(|| self.id.clone(), |check| format!("{}#{check}", self.id))
    }

    fn lines(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let reason = quoted(&format!("{UNEXPLAINED}{}", self.reason));
        format!("  - match: {}\n    expect: {}\n    reason: {reason}\n", quoted(&self.pattern()), self.outcome)
    }
}

/// Rows of one table that all fail alike become one entry.
fn together(new: Vec<New>, reports: &[&CaseReport]) -> Vec<New> {
    const FEWEST: usize = 3;
    let table = |id: &str| id.rsplit_once('/').map(|(table, _)| table.to_owned());
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for report in reports.iter().filter(|report| report.result != CaseResult::Skip) {
        *sizes.entry(table(&report.id).unwrap_or_default()).or_default() += 1;
    }
    let mut groups: BTreeMap<(String, Option<String>, &str), Vec<New>> = BTreeMap::new();
    for one in new {
        groups.entry((table(&one.id).unwrap_or_default(), one.check.clone(), one.outcome)).or_default().push(one);
    }
    let merged = groups.into_iter().flat_map(|((table, _, _), mut all)| {
        let whole = all.len() >= FEWEST && sizes.get(&table) == Some(&all.len());
        if whole {
            all.truncate(1);
            all.iter_mut().for_each(|one| one.id = format!("{table}/*"));
        }
        all
    });
    merged.collect()
}

/// What is left of a text.
struct Kept {
    text: String,
    removed: Vec<String>,
    narrowed: Vec<String>,
}

/// The text without the entries that were judged and never failed as they say; those that did so here and there name the
/// places where they did.
fn without_stale(text: &str, known: &Known, reports: &[&CaseReport]) -> Kept {
    let mut kept = Kept { text: text.to_owned(), removed: vec![], narrowed: vec![] };
    // From the end, so that the places of those before stay what they are.
    for entry in known.entries.iter().rev() {
        let judged = |report: &&&CaseReport| report.result != CaseResult::Skip && entry.value.is_about(&report.id);
        let about: Vec<&CaseReport> = reports.iter().filter(judged).copied().collect();
        let shown: Vec<String> = about.iter().flat_map(|report| shown(&entry.value, report)).collect();
        let pattern = &entry.value.pattern;
        let range = item(text, pattern.span.start);
        if about.is_empty() || about.iter().all(|report| staleness(&entry.value, report).is_none()) {
            continue;
        }
        if shown.is_empty() {
            kept.text.replace_range(range, "");
            kept.removed.push(pattern.value.clone());
        } else {
            let narrow = narrowed(&text[range.clone()], &pattern.value, &shown);
            kept.text.replace_range(range, &narrow);
            kept.narrowed.push(pattern.value.clone());
        }
    }
    kept.removed.reverse();
    kept.narrowed.reverse();
    kept
}

/// What of a case fails as an entry says, each by its exact pattern.
fn shown(entry: &Entry, report: &CaseReport) -> Vec<String> {
    let bad = |outcome: Outcome| outcome != Outcome::Pass && entry.allows(outcome);
    if entry.parts().1.is_none() {
        return if bad(Outcome::of_result(report.result)) { vec![report.id.clone()] } else { vec![] };
    }
    let fails = |check: &&Check| entry.is_about_check(check) && bad(Outcome::of_verdict(check.verdict));
    report.checks.iter().filter(fails).map(|check| format!("{}#{}", report.id, check.id)).collect()
}

/// An item once for each exact pattern, its comment above the first.
fn narrowed(item: &str, pattern: &str, exact: &[String]) -> String {
    let start = item.lines().take_while(|line| line.trim_start().starts_with('#')).map(|line| line.len() + 1).sum();
    let (comment, entry) = item.split_at(start);
    comment.to_owned() + &exact.iter().map(|exact| entry.replacen(pattern, exact, 1)).collect::<String>()
}

/// The lines of the list item that a place stands in, with the comment lines right above it.
fn item(text: &str, place: usize) -> Range<usize> {
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let line = |at: usize| text[starts[at]..].lines().next().unwrap_or_default();
    let here = starts.partition_point(|start| *start <= place) - 1;
    let is_item = |at: usize| line(at).trim_start().starts_with("- ");
    let mut first = (0..=here).rev().find(|at| is_item(*at)).unwrap_or(here);
    let indent = line(first).len() - line(first).trim_start().len();
    let deeper = |at: usize| line(at).len() - line(at).trim_start().len() > indent && !line(at).trim().is_empty();
    let after = (first + 1..starts.len()).find(|at| !deeper(*at)).unwrap_or(starts.len());
    while first > 0 && line(first - 1).trim_start().starts_with('#') && line(first - 1).starts_with(' ') {
        first -= 1;
    }
    starts[first]..starts.get(after).copied().unwrap_or(text.len())
}

fn with_added(text: &str, new: &[New]) -> String {
    if new.is_empty() {
        return without_open_list(text);
    }
    let mut out = text.trim_end().to_owned() + "\n";
    if let Some(empty) = out.find("entries: []") {
        out.replace_range(empty..empty + "entries: []".len(), "entries:");
    }
    if !out.lines().any(|line| line.starts_with("entries:")) {
        out.push_str("entries:\n");
    }
    out.extend(new.iter().map(New::lines));
    out
}

/// A list that has lost its last item is an empty list; without brackets it would be no list.
fn without_open_list(text: &str) -> String {
    let any = text.lines().any(|line| line.trim_start().starts_with("- "));
    let closed = |line: &str| if line.trim_end() == "entries:" { "entries: []\n".to_owned() } else { line.to_owned() };
    if any { text.to_owned() } else { text.split_inclusive('\n').map(closed).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Check, Detail};
    use crate::known::parse;
    use crate::scenario::model::Level;

    fn fail(id: &str) -> CaseReport {
        CaseReport::bare(id, CaseResult::Fail, vec![Check::missed("hit", Level::Must, Detail::new("x", "\"y\""))])
    }

    fn pass(id: &str) -> CaseReport {
        CaseReport::bare(id, CaseResult::Pass, vec![Check::passed("hit", Level::Must)])
    }

    fn updated(text: &str, reports: &[CaseReport]) -> Update {
        let ids: Vec<&str> = reports.iter().map(|report| report.id.as_str()).collect();
        let known = parse(text, ids.into_iter()).unwrap();
        let reports: Vec<&CaseReport> = reports.iter().collect();
        let done = update(text, &known, &reports, Gate::Must, Crashes::LeftOut);
        // What was written is right: nothing is unexpected after it, and a second update changes nothing.
        let ids: Vec<&str> = reports.iter().map(|report| report.id.as_str()).collect();
        let again = parse(&done.text, ids.into_iter()).unwrap();
        for report in reports.iter().filter(|report| ending(report).is_none()) {
            let left = standing(report, Gate::Must, &again.entries);
            assert!(left.unexpected.is_empty() && left.stale.is_empty(), "{}", done.text);
        }
        assert_eq!(update(&done.text, &again, &reports, Gate::Must, Crashes::LeftOut).text, done.text);
        done
    }

    #[test]
    fn what_fails_is_added_and_what_passes_is_taken_out() {
        let text = "# ours\nregrant: 1\nentries:\n  # why not\n  - match: a/b#hit\n    expect: fail\n    reason: r\n  - { match: a/c#hit, expect: fail, reason: kept } # yes\n";
        let done = updated(text, &[pass("a/b"), fail("a/c"), fail("b/d")]);
        assert_eq!(done.removed, ["a/b#hit"]);
        assert_eq!(done.added, ["b/d#hit"]);
        assert!(
            done.text.starts_with(
                "# ours\nregrant: 1\nentries:\n  - { match: a/c#hit, expect: fail, reason: kept } # yes\n"
            ),
            "{}",
            done.text
        );
    }

    #[test]
    fn a_pattern_that_is_true_here_and_there_names_the_places() {
        let text = "regrant: 1\nentries:\n  # ours\n  - match: t/*#hit\n    expect: fail\n    reason: r\n  - match: b/d#hit\n    expect: fail\n    reason: s\n";
        let done = updated(text, &[fail("t/a"), pass("t/b"), fail("t/c"), fail("b/d")]);
        assert_eq!(done.narrowed, ["t/*#hit"]);
        let wanted = "regrant: 1\nentries:\n  # ours\n  - match: t/a#hit\n    expect: fail\n    reason: r\n  - match: t/c#hit\n    expect: fail\n    reason: r\n  - match: b/d#hit\n    expect: fail\n    reason: s\n";
        assert_eq!(done.text, wanted);
    }

    #[test]
    fn a_file_that_loses_its_last_entry_can_still_be_read() {
        for entries in ["entries:\n", "entries:\n  # a comment that stays\n\n"] {
            let text = format!("regrant: 1\n{entries}  - match: a/b#hit\n    expect: fail\n    reason: r\n");
            let done = updated(&text, &[pass("a/b")]);
            assert!(done.text.starts_with("regrant: 1\nentries: []\n"), "{}", done.text);
        }
    }

    #[test]
    fn an_empty_file_is_filled() {
        for text in ["regrant: 1\n", "regrant: 1\nentries: []\n"] {
            assert_eq!(updated(text, &[fail("a/b"), pass("a/c")]).added, ["a/b#hit"]);
        }
    }

    #[test]
    fn a_table_that_fails_as_a_whole_becomes_one_entry() {
        let done = updated("regrant: 1\n", &[fail("t/a"), fail("t/b"), fail("t/c"), fail("u/a"), pass("u/b")]);
        assert_eq!(done.added, ["t/*#hit", "u/a#hit"]);
    }

    #[test]
    fn crashes_are_left_out_unless_they_are_wanted() {
        let crash = CaseReport::bare("a/b", CaseResult::Crash, vec![]);
        let known = parse("regrant: 1\n", ["a/b"].into_iter()).unwrap();
        let done = update("regrant: 1\n", &known, &[&crash], Gate::Must, Crashes::LeftOut);
        assert_eq!((done.added.len(), done.left_out.len()), (0, 1));
        assert_eq!(update("regrant: 1\n", &known, &[&crash], Gate::Must, Crashes::PutDown).added, ["a/b"]);
    }
}
