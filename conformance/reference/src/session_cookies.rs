//! The session as browsers keep it: sealed, and in chunks where it is long.

use std::collections::BTreeMap;

use adapter_server::{CookieChanges, CookieJar};
use client_core::{
    BadSecrets, CookieChange, CookieRefused, Jwt, NotSealed, SealedCookie, SealingSecret, SealingSecrets,
    SeededEntropy, SessionCookie, UnixMillis,
};

use crate::defect::Defect;

/// The name of the cookie.
const NAME: &str = "session-token";

/// Seals the cookies of tests, and of nothing else.
const SECRET: &str = "of the reference client, known to everybody";

/// Reads and writes the session cookie.
#[derive(Debug)]
pub(crate) struct SessionCookies {
    sealed: SealedCookie<Jwt>,
    entropy: SeededEntropy,
    defect: Option<Defect>,
}

impl SessionCookies {
    pub(crate) fn new(seed: &str, defect: Option<Defect>) -> Result<Self, BadSecrets> {
        let secrets = SealingSecrets::new(vec![SealingSecret::new(SECRET)])?;
        let sealed = SealedCookie::new(NAME, &secrets);
        Ok(Self { sealed, entropy: SeededEntropy::new(format!("{seed}/cookies")), defect })
    }

    /// The session that a browser brings.
    ///
    /// # Errors
    /// When it brings none that opens and is still good.
    pub(crate) fn read(&self, jar: &CookieJar, now: UnixMillis) -> Result<SessionCookie, CookieRefused> {
        let opened = match self.defect {
            Some(Defect::LeavesOldChunks | Defect::CrashesOnBadCookie) => self.sealed.read(&glued(jar.cookies()), now),
            Some(_) | None => self.sealed.read(jar.cookies(), now),
        }?;
        Ok(SessionCookie { jwt: opened.value, expires: opened.expires })
    }

    /// What an answer does to the cookies of the browser that brought these.
    ///
    /// # Errors
    /// When the session cannot be sealed.
    pub(crate) fn write(
        &self,
        change: &CookieChange,
        brought: &CookieJar,
        now: UnixMillis,
    ) -> Result<CookieChanges, NotSealed> {
        let nothing = BTreeMap::new();
        let known = if self.defect == Some(Defect::LeavesOldChunks) { &nothing } else { brought.cookies() };
        let writes = match change {
            CookieChange::Keep => vec![],
            CookieChange::Clear => self.sealed.clear(brought.cookies()),
            CookieChange::Set(cookie) => self.sealed.write(&cookie.jwt, (now, cookie.expires), &self.entropy, known)?,
        };
        Ok(writes.into_iter().map(|write| (write.name, write.value)).collect())
    }
}

/// All cookies whose names begin with that of the session, one behind the other, whatever is missing.
fn glued(cookies: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let ours = cookies.iter().filter(|(name, _)| name.starts_with(NAME));
    let value: String = ours.map(|(_, value)| value.as_str()).collect();
    if value.is_empty() { BTreeMap::new() } else { [(NAME.to_owned(), value)].into() }
}
