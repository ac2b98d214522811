//! Judges what reached the provider.

use mock_provider::{ClientAuth, Delivery, Endpoint, Entry, GrantType, Label, Sequence, TokenKind};

use crate::check::{Check, Detail};
use crate::history::History;
use crate::judge::leaf_check;
use crate::scenario::expect::{Exchange, Wire};
use crate::scenario::matcher::Leaf;
use crate::scenario::model::Level;

/// Requests that are tolerated anywhere: they read, and OpenID Connect leaves it to the client when (Core sections 5.3, 10.1.1).
const TOLERATED: [Endpoint; 4] = [Endpoint::Discovery, Endpoint::Jwks, Endpoint::Certs, Endpoint::Userinfo];

/// The requests of a time.
fn within(history: &History, (from, to): (Sequence, Sequence)) -> Vec<&Entry> {
    history.journal.iter().filter(|entry| (from..to).contains(&entry.sequence)).collect()
}

/// What is to be said of the requests of a time: one check for all of them, and one for each value that has a level or a name
/// of its own.
pub(super) fn checks(
    wire: &Wire,
    history: &History,
    window: (Sequence, Sequence),
    step: &str,
    level: Level,
) -> Vec<Check> {
    let all = within(history, window);
    let came: Vec<&Entry> = all.iter().copied().filter(|entry| !TOLERATED.contains(&entry.endpoint)).collect();
    let id = format!("{step}.wire");
    match wire {
        Wire::Nothing => vec![Check::of(id, level, (!came.is_empty()).then(|| Detail::new("no request", list(&came))))],
        Wire::Exactly(wanted) => {
            let own = wanted.iter().zip(&came).flat_map(|(wanted, entry)| own_checks(&id, level, wanted, entry));
            let own: Vec<Check> = own.collect();
            std::iter::once(Check::of(id, level, exactly(wanted, &came))).chain(own).collect()
        }
        Wire::Count(count) => {
            let of_kind: Vec<&Entry> = all.into_iter().filter(|entry| fits(&count.count, entry)).collect();
            let complaint = (!count.is.matches(Some(&of_kind.len().to_string()))).then(|| {
                Detail::new(
                    format!("{} requests ({})", count.is, kind(&count.count)),
                    format!("{}: {}", of_kind.len(), list(&of_kind)),
                )
            });
            vec![Check::of(count.check.clone().unwrap_or(id), count.level.unwrap_or(level), complaint)]
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

/// One value of a request, and what is wanted of it.
struct Value<'a> {
    name: String,
    wanted: &'a Leaf,
    got: Option<String>,
}

impl Value<'_> {
    fn fits(&self) -> bool {
        self.wanted.is.matches(self.got.as_deref())
    }

    const fn has_own_check(&self) -> bool {
        self.wanted.level.is_some() || self.wanted.check.is_some()
    }

    fn mismatch(&self) -> String {
        format!("{}: expected {}, got {}", self.name, self.wanted.is, self.got.as_deref().unwrap_or("nothing"))
    }
}

/// The values of a request of which something is wanted.
fn values<'a>(wanted: &'a Exchange, entry: &Entry) -> Vec<Value<'a>> {
    let owned = |text: &str| Some(text.to_owned());
    let presented = entry.presented.map(|label| label.to_string()).or_else(|| unknown_token(entry));
    let named = [
        ("token", &wanted.token, presented),
        ("got", &wanted.got, Some(got(entry))),
        ("client_auth", &wanted.client_auth, owned(auth(entry.client_auth))),
        ("method", &wanted.method, owned(&entry.method)),
        ("content_type", &wanted.content_type, entry.content_type.clone()),
        ("bearer", &wanted.bearer, entry.bearer.clone()),
        ("cookies", &wanted.cookies, owned(if entry.cookies { "true" } else { "false" })),
        ("repeated", &wanted.repeated, Some(entry.repeated.len().to_string())),
    ];
    let named = named
        .into_iter()
        .filter_map(|(name, wanted, got)| wanted.as_ref().map(|wanted| Value { name: name.to_owned(), wanted, got }));
    let param = |(name, wanted): (&String, &'a Leaf)| {
        let got = entry.params.get(name.as_str()).map(|value| value.as_ref().to_owned());
        Value { name: format!("params.{name}"), wanted, got }
    };
    named.chain(wanted.params.iter().map(param)).collect()
}

/// What makes a request another one than the one that was wanted.
fn otherness(wanted: &Exchange, entry: &Entry) -> Option<String> {
    if wanted.to != entry.endpoint {
        return Some(format!("to: expected {}, got {}", word(&wanted.to), word(&entry.endpoint)));
    }
    let grant = entry.params.get("grant_type").and_then(|name| GrantType::named(name));
    (wanted.grant.is_some() && wanted.grant != grant).then(|| {
        let expected = wanted.grant.map_or_else(String::new, |grant| word(&grant));
        format!("grant: expected {expected}, got {}", entry.params.get("grant_type").map_or("none", AsRef::as_ref))
    })
}

/// Everything in which an entry differs from what was wanted, but for values with a check of their own.
fn mismatches(wanted: &Exchange, entry: &Entry) -> Vec<String> {
    if let Some(other) = otherness(wanted, entry) {
        return vec![other];
    }
    let values = values(wanted, entry).into_iter().filter(|value| !value.has_own_check() && !value.fits());
    values.map(|value| value.mismatch()).chain(wrong_mints(wanted, entry)).collect()
}

fn wrong_mints(wanted: &Exchange, entry: &Entry) -> Option<String> {
    let mints = wanted.mints.as_ref().filter(|mints| **mints != minted(entry))?;
    Some(format!("mints: expected {}, got {}", labels(mints), labels(&minted(entry))))
}

/// Whether a request is one of those that are counted: whatever the levels.
fn fits(wanted: &Exchange, entry: &Entry) -> bool {
    otherness(wanted, entry).is_none()
        && values(wanted, entry).iter().all(Value::fits)
        && wrong_mints(wanted, entry).is_none()
}

/// The checks of values that have a level or a name of their own.
fn own_checks(id: &str, level: Level, wanted: &Exchange, entry: &Entry) -> Vec<Check> {
    if otherness(wanted, entry).is_some() {
        return vec![];
    }
    let own = values(wanted, entry).into_iter().filter(Value::has_own_check);
    own.map(|value| leaf_check(format!("{id}.{}", value.name), level, value.wanted, value.got.as_deref())).collect()
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
