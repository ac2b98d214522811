//! Judges what reached the provider.

use mock_provider::{ClientAuth, Delivery, Endpoint, Entry, GrantType, Label, Sequence, TokenKind};

use crate::check::{Check, Detail};
use crate::history::History;
use crate::scenario::expect::{Exchange, Wire};
use crate::scenario::matcher::Leaf;
use crate::scenario::model::Level;

/// Requests that are tolerated anywhere.
const TOLERATED: [Endpoint; 3] = [Endpoint::Discovery, Endpoint::Jwks, Endpoint::Certs];

/// The requests of a time.
fn within(history: &History, (from, to): (Sequence, Sequence)) -> Vec<&Entry> {
    history.journal.iter().filter(|entry| (from..to).contains(&entry.sequence)).collect()
}

pub(super) fn check(wire: &Wire, history: &History, window: (Sequence, Sequence), step: &str, level: Level) -> Check {
    let all = within(history, window);
    let came: Vec<&Entry> = all.iter().copied().filter(|entry| !TOLERATED.contains(&entry.endpoint)).collect();
    let id = format!("{step}.wire");
    match wire {
        Wire::Nothing => Check::of(id, level, (!came.is_empty()).then(|| Detail::new("no request", list(&came)))),
        Wire::Exactly(wanted) => Check::of(id, level, exactly(wanted, &came)),
        Wire::Count(count) => {
            let of_kind: Vec<&Entry> =
                all.into_iter().filter(|entry| mismatches(&count.count, entry).is_empty()).collect();
            let fits = count.is.matches(Some(&of_kind.len().to_string()));
            let complaint = (!fits).then(|| {
                Detail::new(
                    format!("{} requests ({})", count.is, kind(&count.count)),
                    format!("{}: {}", of_kind.len(), list(&of_kind)),
                )
            });
            Check::of(count.check.clone().unwrap_or(id), count.level.unwrap_or(level), complaint)
        }
    }
}

fn exactly(wanted: &[Exchange], came: &[&Entry]) -> Option<Detail> {
    let wrong = wanted.iter().zip(came).enumerate().flat_map(|(index, (wanted, entry))| {
        mismatches(wanted, entry).into_iter().map(move |mismatch| format!("request {}: {mismatch}", index + 1))
    });
    let mut wrong: Vec<String> = wrong.collect();
    wrong.extend(wanted.iter().skip(came.len()).map(|missing| format!("missing: {}", kind(missing))));
    wrong.extend(came.iter().skip(wanted.len()).map(|extra| format!("one too many: {}", words(extra))));
    if wrong.is_empty() {
        return None;
    }
    let expected: Vec<String> = wanted.iter().map(kind).collect();
    let expected = if expected.is_empty() { "no request".to_owned() } else { expected.join(", ") };
    Some(Detail::new(expected, wrong.join("; ")))
}

