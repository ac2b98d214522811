//! Histories made by hand, step by step.

use std::time::Duration;

use adapter_protocol::Capability;
use mock_provider::{Counters, Entry, Timestamp, TokenKind};
use serde_json::{Value, json};

use crate::history::{Deed, History, Observation, RecordKind, Seen, SessionSeen, StepPath, StepRecord};

/// In milliseconds.
pub(super) const HOUR: i64 = 3_600_000;

/// A history in the making.
#[derive(Clone)]
pub(super) struct Tale {
    pub(super) history: History,
    now: i64,
    /// The next step's requests begin here.
    from: u64,
    /// Requests since the last `begin` belong to its group.
    group: Option<u64>,
}

impl Tale {
    pub(super) fn new() -> Self {
        let history = History {
            steps: vec![],
            journal: vec![],
            counters: Counters::default(),
            leaks: vec![],
            claims: Capability::ALL.into(),
            start: Timestamp::from_millis(0),
            expiries: [].into(),
            output: vec![],
            ended: None,
        };
        Self { history, now: 0, from: 1, group: None }
    }

    fn next(&self) -> u64 {
        self.history.journal.len() as u64 + 1
    }

    /// A request, with changes of what it usually is.
    fn request(mut self, usual: &Value, change: &Value) -> Self {
        let sequence = self.next();
        let mut entry = json!({
            "sequence": sequence, "began_tick": 3 * sequence, "decided_tick": 3 * sequence + 1, "ended_tick": 3 * sequence + 2,
            "arrived": self.now, "decided": self.now, "endpoint": "token", "method": "POST", "path": "/token",
            "content_type": null, "params": {}, "repeated": [], "secrets_in_url": [], "client_auth": "post", "bearer": null,
            "cookies": false, "client": null, "user": null, "presented": null, "parked": false, "status": 200, "error": null,
            "minted": [], "scripted": false, "delivery": "delivered",
        });
        for changes in [usual, change] {
            let members = changes.as_object().into_iter().flatten();
            members.for_each(|(name, value)| drop(entry.as_object_mut().unwrap().insert(name.clone(), value.clone())));
        }
        let entry: Entry = serde_json::from_value(entry).unwrap();
        let ends = entry.minted.iter().filter(|label| label.kind == TokenKind::Access);
        self.history.expiries.extend(ends.map(|label| (*label, Timestamp::from_millis(self.now + HOUR))));
        self.history.journal.push(entry);
        self
    }

    fn step(mut self, deed: Deed, kind: RecordKind, seen: Vec<(String, Seen)>) -> Self {
        let wire = match (&deed, kind) {
            (Deed::Group, _) => (self.group.take().unwrap_or(self.from), self.next()),
            (_, RecordKind::Asked) => (self.from, self.next()),
            _ => (self.next(), self.next()),
        };
        self.from = self.next();
        let number = self.history.steps.len();
        self.history.steps.push(StepRecord {
            path: StepPath { outer: number, inner: None },
            name: format!("step-{}", number + 1),
            deed,
            action: String::new(),
            at: Timestamp::from_millis(self.now),
            took: Duration::ZERO,
            observations: seen.into_iter().map(|(actor, seen)| Observation { actor, seen }).collect(),
            wire,
            during: wire,
            kind,
        });
        self
    }

    fn silent(self, deed: Deed) -> Self {
        self.step(deed, RecordKind::Silent, vec![])
    }

    pub(super) fn sign_in(self, user: &str, shows: &str) -> Self {
        self.sign_in_with(user, shows, &json!({"client_id": "c", "code_challenge": "present"}))
    }

    pub(super) fn sign_in_without(self, user: &str, parameter: &str) -> Self {
        let mut params = json!({"client_id": "c", "code_challenge": "present"});
        params.as_object_mut().unwrap().remove(parameter);
        self.sign_in_with(user, "u-ada at#1", &params)
    }

