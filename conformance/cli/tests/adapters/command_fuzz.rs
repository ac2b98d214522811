//! `regrant fuzz` and `regrant recheck`: what is found, what is not, and what becomes of it.

use std::fs;

use serde_json::Value;

use crate::stage::{Shown, Stage};

/// A mutant that forgets its refresh token soon shows it.
const FORGETFUL: [&str; 6] = ["fuzz", "--target", "mutant:drops-refresh-token", "--cases", "400", "--fail-fast"];

fn json(stage: &Stage, path: &str) -> Value {
    serde_json::from_str(&stage.read(path)).unwrap()
}

/// The files of what was found.
fn found(stage: &Stage) -> Vec<String> {
    let folder = stage.folder.path().join("regrant-out/found");
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| format!("regrant-out/found/{}", entry.unwrap().file_name().display())).collect()
}

fn ended(shown: &Shown, code: i32) {
    assert_eq!(shown.code, Some(code), "{}\n{}", shown.stdout, shown.stderr);
}

/// The bounded fuzz of the reference client; CI does a longer one.
#[test]
fn nothing_is_found_in_the_reference_client() {
    let stage = Stage::new();
    let args =
        ["fuzz", "--cases", "300", "--seed", "1", "--gate", "should", "--json", "fuzz.json", "--junit", "fuzz.xml"];
    let shown = stage.plainly(&args);
    ended(&shown, 0);
    assert!(shown.stdout.contains("nothing found"), "{}", shown.stdout);
    let summary = json(&stage, "fuzz.json");
    let fuzz = &summary["fuzz"];
    assert_eq!((&fuzz["plans"], &summary["complete"]), (&Value::from(300), &Value::from(true)));
    assert!(fuzz["refreshes"].as_u64() > Some(400) && fuzz["reached"].as_u64() > Some(20), "{fuzz}");
    let rules = summary["scenarios"].as_array().unwrap();
    let tested = rules.iter().filter(|rule| rule["rule"]["kept"].as_u64() > Some(0)).count();
    assert!(tested > 25, "only {tested} rules were put to the test");
    let junit = stage.read("fuzz.xml");
    assert!(junit.contains("<testcase name=\"fuzz/error-goes-away\""), "{junit}");
}

#[test]
fn what_is_found_is_a_small_scenario_that_replays() {
    let stage = Stage::new();
    let shown = stage.plainly(&FORGETFUL);
    ended(&shown, 1);
    assert!(shown.stdout.contains("FAIL fuzz/error-goes-away"), "{}", shown.stdout);
    assert!(shown.stdout.contains("each step is needed"), "{}", shown.stdout);
    let files = found(&stage);
    let text = stage.read(&files[0]);
    assert!(text.lines().filter(|line| line.starts_with("  - ")).count() <= 6, "{text}");
    ended(&stage.plainly(&["lint", "regrant-out/found"]), 0);

    let again = stage.plainly(&["run", "--target", "mutant:drops-refresh-token", "--scenarios", "regrant-out/found"]);
    ended(&again, 1);
    assert!(again.stdout.contains("always.error-goes-away"), "{}", again.stdout);
    ended(&stage.plainly(&["run", "--scenarios", "regrant-out/found"]), 0);

    // A target that has a file of known failures keeps it.
    let known =
        "regrant: 1\nentries:\n  - { match: recovery/good-refresh-clears-the-error, expect: hang, reason: slow }\n";
    fs::write(stage.folder.path().join("known.yaml"), known).unwrap();
    ended(&stage.plainly(&["run", "--scenarios", "regrant-out/found", "--known", "known.yaml"]), 0);
}

#[test]
fn what_is_known_is_no_news() {
    let stage = Stage::new();
    let known = "regrant: 1\nentries:\n  - { match: 'fuzz/error-goes-away#*', expect: fail, reason: it forgets }\n";
    fs::write(stage.folder.path().join("known.yaml"), known).unwrap();
    let rules = ["--invariant", "error-goes-away", "--known", "known.yaml"];
    let shown = stage.plainly(&[&FORGETFUL[..], &rules].concat());
    ended(&shown, 0);
    assert!(shown.stdout.contains("nothing new, 1 rule known to be broken"), "{}", shown.stdout);
    // What is known of another target is not stale for not being met here.
    ended(&stage.plainly(&["fuzz", "--cases", "60", "--known", "known.yaml"]), 0);
}

#[test]
fn the_same_seed_does_the_same() {
    let stage = Stage::new();
    let run = |file: &str, seed: &str| {
        ended(&stage.plainly(&["fuzz", "--cases", "50", "--seed", seed, "--json", file]), 0);
        json(&stage, file)["fuzz"].clone()
    };
    let first = run("a.json", "9");
    assert_eq!(first, run("b.json", "9"));
    assert_ne!(first["steps"], run("c.json", "10")["steps"]);
}

#[test]
fn a_run_that_taught_nothing_is_not_green() {
    let stage = Stage::new();
    let shown = stage.plainly(&["fuzz", "--case", "113", "--steps", "1"]);
    ended(&shown, 3);
    assert!(shown.stderr.contains("nothing was learnt: no refresh ever reached the provider"), "{}", shown.stderr);
    assert!(shown.stdout.contains("- sign_in: { user: ada }"), "{}", shown.stdout);
}

#[test]
fn an_unknown_invariant_is_refused() {
    let shown = Stage::new().plainly(&["fuzz", "--invariant", "error-goes-astray"]);
    ended(&shown, 2);
    assert!(shown.stderr.contains("there is no invariant `error-goes-astray`"), "{}", shown.stderr);
}

#[test]
fn a_claim_that_is_not_shown_is_not_green() {
    let stage = Stage::new();
    let shown = stage.play("never-refreshes", &["fuzz", "--cases", "10", "--shrink-time", "2s"]);
    ended(&shown, 1);
    assert!(shown.stdout.contains("BROKEN fuzz/speaks-the-protocol"), "{}", shown.stdout);
    assert!(shown.stdout.contains("refresh.on_session is claimed and not shown"), "{}", shown.stdout);
}

#[test]
fn a_log_is_judged_again_without_the_target() {
    let stage = Stage::new();
    ended(&stage.plainly(&["run", "-E", "refresh/**"]), 0);
    let shown = stage.plainly(&["recheck", "--gate", "should"]);
    ended(&shown, 0);
    assert!(shown.stdout.ends_with(" 0 times one is broken\n"), "{}", shown.stdout);

    stage.plainly(&FORGETFUL);
    let shown = stage.plainly(&["recheck"]);
    ended(&shown, 1);
    assert!(shown.stdout.contains("MUST always.error-goes-away"), "{}", shown.stdout);
    ended(&stage.plainly(&["recheck", "--invariant", "single-flight"]), 0);

    ended(&stage.plainly(&["fuzz", "--cases", "60"]), 0);
    let shown = stage.plainly(&["recheck"]);
    ended(&shown, 4);
    assert!(shown.stderr.contains("the log has no histories"), "{}", shown.stderr);
}
