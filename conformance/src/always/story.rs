//! A history read from its beginning: who is signed in as whom, with which grant, and how certain that is.

use std::collections::BTreeMap;

use adapter_protocol::{JarKind, Keep};
use mock_provider::{Delivery, Endpoint, Entry, Label, Timestamp, TokenKind};

use crate::history::{Deed, History, RecordKind, Seen, StepRecord};

/// A chain of refresh tokens that began with one sign-in.
pub(super) type Grant = usize;

/// How much can be said of a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trust {
    /// It may hold anything.
    Nothing,
    /// Who it is, but not which tokens it has.
    User,
    /// Everything.
    All,
}

/// What a browser's session ought to be.
#[derive(Clone, Debug)]
pub(super) struct Jar {
    pub(super) trust: Trust,
    /// Who has signed in; nobody, after signing out.
    pub(super) user: Option<String>,
    pub(super) grant: Option<Grant>,
    /// When it was last known to be alive.
    pub(super) alive: Timestamp,
}

/// A step, with what was known before it.
#[derive(Debug)]
pub(super) struct Chapter<'a> {
    pub(super) record: &'a StepRecord,
    /// The requests since the step before.
    pub(super) entries: Vec<&'a Entry>,
    /// The browsers by actor.
    jars: BTreeMap<String, Jar>,
    /// Whether both clocks have gone forward only, and together.
    pub(super) clocks_agree: bool,
}

/// A history, chapter by chapter.
#[derive(Debug)]
pub struct Story<'a> {
    pub(super) history: &'a History,
    pub(super) chapters: Vec<Chapter<'a>>,
    grants: BTreeMap<Label, Grant>,
}

impl<'a> Story<'a> {
    /// Reads a history.
    pub fn of(history: &'a History) -> Self {
        let grants = grants(&history.journal);
        let mut telling = Telling { grants: &grants, jars: BTreeMap::new(), tabs: BTreeMap::new(), clocks_agree: true };
        let mut chapters: Vec<Chapter<'a>> = vec![];
        let mut before = history.start;
        for record in &history.steps {
            telling.clocks_agree &= record.at >= before && record.deed != Deed::ClientClock;
            before = record.at;
            let entries = within(&history.journal, record.wire);
            let chapter = Chapter { record, entries, jars: telling.seen(), clocks_agree: telling.clocks_agree };
            telling.goes_on(&chapter);
            chapters.push(chapter);
        }
        Self { history, chapters, grants }
    }

    /// The grant that a token belongs to.
    pub(super) fn grant_of(&self, label: Label) -> Option<Grant> {
        self.grants.get(&label).copied()
    }

    /// The requests for a refresh of a grant that had come to their end when a chapter did, in the order in which they took effect.
    pub(super) fn refreshes_until(&self, chapter: &Chapter<'_>, grant: Grant) -> Vec<&'a Entry> {
        let until = chapter.record.wire.1;
        let of_grant =
            |entry: &&Entry| is_refresh(entry) && entry.presented.and_then(|label| self.grant_of(label)) == Some(grant);
        let mut found: Vec<&Entry> =
            self.history.journal.iter().filter(|entry| entry.sequence < until).filter(of_grant).collect();
        found.sort_by_key(|entry| entry.decided_tick);
        found
    }

    /// The step in whose time a request came.
    pub(super) fn chapter_of(&self, entry: &Entry) -> Option<&Chapter<'a>> {
        let came = |chapter: &&Chapter<'_>| (chapter.record.wire.0..chapter.record.wire.1).contains(&entry.sequence);
        self.chapters.iter().filter(|chapter| chapter.record.kind == RecordKind::Asked).find(came)
    }
}

impl Chapter<'_> {
    /// The browser of an actor before the step, if it is trusted that far.
    pub(super) fn jar(&self, actor: &str, trust: Trust) -> Option<&Jar> {
        self.jars.get(actor).filter(|jar| jar.trust >= trust)
    }

    /// Whether every browser with a grant is one of which everything is known.
    pub(super) fn all_known(&self, grant: Grant) -> bool {
        self.jars
            .values()
            .all(|jar| jar.trust > Trust::Nothing && (jar.grant != Some(grant) || jar.trust == Trust::All))
    }

    /// Whose session was read, alone and not among others.
    pub(super) fn reader(&self) -> Option<&str> {
        match &self.record.deed {
            Deed::Read { actor } | Deed::Api { actor } if self.record.kind == RecordKind::Asked => Some(actor),
            _ => None,
        }
    }

    /// The last that was seen.
    pub(super) fn seen(&self) -> Option<&Seen> {
        self.record.observations.last().map(|observation| &observation.seen)
    }
}

/// A request for a refresh.
pub(super) fn is_refresh(entry: &Entry) -> bool {
    entry.endpoint == Endpoint::Token && entry.params.get("grant_type").is_some_and(|grant| grant == "refresh_token")
}

/// Whether a request got what the provider had to say, and that was good.
pub(super) fn is_honest_success(entry: &Entry) -> bool {
    entry.status == Some(200) && !entry.scripted && entry.delivery == Delivery::Delivered
}

/// The successor that a good answer brought.
pub(super) fn successor(entry: &Entry) -> Option<Label> {
    entry.minted.iter().find(|label| label.kind == TokenKind::Refresh).copied()
}

