//! The corpus of the fuzzer, as it is and with changes.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use byte_parsers::TARGETS;
use proptest::prelude::*;
use proptest::sample::{Index, select};

fn inputs(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

/// The inputs of each target, read once for all changes.
static CORPUS: LazyLock<BTreeMap<&str, Vec<Vec<u8>>>> =
    LazyLock::new(|| TARGETS.iter().map(|(name, _)| (*name, inputs(name))).collect());

#[test]
fn every_target_has_a_corpus_and_takes_it() {
    for (name, target) in TARGETS {
        let inputs = &CORPUS[name];
        assert!(inputs.len() > 2, "{name}");
        inputs.iter().for_each(|bytes| target(bytes));
    }
}

/// A change of an input: bytes taken away here, and others put there.
#[derive(Clone, Debug)]
struct Change {
    at: Index,
    gone: usize,
    put: Vec<u8>,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let telling = select(&b"{}[]\",:=&%\\\n\t -#0123456789eE.+'|>*!~\0\xff"[..]);
    let put = proptest::collection::vec(prop_oneof![telling, any::<u8>()], 0..6);
    let change = (any::<Index>(), 0_usize..6, put).prop_map(|(at, gone, put)| Change { at, gone, put });
    proptest::collection::vec(change, 1..5)
}

fn changed(input: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for Change { at, gone, put } in changes {
        let from = at.index(bytes.len() + 1);
        let to = (from + gone).min(bytes.len());
        bytes.splice(from..to, put.iter().copied());
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn changes_of_the_corpus_are_taken_too(which in any::<Index>(), changes in changes()) {
        for (name, target) in TARGETS {
            let inputs = &CORPUS[name];
            target(&changed(&inputs[which.index(inputs.len())], &changes));
        }
    }

    #[test]
    fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        TARGETS.iter().for_each(|(_, target)| target(&bytes));
    }
}
