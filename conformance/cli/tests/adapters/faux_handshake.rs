//! A fault before the first case: nothing is measured, and `run` and `adapter check` say why.

use std::sync::Arc;
use std::time::Duration;

use adapter_process::Program;
use adapter_protocol::ClockMode;
use conformance::check_up::check_up;
use conformance::command::CommandTarget;

use crate::stage::{Stage, last_words};

/// What `run` and `adapter check` say of an adapter that does not get through the handshake.
fn refused(fault: &str, words: &[&str]) {
    let stage = Stage::new();
    let run = stage.run(fault);
    let check = stage.play(fault, &["adapter", "check"]);
    assert_eq!((run.code, check.code), (Some(3), Some(3)), "{fault}\n{}\n{}", run.stderr, check.stdout);
    for part in words {
        assert!(run.stderr.contains(part), "{fault}: `{part}` is missing:\n{}", run.stderr);
        assert!(check.stdout.contains(part), "{fault}: `{part}` is missing:\n{}", check.stdout);
    }
    assert!(check.stdout.starts_with("wrong it starts and shakes hands\n"), "{}", check.stdout);
    assert!(check.stdout.ends_with("\n1 thing is wrong\n"), "{}", check.stdout);
    assert!(stage.results().is_empty(), "no case is run");
}

#[test]
fn an_adapter_that_agrees_to_anything_proves_nothing() {
    for fault in ["always-ok", "accepts-unknown-verbs"] {
        refused(fault, &["the handshake failed", "it does not refuse a verb that does not exist with `no`"]);
    }
}

#[test]
fn an_adapter_that_refuses_everything_is_told_its_own_words() {
    refused("always-no", &["the handshake failed", "I would rather not"]);
}

#[test]
fn another_version_of_the_protocol_is_not_spoken() {
    refused("wrong-version", &["it speaks protocol 2, this version speaks 1"]);
}

#[test]
fn a_claim_that_does_not_exist_makes_no_sense() {
    refused("claims-unknown-things", &["the answer to hello makes no sense", "levitation"]);
}

#[test]
fn a_broken_hello_is_no_hello() {
    refused("garbage-at-hello", &["the handshake failed", "the line is not a message of the protocol"]);
}

#[test]
fn an_adapter_that_leaves_at_once_is_not_waited_for() {
    for fault in ["exits-at-start", "dies-at-start"] {
        refused(fault, &["the handshake failed"]);
    }
}

#[test]
fn a_clock_that_stands_still_is_not_believed() {
    refused("clock-stands-still", &["its clock does not show what it was set to"]);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let stage = Stage::new();
    let shown = stage.plainly(&["run", "--", "./no-such-program"]);
    assert_eq!(shown.code, Some(3), "{}", shown.stderr);
    assert!(shown.stderr.contains("the target could not be started: ./no-such-program: "), "{}", shown.stderr);
}

/// A minute is what `hello` has from the command line, and more than a test has.
#[tokio::test]
async fn a_hello_that_is_never_answered_is_given_up() {
    let stage = Stage::new();
    let program = Program { command: stage.faux("hangs-at-hello"), ..Program::default() };
    let target =
        CommandTarget::new("faux".to_owned(), program, ClockMode::Set).with_hello_limit(Duration::from_millis(500));
    let found = check_up(Arc::new(target)).await.unwrap();
    let told = format!("{:?}", found.findings);
    assert!(told.contains("the handshake failed: no answer within 0.5 s"), "{told}");
    assert!(told.contains("flush after each; `hello` comes first"), "{told}");
    last_words(stage.somebody());
}
