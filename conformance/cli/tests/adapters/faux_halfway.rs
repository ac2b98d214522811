//! A fault in the middle of a case: that case gets the blame, the next ones are carried out, and nothing is left running.

use crate::stage::{Stage, cases};

/// Runs the three cases against an adapter with a fault that befalls the second, and says what the user is told of that.
fn befallen(fault: &str, result: &str) -> String {
    let stage = Stage::new();
    let shown = stage.run(fault);
    assert_eq!(stage.results(), ["pass", result, "pass"], "{fault}\n{}\n{}", shown.stdout, shown.stderr);
    assert_eq!(shown.code, Some(if result == "pass" { 0 } else { 1 }), "{fault}\n{}", shown.stdout);
    shown.stdout
}

fn told(fault: &str, result: &str, words: &[&str]) {
    let shown = befallen(fault, result);
    let head = format!("{} mallory", result.to_uppercase());
    for part in words.iter().copied().chain([&*head, "again  regrant run -E 'id(=mallory)'"]) {
        assert!(shown.contains(part), "{fault}: `{part}` is missing:\n{shown}");
    }
}

#[test]
fn an_adapter_without_a_fault_passes() {
    befallen("none", "pass");
}

#[test]
fn a_hang_ends_with_the_time_of_its_step() {
    told("hangs", "hang", &["read did not end: no answer within 3 s"]);
}

#[test]
fn an_exit_is_a_crash() {
    told("exits", "crash", &["the adapter went away during read", "exit status: 1"]);
}

#[cfg(unix)]
#[test]
fn a_death_by_signal_is_a_crash() {
    told("dies", "crash", &["the adapter went away during read", "signal: 9"]);
}

#[cfg(unix)]
#[test]
fn a_closed_output_is_a_crash_of_a_process_that_lives() {
    told("closes-stdout", "crash", &["during read"]);
}

#[test]
fn json_that_goes_wrong_is_a_broken_adapter() {
    told("cuts-json-short", "broken", &["read broke: ", "the line is not a message of the protocol"]);
}

#[test]
fn bytes_that_are_no_text_are_a_broken_adapter() {
    told("writes-invalid-utf8", "broken", &["read broke: ", "UTF-8"]);
}

#[test]
fn an_oversized_message_is_a_broken_adapter() {
    told("writes-an-oversized-message", "broken", &["read broke: ", "a message has at most 8388608"]);
}

#[test]
fn a_message_in_the_middle_of_a_line_is_none() {
    told("hides-a-message-in-a-line", "hang", &["read did not end"]);
}

#[test]
fn words_that_are_no_message_are_no_answer() {
    told("chatters-only", "hang", &["read did not end", "| Listening on port 3000"]);
}

#[test]
fn an_answer_to_another_request_is_none() {
    told("answers-under-another-id", "hang", &["read did not end"]);
}

#[test]
fn an_answer_before_its_request_is_none() {
    told("answers-before-the-request", "hang", &["read did not end"]);
}

#[test]
fn the_second_of_two_answers_is_late_and_nothing_else() {
    befallen("answers-twice", "pass");
}

/// As it stands, without anything to be put into quotes first.
#[cfg(unix)]
#[test]
fn the_command_that_runs_the_case_again_can_be_typed() {
    let stage = Stage::new();
    let script = format!("exec '{}' exits", stage.faux("exits")[0]);
    let args = ["run", "--scenarios", &cases(), "--", "sh", "-c", &script];
    let shown = stage.plainly(&args).stdout;
    let again = shown.lines().find_map(|line| line.strip_prefix("  again  ")).unwrap();
    let typed = again.replacen("regrant", env!("CARGO_BIN_EXE_regrant"), 1);
    let output =
        std::process::Command::new("sh").args(["-c", &typed]).current_dir(stage.folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{typed}");
    assert_eq!(stage.results(), ["crash"], "{typed}");
}

#[test]
fn an_answer_that_says_two_things_is_a_broken_adapter() {
    told("answers-with-two-outcomes", "broken", &["read broke: ", "exactly one of `ok`, `threw`"]);
}

#[test]
fn a_process_that_leaves_after_its_case_is_not_blamed_on_the_next() {
    befallen("exits-after-stop", "pass");
}
