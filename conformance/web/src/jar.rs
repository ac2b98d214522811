//! The cookies that a browser keeps of a web application.
//!
//! Paths and domains are not told apart: one application, one host. Whether a cookie has expired is up to the application,
//! whose clock is not ours; a `Max-Age` of nothing or less, or an `Expires` at the epoch, takes it away (RFC 6265 section 5.2).

use std::collections::BTreeMap;

use adapter_server::Jar;
use cookie::Cookie;

/// A change that an answer's `Set-Cookie` headers ask for: a value, or nothing for a cookie that goes away.
pub(crate) type Changes = Vec<(String, Option<String>)>;

/// The cookie jar of a browser.
#[derive(Clone, Debug, Default)]
pub(crate) struct CookieJar(BTreeMap<String, String>);

impl CookieJar {
    /// The `Cookie` header that the browser would send now.
    pub(crate) fn header(&self) -> Option<String> {
        let pairs: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

impl Jar for CookieJar {
    type Change = Changes;

    fn put(&mut self, changes: Changes) {
        for (name, value) in changes {
            match value {
                Some(value) => drop(self.0.insert(name, value)),
                None => drop(self.0.remove(&name)),
            }
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
    use adapter_protocol::{Fate, JarKind};
    use adapter_server::Jars;

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
        let jars = Jars::<CookieJar>::default();
        jars.apply("ada", vec![("a".to_owned(), Some("1".to_owned()))]);
        jars.second("ada", "tab", JarKind::Tab);
        jars.second("ada", "fork", JarKind::Fork);
        jars.keep_back(7, "ada", vec![("a".to_owned(), Some("2".to_owned()))]);
        assert_eq!(jars.of("tab").header().as_deref(), Some("a=1"));
        assert!(jars.deliver(7, Fate::Apply) && !jars.deliver(7, Fate::Apply));
        assert_eq!(jars.of("tab").header().as_deref(), Some("a=2"));
        assert_eq!(jars.of("fork").header().as_deref(), Some("a=1"));
    }
}
