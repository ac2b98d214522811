//! A history read from its beginning: who is signed in as whom, with which grant, and how certain that is.

use std::collections::BTreeMap;
use std::time::Duration;

use adapter_protocol::{Capability, JarKind, Keep};
use mock_provider::{Endpoint, Entry, Label, Timestamp};

use crate::always::answers::{is_exchange, is_good, is_honest, successor};
use crate::history::{Deed, History, RecordKind, Seen, SessionSeen, StepRecord, is_refresh};

/// A client that has just fetched the provider's keys need not fetch them again within this.
const COOL_DOWN: Duration = Duration::from_secs(60);

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

/// What happened to a browser's cookies of late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lately {
    /// One thing after the other.
    InTurn,
    /// A sign-in or a sign-out overtook a read that was under way.
    Overtaken,
    /// Another sign-in was begun, and the user said no.
    Denied,
}

/// What a browser's session ought to be.
#[derive(Clone, Debug)]
pub(super) struct Jar {
    pub(super) trust: Trust,
    /// Who has signed in; nobody, after signing out.
    pub(super) user: Option<String>,
    /// Whether the session named the user when it began.
    pub(super) named: bool,
    pub(super) grant: Option<Grant>,
    /// When it was last known to be alive.
    pub(super) alive: Timestamp,
    pub(super) lately: Lately,
}

/// How the two clocks have gone so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clocks {
    /// Forward only, and together.
    Forward,
    /// Together, and once back.
    WentBack,
    /// The application's alone was moved.
    Apart,
}

/// A step, with what was known before it.
#[derive(Debug)]
pub(super) struct Chapter<'a> {
    pub(super) record: &'a StepRecord,
    /// The requests since the step before.
    pub(super) entries: Vec<&'a Entry>,
    /// The browsers by actor.
    jars: BTreeMap<String, Jar>,
    pub(super) clocks: Clocks,
    pub(super) keys: Keys,
    /// Groups that had been begun and were not back: requests in this time may be theirs.
    under_way: usize,
}

/// Whether a client can have the provider's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// It has them, or may fetch them.
    Settled,
    /// They changed less than a minute ago, or could not be fetched: a client does not fetch them at every unknown key id,
    /// or anybody could make it flood the provider (`cooldownDuration` of jose is 30 seconds).
    JustChanged,
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
        let mut telling = Telling::new(&grants);
        let mut chapters: Vec<Chapter<'a>> = vec![];
        let mut before = history.start;
        for record in &history.steps {
            telling.clock(record, before);
            before = record.at;
            let entries = within(&history.journal, record.wire);
            let keys = telling.keys(record, &entries);
            let chapter = Chapter {
                record,
                entries,
                jars: telling.seen(),
                clocks: telling.clocks,
                keys,
                under_way: telling.under_way,
            };
            telling.goes_on(&chapter);
            chapters.push(chapter);
        }
        Self { history, chapters, grants }
    }

    /// The grant that a token belongs to.
    pub(super) fn grant_of(&self, label: Label) -> Option<Grant> {
        self.grants.get(&label).copied()
    }

    /// Whether the target claims this.
    pub(super) fn claims(&self, capability: Capability) -> bool {
        self.history.claims.contains(&capability)
    }

    /// The request that an access token or refresh token came of.
    pub(super) fn origin_of(&self, label: Label) -> Option<&'a Entry> {
        self.history.journal.iter().find(|entry| entry.minted.contains(&label))
    }

    /// The requests for a refresh of a grant that had come when a chapter ended, in the order in which they took effect.
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

    /// Whether the application was restarted between a request and a step.
    pub(super) fn restarted_since(&self, entry: &Entry, chapter: &Chapter<'_>) -> bool {
        let between = |of: &&Chapter<'_>| of.record.wire.0 > entry.sequence && of.record.path < chapter.record.path;
        self.chapters.iter().filter(between).any(|of| matches!(of.record.deed, Deed::Restart { .. }))
    }

    /// Whether a request came while one reader alone was at work, so that what it brought is known to have been stored.
    pub(super) fn came_to_one_alone(&self, entry: &Entry) -> bool {
        self.chapter_of(entry).is_some_and(|of| of.reader().is_some() || matches!(of.record.deed, Deed::SignIn { .. }))
    }
}

