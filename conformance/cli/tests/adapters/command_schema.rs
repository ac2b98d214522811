//! `regrant schema`: every format has one, and it is the one that the files say they have.

use serde_json::Value;

use crate::stage::Stage;

#[test]
fn every_format_has_a_schema() {
    for (name, key) in [
        ("scenario", "steps"),
        ("request", "regrant"),
        ("answer", "regrant"),
        ("adapter", "command"),
        ("known", "entries"),
    ] {
        let shown = Stage::new().plainly(&["schema", name]);
        assert_eq!(shown.code, Some(0), "{name}");
        let schema: Value = serde_json::from_str(&shown.stdout).unwrap();
        assert!(schema["$schema"].as_str().is_some_and(|dialect| dialect.contains("2020-12")), "{name}");
        assert!(shown.stdout.contains(&format!("\"{key}\"")), "{name}");
    }
}

#[test]
fn a_format_that_does_not_exist_is_refused_with_those_that_do() {
    let shown = Stage::new().plainly(&["schema", "matrix"]);
    assert_eq!(shown.code, Some(2));
    assert!(shown.stderr.contains("scenario, request, answer, adapter, known"), "{}", shown.stderr);
}
