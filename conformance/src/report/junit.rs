//! JUnit XML in the dialect that Jenkins and GitLab read: a suite an area, a case a scenario.

use std::collections::BTreeMap;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use crate::check::{CaseResult, Gate};
use crate::event::{CaseReport, Event, finished, frame};

/// The XML.
///
/// # Errors
/// When it cannot be written; control characters in a message are one cause.
pub fn xml(events: &[Event]) -> Result<String, quick_junit::SerializeError> {
    let (started, _) = frame(events);
    let gate = started.map_or(Gate::Must, |started| started.gate);
    let mut areas: BTreeMap<&str, Vec<&CaseReport>> = BTreeMap::new();
    for report in finished(events) {
        areas.entry(report.area()).or_default().push(report);
    }
    let mut junit =
        Report::new(started.map_or_else(|| "regrant".to_owned(), |started| format!("regrant {}", started.target)));
    for (area, mut reports) in areas {
        reports.sort_by(|a, b| a.id.cmp(&b.id));
        let mut suite = TestSuite::new(area);
        suite.add_test_cases(reports.iter().map(|report| case(report, gate)));
        junit.add_test_suite(suite);
    }
    junit.to_string()
}

fn case(report: &CaseReport, gate: Gate) -> TestCase {
    let mut case = TestCase::new(&report.id, status(report, gate));
    case.set_classname(report.area());
    case.set_time(Duration::from_millis(report.duration_ms));
    case.add_property(Property::new("level", report.level.to_string()));
    case.add_property(Property::new("title", &report.title));
    case.add_property(Property::new("file", format!("{}:{}", report.file, report.line)));
    case
}

fn status(report: &CaseReport, gate: Gate) -> TestCaseStatus {
    let kind = match report.result {
        CaseResult::Skip => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(report.reason.clone().unwrap_or_default());
            return skipped;
        }
        _ if report.standing.unexpected.is_empty() && !report.standing.stale.is_empty() => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type("stale");
            status.set_message(report.standing.stale.join("; "));
            return status;
        }
        _ if report.standing.unexpected.is_empty() && !report.standing.excused.is_empty() => {
            let reasons: Vec<&str> = report.standing.excused.iter().map(|excuse| excuse.reason.as_str()).collect();
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(format!("known: {}", reasons.join("; ")));
            return skipped;
        }
        CaseResult::Pass | CaseResult::Warn | CaseResult::Fail | CaseResult::Blocked
            if !gate.refuses(report.result) =>
        {
            return TestCaseStatus::success();
        }
        CaseResult::Pass | CaseResult::Warn | CaseResult::Fail | CaseResult::Blocked => NonSuccessKind::Failure,
        CaseResult::Hang | CaseResult::Crash | CaseResult::Broken => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(report.result.word());
    status.set_message(message(report));
    status.set_description(report.timeline.join("\n"));
    status
}

fn message(report: &CaseReport) -> String {
    report.reason.clone().into_iter().chain(report.failures()).collect::<Vec<_>>().join("; ")
}