/// Everything in which an entry differs from what was wanted.
fn mismatches(wanted: &Exchange, entry: &Entry) -> Vec<String> {
    let mut wrong = vec![];
    if wanted.to != entry.endpoint {
        return vec![format!("to: expected {}, got {}", word(&wanted.to), word(&entry.endpoint))];
    }
    let grant = entry.params.get("grant_type").and_then(|name| GrantType::named(name));
    if wanted.grant.is_some() && wanted.grant != grant {
        return vec![format!(
            "grant: expected {}, got {}",
            wanted.grant.map_or_else(String::new, |grant| word(&grant)),
            entry.params.get("grant_type").map_or("none", AsRef::as_ref)
        )];
    }
    let mut leaf = |name: &str, leaf: Option<&Leaf>, got: Option<&str>| {
        if let Some(leaf) = leaf.filter(|leaf| !leaf.is.matches(got)) {
            wrong.push(format!("{name}: expected {}, got {}", leaf.is, got.unwrap_or("nothing")));
        }
    };
    let presented = entry.presented.map(|label| label.to_string()).or_else(|| unknown_token(entry));
    leaf("token", wanted.token.as_ref(), presented.as_deref());
    leaf("got", wanted.got.as_ref(), Some(&got(entry)));
    leaf("client_auth", wanted.client_auth.as_ref(), Some(auth(entry.client_auth)));
    leaf("method", wanted.method.as_ref(), Some(&entry.method));
    leaf("content_type", wanted.content_type.as_ref(), entry.content_type.as_deref());
    leaf("bearer", wanted.bearer.as_ref(), entry.bearer.as_deref());
    leaf("cookies", wanted.cookies.as_ref(), Some(if entry.cookies { "true" } else { "false" }));
    leaf("repeated", wanted.repeated.as_ref(), Some(&entry.repeated.len().to_string()));
    for (name, wanted) in &wanted.params {
        leaf(&format!("params.{name}"), Some(wanted), entry.params.get(name.as_str()).map(AsRef::as_ref));
    }
    if let Some(mints) = wanted.mints.as_ref().filter(|mints| **mints != minted(entry)) {
        wrong.push(format!("mints: expected {}, got {}", labels(mints), labels(&minted(entry))));
    }
    wrong
}

/// A refresh token that the provider never minted.
fn unknown_token(entry: &Entry) -> Option<String> {
    entry.params.contains_key("refresh_token").then(|| "rt#?".to_owned())
}

fn minted(entry: &Entry) -> Vec<Label> {
    entry.minted.iter().filter(|label| label.kind != TokenKind::Id).copied().collect()
}

fn labels(labels: &[Label]) -> String {
    let words: Vec<String> = labels.iter().map(ToString::to_string).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(" ") }
}

fn got(entry: &Entry) -> String {
    match (entry.delivery, entry.status, &entry.error) {
        (Delivery::Pending, ..) => "nothing yet".to_owned(),
        (Delivery::Lost, ..) => "lost".to_owned(),
        (Delivery::Abandoned, ..) => "abandoned".to_owned(),
        (Delivery::Delivered, Some(status), Some(error)) if entry.endpoint != Endpoint::Authorize => {
            format!("{status} {error}")
        }
        (Delivery::Delivered, status, _) => status.map_or_else(String::new, |status| status.to_string()),
    }
}

const fn auth(auth: ClientAuth) -> &'static str {
    match auth {
        ClientAuth::None => "none",
        ClientAuth::Basic => "basic",
        ClientAuth::Post => "post",
        ClientAuth::Both => "both",
        ClientAuth::Malformed => "malformed",
    }
}

fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn kind(wanted: &Exchange) -> String {
    let grant = wanted.grant.map(|grant| format!(" {}", word(&grant))).unwrap_or_default();
    let token = wanted.token.as_ref().map(|token| format!(" with {}", token.is)).unwrap_or_default();
    let answer = wanted.got.as_ref().map(|got| format!(" -> {}", got.is)).unwrap_or_default();
    format!("{}{grant}{token}{answer}", word(&wanted.to))
}

/// A request and its answer in a few words, as timelines show them.
pub(crate) fn words(entry: &Entry) -> String {
    let grant = entry.params.get("grant_type").map(|grant| format!(" {grant}")).unwrap_or_default();
    let token = entry.presented.map(|label| format!(" {label}")).unwrap_or_default();
    let answer = if entry.scripted { format!("{} (scripted)", got(entry)) } else { got(entry) };
    let mints = minted(entry);
    let mints = if mints.is_empty() { String::new() } else { format!(" {}", labels(&mints)) };
    format!("{}{grant}{token} -> {answer}{mints}", word(&entry.endpoint))
}

fn list(entries: &[&Entry]) -> String {
    const MOST: usize = 4;
    let mut shown: Vec<String> = entries.iter().take(MOST).map(|entry| words(entry)).collect();
    if entries.len() > MOST {
        shown.push(format!("and {} more", entries.len() - MOST));
    }
    if shown.is_empty() { "none".to_owned() } else { shown.join("; ") }
}
