//! Output without measure: it ends with the time of the step, and what is kept of it is bounded.

use crate::stage::Stage;

/// What a run may need at its peak, in KiB. The adapter prints 64 MiB each time.
const BOUND: u64 = 112 << 10;

#[test]
fn an_endless_flood_ends_with_the_time_of_its_step() {
    for fault in ["floods-stdout", "floods-stderr"] {
        let stage = Stage::new();
        let shown = stage.run(fault);
        assert_eq!(stage.results(), ["pass", "hang", "pass"], "{fault}\n{}", shown.stdout);
        assert!(shown.stdout.contains("| nothing to see here"), "{fault}: the evidence is shown\n{}", shown.stdout);
    }
}

#[test]
fn a_long_flood_is_not_kept_and_not_called_clean() {
    for fault in ["floods-stdout-for-a-while", "floods-stderr-for-a-while"] {
        let stage = Stage::new();
        stage.rewrite("mallory", "patient", ("within: 3s", "within: 60s"));
        let shown = stage.play(fault, &["run", "--scenarios", ".", "-j", "1"]);
        assert_eq!(stage.results(), ["blocked"], "{fault}\n{}", shown.stdout);
        assert!(shown.stdout.contains("it printed more than can be searched for secrets"), "{}", shown.stdout);
        let told = shown.processes.concat();
        let peak = told.split_whitespace().nth(1).map(|peak| peak.parse::<u64>().unwrap());
        assert!(peak.is_none_or(|peak| peak < BOUND), "{fault}: {told}");
        assert_eq!(peak.is_some(), cfg!(target_os = "linux"), "{told}");
    }
}

#[test]
fn a_line_without_end_is_evidence_and_shown_in_part() {
    let stage = Stage::new();
    stage.rewrite("mallory", "patient", ("within: 3s", "within: 60s"));
    let shown = stage.play("writes-an-oversized-line", &["run", "--scenarios", ".", "-j", "1"]);
    assert_eq!(stage.results(), ["blocked"], "{}", shown.stdout);
    let reports = stage.reports();
    let lines = reports[0]["output"].as_array().unwrap();
    assert!(lines.iter().any(|line| line.as_str().unwrap().starts_with("xxx")), "{lines:?}");
    assert!(lines.iter().all(|line| line.as_str().unwrap().len() < 600), "the line is cut");
}
