//! What a person reads: a block for everything that is not as it should be, a line an area, and the sum.

use std::collections::BTreeMap;

use adapter_process::quoted;
use adapter_protocol::ClockMode;
use anstyle::{AnsiColor, Style};

use crate::check::{CaseResult, Check, Gate, Verdict};
use crate::event::{CaseReport, Event, Footer, RunStarted, finished, frame};
use crate::runner::UNCLAIMED;

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();

fn colour(result: CaseResult) -> Style {
    let colour = match result {
        CaseResult::Pass => AnsiColor::Green,
        CaseResult::Warn | CaseResult::Skip => AnsiColor::Yellow,
        CaseResult::Fail | CaseResult::Blocked | CaseResult::Hang | CaseResult::Crash | CaseResult::Broken => {
            AnsiColor::Red
        }
    };
    colour.on_default().bold()
}

pub(super) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The first line.
pub fn head(started: &RunStarted) -> String {
    let RunStarted { suite, target, implementation, cases, .. } = started;
    let mut out = format!(
        "{} · target {} · {} · {} · {}\n",
        styled(BOLD, suite),
        styled(BOLD, target),
        implementation,
        counted_word(*cases, "scenario"),
        clock_words(started.clock),
    );
    out.push_str(&unproven(started));
    out
}

/// The claims that the target has not shown, a line each.
pub(super) fn unproven(started: &RunStarted) -> String {
    let word = styled(colour(CaseResult::Blocked), "CLAIMED, NOT SHOWN");
    started.unproven.iter().map(|(claim, why)| format!("{word} {claim}  {why}\n")).collect()
}

const fn clock_words(clock: ClockMode) -> &'static str {
    match clock {
        ClockMode::Set => "virtual clock",
        ClockMode::Outside => "virtual clock by libfaketime",
        ClockMode::Real => "real time",
    }
}

