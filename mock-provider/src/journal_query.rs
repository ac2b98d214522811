//! Questions to the journal: which requests, how many, in which order, ever two at once.

use serde::{Deserialize, Serialize};

use crate::endpoint::{Endpoint, GrantType};
use crate::journal::{Delivery, Entry, Sequence};
use crate::label::Label;

/// Which requests are meant; whatever is absent is not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct JournalFilter {
    /// From this number on.
    pub since: Option<Sequence>,
    /// To this endpoint.
    pub endpoint: Option<Endpoint>,
    /// With this grant type.
    pub grant: Option<GrantType>,
    /// For this client, by id.
    pub client: Option<String>,
    /// For this user, by subject or e-mail address.
    pub user: Option<String>,
    /// Presenting this token.
    pub token: Option<Label>,
    /// Answered with this OAuth error.
    pub error: Option<String>,
    /// Answered with this HTTP status.
    pub status: Option<u16>,
    /// Whose answer came to this end.
    pub delivery: Option<Delivery>,
}

impl JournalFilter {
    /// Whether a request is meant.
    pub fn fits(&self, entry: &Entry) -> bool {
        let grant = || entry.params.get("grant_type").and_then(|value| GrantType::named(value));
        self.since.is_none_or(|since| entry.sequence >= since)
            && self.endpoint.is_none_or(|endpoint| entry.endpoint == endpoint)
            && (self.grant.is_none() || self.grant == grant())
            && (self.client.is_none() || self.client == entry.client)
            && (self.user.is_none() || self.user == entry.user)
            && (self.token.is_none() || self.token == entry.presented)
            && (self.error.is_none() || self.error == entry.error)
            && (self.status.is_none() || self.status == entry.status)
            && self.delivery.is_none_or(|delivery| entry.delivery == delivery)
    }
}

/// What is claimed of the requests that a filter means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Assertion {
    /// The requests.
    pub of: JournalFilter,
    /// There are so many.
    pub exactly: Option<usize>,
    /// There are at least so many.
    pub at_least: Option<usize>,
    /// There are at most so many.
    pub at_most: Option<usize>,
    /// Among them there is one for each of these, one after the other in order of arrival.
    pub in_order: Vec<JournalFilter>,
    /// No two of them were being answered at the same time.
    pub never_overlapped: Option<bool>,
    /// None of them had a secret in its URL.
    pub no_secret_in_url: Option<bool>,
}

/// Whether an assertion holds, and why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AssertionResult {
    /// Whether it holds.
    pub holds: bool,
    /// What does not hold, one sentence each.
    pub broken: Vec<String>,
    /// The numbers of the requests that were meant.
    pub entries: Vec<Sequence>,
}

impl Assertion {
    /// Judges the requests of a journal.
    pub fn judge(&self, journal: &[Entry], dropped: u64) -> AssertionResult {
        let meant: Vec<&Entry> = journal.iter().filter(|entry| self.of.fits(entry)).collect();
        let checks = [
            self.not_all_known(dropped),
            self.says_nothing(meant.len()),
            self.wrong_count(meant.len()),
            self.missing_in_order(&meant),
            self.never_overlapped.filter(|wanted| *wanted).and_then(|_| overlap(&meant)),
            self.no_secret_in_url.filter(|wanted| *wanted).and_then(|_| secret_in_url(&meant)),
        ];
        let broken: Vec<String> = checks.into_iter().flatten().collect();
        AssertionResult {
            holds: broken.is_empty(),
            broken,
            entries: meant.iter().map(|entry| entry.sequence).collect(),
        }
    }

    fn wrong_count(&self, count: usize) -> Option<String> {
        let wrong = |wanted: Option<usize>, word: &str, fine: fn(usize, usize) -> bool| {
            wanted
                .filter(|wanted| !fine(count, *wanted))
                .map(|wanted| format!("expected {word} {wanted}, found {count}"))
        };
        wrong(self.exactly, "exactly", |count, wanted| count == wanted)
            .or_else(|| wrong(self.at_least, "at least", |count, wanted| count >= wanted))
            .or_else(|| wrong(self.at_most, "at most", |count, wanted| count <= wanted))
    }

