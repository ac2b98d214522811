//! A summary in Markdown, for `$GITHUB_STEP_SUMMARY`: at most 1 MiB, what does not fit is counted.

use crate::check::{CaseResult, Verdict};
use crate::event::{CaseReport, Event, Footer, RunStarted, finished, frame};

/// GitHub refuses more: 1 MiB. Something is kept for the last line.
const MOST: usize = (1 << 20) - 256;

/// The summary.
pub fn summary(events: &[Event]) -> String {
    let (Some(started), footer) = frame(events) else { return String::new() };
    let mut out = head(started, footer);
    let mut reports: Vec<&CaseReport> = finished(events).filter(|report| is_told(report)).collect();
    reports.sort_by_key(|report| (report.standing.unexpected.is_empty(), report.id.clone()));
    let mut left_out = 0;
    for report in reports {
        let block = block(report);
        if out.len() + block.len() > MOST {
            left_out += 1;
        } else {
            out.push_str(&block);
        }
    }
    if left_out > 0 {
        out.push_str(&format!("\n… and {left_out} more; the event log has all of them.\n"));
    }
    out
}

fn head(started: &RunStarted, footer: Option<&Footer>) -> String {
    let mut out = format!("## Regrant: {}\n\n", cell(&started.implementation));
    let Some(footer) = footer else {
        out.push_str("The run was cut off.\n");
        return out;
    };
    let verdict = match (footer.complete, footer.unexpected, footer.stale) {
        (false, ..) => "not complete".to_owned(),
        (true, 0, 0) if footer.excused == 0 => "all as it should be".to_owned(),
        (true, 0, 0) => format!("all as expected, {} known to fail", footer.excused),
        (true, 0, stale) => format!("{stale} known to fail and better than that"),
        (true, unexpected, _) => format!("{unexpected} not as they should be"),
    };
    out.push_str(&format!("**{verdict}** · target `{}` · {} scenarios\n\n", started.target, started.cases));
    let present: Vec<(&str, usize)> =
        CaseResult::ALL.iter().filter_map(|result| Some((result.word(), *footer.counts.get(&result.key())?))).collect();
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    out.push_str(&row(present.iter().map(|(word, _)| (*word).to_owned()).collect()));
    out.push_str(&row(present.iter().map(|_| "--:".to_owned()).collect()));
    out.push_str(&row(present.iter().map(|(_, count)| count.to_string()).collect()));
    out.push('\n');
    out
}

fn is_told(report: &CaseReport) -> bool {
    !report.standing.unexpected.is_empty() || !report.standing.stale.is_empty() || !report.standing.excused.is_empty()
}

fn block(report: &CaseReport) -> String {
    let standing = &report.standing;
    let word = if !standing.unexpected.is_empty() {
        report.result.word()
    } else if !standing.stale.is_empty() {
        "STALE"
    } else {
        "known"
    };
    let mut out =
        format!("<details><summary>{word} <code>{}</code> {}</summary>\n\n", html(&report.id), html(&report.title));
    out.extend(report.reason.iter().map(|reason| format!("{}\n\n", cell(reason))));
    out.extend(standing.stale.iter().map(|stale| format!("- stale: {}\n", cell(stale))));
    out.extend(standing.excused.iter().map(|excuse| {
        let issue = excuse.issue.as_ref().map(|issue| format!(" ({issue})")).unwrap_or_default();
        format!("- known: `{}`: {}{issue}\n", excuse.what, cell(&excuse.reason))
    }));
    for check in report.checks.iter().filter(|check| check.verdict >= Verdict::Warn) {
        let Some(detail) = &check.detail else { continue };
        out.push_str(&format!("- {} `{}`: {}\n", check.level, check.id, cell(&detail.to_string())));
    }
    if !standing.unexpected.is_empty() {
        out.push_str(&format!(
            "\n```text\n{}\n```\n\n{}\n",
            report.timeline.join("\n").replace("```", "'''"),
            cell(&report.why)
        ));
    }
    out.push_str("\n</details>\n\n");
    out
}

/// Text that stays text in Markdown.
fn cell(text: &str) -> String {
    html(text).replace('|', "\\|").replace('\n', " ")
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Check, Detail};
    use crate::known::Standing;
    use crate::scenario::model::Level;

    fn failed(id: &str, filling: usize) -> Event {
        let detail = Detail::new("<b>a | b", "y".repeat(filling));
        let mut report = CaseReport::bare(id, CaseResult::Fail, vec![Check::missed("hit", Level::Must, detail)]);
        report.standing = Standing { unexpected: vec!["hit".to_owned()], ..Standing::default() };
        Event::CaseFinished(Box::new(report))
    }

    #[test]
    fn failures_are_told_and_nothing_breaks_out() {
        let events =
            [Event::RunStarted(RunStarted::default()), failed("a/b", 3), Event::RunFinished(Footer::default())];
        let text = summary(&events);
        assert!(text.contains("&lt;b&gt;a \\| b") && text.contains("<code>a/b</code>"), "{text}");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut events = vec![Event::RunStarted(RunStarted::default())];
        events.extend((0..30).map(|index| failed(&format!("a/{index}"), 60_000)));
        let text = summary(&events);
        assert!(text.len() < 1 << 20 && text.contains("more; the event log has all of them"));
    }
}