pub(super) fn counted_word(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// The block of a case that is not as it should be; nothing for the others.
pub fn block(report: &CaseReport, started: &RunStarted) -> Option<String> {
    let quiet = report.standing.unexpected.is_empty() && report.standing.stale.is_empty();
    let known = !report.standing.excused.is_empty();
    if quiet && (known || matches!(report.result, CaseResult::Pass | CaseResult::Skip)) {
        return None;
    }
    let mut out = format!(
        "{} {}  {}\n",
        styled(colour(report.result), report.result.word()),
        styled(BOLD, &report.id),
        styled(DIM, &format!("{} ms", report.duration_ms))
    );
    out.push_str(&format!("  {}\n", report.title));
    out.extend(report.reason.iter().map(|reason| format!("  {}\n", styled(colour(report.result), reason))));
    out.extend(report.standing.stale.iter().map(|stale| {
        format!("  {} {stale}; take it out of the known failures\n", styled(colour(CaseResult::Warn), "STALE"))
    }));
    let complaints = report.complaints().filter(|check| check.verdict >= Verdict::Warn);
    out.extend(complaints.map(complaint));
    out.extend(report.timeline.iter().map(|line| format!("    {}\n", styled(DIM, line))));
    if report.result >= CaseResult::Hang
        || report.checks.iter().any(|check| check.id == "no-secret-in-log" && check.detail.is_some())
    {
        out.extend(report.output.iter().map(|line| format!("    {}\n", styled(DIM, &format!("| {line}")))));
    }
    out.push_str(&format!("  why    {}\n", wrapped(&report.why, 9)));
    out.extend(
        report
            .refs
            .iter()
            .map(|reference| format!("  see    {}: {}\n         {}\n", reference.title, reference.says, reference.url)),
    );
    out.push_str(&format!("  file   {}:{}\n", report.file, report.line));
    out.push_str(&format!("  again  {}\n", again(report, started)));
    Some(out)
}

/// The command that runs this one case again, as it was run.
fn again(report: &CaseReport, started: &RunStarted) -> String {
    let mut options = format!("-E 'id(={})'", report.id);
    options.extend(started.sources.iter().map(|path| format!(" --scenarios {}", quoted(path))));
    if started.seed != 0 {
        options.push_str(&format!(" --seed {}", started.seed));
    }
    if started.gate == Gate::Should {
        options.push_str(" --gate should");
    }
    run_with(&options, started)
}

/// The command `regrant run` with these options, against the same target.
pub(super) fn run_with(options: &str, started: &RunStarted) -> String {
    let target = &started.target;
    match target.split_at_checked(2) {
        // Whatever follows `--` belongs to the target, so its name goes last.
        Some(("--", rest)) if rest.starts_with(' ') => format!("regrant run {options} {target}"),
        Some(("--", _)) => format!("regrant run {target} {options}"),
        Some(_) | None => format!("regrant run --target {target} {options}"),
    }
}

fn complaint(check: &Check) -> String {
    let Some(detail) = &check.detail else { return String::new() };
    let style = colour(if check.verdict == Verdict::Fail { CaseResult::Fail } else { CaseResult::Warn });
    let mut out = format!("  {} {}\n", styled(style, &check.level.to_string()), styled(BOLD, &check.id));
    out.push_str(&format!("         expected  {}\n         got       {}\n", detail.expected, detail.got));
    out.extend(detail.because.iter().map(|because| format!("         because   {because}\n")));
    out
}

/// Text broken into lines of readable length, the further ones indented.
fn wrapped(text: &str, indent: usize) -> String {
    const WIDTH: usize = 92;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

/// A line an area and the sum.
pub fn tail(events: &[Event]) -> String {
    let (Some(started), Some(footer)) = frame(events) else { return String::new() };
    let mut areas: BTreeMap<&str, BTreeMap<CaseResult, usize>> = BTreeMap::new();
    for report in finished(events) {
        *areas.entry(report.area()).or_default().entry(report.result).or_default() += 1;
    }
    let mut out: String = areas.iter().map(|(area, counts)| format!("  {area:<14}{}\n", counted(counts))).collect();
    out.push_str(&sum(started, footer));
    out.push_str(&unclaimed(events));
    out
}

/// What most of the skipped cases wait for.
fn unclaimed(events: &[Event]) -> String {
    let skipped: Vec<&str> = finished(events)
        .filter(|report| report.result == CaseResult::Skip)
        .filter_map(|report| report.reason.as_deref()?.strip_prefix(UNCLAIMED))
        .collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    skipped.iter().for_each(|claim| *counts.entry(claim).or_default() += 1);
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let listed: Vec<String> = counts.iter().map(|(claim, count)| format!("{claim} {count}")).collect();
    if listed.is_empty() { String::new() } else { format!("skipped for want of a claim: {}\n", listed.join(", ")) }
}

fn counted(counts: &BTreeMap<CaseResult, usize>) -> String {
    let present = CaseResult::ALL.iter().filter_map(|result| counts.get(result).map(|count| (*result, *count)));
    present
        .map(|(result, count)| styled(colour(result), &format!("{count} {}", result.word())))
        .collect::<Vec<_>>()
        .join("  ")
}

fn sum(started: &RunStarted, footer: &Footer) -> String {
    let counts: BTreeMap<CaseResult, usize> =
        CaseResult::ALL.iter().filter_map(|result| Some((*result, *footer.counts.get(&result.key())?))).collect();
    let verdict = match (footer.complete, footer.unexpected) {
        (false, _) => styled(colour(CaseResult::Fail), "not complete"),
        (true, 0) if footer.stale > 0 => {
            styled(colour(CaseResult::Warn), &format!("{} known to fail and better than that", footer.stale))
        }
        (true, 0) if footer.excused > 0 => {
            styled(colour(CaseResult::Pass), &format!("all as expected, {} known to fail", footer.excused))
        }
        (true, 0) => styled(colour(CaseResult::Pass), "all as it should be"),
        (true, 1) => styled(colour(CaseResult::Fail), "1 scenario is not as it should be"),
        (true, bad) => styled(colour(CaseResult::Fail), &format!("{bad} scenarios are not as they should be")),
    };
    let gate = match started.gate {
        Gate::Must => "must",
        Gate::Should => "should",
    };
    format!("{}  ·  {verdict}  ·  gate {gate}  ·  {:.1} s\n", counted(&counts), footer.duration_ms as f64 / 1000.0)
}
