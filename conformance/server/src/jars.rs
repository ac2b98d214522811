//! The browsers of a case: tabs that share a cookie jar, forks that begin with a copy, and cookies that are kept back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adapter_protocol::{Fate, JarKind, Name};

/// What a browser keeps.
pub trait Jar: Clone + Default {
    /// What an answer does to it.
    type Change: std::fmt::Debug;

    /// Does to it what a `Set-Cookie` would.
    fn put(&mut self, change: Self::Change);
}

type Shared<J> = Arc<Mutex<J>>;

/// Changes by the number of their request.
type KeptBack<J> = BTreeMap<u64, (Shared<J>, <J as Jar>::Change)>;

/// All browsers of a case.
#[derive(Debug)]
pub struct Jars<J: Jar> {
    by_actor: Mutex<BTreeMap<Name, Shared<J>>>,
    kept_back: Mutex<KeptBack<J>>,
}

impl<J: Jar> Default for Jars<J> {
    fn default() -> Self {
        Self { by_actor: Mutex::default(), kept_back: Mutex::default() }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<J: Jar> Jars<J> {
    fn jar(&self, actor: &str) -> Shared<J> {
        Arc::clone(locked(&self.by_actor).entry(actor.to_owned()).or_default())
    }

    /// What the actor's browser keeps now.
    pub fn of(&self, actor: &str) -> J {
        locked(&self.jar(actor)).clone()
    }

    /// Does to the actor's browser what an answer asks for.
    pub fn apply(&self, actor: &str, change: J::Change) {
        locked(&self.jar(actor)).put(change);
    }

    /// Keeps a change back under the number of its request.
    pub fn keep_back(&self, request: u64, actor: &str, change: J::Change) {
        locked(&self.kept_back).insert(request, (self.jar(actor), change));
    }

    /// Applies or loses a change that was kept back; says whether there was one.
    pub fn deliver(&self, request: u64, fate: Fate) -> bool {
        let Some((jar, change)) = locked(&self.kept_back).remove(&request) else { return false };
        if fate == Fate::Apply {
            locked(&jar).put(change);
        }
        true
    }

    /// Makes a second actor.
    pub fn second(&self, of: &str, actor: &str, kind: JarKind) {
        let first = self.jar(of);
        let jar = match kind {
            JarKind::Tab => first,
            JarKind::Fork => Arc::new(Mutex::new(locked(&first).clone())),
        };
        locked(&self.by_actor).insert(actor.to_owned(), jar);
    }

    /// Everybody who has a browser.
    pub fn actors(&self) -> Vec<Name> {
        locked(&self.by_actor).keys().cloned().collect()
    }

    /// Changes what every browser keeps.
    pub fn change_all(&self, change: impl Fn(&mut J)) {
        locked(&self.by_actor).values().for_each(|jar| change(&mut locked(jar)));
    }
}
