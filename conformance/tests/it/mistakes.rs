//! Mistakes in scenario files: each is told with file, line, column, the line itself and advice.

use std::fs;

use conformance::catalogue::Catalogue;

const GOOD: &str = "\
regrant: 1
id: area/name
title: A title
why: A reason.
level: must
refs: [rfc6749-5.1]
needs: [sign_in, refresh.on_session]
provider: { users: [ada] }
outcomes:
  fine: { state: active }
steps:
  - sign_in: { user: ada, as: first }
  - clock: exp(at#1) + 1s
  - session: { actor: ada, as: read, expect: { outcome: fine, wire: none } }
";

/// The complaints about a file with this text.
fn complaints(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("area/name.yaml");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    let catalogue = Catalogue::read(&[folder.path().to_owned()]).unwrap();
    catalogue.diagnostics.iter().map(|diagnostic| format!("{}\n{}", diagnostic.place(), diagnostic.render())).collect()
}

/// Changes one place of the good file; the one complaint has to have all the parts.
fn check(from: &str, to: &str, parts: &[&str]) {
    assert!(GOOD.contains(from), "{from}");
    let found = complaints(&GOOD.replacen(from, to, 1));
    assert_eq!(found.len(), 1, "{to}: {found:#?}");
    for part in parts {
        assert!(found[0].contains(part), "`{part}` is missing:\n{}", found[0]);
    }
}

#[test]
fn the_good_file_is_good() {
    assert_eq!(complaints(GOOD), Vec::<String>::new());
}

#[test]
fn misspelt_words_are_found_with_a_suggestion() {
    check("title:", "tilte:", &["name.yaml:3:1", "unknown key `tilte`", "did you mean `title`?"]);
    check("- session:", "- sesion:", &["name.yaml:14:5", "unknown word `sesion`", "did you mean `session`?"]);
    check("refresh.on_session", "refresh.on_sesion", &["name.yaml:7:18", "did you mean `refresh.on_session`?"]);
    check("users: [ada]", "usres: [ada]", &["name.yaml:8:13", "did you mean `users`?"]);
    check("level: must", "level: mst", &["name.yaml:5:8", "did you mean `must`?"]);
    check("wire: none", "wire: nothing", &["name.yaml:14:69", "unknown word `nothing`", "`none`"]);
}

#[test]
fn values_that_make_no_sense_are_found() {
    check("exp(at#1) + 1s", "exp(at#1) + soon", &["name.yaml:13:12", "is not a time", "exp(rt#1) - 1ms"]);
    check("exp(at#1)", "exp(xt#1)", &["name.yaml:13:12", "is not a time"]);
    check(
        "{ users: [ada] }",
        "{ users: [ada], tokens: { access_ttl: 1 } }",
        &["name.yaml:8:49", "not a length of time"],
    );
    check(
        "{ users: [ada] }",
        "{ users: [ada], tokens: { rotation: sometimes } }",
        &["`sometimes` is not `never`, `always`", "`always`"],
    );
    check("{ state: active }", "{ state: error }", &["never in the state `error`", "`active` or `signed_out`"]);
    check("regrant: 1", "regrant: 2", &["name.yaml:1:10", "this version reads 1"]);
}

#[test]
fn references_that_lead_nowhere_are_found() {
    check("user: ada,", "user: adda,", &["name.yaml:12:22", "no user `adda`", "did you mean `ada`?"]);
    check("actor: ada", "actor: bob", &["name.yaml:14:23", "no actor `bob`"]);
    check("outcome: fine", "outcome: finе2", &["no outcome"]);
    check("rfc6749-5.1", "rfc6749-5.11", &["name.yaml:6:8", "did you mean `rfc6749-5.1`?"]);
    check("as: read", "as: first", &["a step is called `first` already"]);
    check("id: area/name", "id: area/other", &["name.yaml:2:5", "does not lead to this file"]);
    check("exp(at#1) + 1s", "$later", &["nothing says what `$later` is"]);
}

#[test]
fn steps_that_cannot_happen_are_found() {
    let after = "  - clock: exp(at#1) + 1s\n";
    let with = |step: &str| format!("{after}{step}");
    check(after, &with("  - release: { order: first_first }\n"), &["nothing can be released"]);
    check(after, &with("  - join: { of: race }\n"), &["no `together` called `race`"]);
    check(after, &with("  - deliver: { of: first, fate: apply }\n"), &["no cookie of `first` is kept back"]);
    check(after, &with("  - client_clock: +1h\n"), &["needs the capability `clock.set`", "add `clock.set` to `needs`"]);
    let reply = "  - provider: { reply: { to: token, with: {} } }\n";
    check(after, &with(reply), &["the reply says nothing"]);
    let parked = "  - parked: { count: 1 }\n";
    check(after, &with(parked), &["no hold is in force"]);
    let hold = "  - provider: { hold: { to: token } }\n  - provider: lift_holds\n";
    check(after, &with(&format!("{hold}{parked}")), &["no hold is in force"]);
}

#[test]
fn expectations_that_cannot_fail_are_found() {
    check("outcome: fine", "outcome: []", &["can never be missed"]);
    check("{ state: active }", "{ }", &["expects nothing of the session"]);
    check("outcome: fine", "session: { any_of: [ { grade: pass } ] }", &["fits everything"]);
    check(", expect: { outcome: fine, wire: none }", "", &["expects nothing, so it cannot fail"]);
    let race = "  - together: { as: race, do: [ { session: { actor: ada, expect: { wire: none } } } ] }\n  - join: { of: race }\n";
    let after = "  - clock: exp(at#1) + 1s\n";
    let with_need = GOOD.replace("needs: [sign_in,", "needs: [sign_in, session.concurrent,");
    let found = complaints(&with_need.replace(after, &format!("{after}{race}")));
    assert!(found.len() == 1 && found[0].contains("put `wire` on the `join`"), "{found:#?}");
}

#[test]
fn labels_and_answers_that_do_not_exist_are_found() {
    check("outcome: fine", "session: { access_token: at1 }", &["`at1` is not a token label"]);
    check("wire: none", "wire: [ { to: token, token: rt1 } ]", &["`rt1` is not a token label"]);
    check("wire: none", "wire: [ { to: token, got: invalid_grant } ]", &["`invalid_grant` is not an answer"]);
    check("exp(at#1) + 1s\n", "exp(at#1) + 1s\n  - provider: { revoke: rt1 }\n", &["`rt1` is not a token label"]);
}

#[test]
fn names_that_stand_nowhere_are_found() {
    check("steps:", "params: { ttl: 1h }\nsteps:", &["`ttl` is given, but `$ttl` stands nowhere"]);
    check("steps:", "variants: { kind: [tab] }\nsteps:", &["`kind` is given, but `$kind` stands nowhere"]);
}

#[test]
fn broken_yaml_is_found() {
    check("users: [ada] }", "users: [ada }", &["name.yaml:8:"]);
    check("title: A title", "title: A title\ntitle: B", &["name.yaml:4:1", "duplicate mapping key: title"]);
    let flat = "  - session:\n    actor: ada\n";
    let found = complaints(&format!("{}{flat}", &GOOD[..GOOD.find("  - session").unwrap()]));
    assert!(found[0].contains("indented one level too little"), "{found:#?}");
}
