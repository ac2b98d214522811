//! What happened in a case: observations and the provider's journal, complete and free of secrets. Pure data.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use adapter_protocol::{Capability, JarKind, Keep};
use mock_provider::{Counters, Endpoint, Entry, Label, Sequence, Timestamp};
use serde::{Deserialize, Serialize};

use crate::scenario::model::Level;

/// What happened in a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The steps that were carried out, in order of their end.
    pub steps: Vec<StepRecord>,
    /// What reached the provider.
    pub journal: Vec<Entry>,
    /// The provider's counters at the end.
    pub counters: Counters,
    /// Secrets where they do not belong.
    pub leaks: Vec<Leak>,
    /// What the target claims: of what it does not claim nothing is judged.
    pub claims: BTreeSet<Capability>,
    /// Where the clock stood at the start.
    pub start: Timestamp,
    /// When the tokens end by themselves that do.
    pub expiries: BTreeMap<Label, Timestamp>,
    /// The last lines that the target's process printed, without secrets. Evidence, never judged.
    pub output: Vec<String>,
    /// How the case ended, where it did not run to its end.
    pub ended: Option<Ending>,
}

impl History {
    /// Whether the adapter left before anything was done: at its `start`.
    pub fn never_began(&self) -> bool {
        self.steps.is_empty() && self.journal.is_empty() && matches!(self.ended, Some(Ending::Crash { .. }))
    }
}

/// Whether a request to the token endpoint is for this grant type.
pub(crate) fn is_grant(entry: &Entry, wanted: &str) -> bool {
    entry.endpoint == Endpoint::Token && entry.params.get("grant_type").is_some_and(|grant| grant == wanted)
}

/// Whether a request is for a refresh (RFC 6749 section 6).
pub(crate) fn is_refresh(entry: &Entry) -> bool {
    is_grant(entry, "refresh_token")
}

/// Where a step stands in its scenario: its index, and that of an inner step of a `together`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StepPath {
    /// The step.
    pub outer: usize,
    /// The step inside it.
    pub inner: Option<usize>,
}

/// A step and what it showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Where it stands.
    pub path: StepPath,
    /// Its name: `as`, or its number.
    pub name: String,
    /// What it did.
    pub deed: Deed,
    /// What it did, in a few words.
    pub action: String,
    /// The provider's time at its end.
    pub at: Timestamp,
    /// How long it took in real time. Nothing is judged by it.
    pub took: Duration,
    /// What it showed; a `repeat` and a `join` show several.
    pub observations: Vec<Observation>,
    /// The requests of its time: from this number up to, not including, that one.
    pub wire: (Sequence, Sequence),
    /// The requests between its very start and its end. Shorter than `wire`, which begins where the step before ended.
    pub during: (Sequence, Sequence),
    /// Whether requests to the token endpoint may come in that time.
    pub kind: RecordKind,
}

/// What a step did, for those that read a history without its scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// A user signed in.
    SignIn {
        /// Whose browser.
        actor: String,
        /// Who.
        user: String,
    },
    /// The session was read.
    Read {
        /// Whose browser.
        actor: String,
    },
    /// The protected resource was called.
    Api {
        /// Whose browser.
        actor: String,
    },
    /// Somebody signed out.
    SignOut {
        /// Whose browser.
        actor: String,
    },
    /// A second actor was made of a first.
    Second {
        /// The first.
        of: String,
        /// The second.
        actor: String,
        /// What they share.
        kind: JarKind,
    },
    /// Steps were begun that run at once.
    Begun,
    /// Steps ran at once and have come back.
    Group,
    /// A request was given up, or its cookie was kept back or lost.
    Disturbed,
    /// A cookie that was kept back has arrived, over newer ones.
    PutBack,
    /// A chunk of a session cookie was lost.
    LostChunk {
        /// Whose browser.
        actor: String,
    },
    /// Both clocks were moved.
    Clock,
    /// The application's clock alone was moved.
    ClientClock,
    /// The application was restarted.
    Restart {
        /// What it kept.
        keep: Keep,
    },
    /// The provider has got a new signing key.
    NewKeys,
    /// Something else was done to the provider, or nothing at all.
    Other,
}

