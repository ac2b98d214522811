//! Known failures: what an implementation gets wrong and says so, check by check.
//!
//! They live with the implementation. Every entry has to match something in the suite, has to fail as it says, and gives a
//! reason; a crash or a hang is excused only by name. Pure: a file's text and a case's report in, a standing out.

pub mod update;

use schemars::JsonSchema;
use serde::de::{self, SeqAccess};
use serde::{Deserialize, Deserializer, Serialize};

use crate::check::{CaseResult, Check, Gate, Verdict};
use crate::event::CaseReport;
use crate::filter::follows;
use crate::scenario::decode::{Spanned, decode};
use crate::scenario::node::{Problem, nearest};
use crate::scenario::shapes::{Shaped, shaped};
use crate::scenario::yaml;

/// The version of the format that this crate reads.
pub const FORMAT: u32 = 1;

/// A file of known failures.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// The version of the format.
    pub regrant: Spanned<u32>,
    /// What is known.
    #[serde(default)]
    pub entries: Vec<Spanned<Entry>>,
}

/// A known failure.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// A pattern of case ids, and after `#` one of check names; without `#` it is about whole cases.
    #[serde(rename = "match")]
    pub pattern: Spanned<String>,
    /// How it fails. A list where that varies.
    pub expect: Outcomes,
    /// Why.
    pub reason: String,
    /// Where that is discussed.
    #[serde(default)]
    pub issue: Option<String>,
}

/// How something comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As the scenario wants it; only in a list, beside how it fails at other times.
    Pass,
    /// A `should` is not.
    Warn,
    /// A `must` is not.
    Fail,
    /// It could not be run to its end.
    Blocked,
    /// A step took longer than it may.
    Hang,
    /// The target went away.
    Crash,
    /// The adapter failed.
    Broken,
}

const WORDS: [(&str, Outcome); 7] = [
    ("pass", Outcome::Pass),
    ("warn", Outcome::Warn),
    ("fail", Outcome::Fail),
    ("blocked", Outcome::Blocked),
    ("hang", Outcome::Hang),
    ("crash", Outcome::Crash),
    ("broken", Outcome::Broken),
];

impl Outcome {
    /// The word in files.
    pub fn word(self) -> &'static str {
        WORDS.iter().find(|(_, outcome)| *outcome == self).map_or("fail", |(word, _)| word)
    }

    const fn of_verdict(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass | Verdict::Info => Self::Pass,
            Verdict::Warn => Self::Warn,
            Verdict::Fail => Self::Fail,
        }
    }

    const fn of_result(result: CaseResult) -> Self {
        match result {
            CaseResult::Skip | CaseResult::Pass => Self::Pass,
            CaseResult::Warn => Self::Warn,
            CaseResult::Fail => Self::Fail,
            CaseResult::Blocked => Self::Blocked,
            CaseResult::Hang => Self::Hang,
            CaseResult::Crash => Self::Crash,
            CaseResult::Broken => Self::Broken,
        }
    }
}

/// One outcome, or several where it varies; the first is typical.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcomes(pub Vec<Outcome>);

impl Shaped for Outcomes {
    const EXPECTED: &'static str = "`fail`, `warn`, `blocked`, `hang`, `crash` or `broken`, or a list of them";

    fn from_word<E: de::Error>(word: &str) -> Result<Self, E> {
        match WORDS.iter().find(|(known, _)| *known == word) {
            Some((_, Outcome::Pass)) => Err(E::custom("an entry that passes is no known failure")),
            Some((_, outcome)) => Ok(Self(vec![*outcome])),
            None => Err(E::unknown_variant(word, &["warn", "fail", "blocked", "hang", "crash", "broken"])),
        }
    }

    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let outcomes: Vec<Outcome> = Vec::deserialize(de::value::SeqAccessDeserializer::new(list))?;
        if outcomes.iter().all(|outcome| *outcome == Outcome::Pass) {
            return Err(de::Error::custom("an entry that always passes is no known failure"));
        }
        Ok(Self(outcomes))
    }
}

shaped!(Outcomes, |_| schemars::json_schema!({"anyOf": [
    {"enum": ["warn", "fail", "blocked", "hang", "crash", "broken"]},
    {"type": "array", "minItems": 1, "items": {"enum": ["pass", "warn", "fail", "blocked", "hang", "crash", "broken"]}},
]}));

/// What a case comes to in the light of what is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What fails and is not known: check names, or the word for how the case ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unexpected: Vec<String>,
    /// What fails and is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excused: Vec<Excuse>,
    /// Entries that do not fail as they say any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<String>,
}

