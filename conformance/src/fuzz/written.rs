//! A finding as a scenario file that `regrant run` replays against any target.

use std::collections::BTreeSet;

use crate::always::Invariant;
use crate::fuzz::performed::Fingerprint;
use crate::scenario::model::Level;

/// What the steps of a finding ask of a target, by a word that stands in them.
const NEEDS: [(&str, &str); 9] = [
    ("api:", "refresh.on_api"),
    ("sign_out:", "sign_out"),
    ("kind: tab", "actors.tab"),
    ("kind: fork", "actors.fork"),
    ("together:", "session.concurrent"),
    ("deliver:", "session.delivery"),
    ("clock:", "clock.set"),
    ("restart:", "restart"),
    ("session:", "refresh.on_session"),
];

/// Where the finding came from.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) target: String,
    pub(super) seed: u64,
    pub(super) case: usize,
    pub(super) moves: usize,
    pub(super) reproduced: (u32, u32),
}

/// The invariant that a check stands for, if it is one of those that are judged at the end of any history.
pub(super) fn invariant_of(fingerprint: &Fingerprint) -> Option<Invariant> {
    let name = fingerprint.0.strip_prefix("always.")?;
    Invariant::ALL.into_iter().find(|invariant| invariant.name() == name)
}

/// The text of the file, and the last part of its id.
pub(super) fn scenario(fingerprint: &Fingerprint, steps: &[String], origin: &Origin) -> (String, String) {
    let invariant = invariant_of(fingerprint);
    let title = invariant.map_or_else(|| fingerprint.0.clone(), |invariant| invariant.says().to_owned());
    let level = match invariant.map_or(Level::Must, Invariant::level) {
        Level::Must => "must",
        Level::Should => "should",
        Level::May => "may",
    };
    let name = fingerprint.0.trim_start_matches("always.").replace('.', "-");
    let id = format!("{name}-{:08x}", hash(steps));
    // The checks that every case has are named by a tag, which tells the linter that something is expected.
    let expected = match invariant {
        Some(invariant) => format!("always: [{}]\n", invariant.name()),
        None => format!("tags: [{}]\n", fingerprint.0),
    };
    let needs: Vec<&str> = needs(steps).into_iter().collect();
    let Origin { target, seed, case, moves, reproduced: (again, tries) } = origin;
    let steps: String = steps.iter().map(|step| format!("  - {step}\n")).collect();
    let text = format!(
        "# Found by `regrant fuzz --seed {seed}`: case {case}, {moves} moves, against {target}; seen again {again} times of {tries}.\n\
         regrant: 1\nid: {id}\ntitle: 'Fuzz: {title}'\nwhy: >\n  Nobody wrote this down: the fuzzer came upon it. What is wrong stands in the title, and the steps are those that are\n  left when everything is taken away without which it goes wrong as well.\n\
         level: {level}\nrefs: [rfc6749-6]\n{expected}needs: [{}]\nprovider: {{ users: [ada, bob] }}\nsteps:\n{steps}",
        needs.join(", ")
    );
    (id, text)
}

fn needs(steps: &[String]) -> BTreeSet<&'static str> {
    let needed = NEEDS.iter().filter(|(word, _)| steps.iter().any(|step| step.contains(word)));
    needed.map(|(_, claim)| *claim).chain(["sign_in", "session.error"]).collect()
}

/// FNV-1a: the same file name on every machine.
fn hash(steps: &[String]) -> u32 {
    let bytes = steps.iter().flat_map(|step| step.bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
