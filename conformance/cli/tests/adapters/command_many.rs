//! `run --shard` and `merge`, the work of many machines; `matrix`, many implementations.

use crate::stage::Stage;

const SELECTION: [&str; 3] = ["run", "-E", "id(recovery/**) | id(wire/**)"];

/// Runs a part of the selection, and gives the ids of its cases.
fn shard(stage: &Stage, part: &str, out: &str, more: &[&str]) -> Vec<String> {
    let shown = stage.plainly(&[&SELECTION[..], &["--shard", part, "--out", out], more].concat());
    let log = stage.read(&format!("{out}/run.jsonl"));
    assert!(shown.code.is_some_and(|code| code < 2), "{}", shown.stderr);
    let events = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    events.filter(|event| event["event"] == "case_finished").map(|event| event["id"].to_string()).collect()
}

#[test]
fn shards_are_disjoint_and_merge_into_the_whole() {
    for kind in ["hash", "slice"] {
        let stage = Stage::new();
        let mut ids = shard(&stage, &format!("{kind}:1/2"), "one", &[]);
        ids.extend(shard(&stage, &format!("{kind}:2/2"), "two", &[]));
        let merged = stage.plainly(&["merge", "one/run.jsonl", "two/run.jsonl", "--out", "all", "--json", "all.json"]);
        assert_eq!(merged.code, Some(0), "{}", merged.stderr);
        assert!(merged.stdout.contains(&format!("{} PASS", ids.len())), "{}", merged.stdout);
        let summary: serde_json::Value = serde_json::from_str(&stage.read("all.json")).unwrap();
        let mut whole: Vec<String> =
            summary["scenarios"].as_array().unwrap().iter().map(|it| it["id"].to_string()).collect();
        ids.sort();
        whole.sort();
        assert!(ids.len() >= 4 && ids == whole, "{kind}: {ids:?} {whole:?}");
    }
}

#[test]
fn an_incomplete_set_is_refused_with_what_is_missing() {
    let stage = Stage::new();
    shard(&stage, "hash:1/3", "one", &[]);
    shard(&stage, "hash:3/3", "three", &[]);
    let shown = stage.plainly(&["merge", "one/run.jsonl", "three/run.jsonl", "--out", "all"]);
    assert_eq!((shown.code, &*shown.stderr), (Some(6), "regrant: shards are missing: hash:2/3\n"));
    assert!(!stage.folder.path().join("all").exists(), "no verdict of a part");
}

#[test]
fn shards_of_different_runs_are_refused() {
    let stage = Stage::new();
    shard(&stage, "hash:1/2", "one", &[]);
    shard(&stage, "hash:2/2", "two", &["--target", "mutant:sticky-error"]);
    let shown = stage.plainly(&["merge", "one/run.jsonl", "two/run.jsonl"]);
    assert_eq!(shown.code, Some(2), "{}", shown.stderr);
    assert!(
        shown.stderr.contains("two/run.jsonl: its target is `mutant:sticky-error`, and `reference` in the first log")
    );
}

#[test]
fn a_failure_in_one_shard_is_a_failure_of_the_whole() {
    let stage = Stage::new();
    let mutant = ["--target", "mutant:sticky-error"];
    shard(&stage, "hash:1/2", "one", &mutant);
    shard(&stage, "hash:2/2", "two", &mutant);
    assert_eq!(stage.plainly(&["merge", "one/run.jsonl", "two/run.jsonl"]).code, Some(1));
}

#[test]
fn a_shard_that_makes_no_sense_is_refused() {
    let shown = Stage::new().plainly(&["run", "--shard", "hash:3/2"]);
    assert_eq!(shown.code, Some(2));
    assert!(shown.stderr.contains("a shard is `hash:I/N` or `slice:I/N` with I from 1 to N"), "{}", shown.stderr);
}

#[test]
fn a_matrix_sets_adapters_and_logs_side_by_side() {
    let stage = Stage::new();
    stage.describe("sound", "none");
    stage.plainly(&["run", "--target", "mutant:sticky-error", "-E", "recovery/**", "--out", "sticky"]);
    let shown = stage.plainly(&["matrix", "sound", "sticky/run.jsonl", "-E", "recovery/**"]);
    assert_eq!(shown.code, Some(1), "the log has a failure: {}\n{}", shown.stdout, shown.stderr);
    let page = stage.read("regrant-out/matrix/matrix.md");
    for part in ["sound", "sticky"] {
        assert!(shown.stdout.contains(&format!("| {part} |")), "`{part}` is missing:\n{}", shown.stdout);
        assert!(page.contains(part), "{page}");
        assert!(stage.read("regrant-out/matrix/matrix.html").contains(part));
        assert!(!stage.read(&format!("regrant-out/matrix/evidence/{part}.html")).is_empty());
    }
}

#[test]
fn a_matrix_says_what_could_not_be_run() {
    let stage = Stage::new();
    stage.describe("sound", "none");
    stage.describe("silent", "exits-at-start");
    let shown = stage.plainly(&["matrix", "sound", "silent", "-E", "wire/**"]);
    assert_eq!(shown.code, Some(6), "{}\n{}", shown.stdout, shown.stderr);
    assert!(shown.stdout.contains("| silent | not run: the handshake failed: "), "{}", shown.stdout);
    let alone = stage.plainly(&["matrix", "silent"]);
    assert_eq!(alone.code, Some(3));
    assert!(alone.stderr.contains("none of them could be run:\n  silent: the handshake failed: "), "{}", alone.stderr);
}

#[test]
fn a_log_that_was_cut_off_is_no_column() {
    let stage = Stage::new();
    for out in ["whole", "cut"] {
        stage.plainly(&["run", "-E", "wire/**", "--out", out]);
    }
    let log = stage.read("cut/run.jsonl");
    let (cut, _) = log.trim_end().rsplit_once('\n').unwrap();
    std::fs::write(stage.folder.path().join("cut/run.jsonl"), cut).unwrap();
    let shown = stage.plainly(&["matrix", "whole/run.jsonl", "cut/run.jsonl"]);
    assert_eq!(shown.code, Some(6), "{}\n{}", shown.stdout, shown.stderr);
    assert!(
        shown.stdout.contains("| cut | not run: cut/run.jsonl: its log is not that of a complete run"),
        "{}",
        shown.stdout
    );
}

#[test]
fn columns_of_the_same_name_keep_their_own_evidence() {
    let stage = Stage::new();
    for out in ["one/same", "two/same"] {
        stage.plainly(&["run", "-E", "wire/**", "--out", out]);
    }
    let shown = stage.plainly(&["matrix", "one/same/run.jsonl", "two/same/run.jsonl"]);
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    for name in ["same", "same-2"] {
        assert!(!stage.read(&format!("regrant-out/matrix/evidence/{name}.html")).is_empty());
    }
}
