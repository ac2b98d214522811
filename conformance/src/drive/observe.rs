//! Makes observations of answers: labels for tokens, canonical names for errors, and a copy of what the browser could read.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use adapter_protocol::{Answer, SessionState, SessionView, plain};
use mock_provider::RealmHandle;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::drive::{Stopped, ending_of};
use crate::harmless::harmless;
use crate::history::{Ending, Leak, LeakPlace, Observation, Seen, SessionSeen};
use crate::leaks::{self, Finder, Secrets};
use crate::link::LinkError;
use crate::scenario::model::Level;

/// The error of Auth.js's guide for a refresh that failed.
const REFRESH_TOKEN_ERROR: &str = "RefreshTokenError";

/// Reads answers.
#[derive(Debug)]
pub(crate) struct Observer {
    realm: RealmHandle,
    /// The canonical name of each error of the target's.
    errors: BTreeMap<String, String>,
    /// What browsers could read, with the step that showed it.
    pages: Mutex<Vec<(String, String)>>,
    /// Secrets in what the target said.
    told: Mutex<Vec<Leak>>,
}

impl Observer {
    pub(crate) fn new(realm: RealmHandle, errors: BTreeMap<String, Vec<String>>) -> Self {
        let pair = |(canonical, own): (String, Vec<String>)| own.into_iter().map(move |name| (name, canonical.clone()));
        Self {
            realm,
            errors: errors.into_iter().flat_map(pair).collect(),
            pages: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// What an answer shows.
    ///
    /// # Errors
    /// When the case cannot go on after it.
    pub(crate) fn observe(
        &self,
        step: &str,
        level: Level,
        actor: String,
        answer: Result<Answer, LinkError>,
    ) -> Result<Observation, Stopped> {
        let named = || step.to_owned();
        let seen = match answer.map_err(|error| ending_of(step, level, error))? {
            Answer::Ok(members) => {
                self.seen(step, &members).map_err(|reason| Ending::Broken { step: named(), reason })?
            }
            Answer::Threw { message } => Seen::Threw(self.clean(step, &message)),
            Answer::Unknown { message } => {
                let reason = format!("the adapter cannot tell whether it happened: {}", self.clean(step, &message));
                return Err(Ending::Blocked { step: named(), reason });
            }
            Answer::No { reason } => return Err(Ending::Blocked { step: named(), reason: self.clean(step, &reason) }),
            Answer::Broken { message } => {
                return Err(Ending::Broken { step: named(), reason: self.clean(step, &message) });
            }
        };
        Ok(Observation { actor, seen })
    }

    /// Lines of the target's own printing, fit for a report.
    pub(crate) fn clean_lines(&self, text: &str, last: usize) -> Vec<String> {
        if text.is_empty() {
            return vec![];
        }
        let secrets = self.realm.secrets();
        let finder = Finder::of(&secrets);
        let lines: Vec<&str> = text.lines().collect();
        let clean = |line: &&str| match finder.found_in(line) {
            found if found.is_empty() => harmless(line),
            found => format!("(withheld: it contains {})", found.join(", ")),
        };
        lines[lines.len().saturating_sub(last)..].iter().map(clean).collect()
    }

    /// A text of the target's, fit for a report: no secret in it, and nothing that a terminal would obey.
    fn clean(&self, step: &str, text: &str) -> String {
        let found = leaks::found_in(text, &self.realm.secrets());
        if found.is_empty() {
            return text.trim().lines().map(harmless).collect::<Vec<_>>().join("\n");
        }
        let place = LeakPlace::Message(step.to_owned());
        let leaks = found.iter().map(|secret| Leak { secret: secret.clone(), place: place.clone() });
        self.told.lock().unwrap_or_else(PoisonError::into_inner).extend(leaks);
        format!("(withheld: it contains {})", found.join(", "))
    }

    fn seen(&self, step: &str, members: &Map<String, Value>) -> Result<Seen, String> {
        let Some(session) = members.get("session") else { return Ok(Seen::Done) };
        let view = SessionView::deserialize(session)
            .map_err(|error| format!("the session makes no sense: {}", harmless(&plain(&error))))?;
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).push((step.to_owned(), view.page.to_string()));
        let seen = self.session(step, view);
        Ok(match members.get("status") {
            Some(status) => Seen::Api(status.as_u64().and_then(|status| u16::try_from(status).ok()), seen),
            None => Seen::Session(seen),
        })
    }

    fn session(&self, step: &str, view: SessionView) -> SessionSeen {
        let state = match view.state {
            SessionState::Active => "active",
            SessionState::SignedOut => "signed_out",
        };
        SessionSeen {
            state: state.to_owned(),
            subject: view.subject.map(|subject| self.clean(step, &subject)),
            error: view.error.map(|name| self.error(step, name)),
            access_token: view.access_token.map(|value| self.label(&value)),
        }
    }

    fn error(&self, step: &str, name: String) -> String {
        match self.errors.get(&name) {
            Some(canonical) => canonical.clone(),
            // Most sessions with an error have this one, and it is no secret.
            None if name == REFRESH_TOKEN_ERROR => name,
            None => self.clean(step, &name),
        }
    }

    fn label(&self, value: &str) -> String {
        self.realm.label_of(value).map_or_else(|| "at#?".to_owned(), |label| label.to_string())
    }

    /// Secrets in what browsers could read. An access token there is the application's choice; the rest is not.
    pub(crate) fn leaks(&self, secrets: &Secrets) -> Vec<Leak> {
        let kept: Secrets = secrets.iter().filter(|(name, _)| !name.starts_with("at#")).cloned().collect();
        let finder = Finder::of(&kept);
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let leak = |(step, page): &(String, String)| {
            let place = LeakPlace::Session(step.clone());
            finder.found_in(page).into_iter().map(move |secret| Leak { secret, place: place.clone() })
        };
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let mut leaks: Vec<Leak> = pages.iter().flat_map(leak).chain(told.iter().cloned()).collect();
        leaks.dedup();
        leaks
    }
}
