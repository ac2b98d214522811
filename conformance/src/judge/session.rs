//! Judges what a session showed.

use std::collections::BTreeSet;

use adapter_protocol::Capability;

use crate::check::{Check, Detail, Verdict};
use crate::history::SessionSeen;
use crate::judge::leaf_check;
use crate::scenario::expect::{Alternative, Grade, SessionExpect};
use crate::scenario::matcher::Leaf;
use crate::scenario::model::Level;

/// The four things that a session shows, by name.
type Fields<'a> = [(&'static str, Option<&'a Leaf>); 4];

fn value<'a>(seen: Option<&'a SessionSeen>, field: &str) -> Option<&'a str> {
    let seen = seen?;
    match field {
        "state" => Some(&seen.state),
        "subject" => seen.subject.as_deref(),
        "error" => seen.error.as_deref(),
        _ => seen.access_token.as_deref(),
    }
}

/// Whether the target says which access token a session stands for. Where it does not, nothing is judged by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tokens {
    Shown,
    Hidden,
}

impl Tokens {
    pub(super) fn of(claims: &BTreeSet<Capability>) -> Self {
        if claims.contains(&Capability::SessionAccessToken) { Self::Shown } else { Self::Hidden }
    }

    fn judged(self, leaf: Option<&Leaf>) -> Option<&Leaf> {
        leaf.filter(|_| self == Self::Shown)
    }
}

fn own_fields(wanted: &SessionExpect, tokens: Tokens) -> Fields<'_> {
    let SessionExpect { state, subject, error, access_token, .. } = wanted;
    named([state, subject, error, access_token], tokens)
}

fn fields(wanted: &Alternative, tokens: Tokens) -> Fields<'_> {
    let Alternative { state, subject, error, access_token, .. } = wanted;
    named([state, subject, error, access_token], tokens)
}

fn named([state, subject, error, access_token]: [&Option<Leaf>; 4], tokens: Tokens) -> Fields<'_> {
    [
        ("state", state.as_ref()),
        ("subject", subject.as_ref()),
        ("error", error.as_ref()),
        ("access_token", tokens.judged(access_token.as_ref())),
    ]
}

fn fits(fields: Fields<'_>, seen: Option<&SessionSeen>) -> bool {
    seen.is_some() && fields.iter().all(|(name, leaf)| leaf.is_none_or(|leaf| leaf.is.matches(value(seen, name))))
}

fn words(fields: Fields<'_>) -> String {
    let words = fields.iter().filter_map(|(name, leaf)| leaf.map(|leaf| format!("{name} {}", leaf.is)));
    words.collect::<Vec<_>>().join(", ")
}

fn shown(seen: Option<&SessionSeen>) -> String {
    seen.map_or_else(|| "no session was shown".to_owned(), SessionSeen::words)
}

/// One check a value, or one for all alternatives together.
pub(super) fn checks(
    wanted: &SessionExpect,
    seen: Option<&SessionSeen>,
    step: &str,
    level: Level,
    tokens: Tokens,
) -> Vec<Check> {
    let level = wanted.level.unwrap_or(level);
    if let Some(alternatives) = &wanted.any_of {
        return vec![alternative(alternatives, seen, format!("{step}.session"), level, tokens)];
    }
    let leaf = |(name, leaf): (&str, Option<&Leaf>)| {
        leaf.map(|leaf| leaf_check(format!("{step}.session.{name}"), level, leaf, value(seen, name)))
    };
    own_fields(wanted, tokens).into_iter().filter_map(leaf).collect()
}

fn alternative(
    alternatives: &[Alternative],
    seen: Option<&SessionSeen>,
    id: String,
    level: Level,
    tokens: Tokens,
) -> Check {
    let expected = || {
        let good = alternatives.iter().filter(|alternative| alternative.grade != Grade::Fail);
        good.map(|alternative| words(fields(alternative, tokens))).collect::<Vec<_>>().join("; or ")
    };
    let Some(first) = alternatives.iter().find(|alternative| fits(fields(alternative, tokens), seen)) else {
        return Check::missed(id, level, Detail::new(expected(), shown(seen)));
    };
    let detail = || Detail { because: first.because.clone(), ..Detail::new(expected(), shown(seen)) };
    match first.grade {
        Grade::Pass => Check::passed(id, level),
        Grade::Warn => Check { id, level, verdict: Verdict::Warn, detail: Some(detail()) },
        Grade::Fail => Check::missed(id, level, detail()),
    }
}

/// Any of several named expectations.
pub(super) fn any_outcome<'a>(
    wanted: impl Iterator<Item = &'a SessionExpect>,
    seen: Option<&SessionSeen>,
    step: &str,
    level: Level,
    tokens: Tokens,
) -> Check {
    let id = format!("{step}.outcome");
    let mut best: Option<Check> = None;
    let mut expected = vec![];
    for outcome in wanted {
        let all = checks(outcome, seen, step, level, tokens);
        let missed = all.iter().max_by_key(|check| check.verdict).filter(|check| check.verdict > Verdict::Pass);
        let Some(missed) = missed else { return Check::passed(id, level) };
        expected.push(match &outcome.any_of {
            Some(alternatives) => alternatives
                .iter()
                .map(|alternative| words(fields(alternative, tokens)))
                .collect::<Vec<_>>()
                .join("; or "),
            None => words(own_fields(outcome, tokens)),
        });
        if best.as_ref().is_none_or(|best| missed.verdict < best.verdict) {
            best = Some(missed.clone());
        }
    }
    let verdict = best.as_ref().map_or(Verdict::Pass, |best| best.verdict);
    let because = best.and_then(|best| best.detail).and_then(|detail| detail.because);
    let detail = Detail { because, ..Detail::new(expected.join("; or "), shown(seen)) };
    Check { verdict, ..Check::missed(id, level, detail) }
}