impl Chapter<'_> {
    /// The browser of an actor before the step, if it is trusted that far.
    pub(super) fn jar(&self, actor: &str, trust: Trust) -> Option<&Jar> {
        self.jars.get(actor).filter(|jar| jar.trust >= trust)
    }

    /// Whether every browser with a grant is one of which everything is known.
    pub(super) fn all_known(&self, grant: Grant) -> bool {
        let known = |jar: &Jar| jar.trust > Trust::Nothing && (jar.grant != Some(grant) || jar.trust == Trust::All);
        self.jars.values().all(known)
    }

    const fn is_alone(&self) -> bool {
        matches!(self.record.kind, RecordKind::Asked) && self.under_way == 0
    }

    /// Whose session was read, alone and not among others.
    pub(super) fn reader(&self) -> Option<&str> {
        match &self.record.deed {
            Deed::Read { actor } | Deed::Api { actor } if self.is_alone() => Some(actor),
            _ => None,
        }
    }

    /// The last that was seen.
    pub(super) fn seen(&self) -> Option<&Seen> {
        self.record.observations.last().map(|observation| &observation.seen)
    }

    /// The session that one reader saw, if anything is known of the browser.
    pub(super) fn read(&self, trust: Trust) -> Option<(&Jar, &SessionSeen)> {
        Some((self.jar(self.reader()?, trust)?, self.seen()?.session()?))
    }
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
    /// Groups that have been begun and have not come back.
    under_way: usize,
    clocks: Clocks,
    /// When the provider's keys were last changed or withheld.
    keys_changed: Option<Timestamp>,
}

impl<'g> Telling<'g> {
    const fn new(grants: &'g BTreeMap<Label, Grant>) -> Self {
        Self {
            grants,
            jars: BTreeMap::new(),
            tabs: BTreeMap::new(),
            under_way: 0,
            clocks: Clocks::Forward,
            keys_changed: None,
        }
    }

    fn clock(&mut self, record: &StepRecord, before: Timestamp) {
        if record.deed == Deed::ClientClock {
            self.clocks = Clocks::Apart;
        } else if record.at < before && self.clocks == Clocks::Forward {
            self.clocks = Clocks::WentBack;
        }
    }

    fn keys(&mut self, record: &StepRecord, entries: &[&Entry]) -> Keys {
        let withheld = entries.iter().any(|entry| entry.endpoint == Endpoint::Jwks && !is_honest(entry));
        if record.deed == Deed::NewKeys || withheld {
            self.keys_changed = Some(record.at);
        }
        let fresh = self.keys_changed.is_some_and(|changed| record.at < changed.plus(COOL_DOWN));
        if fresh { Keys::JustChanged } else { Keys::Settled }
    }

    fn seen(&self) -> BTreeMap<String, Jar> {
        let tabs = self.tabs.iter().filter_map(|(tab, first)| Some((tab.clone(), self.jars.get(first)?.clone())));
        self.jars.clone().into_iter().chain(tabs).collect()
    }

    fn browser(&self, actor: &str) -> String {
        self.tabs.get(actor).map_or_else(|| actor.to_owned(), Clone::clone)
    }

    const fn lately(&self) -> Lately {
        if self.under_way > 0 { Lately::Overtaken } else { Lately::InTurn }
    }

