//! The browsers of a case: tabs that share a cookie jar, forks that begin with a copy, cookies that are kept back, and chunks
//! of a cookie that get lost.
//!
//! Paths and domains are not told apart: one application, one host. Whether a cookie has expired is up to the application,
//! whose clock is not ours.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adapter_protocol::{Chunk, Fate, JarKind, Name};

/// What an answer does to cookies: a new value for a name, or nothing for one that goes away.
pub type CookieChanges = Vec<(String, Option<String>)>;

/// What a browser keeps: values by name. They are secrets, and are not printed.
#[derive(Clone, Default)]
pub struct CookieJar(BTreeMap<String, String>);

impl fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl CookieJar {
    /// The cookies, as a request would bring them.
    pub const fn cookies(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// Does what the `Set-Cookie` headers of an answer ask for.
    pub fn put(&mut self, changes: CookieChanges) {
        for (name, value) in changes {
            match value {
                Some(value) => drop(self.0.insert(name, value)),
                None => drop(self.0.remove(&name)),
            }
        }
    }

    /// Loses a chunk of the cookie that is kept in most of them; says whether there was one.
    fn lose(&mut self, chunk: Chunk) -> bool {
        let Some(name) = self.chunk(chunk) else { return false };
        self.0.remove(&name).is_some()
    }

    fn chunk(&self, chunk: Chunk) -> Option<String> {
        let mut cookies: BTreeMap<&str, BTreeMap<u32, &str>> = BTreeMap::new();
        for name in self.0.keys() {
            let Some((cookie, number)) = numbered(name) else { continue };
            cookies.entry(cookie).or_default().insert(number, name);
        }
        let chunks = cookies.into_values().max_by_key(BTreeMap::len).filter(|chunks| chunks.len() > 1)?;
        let name = match chunk {
            Chunk::First => chunks.into_values().next(),
            Chunk::Last => chunks.into_values().next_back(),
        };
        name.map(str::to_owned)
    }
}

/// The cookie that a chunk is of, and which it is: `name.0` in Auth.js, `name__0` in nextjs-auth0.
fn numbered(name: &str) -> Option<(&str, u32)> {
    let (cookie, number) = name.rsplit_once('.').or_else(|| name.rsplit_once("__"))?;
    Some((cookie, number.parse().ok()?))
}

type Shared = Arc<Mutex<CookieJar>>;

/// All browsers of a case.
#[derive(Default)]
pub struct Jars {
    by_actor: Mutex<BTreeMap<Name, Shared>>,
    /// Changes by the number of their request.
    kept_back: Mutex<BTreeMap<u64, (Shared, CookieChanges)>>,
}

impl fmt::Debug for Jars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jars").field("actors", &self.actors()).finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Jars {
    fn jar(&self, actor: &str) -> Shared {
        Arc::clone(locked(&self.by_actor).entry(actor.to_owned()).or_default())
    }

    /// What the actor's browser keeps now.
    pub fn of(&self, actor: &str) -> CookieJar {
        locked(&self.jar(actor)).clone()
    }

    /// Does to the actor's browser what an answer asks for.
    pub fn apply(&self, actor: &str, changes: CookieChanges) {
        locked(&self.jar(actor)).put(changes);
    }

    /// Keeps changes back under the number of their request.
    pub fn keep_back(&self, request: u64, actor: &str, changes: CookieChanges) {
        locked(&self.kept_back).insert(request, (self.jar(actor), changes));
    }

    /// Applies or loses changes that were kept back; says whether there were any.
    pub fn deliver(&self, request: u64, fate: Fate) -> bool {
        let Some((jar, changes)) = locked(&self.kept_back).remove(&request) else { return false };
        if fate == Fate::Apply {
            locked(&jar).put(changes);
        }
        true
    }

    /// Loses a chunk of a cookie of the actor's browser; says whether there was one.
    pub fn lose_chunk(&self, actor: &str, chunk: Chunk) -> bool {
        locked(&self.jar(actor)).lose(chunk)
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> CookieChanges {
        vec![(name.to_owned(), Some(value.to_owned()))]
    }

    fn jar(names: &[&str]) -> CookieJar {
        CookieJar(names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect())
    }

    #[test]
    fn tabs_share_and_forks_copy() {
        let jars = Jars::default();
        jars.apply("ada", set("a", "1"));
        jars.second("ada", "tab", JarKind::Tab);
        jars.second("ada", "fork", JarKind::Fork);
        jars.keep_back(7, "ada", set("a", "2"));
        let shown = |actor: &str| jars.of(actor).cookies().get("a").cloned();
        assert_eq!(shown("tab").as_deref(), Some("1"));
        assert!(jars.deliver(7, Fate::Apply) && !jars.deliver(7, Fate::Apply));
        assert_eq!(shown("tab").as_deref(), Some("2"));
        assert_eq!(shown("fork").as_deref(), Some("1"));
        jars.apply("tab", vec![("a".to_owned(), None)]);
        assert_eq!(shown("ada"), None);
    }

    #[test]
    fn chunks_are_told_by_their_numbers() {
        let many = jar(&["csrf", "s.0", "s.1", "s.2", "s.9", "s.10", "t.0", "s.x", "v1.5"]);
        assert_eq!(many.chunk(Chunk::First).as_deref(), Some("s.0"));
        assert_eq!(many.chunk(Chunk::Last).as_deref(), Some("s.10"));
        assert_eq!(jar(&["__session__0", "__session__1"]).chunk(Chunk::Last).as_deref(), Some("__session__1"));
        for whole in [&["s", "csrf"][..], &["s.0", "t.1"], &[]] {
            assert_eq!(jar(whole).chunk(Chunk::Last), None, "{whole:?}");
        }
    }

    #[test]
    fn a_chunk_is_lost_by_everybody_who_shares_it() {
        let jars = Jars::default();
        jars.apply("ada", [set("s.0", "1"), set("s.1", "2")].concat());
        jars.second("ada", "tab", JarKind::Tab);
        assert!(jars.lose_chunk("tab", Chunk::Last));
        assert_eq!(format!("{:?}", jars.of("ada")), "{\"s.0\"}");
        assert!(!jars.lose_chunk("ada", Chunk::Last), "what is left is one cookie");
    }
}
