//! A hunt as events: a case for each rule, so that everything that reports a run reports a hunt too. Pure.

use crate::check::{CaseResult, Check, Detail, Verdict};
use crate::event::{CaseReport, FindingReport, Footer, FuzzFinished, RuleReport};
use crate::fuzz::finding::Finding;
use crate::fuzz::hunt::{Hunted, Limits, Tally};
use crate::fuzz::rule::Rule;
use crate::known::{self, Entry};
use crate::scenario::decode::Spanned;
use crate::scenario::model::Level;

/// What became of each rule. `file` says where the scenario of a finding lies.
pub fn reports(
    hunted: &Hunted,
    limits: &Limits,
    known: &[Spanned<Entry>],
    file: impl Fn(&Finding) -> String,
) -> Vec<CaseReport> {
    let report = |rule: &Rule| {
        let mut report = of_rule(rule, hunted, &file);
        report.standing = known::standing(&report, limits.gate, known);
        // What was not met this time may be met the next.
        report.standing.stale.clear();
        report
    };
    limits.rules.iter().map(report).collect()
}

/// The last line.
pub fn footer(hunted: &Hunted, reports: &[CaseReport]) -> Footer {
    let (reached, situations) = hunted.coverage.reached();
    let fuzz = FuzzFinished {
        plans: hunted.cases,
        steps: hunted.steps,
        refreshes: hunted.coverage.refreshes,
        moves_of_the_clock: hunted.coverage.moves_of_the_clock,
        reached,
        situations,
        missed: hunted.coverage.missed().iter().map(ToString::to_string).collect(),
        hollow: hunted.coverage.hollow().map(str::to_owned),
    };
    let duration_ms = u64::try_from(hunted.took.as_millis()).unwrap_or(u64::MAX);
    let mut footer = Footer { complete: !hunted.broken_off, duration_ms, fuzz: Some(fuzz), ..Footer::default() };
    reports.iter().for_each(|report| footer.count(report));
    footer
}

fn of_rule(rule: &Rule, hunted: &Hunted, file: &impl Fn(&Finding) -> String) -> CaseReport {
    let tally = hunted.tallies.get(rule).copied().unwrap_or_default();
    let findings: Vec<&Finding> = hunted.findings.iter().filter(|finding| finding.rule == *rule).collect();
    let check = check_of(rule, hunted, tally, &findings);
    let (result, reason) = outcome(rule, &check, tally, &findings);
    CaseReport {
        title: rule.says().to_owned(),
        level: rule.level(),
        reason,
        why: rule.source().to_owned(),
        timeline: findings.first().map(|finding| finding.timeline.clone()).unwrap_or_default(),
        file: findings.first().map(|finding| file(finding)).unwrap_or_default(),
        line: 1,
        rule: Some(RuleReport {
            kept: tally.kept,
            broken: tally.broken,
            not_seen_again: tally.ghosts,
            findings: findings.iter().map(|finding| told(finding, file(finding))).collect(),
        }),
        ..CaseReport::bare(&rule.id(), result, check.into_iter().collect())
    }
}

/// What a rule comes to; nothing where it was never put to the test.
fn check_of(rule: &Rule, hunted: &Hunted, tally: Tally, findings: &[&Finding]) -> Option<Check> {
    let unproven = &hunted.unproven;
    if let Some(found) = findings.first() {
        let bare = || Check::missed(rule.check(), rule.level(), Detail::new(rule.says(), "something else"));
        return Some(found.check.clone().unwrap_or_else(bare));
    }
    if let (Rule::SpeaksTheProtocol, Some((claim, why))) = (rule, unproven.first_key_value()) {
        let detail = Detail::new(rule.says(), format!("{claim} is claimed and not shown: {why}"));
        return Some(Check::missed(rule.check(), rule.level(), detail));
    }
    if tally.ghosts > 0 {
        let detail =
            Detail::new(rule.says(), format!("broken {} times, and not when it was tried again", tally.ghosts));
        return Some(Check::missed(rule.check(), Level::Should, detail));
    }
    let lives = matches!(rule, Rule::DoesNotCrash | Rule::SpeaksTheProtocol);
    (tally.kept > 0 || lives).then(|| Check::passed(rule.check(), rule.level()))
}

fn outcome(rule: &Rule, check: &Option<Check>, tally: Tally, findings: &[&Finding]) -> (CaseResult, Option<String>) {
    let Some(check) = check else {
        return (CaseResult::Skip, Some("nothing put it to the test".to_owned()));
    };
    let result = match (check.verdict, rule) {
        (Verdict::Pass | Verdict::Info, _) => CaseResult::Pass,
        (Verdict::Warn, _) => CaseResult::Warn,
        (Verdict::Fail, Rule::DoesNotCrash) => CaseResult::Crash,
        (Verdict::Fail, Rule::SpeaksTheProtocol) => CaseResult::Broken,
        (Verdict::Fail, Rule::Always(_) | Rule::Every(_)) => CaseResult::Fail,
    };
    let counted = (!findings.is_empty())
        .then(|| format!("broken in {} of {} plans that put it to the test", tally.broken, tally.broken + tally.kept));
    (result, counted)
}

fn told(finding: &Finding, file: String) -> FindingReport {
    FindingReport {
        id: finding.id.clone(),
        file,
        case: finding.case,
        moves: finding.moves,
        reproduced: finding.reproduced,
        size: finding.size,
        steps: finding.steps.clone(),
        facts: finding.facts.clone(),
        check: finding.check.clone(),
        timeline: finding.timeline.clone(),
    }
}
