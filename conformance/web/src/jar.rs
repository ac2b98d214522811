//! Cookie jars: one for each browser, shared by tabs, copied by forks.
//!
//! Paths and domains are not told apart: one application, one host. Whether a cookie has expired is up to the application,
//! whose clock is not ours; a `Max-Age` of nothing or less, or an `Expires` at the epoch, takes it away (RFC 6265 section 5.2).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adapter_protocol::{Fate, JarKind, Name};
use cookie::Cookie;

/// A change that an answer's `Set-Cookie` headers ask for: a value, or nothing for a cookie that goes away.
pub(crate) type Changes = Vec<(String, Option<String>)>;

type Jar = Arc<Mutex<BTreeMap<String, String>>>;

/// All browsers of a case.
#[derive(Debug, Default)]
pub(crate) struct Jars {
    by_actor: Mutex<BTreeMap<Name, Jar>>,
    kept_back: Mutex<BTreeMap<u64, (Jar, Changes)>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Jars {
    fn jar(&self, actor: &str) -> Jar {
        Arc::clone(locked(&self.by_actor).entry(actor.to_owned()).or_default())
    }

    /// The `Cookie` header that the actor's browser would send now.
    pub(crate) fn header(&self, actor: &str) -> Option<String> {
        let jar = self.jar(actor);
        let pairs: Vec<String> = locked(&jar).iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Does to the actor's browser what an answer asks for.
    pub(crate) fn apply(&self, actor: &str, changes: Changes) {
        put(&self.jar(actor), changes);
    }

    /// Keeps changes back under the number of their request.
    pub(crate) fn keep_back(&self, request: u64, actor: &str, changes: Changes) {
        locked(&self.kept_back).insert(request, (self.jar(actor), changes));
    }

    /// Applies or loses changes that were kept back; says whether there were any.
    pub(crate) fn deliver(&self, request: u64, fate: Fate) -> bool {
        let Some((jar, changes)) = locked(&self.kept_back).remove(&request) else { return false };
        if fate == Fate::Apply {
            put(&jar, changes);
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
}

fn put(jar: &Jar, changes: Changes) {
    let mut jar = locked(jar);
    for (name, value) in changes {
        match value {
            Some(value) => drop(jar.insert(name, value)),
            None => drop(jar.remove(&name)),
        }
    }
}

/// What a `Set-Cookie` header asks for; nothing where it is none.
pub(crate) fn change(header: &str) -> Option<(String, Option<String>)> {
    let cookie = Cookie::parse(header).ok()?;
    let spent = cookie.max_age().is_some_and(|age| !age.is_positive());
    let epoch = cookie.expires_datetime().is_some_and(|at| at.unix_timestamp() <= 0);
    let value = (!spent && !epoch).then(|| cookie.value().to_owned());
    Some((cookie.name().to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_come_and_go() {
        for (header, expected) in [
            ("a=b; Path=/; HttpOnly", Some(Some("b"))),
            ("a=b; Max-Age=0", Some(None)),
            ("a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", Some(None)),
            ("a=b; Expires=Thu, 31 Jan 2030 00:00:00 GMT", Some(Some("b"))),
            ("a=x%7Cy", Some(Some("x%7Cy"))),
            ("nonsense", None),
        ] {
            assert_eq!(change(header).as_ref().map(|(_, value)| value.as_deref()), expected, "{header}");
        }
    }

    #[test]
    fn tabs_share_and_forks_copy() {
        let jars = Jars::default();
        jars.apply("ada", vec![("a".to_owned(), Some("1".to_owned()))]);
        jars.second("ada", "tab", JarKind::Tab);
        jars.second("ada", "fork", JarKind::Fork);
        jars.keep_back(7, "ada", vec![("a".to_owned(), Some("2".to_owned()))]);
        assert_eq!(jars.header("tab").as_deref(), Some("a=1"));
        assert!(jars.deliver(7, Fate::Apply) && !jars.deliver(7, Fate::Apply));
        assert_eq!(jars.header("tab").as_deref(), Some("a=2"));
        assert_eq!(jars.header("fork").as_deref(), Some("a=1"));
    }
}
