//! `regrant adapter check` and `regrant doctor`, on adapters that are sound.

use crate::stage::Stage;

#[test]
fn a_sound_adapter_is_told_so_claim_by_claim() {
    let stage = Stage::new();
    let shown = stage.play("none", &["adapter", "check"]);
    assert_eq!(shown.code, Some(0), "{}", shown.stdout);
    for part in [
        "ok    hello: client-core ",
        "ok    a verb that does not exist is refused with `no`\n",
        "ok    clock: it shows the instants that it was set to\n",
        "ok    refresh.on_session: Reading the session refreshes an expired token\n",
        "ok    after `stop`, the next `start` begins from nothing\n",
        "\nthe adapter is sound; further requests are waited for ",
    ] {
        assert!(shown.stdout.contains(part), "`{part}` is missing:\n{}", shown.stdout);
    }
    assert!(!shown.stdout.contains("wrong"), "{}", shown.stdout);
}

#[test]
fn an_adapter_is_examined_in_its_folder_too() {
    let stage = Stage::new();
    stage.describe("sound", "none");
    let shown = stage.plainly(&["adapter", "check", "--adapter", "sound"]);
    assert_eq!((shown.code, shown.processes.len()), (Some(0), 1), "{}", shown.stdout);
}

#[test]
fn the_doctor_names_the_way_to_move_the_clock() {
    let shown = Stage::new().play("none", &["doctor"]);
    assert_eq!(shown.code, Some(0), "{}", shown.stdout);
    assert!(shown.stdout.starts_with("set          works: "), "{}", shown.stdout);
    assert!(shown.stdout.contains("libfaketime  not tried: the target moves the clock itself\n"), "{}", shown.stdout);
    assert!(shown.stdout.ends_with("\nuse --clock set, or `clock: set` in regrant.yaml\n"), "{}", shown.stdout);
}

#[test]
fn the_doctor_says_where_nothing_helps() {
    let shown = Stage::new().play("always-no", &["doctor"]);
    assert_eq!(shown.code, Some(3), "{}", shown.stdout);
    assert!(shown.stdout.starts_with("set          does not work: "), "{}", shown.stdout);
    assert!(shown.stderr.contains("no way of moving its clock works"), "{}", shown.stderr);
}

/// A request that is answered late is not waited for as one that will be parked: the parked one has no time for that.
#[test]
fn an_adapter_that_takes_its_time_is_sound() {
    let shown = Stage::new().play("dawdles", &["adapter", "check"]);
    assert_eq!(shown.code, Some(0), "{}", shown.stdout);
}
