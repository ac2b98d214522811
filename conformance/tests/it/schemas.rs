//! The schemas of the adapter protocol and of the files around it: committed, fresh, and true of what is sent and read.

use std::fs;
use std::path::{Path, PathBuf};

use conformance::schema::{answer_schema, known_schema, manifest_schema, request_schema};
use serde_json::{Value, json};

use crate::catalogue::yaml_as_json;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn fits(schema: &Value, value: &Value) -> bool {
    jsonschema::validator_for(schema).unwrap().is_valid(value)
}

/// `cargo run -- schema NAME > schemas/NAME.json` makes one fresh.
#[test]
fn the_committed_schemas_are_fresh() {
    for (name, schema) in [
        ("request", request_schema()),
        ("answer", answer_schema()),
        ("adapter", manifest_schema()),
        ("known", known_schema()),
    ] {
        let committed = fs::read_to_string(root().join("schemas").join(format!("{name}.json"))).unwrap_or_default();
        let command = format!("run `cargo run -- schema {name} > schemas/{name}.json`");
        assert!(committed.replace("\r\n", "\n") == format!("{schema:#}\n"), "{command}");
    }
}

#[test]
fn messages_fit_their_schemas_and_broken_ones_do_not() {
    let request = json!({"regrant": "session", "id": 1, "actor": "ada", "deliver": "now"});
    assert!(fits(&request_schema(), &request));
    assert!(!fits(&request_schema(), &json!({"regrant": "session", "id": "1", "actor": "ada"})));
    let answer = json!({"regrant": "answer", "id": 1, "ok": {"session": {"state": "signed_out"}}});
    assert!(fits(&answer_schema(), &answer));
    assert!(!fits(&answer_schema(), &json!({"regrant": "answer", "id": 1})));
}

#[test]
fn every_adapter_of_the_project_fits_the_schemas() {
    let folders = fs::read_dir(root().join("adapters")).unwrap().map(|entry| entry.unwrap().path());
    let mut manifests = 0;
    for folder in folders.filter(|folder| folder.join("regrant.yaml").exists()) {
        assert!(fits(&manifest_schema(), &yaml(&folder.join("regrant.yaml"))), "{}", folder.display());
        assert!(fits(&known_schema(), &yaml(&folder.join("known.yaml"))), "{}", folder.display());
        manifests += 1;
    }
    assert!(manifests > 5, "{manifests}");
}

fn yaml(path: &Path) -> Value {
    yaml_as_json(&fs::read_to_string(path).unwrap())
}
