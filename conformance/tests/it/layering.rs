//! Who may import whom, read off `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// For each package of the workspace, the packages of the workspace that it depends on, tests left out.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let output = Command::new(cargo).args(["metadata", "--format-version", "1", "--no-deps", "--offline"]).output();
    let metadata: Value = serde_json::from_slice(&output.expect("cargo runs").stdout).expect("metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |package: &Value| package["name"].as_str().expect("a name").to_owned();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let of = |package: &Value| {
        let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
        let real = dependencies.filter(|dependency| dependency["kind"].is_null()).map(name);
        real.filter(|dependency| ours.contains(dependency)).collect()
    };
    packages.iter().map(|package| (name(package), of(package))).collect()
}

/// Everything that a package reaches.
fn reach(imports: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(package) = open.pop() {
        let new = imports.get(&package).into_iter().flatten().filter(|next| reached.insert((*next).clone()));
        open.extend(new.cloned().collect::<Vec<_>>());
    }
    reached
}

#[test]
fn judge_and_judged_share_no_code() {
    let imports = imports();
    assert!(imports.contains_key("client-core"), "{imports:?}");
    assert!(reach(&imports, "mock-provider").is_empty(), "the provider imports nothing of ours");
    assert!(reach(&imports, "client-core").is_empty(), "the client imports nothing of ours");
    assert!(reach(&imports, "adapter-protocol").is_empty(), "the protocol imports nothing of ours");
}

#[test]
fn the_suite_never_imports_the_reference_client() {
    let reached = reach(&imports(), "conformance");
    assert!(!reached.contains("client-core") && !reached.contains("reference-adapter"), "{reached:?}");
    assert!(reached.contains("mock-provider") && reached.contains("adapter-protocol"));
}

#[test]
fn the_reference_adapter_knows_the_protocol_and_not_the_suite() {
    let reached = reach(&imports(), "reference-adapter");
    let known = ["adapter-protocol", "adapter-server", "client-core"].map(str::to_owned);
    assert_eq!(reached, known.into());
}

#[test]
fn the_bad_adapters_know_the_good_one_and_not_the_suite() {
    let reached = reach(&imports(), "faux-adapter");
    let known = ["adapter-protocol", "adapter-server", "client-core", "reference-adapter"].map(str::to_owned);
    assert_eq!(reached, known.into());
}

#[test]
fn the_example_application_knows_the_client_alone() {
    assert_eq!(reach(&imports(), "client-core-webapp"), ["client-core".to_owned()].into());
}
