//! A finding as a scenario file that `regrant run` replays against any target.

use std::collections::BTreeSet;

use crate::check::Check;
use crate::fuzz::finding::Size;
use crate::fuzz::rule::Rule;
use crate::scenario::model::Level;

/// What the steps of a finding ask of a target, by a word that stands in them.
const NEEDS: [(&str, &str); 12] = [
    ("api:", "refresh.on_api"),
    ("sign_out:", "sign_out"),
    ("kind: tab", "actors.tab"),
    ("kind: fork", "actors.fork"),
    ("together:", "session.concurrent"),
    ("deliver:", "session.delivery"),
    ("lose_chunk:", "session.chunks"),
    ("cancel:", "session.cancel"),
    ("clock:", "clock.set"),
    ("restart:", "restart"),
    ("session:", "refresh.on_session"),
    ("to: jwks", "id_token"),
];

/// Where the finding came from.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) target: String,
    pub(super) seed: u64,
    pub(super) case: usize,
    pub(super) moves: usize,
    pub(super) reproduced: (u32, u32),
    pub(super) size: Size,
}

/// The id of the scenario and its text.
pub(super) fn scenario(
    rule: &Rule,
    check: Option<&Check>,
    steps: &[String],
    facts: &[&str],
    origin: &Origin,
) -> (String, String) {
    let id = format!("found/{}-{:08x}", rule.name(), hash(steps));
    let level = match rule.level() {
        Level::Must => "must",
        Level::Should => "should",
        Level::May => "may",
    };
    // What every case is held to is named by a tag, which tells the linter that something is expected.
    let expected = match rule {
        Rule::Always(invariant) => format!("always: [{}]\n", invariant.name()),
        Rule::Every(name) => format!("tags: [{name}]\n"),
        Rule::DoesNotCrash | Rule::SpeaksTheProtocol => "tags: [answers-in-time]\n".to_owned(),
    };
    let needs: Vec<&str> = needs(steps).into_iter().collect();
    let Origin { target, seed, case, moves, reproduced: (again, tries), .. } = origin;
    let steps: String = steps.iter().map(|step| format!("  - {step}\n")).collect();
    let text = format!(
        "# Found by `regrant fuzz --seed {seed}` against {target}: case {case}, {moves} moves. Seen again {again} times of {tries}.\n\
         regrant: 1\nid: {id}\ntitle: '{}'\nwhy: >\n{}level: {level}\nrefs: [rfc6749-6]\n{expected}needs: [{}]\nprovider: {{ users: [ada, bob] }}\nsteps:\n{steps}",
        quoted(rule.says()),
        why(rule, check, facts, origin),
        needs.join(", ")
    );
    (id, text)
}

/// Single quotes are doubled inside single quotes (YAML 1.2 section 7.3.2).
fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}

fn why(rule: &Rule, check: Option<&Check>, facts: &[&str], origin: &Origin) -> String {
    let detail = check.and_then(|check| check.detail.as_ref());
    let seen = detail
        .map(|detail| format!("Expected was {}; what came was {}.", one_line(&detail.expected), one_line(&detail.got)));
    let size = match origin.size {
        Size::Smallest => "Without any one of these steps nothing goes wrong.",
        Size::TimeWasUp => "There was no time to find out whether each of these steps is needed.",
        Size::ByVotes => "It does not go wrong every time, so fewer steps may do.",
    };
    let matters = (!facts.is_empty()).then(|| format!("It also matters {}.", facts.join(", ")));
    let lines = seen.into_iter().chain([size.to_owned()]).chain(matters).chain([format!("Source: {}.", rule.source())]);
    lines.map(|line| format!("  {line}\n")).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn needs(steps: &[String]) -> BTreeSet<&'static str> {
    let needed = NEEDS.iter().filter(|(word, _)| steps.iter().any(|step| step.contains(word)));
    needed.map(|(_, claim)| *claim).chain(["sign_in"]).collect()
}

/// FNV-1a: the same name on every machine.
fn hash(steps: &[String]) -> u32 {
    let bytes = steps.iter().flat_map(|step| step.bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
