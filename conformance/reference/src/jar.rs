//! Browsers: actors, their cookie jars, and cookies that are kept back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adapter_protocol::{Fate, JarKind, Name};
use client_core::{CookieChange, SessionCookie};

type Jar = Arc<Mutex<Option<SessionCookie>>>;

/// All browsers of a case.
#[derive(Debug, Default)]
pub(crate) struct Jars {
    by_actor: Mutex<BTreeMap<Name, Jar>>,
    kept_back: Mutex<BTreeMap<u64, (Jar, CookieChange)>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Jars {
    fn jar(&self, actor: &str) -> Jar {
        Arc::clone(locked(&self.by_actor).entry(actor.to_owned()).or_default())
    }

    /// The cookie that the actor's browser would send now.
    pub(crate) fn cookie(&self, actor: &str) -> Option<SessionCookie> {
        locked(&self.jar(actor)).clone()
    }

    /// Does to the actor's browser what a `Set-Cookie` would.
    pub(crate) fn apply(&self, actor: &str, change: CookieChange) {
        put(&self.jar(actor), change);
    }

    /// Keeps a change back under the number of its request.
    pub(crate) fn keep_back(&self, request: u64, actor: &str, change: CookieChange) {
        locked(&self.kept_back).insert(request, (self.jar(actor), change));
    }

    /// Applies or loses a change that was kept back; says whether there was one.
    pub(crate) fn deliver(&self, request: u64, fate: Fate) -> bool {
        let Some((jar, change)) = locked(&self.kept_back).remove(&request) else { return false };
        if fate == Fate::Apply {
            put(&jar, change);
        }
        true
    }

    /// Makes a second actor.
    pub(crate) fn second(&self, of: &str, actor: &str, kind: JarKind) {
        let first = self.jar(of);
        let jar = match kind {
            JarKind::Tab => first,
            JarKind::Fork => Arc::new(Mutex::new(locked(&first).clone())),
        };
        locked(&self.by_actor).insert(actor.to_owned(), jar);
    }

    /// Everybody who has a browser.
    pub(crate) fn actors(&self) -> Vec<Name> {
        locked(&self.by_actor).keys().cloned().collect()
    }

    /// Changes every cookie in every browser.
    pub(crate) fn change_all(&self, change: impl Fn(&mut SessionCookie)) {
        for jar in locked(&self.by_actor).values() {
            locked(jar).iter_mut().for_each(&change);
        }
    }
}

fn put(jar: &Jar, change: CookieChange) {
    match change {
        CookieChange::Keep => {}
        CookieChange::Set(cookie) => *locked(jar) = Some(*cookie),
        CookieChange::Clear => *locked(jar) = None,
    }
}
