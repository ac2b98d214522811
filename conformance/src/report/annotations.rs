//! Workflow commands that GitHub shows beside the scenario's lines.
//!
//! GitHub shows ten of a kind and step, so nine are given and the rest are counted in a tenth.

use crate::event::{CaseReport, Event, finished};

const SHOWN: usize = 9;

/// The commands, a line each.
pub fn lines(events: &[Event]) -> Vec<String> {
    let of =
        |wanted: fn(&CaseReport) -> bool| finished(events).filter(move |report| wanted(report)).collect::<Vec<_>>();
    let errors = of(|report| !report.standing.unexpected.is_empty());
    let stale = of(|report| report.standing.unexpected.is_empty() && !report.standing.stale.is_empty());
    [some("error", &errors), some("warning", &stale)].concat()
}

fn some(kind: &str, reports: &[&CaseReport]) -> Vec<String> {
    let mut lines: Vec<String> = reports.iter().take(SHOWN).map(|report| line(kind, report)).collect();
    if reports.len() > SHOWN {
        lines.push(format!("::{kind}::and {} more", reports.len() - SHOWN));
    }
    lines
}

fn line(kind: &str, report: &CaseReport) -> String {
    let file = property(&report.file.replace('\\', "/"));
    let title = property(&format!("{} {}", report.result.word(), report.id));
    format!("::{kind} file={file},line={},title={title}::{}", report.line.max(1), message(&text(report)))
}

fn text(report: &CaseReport) -> String {
    let lines = report.reason.clone().into_iter().chain(report.standing.stale.iter().cloned()).chain(report.failures());
    std::iter::once(report.title.clone()).chain(lines).collect::<Vec<_>>().join("\n")
}

fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{CaseResult, Check, Detail};
    use crate::known::Standing;
    use crate::scenario::model::Level;

    fn failed(id: &str) -> Event {
        let checks = vec![Check::missed("hit", Level::Must, Detail::new("100 %", "a\nb"))];
        let mut report = CaseReport::bare(id, CaseResult::Fail, checks);
        report.standing = Standing { unexpected: vec!["hit".to_owned()], ..Standing::default() };
        (report.file, report.line) = ("scenarios/a,b.yaml".to_owned(), 4);
        Event::CaseFinished(Box::new(report))
    }

    #[test]
    fn what_github_would_misread_is_escaped() {
        let expected =
            "::error file=scenarios/a%2Cb.yaml,line=4,title=FAIL a/b::%0AMUST hit: expected 100 %25, got a%0Ab";
        assert_eq!(lines(&[failed("a/b")]), [expected]);
    }

    #[test]
    fn the_tenth_counts_the_rest() {
        let events: Vec<Event> = (0..40).map(|index| failed(&format!("a/{index}"))).collect();
        let lines = lines(&events);
        assert_eq!((lines.len(), lines[9].as_str()), (10, "::error::and 31 more"));
    }
}
