//! What a person reads of a fuzz: a block for everything that was found, where the hunt has been, and the sum.

use adapter_process::quoted;
use anstyle::{AnsiColor, Style};

use crate::event::{CaseReport, Event, FindingReport, FuzzFinished, FuzzStarted, RunStarted, finished, frame};
use crate::fuzz::Size;
use crate::report::terminal::{BOLD, DIM, counted_word, run_with, styled, unproven};

const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();

/// Situations that are named where they were never reached.
const NAMED: usize = 6;

/// The first line.
pub fn head(started: &RunStarted, fuzz: &FuzzStarted) -> String {
    let limit = match fuzz.time_ms {
        Some(millis) => format!("for {} s", millis / 1_000),
        None => counted_word(fuzz.plans, "plan"),
    };
    let mut out = format!(
        "{} · fuzz · target {} · {} · {limit} of up to {} moves · seed {}\n",
        styled(BOLD, &started.suite),
        styled(BOLD, &started.target),
        started.implementation,
        fuzz.moves,
        started.seed,
    );
    out.push_str(&unproven(started));
    out
}

/// The block of a rule: what was found, and how to see it again. Nothing where all is well or known.
pub fn block(report: &CaseReport, started: &RunStarted) -> Option<String> {
    let rule = report.rule.as_ref()?;
    let well = report.complaints().next().is_none();
    if well || report.standing.unexpected.is_empty() && !report.standing.excused.is_empty() {
        return None;
    }
    let style = if report.result.word() == "WARN" { YELLOW } else { RED };
    let mut out = format!(
        "{} {}  {}\n",
        styled(style, report.result.word()),
        styled(BOLD, &report.id),
        styled(DIM, &report.level.to_string())
    );
    out.push_str(&format!("  {}\n", report.title));
    out.extend(report.reason.iter().map(|reason| format!("  {reason}\n")));
    let details = report.complaints().filter_map(|check| check.detail.as_ref()).filter(|_| rule.findings.is_empty());
    out.extend(details.map(|detail| format!("    expected  {}\n    got       {}\n", detail.expected, detail.got)));
    out.extend(rule.findings.iter().map(|found| finding(found, started)));
    out.push_str(&format!("  source {}\n", report.why));
    Some(out)
}

fn finding(found: &FindingReport, started: &RunStarted) -> String {
    let (seen, tries) = found.reproduced;
    let size = match found.size {
        Size::Smallest => "each step is needed",
        Size::TimeWasUp => "the time for making it smaller was up",
        Size::ByVotes => "it does not happen every time",
    };
    let mut out = format!(
        "\n  {} of {} moves of case {}, seen again {seen} times of {tries}; {size}\n",
        counted_word(found.steps.len(), "step"),
        found.moves,
        found.case
    );
    let detail = found.check.as_ref().and_then(|check| check.detail.as_ref());
    out.extend(detail.map(|detail| format!("    expected  {}\n    got       {}\n", detail.expected, detail.got)));
    out.extend(found.steps.iter().map(|step| format!("    - {step}\n")));
    if !found.facts.is_empty() {
        out.push_str(&format!("    matters   {}\n", found.facts.join(", ")));
    }
    out.extend(found.timeline.iter().map(|line| format!("      {}\n", styled(DIM, line))));
    out.push_str(&format!("    again     {}\n", again(found, started)));
    out
}

/// The command that replays a finding.
fn again(found: &FindingReport, started: &RunStarted) -> String {
    run_with(&format!("--scenarios {} --gate should", quoted(&found.file)), started)
}

/// Where the hunt has been, and the sum.
pub fn tail(events: &[Event]) -> String {
    let (_, Some(footer)) = frame(events) else { return String::new() };
    let Some(fuzz) = &footer.fuzz else { return String::new() };
    let mut out = rules(events);
    out.push_str(&coverage(fuzz));
    let seconds = (footer.duration_ms as f64 / 1_000.0).max(0.001);
    let verdict = match (&fuzz.hollow, footer.complete, footer.unexpected) {
        (Some(why), ..) => styled(RED, &format!("nothing was learnt: {why}")),
        (None, _, bad) if bad > 0 => styled(RED, &format!("{} broken", counted_word(bad, "rule"))),
        (None, false, _) => styled(RED, "broken off"),
        (None, true, _) if footer.excused > 0 => {
            styled(GREEN, &format!("nothing new, {} known to be broken", counted_word(footer.excused, "rule")))
        }
        (None, true, _) => styled(GREEN, "nothing found"),
    };
    out.push_str(&format!(
        "{} · {} · {} · {:.0} plans/s · {seconds:.1} s · {verdict}\n",
        counted_word(fuzz.plans, "plan"),
        counted_word(fuzz.steps, "step"),
        counted_word(fuzz.refreshes, "refresh").replace("refreshs", "refreshes"),
        fuzz.plans as f64 / seconds,
    ));
    out
}

fn rules(events: &[Event]) -> String {
    let all: Vec<&CaseReport> = finished(events).collect();
    let untested: Vec<&str> = all
        .iter()
        .filter(|report| report.result.word() == "SKIP")
        .filter_map(|report| report.id.strip_prefix("fuzz/"))
        .collect();
    let tested = all.len() - untested.len();
    let mut out = format!("rules      {tested} of {} were put to the test", all.len());
    if !untested.is_empty() {
        out.push_str(&format!("; not {}", untested.join(", ")));
    }
    out + "\n"
}

fn coverage(fuzz: &FuzzFinished) -> String {
    let mut out = format!("situations {} of {} were reached", fuzz.reached, fuzz.situations);
    let named: Vec<&str> = fuzz.missed.iter().take(NAMED).map(String::as_str).collect();
    if !named.is_empty() {
        out.push_str(&format!("; never: {}", named.join("; ")));
    }
    if fuzz.missed.len() > NAMED {
        out.push_str(&format!("; and {} more", fuzz.missed.len() - NAMED));
    }
    out + "\n"
}