/// A known failure in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excuse {
    /// The check, or the word for how the case ended.
    pub what: String,
    /// Why it fails.
    pub reason: String,
    /// Where that is discussed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
}

impl Entry {
    /// The pattern of ids, and that of checks.
    fn parts(&self) -> (&str, Option<&str>) {
        self.pattern.value.split_once('#').map_or((&self.pattern.value, None), |(id, check)| (id, Some(check)))
    }

    /// Whether it is about a case.
    pub fn is_about(&self, id: &str) -> bool {
        let plain = id.split_once('[').map_or(id, |(plain, _)| plain);
        let pattern = self.parts().0;
        pattern == id || follows(id, pattern) || follows(plain, pattern)
    }

    fn is_about_check(&self, check: &Check) -> bool {
        self.parts().1.is_some_and(|pattern| pattern == check.id || follows(&check.id, pattern))
    }

    fn allows(&self, outcome: Outcome) -> bool {
        self.expect.0.contains(&outcome)
    }

    fn excuse(&self, what: &str) -> Excuse {
        Excuse { what: what.to_owned(), reason: self.reason.clone(), issue: self.issue.clone() }
    }
}

/// Reads a file of known failures.
///
/// # Errors
/// Everything that is wrong with it, with places; also an entry that matches no case of the suite.
#[expect(clippy::needless_pass_by_value, reason = "an iterator is asked for once for every entry")]
pub fn parse<'a>(text: &str, suite: impl Iterator<Item = &'a str> + Clone) -> Result<Known, Vec<Problem>> {
    let known: Known = yaml::read(text).and_then(|node| decode(&node)).map_err(|problem| vec![problem])?;
    let mut problems: Vec<Problem> = (known.regrant.value != FORMAT)
        .then(|| {
            let message = format!("this version reads format {FORMAT}, not {}", known.regrant.value);
            Problem::at(known.regrant.span, message)
        })
        .into_iter()
        .collect();
    for entry in &known.entries {
        problems.extend(problem_of(&entry.value, suite.clone()));
    }
    if problems.is_empty() { Ok(known) } else { Err(problems) }
}

fn problem_of<'a>(entry: &Entry, mut suite: impl Iterator<Item = &'a str> + Clone) -> Option<Problem> {
    let span = entry.pattern.span;
    if entry.reason.trim().is_empty() {
        return Some(Problem::at(span, "a known failure needs a reason"));
    }
    if suite.clone().any(|id| entry.is_about(id)) {
        return None;
    }
    let id = entry.parts().0;
    let near = nearest(id, suite.by_ref());
    let problem = Problem::at(span, format!("no scenario of the suite matches `{id}`"));
    Some(match near {
        Some(near) => problem.with_help(format!("did you mean `{near}`?")),
        None => problem.with_help("`regrant list` shows what there is"),
    })
}

/// What is wrong with a case beyond its checks, where it did not run to its end.
fn ending(report: &CaseReport) -> Option<Outcome> {
    match report.result {
        CaseResult::Blocked | CaseResult::Hang | CaseResult::Crash | CaseResult::Broken => {
            Some(Outcome::of_result(report.result))
        }
        CaseResult::Skip | CaseResult::Pass | CaseResult::Warn | CaseResult::Fail => None,
    }
}

/// What a case comes to.
pub fn standing(report: &CaseReport, gate: Gate, known: &[Spanned<Entry>]) -> Standing {
    let mut standing = Standing::default();
    if report.result == CaseResult::Skip {
        return standing;
    }
    let entries: Vec<&Entry> =
        known.iter().map(|entry| &entry.value).filter(|entry| entry.is_about(&report.id)).collect();
    for check in report.checks.iter().filter(|check| gate.minds(check)) {
        let outcome = Outcome::of_verdict(check.verdict);
        let excuse = entries
            .iter()
            .find(|entry| entry.allows(outcome) && (entry.parts().1.is_none() || entry.is_about_check(check)));
        note(&mut standing, &check.id, excuse.copied());
    }
    if let Some(outcome) = ending(report) {
        let excuse = entries.iter().find(|entry| entry.parts().1.is_none() && entry.allows(outcome));
        note(&mut standing, outcome.word(), excuse.copied());
    }
    standing.stale = entries.iter().filter_map(|entry| staleness(entry, report)).collect();
    standing
}

fn note(standing: &mut Standing, what: &str, excuse: Option<&Entry>) {
    match excuse {
        Some(entry) => standing.excused.push(entry.excuse(what)),
        None => standing.unexpected.push(what.to_owned()),
    }
}