    fn sign_in_with(self, user: &str, shows: &str, params: &Value) -> Self {
        let families = self.history.journal.iter().flat_map(|entry| &entry.minted);
        let number = families.filter(|label| label.kind == TokenKind::Access).count() + 1;
        let exchange = json!({
            "params": {"grant_type": "authorization_code"}, "user": format!("u-{user}"),
            "minted": [format!("at#{number}"), format!("rt#{number}")],
        });
        let asked = self.request(&json!({"endpoint": "authorize", "path": "/authorize", "params": params}), &json!({}));
        let (actor, name) = (user.to_owned(), format!("u-{user}"));
        let deed = Deed::SignIn { actor: actor.clone(), user: name };
        asked.request(&exchange, &json!({})).step(deed, RecordKind::Asked, vec![(actor, seen(shows))])
    }

    /// A sign-in that the user declines.
    pub(super) fn denied(self, user: &str) -> Self {
        let params = json!({"client_id": "c", "code_challenge": "present"});
        let asked = self.request(&json!({"endpoint": "authorize", "path": "/authorize", "params": params}), &json!({}));
        let deed = Deed::SignIn { actor: user.to_owned(), user: format!("u-{user}") };
        asked.step(deed, RecordKind::Asked, vec![(user.to_owned(), seen("u-ada at#1"))])
    }

    /// A refresh that succeeds, but for the changes.
    pub(super) fn refresh(self, token: &str, change: &Value) -> Self {
        let usual = json!({
            "params": {"grant_type": "refresh_token", "refresh_token": token, "client_secret": "present"},
            "presented": token, "user": "u-ada", "minted": ["at#2"],
        });
        self.request(&usual, change)
    }

    pub(super) fn revoke(self, token: &str) -> Self {
        self.request(&json!({"endpoint": "revoke", "path": "/revoke", "presented": token}), &json!({}))
    }

    pub(super) fn resource(self, token: &str) -> Self {
        self.request(&json!({"endpoint": "resource", "path": "/resource", "bearer": token}), &json!({}))
    }

    pub(super) fn read(self, actor: &str, shows: &str) -> Self {
        self.step(Deed::Read { actor: actor.to_owned() }, RecordKind::Asked, vec![(actor.to_owned(), seen(shows))])
    }

    pub(super) fn api(self, actor: &str, shows: &str) -> Self {
        self.step(Deed::Api { actor: actor.to_owned() }, RecordKind::Asked, vec![(actor.to_owned(), seen(shows))])
    }

    pub(super) fn sign_out(self, actor: &str) -> Self {
        self.step(Deed::SignOut { actor: actor.to_owned() }, RecordKind::Asked, vec![(actor.to_owned(), Seen::Done)])
    }

    pub(super) fn sign_out_throws(self, actor: &str) -> Self {
        self.step(Deed::SignOut { actor: actor.to_owned() }, RecordKind::Asked, vec![(actor.to_owned(), seen("threw"))])
    }

    pub(super) fn begin(mut self) -> Self {
        self.group = Some(self.next());
        self.silent(Deed::Begun)
    }

    /// All of a group are back: readers of Ada's, and what each saw.
    pub(super) fn join(self, shown: &[&str]) -> Self {
        let seen = shown.iter().map(|shows| ("ada".to_owned(), seen(shows))).collect();
        self.step(Deed::Group, RecordKind::Asked, seen)
    }

    pub(super) fn clock(mut self, millis: i64) -> Self {
        self.now += millis;
        self.silent(Deed::Clock)
    }

    pub(super) fn client_clock(self) -> Self {
        self.silent(Deed::ClientClock)
    }

    pub(super) fn lost_chunk(self, actor: &str) -> Self {
        self.silent(Deed::LostChunk { actor: actor.to_owned() })
    }

    pub(super) fn disturbed(self) -> Self {
        self.silent(Deed::Disturbed)
    }
}

/// `u-ada at#1 error`, `out` or `threw`.
fn seen(text: &str) -> Seen {
    let words: Vec<&str> = text.split(' ').collect();
    if words == ["threw"] {
        return Seen::Threw("an error".to_owned());
    }
    if words == ["out"] {
        return Seen::Session(SessionSeen { state: "signed_out".to_owned(), ..SessionSeen::default() });
    }
    let find = |wanted: &str| words.iter().find(|word| word.starts_with(wanted)).map(|word| (*word).to_owned());
    Seen::Session(SessionSeen {
        state: "active".to_owned(),
        subject: find("u-"),
        error: find("error").map(|_| "RefreshTokenError".to_owned()),
        access_token: find("at#"),
    })
}
