//! `regrant known`: failures put down, excused, explained, and taken out again when they are gone.

use crate::stage::Stage;

const MUTANT: [&str; 5] = ["run", "--target", "mutant:sticky-error", "-E", "recovery/good-refresh-clears-the-error"];

#[test]
fn what_is_put_down_is_excused_until_it_is_gone() {
    let stage = Stage::new();
    let with_known = |args: &[&str]| stage.plainly(&[args, &["--known", "known.yaml"]].concat());
    assert_eq!(stage.plainly(&MUTANT).code, Some(1));

    let put_down = stage.plainly(&["known", "update", "known.yaml"]);
    assert_eq!(put_down.code, Some(0), "{}", put_down.stderr);
    assert!(put_down.stdout.contains("+ recovery/good-refresh-clears-the-error#healed."), "{}", put_down.stdout);
    assert!(put_down.stdout.contains("\"to be explained: \""), "{}", put_down.stdout);

    let excused = with_known(&MUTANT);
    assert_eq!(excused.code, Some(0), "{}", excused.stdout);
    assert!(excused.stdout.contains("all as expected, 1 known to fail"), "{}", excused.stdout);
    let explained = stage.plainly(&["known", "explain"]);
    assert!(explained.stdout.starts_with("recovery/good-refresh-clears-the-error#"), "{}", explained.stdout);

    let better = with_known(&["run", "-E", "recovery/good-refresh-clears-the-error"]);
    assert_eq!(better.code, Some(5), "{}", better.stdout);
    assert!(better.stdout.contains("STALE"), "{}", better.stdout);
    let taken_out = stage.plainly(&["known", "update", "known.yaml"]);
    assert!(taken_out.stdout.starts_with("- recovery/good-refresh-clears-the-error#"), "{}", taken_out.stdout);
    assert_eq!(with_known(&["run", "-E", "recovery/good-refresh-clears-the-error"]).code, Some(0));
    assert_eq!(stage.plainly(&["known", "update", "known.yaml"]).stdout, "nothing to change\n");
}

#[test]
fn nothing_is_explained_where_nothing_was_excused() {
    let stage = Stage::new();
    stage.plainly(&MUTANT);
    assert_eq!(stage.plainly(&["known", "explain"]).stdout, "nothing was excused\n");
}

#[test]
fn a_log_that_is_cut_off_puts_nothing_down() {
    let stage = Stage::new();
    stage.plainly(&MUTANT);
    let log = stage.read("regrant-out/run.jsonl");
    let without_footer = log.trim_end().rsplit_once('\n').unwrap().0;
    std::fs::write(stage.folder.path().join("cut.jsonl"), without_footer).unwrap();
    let shown = stage.plainly(&["known", "update", "known.yaml", "--from", "cut.jsonl"]);
    assert_eq!(shown.code, Some(6), "{}", shown.stderr);
    assert!(shown.stderr.contains("cut.jsonl: the run is not complete"), "{}", shown.stderr);
    assert!(!stage.folder.path().join("known.yaml").exists());
}

#[test]
fn a_file_about_no_case_is_refused() {
    let stage = Stage::new();
    let entry = "regrant: 1\nentries:\n  - { match: recovery/no-such-case, expect: fail, reason: none }\n";
    std::fs::write(stage.folder.path().join("known.yaml"), entry).unwrap();
    let shown = stage.plainly(&["run", "--known", "known.yaml"]);
    assert_eq!(shown.code, Some(2), "{}", shown.stderr);
    assert!(shown.stderr.contains("known.yaml:3:"), "{}", shown.stderr);
}