/// What an entry says and the case does not show.
fn staleness(entry: &Entry, report: &CaseReport) -> Option<String> {
    let pattern = &entry.pattern.value;
    if entry.parts().1.is_none() {
        let outcome = Outcome::of_result(report.result);
        return (!entry.allows(outcome)).then(|| format!("{pattern}: the case comes to {}", outcome.word()));
    }
    let mut judged = report.checks.iter().filter(|check| entry.is_about_check(check)).peekable();
    if judged.peek().is_none() {
        // A case that broke off may not have come so far.
        return ending(report).is_none().then(|| format!("{pattern}: there is no such check in {}", report.id));
    }
    let other = judged.find(|check| !entry.allows(Outcome::of_verdict(check.verdict)))?;
    Some(format!("{pattern}: {} comes to {}", other.id, Outcome::of_verdict(other.verdict).word()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Detail;
    use crate::scenario::model::Level;

    fn known(entries: &str) -> Result<Known, Vec<Problem>> {
        parse(&format!("regrant: 1\nentries:\n{entries}"), ["a/b", "a/c/x", "a/c/y"].into_iter())
    }

    fn report(id: &str, result: CaseResult, checks: Vec<Check>) -> CaseReport {
        CaseReport::bare(id, result, checks)
    }

    fn failed(id: &str) -> Check {
        Check::missed(id, Level::Must, Detail::new("x", "y"))
    }

    fn judged(entries: &str, report: &CaseReport) -> Standing {
        standing(report, Gate::Must, &known(entries).unwrap().entries)
    }

    #[test]
    fn a_failure_is_excused_by_its_own_entry_only() {
        let case = report("a/b", CaseResult::Fail, vec![failed("one"), failed("two")]);
        let standing = judged("  - { match: a/b#one, expect: fail, reason: r }\n", &case);
        assert_eq!(standing.unexpected, ["two"]);
        assert_eq!(standing.excused[0].what, "one");
        assert!(standing.stale.is_empty());
    }

    #[test]
    fn what_passes_again_is_stale() {
        let passed = report("a/b", CaseResult::Pass, vec![Check::passed("one", Level::Must)]);
        assert_eq!(
            judged("  - { match: a/b#one, expect: fail, reason: r }\n", &passed).stale,
            ["a/b#one: one comes to pass"]
        );
        assert_eq!(judged("  - { match: a/b, expect: fail, reason: r }\n", &passed).stale.len(), 1);
        assert_eq!(judged("  - { match: a/b#none, expect: fail, reason: r }\n", &passed).stale.len(), 1);
        assert!(judged("  - { match: a/b#one, expect: [fail, pass], reason: r }\n", &passed).stale.is_empty());
    }

    #[test]
    fn a_hang_is_excused_only_by_name() {
        let hang = report("a/b", CaseResult::Hang, vec![failed("answers-in-time")]);
        let standing = judged("  - { match: \"a/b#*\", expect: fail, reason: r }\n", &hang);
        assert_eq!(standing.unexpected, ["hang"]);
        let standing = judged("  - { match: a/b, expect: [hang, fail], reason: r }\n", &hang);
        assert!(standing.unexpected.is_empty(), "{standing:?}");
    }

    #[test]
    fn what_was_not_run_says_nothing() {
        let skipped = report("a/b", CaseResult::Skip, vec![]);
        assert_eq!(judged("  - { match: a/b#one, expect: fail, reason: r }\n", &skipped), Standing::default());
    }

    #[test]
    fn warnings_count_at_the_higher_gate() {
        let warned = Check::missed("one", Level::Should, Detail::new("x", "y"));
        let case = report("a/b", CaseResult::Warn, vec![warned]);
        assert!(standing(&case, Gate::Must, &[]).unexpected.is_empty());
        assert_eq!(standing(&case, Gate::Should, &[]).unexpected, ["one"]);
    }

    #[test]
    fn mistakes_are_told() {
        for (entries, message) in [
            ("  - { match: a/d, expect: fail, reason: r }\n", "no scenario of the suite matches `a/d`"),
            ("  - { match: a/b, expect: fail, reason: '' }\n", "needs a reason"),
            ("  - { match: a/b, expect: pass, reason: r }\n", "passes is no known failure"),
            ("  - { match: a/b, expect: [pass], reason: r }\n", "always passes"),
            ("  - { match: a/b, expect: fials, reason: r }\n", "fials"),
            ("  - { match: a/b, expect: fail }\n", "reason"),
        ] {
            let problems = known(entries).unwrap_err();
            assert!(problems[0].message.contains(message), "{entries}: {problems:?}");
        }
        assert!(known("  - { match: \"a/c/*#hit.*\", expect: fail, reason: r }\n").is_ok());
    }
}
