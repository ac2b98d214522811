//! `regrant adapter new`: a folder to start from, complete for its language and never written over.

use std::fs;

use crate::stage::Stage;

/// The files that a reader of the page on the protocol is told of, for each language.
const TEMPLATES: [(&str, &[&str]); 5] = [
    ("node", &["adapter.mjs", "application.mjs"]),
    ("python", &["adapter.py", "application.py"]),
    ("go", &["go.mod", "main.go", "application.go", "setup"]),
    ("java", &["Adapter.java"]),
    ("rust", &["Cargo.toml", "Cargo.lock", "src/main.rs", "src/application.rs", "setup"]),
];

#[test]
fn a_template_is_complete_and_says_what_comes_next() {
    for (language, files) in TEMPLATES {
        let stage = Stage::new();
        let shown = stage.plainly(&["adapter", "new", "--lang", language, "mine"]);
        assert_eq!(shown.code, Some(0), "{language}\n{}", shown.stderr);
        for file in files.iter().chain(&["README.md", "regrant.yaml", "known.yaml"]) {
            assert!(!stage.read(&format!("mine/{file}")).is_empty(), "{language}: {file}");
        }
        for part in ["files in mine; ", "read mine/README.md, then: regrant adapter check --adapter mine"] {
            assert!(shown.stdout.contains(part), "{language}: `{part}` is missing:\n{}", shown.stdout);
        }
        assert!(stage.read("mine/README.md").contains("REPLACE"), "{language}");
    }
}

#[test]
fn what_is_there_is_not_written_over() {
    let stage = Stage::new();
    fs::create_dir(stage.folder.path().join("mine")).unwrap();
    let shown = stage.plainly(&["adapter", "new", "--lang", "python", "mine"]);
    assert_eq!((shown.code, &*shown.stderr), (Some(2), "regrant: mine is there already\n"));
    assert_eq!(fs::read_dir(stage.folder.path().join("mine")).unwrap().count(), 0);
}

#[test]
fn a_template_can_be_read_as_an_adapter() {
    for (language, _) in TEMPLATES {
        let stage = Stage::new();
        stage.plainly(&["adapter", "new", "--lang", language, "mine"]);
        let manifest = stage.read("mine/regrant.yaml").replace("command: [", "command: [./no-such-program, ");
        fs::write(stage.folder.path().join("mine/regrant.yaml"), manifest).unwrap();
        let shown = stage.plainly(&["run", "--adapter", "mine"]);
        assert_eq!(shown.code, Some(3), "{language}: it is read, and the program looked for:\n{}", shown.stderr);
        assert!(shown.stderr.contains("no-such-program"), "{language}\n{}", shown.stderr);
    }
}

#[cfg(unix)]
#[test]
fn its_scripts_can_be_run() {
    use std::os::unix::fs::PermissionsExt as _;
    for language in ["go", "rust"] {
        let stage = Stage::new();
        stage.plainly(&["adapter", "new", "--lang", language, "mine"]);
        let mode = fs::metadata(stage.folder.path().join("mine/setup")).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{language}");
    }
}

#[test]
fn a_language_without_a_template_is_refused_with_those_that_have_one() {
    let shown = Stage::new().plainly(&["adapter", "new", "--lang", "cobol", "mine"]);
    assert_eq!(shown.code, Some(2));
    assert!(shown.stderr.contains("node, python, go, java, rust"), "{}", shown.stderr);
}
