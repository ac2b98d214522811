//! The command as its users run it: output, files and exit codes.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Runs the command in a folder of its own.
fn regrant(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_regrant")).current_dir(folder).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn the_reference_client_passes_everything_even_at_the_higher_gate() {
    let folder = folder();
    let output = regrant(folder.path(), &["run", "--gate", "should", "--json", "summary.json", "--junit", "junit.xml"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(shown.contains("all as it should be"), "{shown}");
    let summary: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("summary.json")).unwrap()).unwrap();
    let scenarios = summary["scenarios"].as_array().unwrap();
    assert_eq!(summary["complete"], true);
    assert_eq!(summary["counts"]["pass"], scenarios.len());
    assert!(scenarios.len() >= 40 && scenarios.iter().all(|scenario| scenario["checks"].as_array().unwrap().len() > 6));
    let junit = fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    assert!(junit.contains("<testsuite name=\"concurrency\"") && junit.contains("failures=\"0\""), "{junit}");
    let log = fs::read_to_string(folder.path().join("regrant-out/run.jsonl")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["event"], "run_started");
    assert_eq!(lines.last().unwrap()["event"], "run_finished");
    // Each case begins, tells what happened, and ends.
    assert_eq!(lines.len(), 2 + 3 * scenarios.len());
}

#[test]
fn the_log_holds_no_secret() {
    let folder = folder();
    regrant(folder.path(), &["run", "--target", "mutant:leaks-refresh-token-into-session", "-E", "security/**"]);
    let log = fs::read_to_string(folder.path().join("regrant-out/run.jsonl")).unwrap();
    assert!(log.contains("rt#1 stands in the session"), "the leak is reported");
    for secret in ["1//0", "ya29.", "GOCSPX-", "4/0A"] {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[test]
fn a_mutant_fails_with_the_reason_in_plain_words() {
    let folder = folder();
    let args = ["run", "--target", "mutant:sticky-error", "-E", "recovery/**", "--junit", "junit.xml"];
    let output = regrant(folder.path(), &args);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    for part in [
        "FAIL",
        "expected",
        "got",
        "error RefreshTokenError",
        "t+1:00:01.000",
        "why ",
        "again  regrant run --target mutant:sticky-error",
    ] {
        assert!(shown.contains(part), "`{part}` is missing:\n{shown}");
    }
    assert!(fs::read_to_string(folder.path().join("junit.xml")).unwrap().contains("<failure"));
}

#[test]
fn the_printed_command_runs_the_same_scenario_again() {
    let folder = folder();
    let shown = text(&regrant(folder.path(), &["run", "--target", "mutant:sticky-error", "-E", "recovery/**"]).stdout);
    let id = shown.split("-E 'id(=").nth(1).unwrap().split(')').next().unwrap();
    let again = regrant(folder.path(), &["run", "--target", "mutant:sticky-error", "-E", &format!("id(={id})")]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stdout).contains("· 1 scenario ·"));
}

#[test]
fn a_should_counts_only_at_its_gate() {
    let folder = folder();
    let args = ["run", "--target", "mutant:no-memory-of-result", "-E", "concurrency/straggler"];
    assert_eq!(regrant(folder.path(), &args).status.code(), Some(0));
    assert_eq!(regrant(folder.path(), &[&args[..], &["--gate", "should"]].concat()).status.code(), Some(1));
}

#[test]
fn exit_codes_tell_usage_from_nothing_selected() {
    let folder = folder();
    let code = |args: &[&str]| {
        let output = regrant(folder.path(), args);
        (output.status.code().unwrap(), text(&output.stderr))
    };
    let (exit, told) = code(&["run", "--target", "mutant:sticky"]);
    assert_eq!(exit, 2);
    assert!(told.contains("did you mean `sticky-error`?"), "{told}");
    assert_eq!(code(&["run", "-E", "tag(nothing)"]).0, 4);
    let (exit, told) = code(&["run", "-E", "tga(core)"]);
    assert!(exit == 2 && told.contains("there is no predicate `tga`"), "{told}");
    assert_eq!(code(&["explain", "refresh/expires-in"]).0, 0, "a whole table");
    assert_eq!(code(&["lint", "."]).0, 4, "a folder without scenarios");
    let (exit, told) = code(&["run", "--json", "no/such/folder/x.json"]);
    assert!(exit == 2 && told.contains("no/such/folder"), "{told}");
    let (exit, told) = code(&["explain", "recovery/good-refresh-clears-the-eror"]);
    assert!(exit == 4 && told.contains("did you mean"), "{told}");
    fs::write(folder.path().join("bad.yaml"), "regrant: 1\nstpes: []\n").unwrap();
    let (exit, told) = code(&["lint", "bad.yaml"]);
    assert!(exit == 2 && told.contains("bad.yaml:2:1"), "{told}");
    let (exit, told) = code(&["run", "--scenarios", "missing.yaml"]);
    assert!(exit == 2 && told.contains("missing.yaml"), "{told}");
}

#[test]
fn list_explain_and_lint_speak_of_the_same_catalogue() {
    let folder = folder();
    let listed = text(&regrant(folder.path(), &["list"]).stdout);
    let linted = text(&regrant(folder.path(), &["lint"]).stdout);
    assert!(linted.starts_with(&format!("{} scenarios", listed.lines().count())), "{linted}");
    let id = listed.lines().next().unwrap().split_whitespace().nth(1).unwrap();
    let explained = text(&regrant(folder.path(), &["explain", id]).stdout);
    for part in [id, "level", "needs", "steps:", "http"] {
        assert!(explained.contains(part), "`{part}` is missing:\n{explained}");
    }
}

#[test]
fn a_mutant_is_caught_in_the_selftest() {
    let folder = folder();
    let output = regrant(folder.path(), &["selftest", "--mutant", "drops-refresh-token", "--json", "matrix.json"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(shown.ends_with("1 mutants, 1 killed\n"), "{shown}");
    let matrix: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("matrix.json")).unwrap()).unwrap();
    assert_eq!(matrix["kills"][0]["mutant"], "drops-refresh-token");
}

#[test]
fn a_cancelled_run_leaves_a_log_with_a_footer() {
    let folder = folder();
    let mut child = Command::new(env!("CARGO_BIN_EXE_regrant"))
        .current_dir(folder.path())
        .args(["run", "--target", "mutant:hangs-without-timeout", "-E", "transport/never-answers"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("hangs-without-timeout"), "the run has begun");
    if !cfg!(unix) {
        child.kill().unwrap();
        child.wait().unwrap();
        return;
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(6));
    let log = fs::read_to_string(folder.path().join("regrant-out/run.jsonl")).unwrap();
    let footer: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!((&footer["event"], &footer["complete"]), (&"run_finished".into(), &false.into()));
}

#[test]
fn serve_says_when_it_is_ready_and_stops_on_a_signal() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_regrant"))
        .args(["serve", "--seed", "7"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ready["ready"], true);
    for key in ["issuer", "control", "client_id", "client_secret"] {
        assert!(ready[key].as_str().is_some_and(|value| !value.is_empty()), "{key}");
    }
    stop(&mut child);
}

/// Asks politely where that is possible.
fn stop(child: &mut std::process::Child) {
    if cfg!(unix) {
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(0));
    } else {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