    fn goes_on(&mut self, chapter: &Chapter<'_>) {
        let record = chapter.record;
        match (&record.deed, record.kind) {
            (Deed::SignIn { actor, user }, RecordKind::Asked) => self.signed_in(chapter, actor, user),
            (Deed::SignOut { actor }, RecordKind::Asked) => self.signed_out(chapter, actor),
            // Who comes first among steps at once is open.
            (Deed::SignIn { actor, .. } | Deed::SignOut { actor }, _) => {
                self.doubt(&self.browser(actor), Trust::Nothing);
            }
            (Deed::Second { of, actor, kind }, _) => self.second(of, actor, *kind),
            (Deed::Restart { keep: Keep::Nothing }, _) => self.doubt_all(Trust::Nothing),
            (Deed::Disturbed, _) => self.doubt_all(Trust::User),
            // It may be of another session, or of none.
            (Deed::PutBack, _) => self.doubt_all(Trust::Nothing),
            // Whether the session can be told from the rest, or is kept elsewhere too, is up to the application.
            (Deed::LostChunk { actor }, _) => self.doubt(&self.browser(actor), Trust::Nothing),
            (Deed::Read { actor } | Deed::Api { actor }, _) => self.was_read(chapter, actor),
            (Deed::Begun, _) => self.under_way += 1,
            (Deed::Group, _) => self.under_way = self.under_way.saturating_sub(1),
            (Deed::Restart { keep: Keep::Store } | Deed::Clock | Deed::ClientClock, _)
            | (Deed::NewKeys | Deed::Other, _) => {}
        }
    }

    fn signed_in(&mut self, chapter: &Chapter<'_>, actor: &str, user: &str) {
        let browser = self.browser(actor);
        let exchange = chapter.entries.iter().find(|entry| is_exchange(entry));
        if exchange.is_none() && self.jars.get(&browser).is_some_and(|jar| jar.user.is_some()) {
            self.jars.get_mut(&browser).into_iter().for_each(|jar| jar.lately = Lately::Denied);
            return self.doubt(&browser, Trust::User);
        }
        let exchange = exchange.filter(|entry| is_good(entry));
        let grant = exchange.and_then(|entry| successor(entry)).and_then(|label| self.grants.get(&label).copied());
        let session = chapter.seen().and_then(Seen::session);
        let active = session.is_some_and(|session| session.state == "active");
        let trust = if exchange.is_some() && active { Trust::All } else { Trust::Nothing };
        let named = session.is_some_and(|session| session.subject.is_some());
        let (user, alive, lately) = (Some(user.to_owned()), chapter.record.at, self.lately());
        self.end_of(&browser);
        self.jars.insert(browser, Jar { trust, user, named, grant, alive, lately });
    }

    fn signed_out(&mut self, chapter: &Chapter<'_>, actor: &str) {
        let browser = self.browser(actor);
        let done = matches!(chapter.seen(), Some(Seen::Session(_) | Seen::Done));
        let trust = if done { Trust::All } else { Trust::Nothing };
        let (alive, lately) = (chapter.record.at, self.lately());
        self.end_of(&browser);
        self.jars.insert(browser, Jar { trust, user: None, named: false, grant: None, alive, lately });
    }

    /// A browser's session ends: copies of it may end with it, where the server keeps sessions.
    fn end_of(&mut self, browser: &str) {
        let Some(grant) = self.jars.get(browser).and_then(|jar| jar.grant) else { return };
        self.jars.values_mut().filter(|jar| jar.grant == Some(grant)).for_each(|jar| jar.trust = Trust::Nothing);
    }

    fn second(&mut self, of: &str, actor: &str, kind: JarKind) {
        let browser = self.browser(of);
        match kind {
            JarKind::Tab => drop(self.tabs.insert(actor.to_owned(), browser)),
            JarKind::Fork => {
                // Two copies of one session: each may use up what the other has.
                self.doubt(&browser, Trust::User);
                self.tabs.remove(actor);
                let copy = self.jars.get(&browser).cloned();
                self.jars.extend(copy.map(|jar| (actor.to_owned(), jar)));
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
