//! The JSON summary: whether the run is complete, counts, and every scenario with its checks.

use serde_json::{Value, json};

use crate::event::{Event, finished, frame};

/// The summary. Its shape: `complete`, `counts` by result, `target`, `implementation`, `seed`, `gate`, `duration_ms`, and
/// `scenarios[]` with `id`, `title`, `level`, `tags`, `result`, `reason`, `duration_ms` and `checks[]`.
pub fn summary(events: &[Event]) -> Value {
    let (started, footer) = frame(events);
    let mut scenarios: Vec<_> = finished(events).collect();
    scenarios.sort_by(|a, b| a.id.cmp(&b.id));
    let scenario = |report: &&crate::event::CaseReport| {
        json!({
            "id": report.id,
            "title": report.title,
            "level": report.level,
            "tags": report.tags,
            "result": report.result,
            "reason": report.reason,
            "standing": report.standing,
            "duration_ms": report.duration_ms,
            "checks": report.checks,
            "rule": report.rule,
        })
    };
    json!({
        "complete": footer.is_some_and(|footer| footer.complete),
        "counts": footer.map(|footer| &footer.counts),
        "suite": started.map(|started| &started.suite),
        "target": started.map(|started| &started.target),
        "implementation": started.map(|started| &started.implementation),
        "unexpected": footer.map(|footer| footer.unexpected),
        "excused": footer.map(|footer| footer.excused),
        "stale": footer.map(|footer| footer.stale),
        "clock": started.map(|started| started.clock),
        "claims": started.map(|started| &started.claims),
        "unproven": started.map(|started| &started.unproven),
        "seed": started.map(|started| started.seed),
        "gate": started.map(|started| started.gate),
        "duration_ms": footer.map(|footer| footer.duration_ms),
        "fuzz": footer.and_then(|footer| footer.fuzz.as_ref()),
        "scenarios": scenarios.iter().map(scenario).collect::<Vec<_>>(),
    })
}