fn within(journal: &[Entry], (from, to): (u64, u64)) -> Vec<&Entry> {
    journal.iter().filter(|entry| (from..to).contains(&entry.sequence)).collect()
}

fn grants(journal: &[Entry]) -> BTreeMap<Label, Grant> {
    let mut grants: BTreeMap<Label, Grant> = BTreeMap::new();
    let mut decided: Vec<&Entry> = journal.iter().collect();
    decided.sort_by_key(|entry| entry.decided_tick);
    for (number, entry) in decided.into_iter().enumerate() {
        let known = entry.presented.and_then(|label| grants.get(&label).copied());
        let grant = known.unwrap_or(number);
        grants.extend(entry.minted.iter().map(|label| (*label, grant)));
    }
    grants
}

/// What is known while the story is told.
struct Telling<'a> {
    grants: &'a BTreeMap<Label, Grant>,
    /// The browsers, by their first actor.
    jars: BTreeMap<String, Jar>,
    /// Tabs, and the first actor of their browser.
    tabs: BTreeMap<String, String>,
    clocks_agree: bool,
}

impl Telling<'_> {
    fn seen(&self) -> BTreeMap<String, Jar> {
        let tabs = self.tabs.iter().filter_map(|(tab, first)| Some((tab.clone(), self.jars.get(first)?.clone())));
        self.jars.clone().into_iter().chain(tabs).collect()
    }

    fn browser(&self, actor: &str) -> String {
        self.tabs.get(actor).map_or_else(|| actor.to_owned(), Clone::clone)
    }

    fn goes_on(&mut self, chapter: &Chapter<'_>) {
        let record = chapter.record;
        match (&record.deed, record.kind) {
            (Deed::SignIn { actor, user }, RecordKind::Asked) => self.signed_in(chapter, actor, user),
            (Deed::SignOut { actor }, RecordKind::Asked) => self.signed_out(chapter, actor),
            // Who comes first among steps at once is open.
            (Deed::SignIn { actor, .. } | Deed::SignOut { actor }, _) => {
                self.doubt(&self.browser(actor), Trust::Nothing)
            }
            (Deed::Second { of, actor, kind }, _) => self.second(of, actor, *kind),
            (Deed::Restart { keep: Keep::Nothing }, _) => self.doubt_all(Trust::Nothing),
            (Deed::Disturbed, _) => self.doubt_all(Trust::User),
            (Deed::Read { actor } | Deed::Api { actor }, _) => self.was_read(chapter, actor),
            (Deed::Restart { keep: Keep::Store } | Deed::Group | Deed::Clock | Deed::ClientClock | Deed::Other, _) => {}
        }
    }

    fn signed_in(&mut self, chapter: &Chapter<'_>, actor: &str, user: &str) {
        let browser = self.browser(actor);
        let exchange = chapter.entries.iter().find(|entry| is_exchange(entry) && is_honest_success(entry));
        let grant = exchange.and_then(|entry| successor(entry)).and_then(|label| self.grants.get(&label).copied());
        let seen = chapter.seen().and_then(Seen::session).is_some();
        let trust = match (exchange, seen) {
            (Some(_), true) => Trust::All,
            _ => Trust::Nothing,
        };
        self.jars.insert(browser, Jar { trust, user: Some(user.to_owned()), grant, alive: chapter.record.at });
    }

    fn signed_out(&mut self, chapter: &Chapter<'_>, actor: &str) {
        let browser = self.browser(actor);
        let done = matches!(chapter.seen(), Some(Seen::Session(_) | Seen::Done));
        let trust = if done { Trust::All } else { Trust::Nothing };
        self.jars.insert(browser, Jar { trust, user: None, grant: None, alive: chapter.record.at });
    }

    fn second(&mut self, of: &str, actor: &str, kind: JarKind) {
        let browser = self.browser(of);
        match kind {
            JarKind::Tab => drop(self.tabs.insert(actor.to_owned(), browser)),
            JarKind::Fork => {
                // Two copies of one session: each may use up what the other has.
                self.doubt(&browser, Trust::User);
                self.tabs.remove(actor);
                self.jars
                    .get(&browser)
                    .cloned()
                    .into_iter()
                    .for_each(|jar| drop(self.jars.insert(actor.to_owned(), jar)));
            }
        }
    }

    fn was_read(&mut self, chapter: &Chapter<'_>, actor: &str) {
        let browser = self.browser(actor);
        let active = chapter.seen().and_then(Seen::session).is_some_and(|session| session.state == "active");
        if let Some(jar) = self.jars.get_mut(&browser).filter(|_| active) {
            jar.alive = chapter.record.at;
        }
    }

    fn doubt(&mut self, browser: &str, trust: Trust) {
        self.jars.get_mut(browser).into_iter().for_each(|jar| jar.trust = jar.trust.min(trust));
    }

    fn doubt_all(&mut self, trust: Trust) {
        self.jars.values_mut().for_each(|jar| jar.trust = jar.trust.min(trust));
    }
}

fn is_exchange(entry: &Entry) -> bool {
    entry.endpoint == Endpoint::Token
        && entry.params.get("grant_type").is_some_and(|grant| grant == "authorization_code")
}