/// What sort of step a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordKind {
    /// The target was asked to do something, and the requests since then are its doing.
    Asked,
    /// A step inside a group; the group's record counts for its requests.
    Inside,
    /// So many requests were found parked.
    Parked(usize),
    /// The target was asked nothing.
    Silent,
}

/// What one command showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Whose browser.
    pub actor: String,
    /// What it showed.
    pub seen: Seen,
}

/// What a command can show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seen {
    /// A session.
    Session(SessionSeen),
    /// A call of the protected resource: the status it got, and the session.
    Api(Option<u16>, SessionSeen),
    /// It happened, and there is nothing to see.
    Done,
    /// The target raised an error.
    Threw(String),
}

/// A session as it showed, with labels for tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSeen {
    /// `active` or `signed_out`.
    pub state: String,
    /// The user.
    pub subject: Option<String>,
    /// The error, by its canonical name.
    pub error: Option<String>,
    /// The label of the access token, or `at#?` for one that the provider never minted.
    pub access_token: Option<String>,
}

/// A secret where it does not belong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leak {
    /// The name of the secret.
    pub secret: String,
    /// Where it was.
    pub place: LeakPlace,
}

/// Where a secret was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeakPlace {
    /// In what the browser can read, after this step.
    Session(String),
    /// In a message, a name or a reason that this step gave.
    Message(String),
    /// In the log.
    Log,
}

/// How a case ended before its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// A step took longer than it may.
    Hang {
        /// The step.
        step: String,
        /// What was waited for.
        reason: String,
        /// How binding the step is.
        level: Level,
    },
    /// The adapter went away.
    Crash {
        /// The step.
        step: String,
    },
    /// The adapter said no to something that it claims to do.
    Blocked {
        /// The step.
        step: String,
        /// Why.
        reason: String,
    },
    /// The adapter or the scenario failed.
    Broken {
        /// The step.
        step: String,
        /// How.
        reason: String,
    },
    /// A step needs more time than there is without a clock that can be moved.
    OutOfReach {
        /// The step.
        step: String,
        /// Why.
        reason: String,
    },
}

impl Ending {
    /// How it ended, in a sentence.
    pub fn words(&self) -> String {
        match self {
            Self::Hang { step, reason, .. } => format!("{step} did not end: {reason}"),
            Self::Crash { step } => format!("the adapter went away during {step}"),
            Self::Blocked { step, reason } => format!("{step} could not be carried out: {reason}"),
            Self::Broken { step, reason } => format!("{step} broke: {reason}"),
            Self::OutOfReach { step, reason } => format!("{step} is out of reach: {reason}"),
        }
    }
}

impl SessionSeen {
    /// The session in a few words.
    pub fn words(&self) -> String {
        let subject = self.subject.as_deref().unwrap_or("nobody");
        let token = self.access_token.as_deref().unwrap_or("no access token");
        match (&*self.state, &self.error) {
            ("active", Some(error)) => format!("{subject}, error {error}, {token}"),
            ("active", None) => format!("{subject}, {token}"),
            _ => "signed out".to_owned(),
        }
    }
}

impl Seen {
    /// What was seen in a few words.
    pub fn words(&self) -> String {
        match self {
            Self::Session(session) => session.words(),
            Self::Api(Some(status), session) => format!("status {status}; {}", session.words()),
            Self::Api(None, session) => format!("no call; {}", session.words()),
            Self::Done => "done".to_owned(),
            Self::Threw(message) => format!("raised: {message}"),
        }
    }

    /// The session that it shows, if it shows one.
    pub const fn session(&self) -> Option<&SessionSeen> {
        match self {
            Self::Session(session) | Self::Api(_, session) => Some(session),
            Self::Done | Self::Threw(_) => None,
        }
    }
}
