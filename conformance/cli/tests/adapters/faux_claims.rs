//! Claims that are not true: what needs them is not carried out, or judged, but never passed.

use crate::stage::Stage;

#[test]
fn a_claim_that_is_not_shown_blocks_what_needs_it() {
    for fault in ["never-refreshes", "clock-lies"] {
        let stage = Stage::new();
        let shown = stage.play(fault, &["run", "-E", "recovery/good-refresh-clears-the-error"]);
        assert_eq!((shown.code, stage.results()), (Some(1), vec!["blocked".to_owned()]), "{fault}\n{}", shown.stdout);
        assert!(
            shown.stdout.contains("CLAIMED, NOT SHOWN refresh.on_session  refreshing-1.wire: "),
            "{}",
            shown.stdout
        );
        assert!(shown.stdout.contains("the target claims `refresh.on_session` and does not do it"), "{}", shown.stdout);
    }
}

#[test]
fn a_claim_that_is_not_shown_blocks_nothing_else() {
    let stage = Stage::new();
    let shown = stage.run("never-refreshes");
    assert_eq!((shown.code, stage.results()), (Some(0), vec!["pass".to_owned(); 3]), "{}", shown.stdout);
}

#[test]
fn adapter_check_names_the_claim_and_the_way_to_mend_it() {
    let stage = Stage::new();
    let shown = stage.play("never-refreshes", &["adapter", "check"]);
    assert_eq!(shown.code, Some(1), "{}", shown.stdout);
    for part in [
        "ok    sign_in: A sign-in leads to a session\n",
        "wrong refresh.on_session: Reading the session refreshes an expired token\n",
        "mend    After the access token has expired, a `session` request has to lead to a refresh",
    ] {
        assert!(shown.stdout.contains(part), "`{part}` is missing:\n{}", shown.stdout);
    }
}

#[test]
fn a_restart_that_forgets_fails_where_it_matters() {
    let stage = Stage::new();
    let shown = stage.play("restart-forgets", &["run", "-E", "needs(restart)"]);
    assert_eq!(shown.code, Some(1), "{}", shown.stdout);
    let results = stage.results();
    assert!(results.iter().any(|result| result == "fail"), "{results:?}\n{}", shown.stdout);
}
