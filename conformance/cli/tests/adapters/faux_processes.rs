//! What becomes of the processes of an adapter: none outlives the command, whatever it does against that.

use std::process::{Command, Stdio};

use crate::stage::{Stage, cases, ended, last_words};

#[cfg(unix)]
#[test]
fn what_an_adapter_leaves_behind_is_ended_with_it() {
    for fault in ["leaves-a-grandchild", "ignores-sigterm"] {
        let stage = Stage::new();
        let shown = stage.run(fault);
        assert_eq!(shown.code, Some(0), "{fault}\n{}", shown.stdout);
        assert!(shown.processes.contains(&"ready\n".to_owned()), "{fault}: there was a grandchild");
    }
}

#[cfg(unix)]
#[test]
fn adapter_check_leaves_nothing_behind_either() {
    let stage = Stage::new();
    let shown = stage.play("ignores-sigterm", &["adapter", "check"]);
    assert_eq!(shown.code, Some(0), "{}", shown.stdout);
}

#[test]
fn a_case_that_comes_to_no_end_costs_its_process_and_others_do_not() {
    for (fault, processes) in [("none", 1), ("hangs", 2), ("exits", 2), ("answers-twice", 1)] {
        let stage = Stage::new();
        assert_eq!(stage.run(fault).processes.len(), processes, "{fault}");
    }
}

#[test]
fn an_adapter_that_never_starts_again_ends_the_run() {
    let stage = Stage::new();
    for name in ["next-1", "next-2", "next-3", "next-4"] {
        stage.rewrite("next", name, ("id: next", "id: next"));
    }
    let args = ["run", "--scenarios", &cases(), "--scenarios", ".", "-j", "1"];
    let shown = stage.play("exits-and-never-starts-again", &args);
    assert_eq!(shown.code, Some(6), "{}", shown.stdout);
    assert_eq!(stage.results(), ["pass", "crash", "crash", "crash", "crash"], "the rest is not tried");
    assert!(shown.stdout.contains("not complete"), "{}", shown.stdout);
}

/// A run that is broken off before its first case, by who waits at the keyboard.
#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_wait_for_a_hello() {
    for args in [&["run"][..], &["adapter", "check"], &["doctor"]] {
        let stage = Stage::new();
        let mut command = stage.command("hangs-at-hello", args);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let adapter = stage.somebody();
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let output = ended(child);
        assert_eq!(output.status.code(), Some(6), "{args:?}\n{output:?}");
        last_words(adapter);
    }
}
