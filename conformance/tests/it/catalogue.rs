//! The catalogue: sound, big enough, under its schema.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use conformance::catalogue::Catalogue;
use conformance::schema::scenario_schema;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

#[test]
fn the_built_in_scenarios_are_sound() {
    let catalogue = Catalogue::built_in();
    let rendered: Vec<String> = catalogue.diagnostics.iter().map(|diagnostic| diagnostic.render()).collect();
    assert!(rendered.is_empty(), "{}", rendered.join("\n"));
    assert!(catalogue.entries.len() >= 40, "{} cases", catalogue.entries.len());
}

#[test]
fn every_reference_is_used() {
    let catalogue = Catalogue::built_in();
    let used: BTreeSet<&String> = catalogue
        .entries
        .iter()
        .flat_map(|entry| &entry.case.scenario.refs)
        .map(|reference| &reference.value)
        .collect();
    let unused: Vec<&String> = catalogue.references.keys().filter(|key| !used.contains(key)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn every_area_of_the_field_has_scenarios() {
    let catalogue = Catalogue::built_in();
    let areas: BTreeSet<&str> = catalogue.entries.iter().filter_map(|entry| entry.case.id.split('/').next()).collect();
    for area in [
        "clocks",
        "concurrency",
        "errors",
        "google",
        "id-token",
        "malformed",
        "recovery",
        "refresh",
        "rotation",
        "security",
        "session",
        "sign-in",
        "sign-out",
        "transport",
        "validity",
        "wire",
    ] {
        assert!(areas.contains(area), "{area}");
    }
}

/// `cargo run -- lint --schema > scenarios/schema.json` makes it fresh.
#[test]
fn the_committed_schema_is_fresh() {
    let committed = fs::read_to_string(root().join("schema.json")).unwrap();
    let fresh = format!("{:#}\n", scenario_schema());
    assert!(committed.replace("\r\n", "\n") == fresh, "run `cargo run -- lint --schema > scenarios/schema.json`");
}

#[test]
fn every_scenario_file_fits_the_schema() {
    let validator = jsonschema::validator_for(&scenario_schema()).unwrap();
    let mut files = BTreeSet::new();
    for entry in Catalogue::built_in().entries {
        if files.insert(entry.file.path.clone()) {
            let document: serde_json::Value = yaml_as_json(&entry.file.text);
            let errors: Vec<String> = validator
                .iter_errors(&document)
                .map(|error| format!("{} at {}", error, error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{}: {errors:#?}", entry.file.path.display());
        }
    }
    assert!(files.len() >= 30);
}

#[test]
fn the_schema_refuses_what_the_parser_refuses() {
    let validator = jsonschema::validator_for(&scenario_schema()).unwrap();
    let entry = Catalogue::built_in().entries.remove(0);
    let mut document = yaml_as_json(&entry.file.text);
    assert!(validator.is_valid(&document));
    document["stpes"] = serde_json::json!([]);
    assert!(!validator.is_valid(&document));
}

pub(crate) fn yaml_as_json(text: &str) -> serde_json::Value {
    use conformance::scenario::node::{Node, Value};
    fn json(node: &Node) -> serde_json::Value {
        match &node.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(text) => serde_json::from_str(text).unwrap(),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(json).collect(),
            Value::Map(members) => {
                serde_json::Value::Object(members.iter().map(|(key, value)| (key.name.clone(), json(value))).collect())
            }
        }
    }
    json(&conformance::scenario::yaml::read(text).unwrap())
}