    /// A claim about requests that have fallen out of the journal cannot be judged.
    fn not_all_known(&self, dropped: u64) -> Option<String> {
        let lost = dropped.saturating_sub(self.of.since.map_or(0, |since| since.saturating_sub(1)));
        (lost > 0).then(|| format!("{lost} requests have fallen out of the journal; give `since`, or a larger journal"))
    }

    /// A claim about no request holds of anything: a misspelt filter would go unnoticed.
    fn says_nothing(&self, meant: usize) -> Option<String> {
        let counts = [self.exactly, self.at_least, self.at_most];
        let counted = counts.iter().any(Option::is_some) || !self.in_order.is_empty();
        (meant == 0 && !counted).then(|| "no request is meant; say `exactly: 0` if none is expected".to_owned())
    }

    fn missing_in_order(&self, meant: &[&Entry]) -> Option<String> {
        let mut rest = meant.iter();
        let missing = self.in_order.iter().position(|wanted| !rest.any(|entry| wanted.fits(entry)))?;
        Some(format!("nothing fits in_order[{missing}] after what fits those before it"))
    }
}

fn overlap(meant: &[&Entry]) -> Option<String> {
    meant.windows(2).find_map(|pair| {
        let (first, second) = (pair[0], pair[1]);
        let apart = first.ended_tick.is_some_and(|end| end < second.began_tick);
        (!apart).then(|| format!("request {} came before request {} had its answer", second.sequence, first.sequence))
    })
}

fn secret_in_url(meant: &[&Entry]) -> Option<String> {
    let bad = meant.iter().find(|entry| !entry.secrets_in_url.is_empty())?;
    Some(format!("request {} has {} in its URL", bad.sequence, bad.secrets_in_url.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tests::entry;

    fn journal() -> Vec<Entry> {
        let mut entries: Vec<Entry> = (1..=3).map(entry).collect();
        for (entry, ticks) in entries.iter_mut().zip([(1, 3), (2, 4), (5, 6)]) {
            (entry.began_tick, entry.ended_tick) = (ticks.0, Some(ticks.1));
        }
        entries[2].endpoint = Endpoint::Revoke;
        entries
    }

    fn broken(assertion: serde_json::Value) -> Vec<String> {
        serde_json::from_value::<Assertion>(assertion).unwrap().judge(&journal(), 0).broken
    }

    #[test]
    fn counts_hold_or_say_what_was_found() {
        let token = serde_json::json!({"endpoint": "token"});
        assert!(broken(serde_json::json!({"of": token, "exactly": 2, "at_least": 2, "at_most": 2})).is_empty());
        for (name, number) in [("exactly", 3), ("at_least", 3), ("at_most", 1)] {
            let broken = broken(serde_json::json!({"of": token, name: number}));
            assert!(broken[0].contains("found 2"), "{name}: {broken:?}");
        }
    }

    #[test]
    fn order_is_the_order_of_arrival() {
        let (token, revoke) = (serde_json::json!({"endpoint": "token"}), serde_json::json!({"endpoint": "revoke"}));
        assert!(broken(serde_json::json!({"in_order": [token, token, revoke]})).is_empty());
        assert!(broken(serde_json::json!({"in_order": [revoke, token]}))[0].contains("in_order[1]"));
    }

    #[test]
    fn what_cannot_be_judged_does_not_hold() {
        let nobody = serde_json::json!({"of": {"client": "nobody"}, "never_overlapped": true});
        assert!(broken(nobody)[0].contains("no request is meant"));
        let all = Assertion { at_most: Some(9), ..Assertion::default() };
        assert!(all.judge(&journal(), 5).broken[0].contains("5 requests have fallen out"));
    }

    #[test]
    fn overlap_and_secrets_are_found() {
        assert!(broken(serde_json::json!({"never_overlapped": true}))[0].contains("request 2 came before"));
        let apart = serde_json::json!({"of": {"since": 2}, "never_overlapped": true, "no_secret_in_url": true});
        assert!(broken(apart).is_empty());
        let mut entries = journal();
        entries[0].secrets_in_url = vec!["token".into()];
        let assertion = Assertion { no_secret_in_url: Some(true), ..Assertion::default() };
        assert_eq!(assertion.judge(&entries, 0).broken, ["request 1 has token in its URL"]);
    }
}
