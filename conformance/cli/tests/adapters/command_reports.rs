//! Reports for GitHub: `--markdown` and `--annotations`.

use crate::stage::Stage;

const MUTANT: [&str; 5] = ["run", "--target", "mutant:sticky-error", "-E", "recovery/good-refresh-clears-the-error"];

#[test]
fn a_summary_in_markdown_tells_the_failure_and_why_it_matters() {
    let stage = Stage::new();
    stage.plainly(&[&MUTANT[..], &["--markdown", "summary.md"]].concat());
    let summary = stage.read("summary.md");
    for part in [
        "## Regrant: client-core ",
        "**1 not as they should be** · target `mutant:sticky-error` · 1 scenarios",
        "<summary>FAIL <code>recovery/good-refresh-clears-the-error</code>",
        "- MUST `healed.",
        "```text\n",
        "t+1:00:01.000",
    ] {
        assert!(summary.contains(part), "`{part}` is missing:\n{summary}");
    }
}

#[test]
fn annotations_stand_at_the_line_of_the_scenario() {
    let shown = Stage::new().plainly(&[&MUTANT[..], &["--annotations"]].concat());
    let annotation = shown.stdout.lines().find(|line| line.starts_with("::error ")).unwrap();
    let place = "file=scenarios/recovery/good-refresh-clears-the-error.yaml,line=";
    assert!(annotation.contains(place), "{annotation}");
    assert!(annotation.contains("title=FAIL recovery/good-refresh-clears-the-error::"), "{annotation}");
    assert!(annotation.contains("%0AMUST healed."), "{annotation}");
}

#[test]
fn where_nothing_is_wrong_there_is_nothing_to_annotate() {
    let stage = Stage::new();
    let args = ["run", "-E", "recovery/good-refresh-clears-the-error", "--annotations", "--markdown", "summary.md"];
    let shown = stage.plainly(&args);
    assert!(shown.code == Some(0) && !shown.stdout.contains("::"), "{}", shown.stdout);
    assert!(stage.read("summary.md").contains("**all as it should be**"));
}

#[test]
fn a_report_that_cannot_be_written_stops_before_the_run() {
    let stage = Stage::new();
    let shown = stage.plainly(&[&MUTANT[..], &["--markdown", "no/such/folder.md"]].concat());
    assert_eq!(shown.code, Some(2), "{}", shown.stderr);
    assert!(shown.stdout.is_empty() && shown.stderr.contains("no/such/folder.md"), "{}", shown.stderr);
}
