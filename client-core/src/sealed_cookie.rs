//! A cookie that only this application can read and make, sealed as Auth.js seals its session: a JWE of JSON claims with
//! `iat`, `exp` and `jti`, in pieces where it is long.
//!
//! The same secret and name open what Auth.js has sealed, and the other way round. Time and randomness are arguments.
//! Deliberately absent: the cookie's attributes, which are up to whoever writes the header.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::cookie_pieces::{self, CookieWrite};
use crate::entropy::Entropy;
use crate::jwe::{self, IV, Key, Unopened};
use crate::secret::SealingSecret;
use crate::time::{UnixMillis, UnixSeconds};

/// How far the clocks of two servers of one application may be apart.
const CLOCK_SKEW: Duration = Duration::from_secs(15);

/// A shorter secret can be guessed.
const SHORTEST_SECRET: usize = 32;

/// The secrets that cookies are sealed with: the newest seals, all of them open.
#[derive(Clone, Debug)]
pub struct SealingSecrets(Vec<SealingSecret>);

/// Why secrets are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSecrets {
    /// There is none.
    #[error("there is no secret to seal cookies with")]
    None,
    /// One is too short.
    #[error("a secret has less than {SHORTEST_SECRET} bytes; `openssl rand -base64 33` makes a good one")]
    TooShort,
}

impl SealingSecrets {
    /// Takes secrets, the newest first.
    ///
    /// # Errors
    /// When there are none, or one of them is short.
    pub fn new(secrets: Vec<SealingSecret>) -> Result<Self, BadSecrets> {
        if secrets.is_empty() {
            return Err(BadSecrets::None);
        }
        if secrets.iter().any(|secret| secret.expose().len() < SHORTEST_SECRET) {
            return Err(BadSecrets::TooShort);
        }
        Ok(Self(secrets))
    }
}

/// A cookie that holds a sealed `T`.
pub struct SealedCookie<T> {
    name: String,
    keys: Vec<Key>,
    holds: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for SealedCookie<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedCookie").field("name", &self.name).finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct Claims<T> {
    #[serde(flatten)]
    value: T,
    iat: UnixSeconds,
    exp: UnixSeconds,
    #[serde(default)]
    jti: String,
}

/// What a cookie held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened<T> {
    /// The value.
    pub value: T,
    /// When this server begins to refuse it: its own end, and the skew that is allowed.
    pub expires: UnixMillis,
}

/// A value could not be sealed.
#[derive(Debug, thiserror::Error)]
pub enum NotSealed {
    /// It is no JSON object.
    #[error("the value cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The cipher failed.
    #[error("the cipher failed")]
    Cipher,
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CookieRefused {
    /// There is no such cookie.
    #[error("there is none")]
    Absent,
    /// It does not open.
    #[error(transparent)]
    Unopened(#[from] Unopened),
    /// It holds something else.
    #[error("it holds something else")]
    Claims,
    /// It has had its time.
    #[error("it has expired")]
    Expired,
}

impl<T: Serialize + DeserializeOwned> SealedCookie<T> {
    /// A cookie of this name; another name makes other keys of the same secrets.
    pub fn new(name: impl Into<String>, secrets: &SealingSecrets) -> Self {
        let name = name.into();
        let keys = secrets.0.iter().map(|secret| Key::derive(secret, &name)).collect();
        Self { name, keys, holds: PhantomData }
    }

    /// Seals a value until it expires, and says what becomes of the browser's cookies, of which the request brought
    /// those `present`.
    ///
    /// # Errors
    /// When the value is no JSON object.
    pub fn write(
        &self,
        value: &T,
        lifetime: (UnixMillis, UnixMillis),
        entropy: &dyn Entropy,
        present: &BTreeMap<String, String>,
    ) -> Result<Vec<CookieWrite>, NotSealed> {
        let (now, expires) = lifetime;
        let random = entropy.bytes();
        let (iv, jti) = random.split_at(IV);
        let jti = URL_SAFE_NO_PAD.encode(jti);
        let claims = Claims { value, iat: now.as_secs(), exp: expires.as_secs(), jti };
        let plaintext = Zeroizing::new(serde_json::to_vec(&claims)?);
        let iv = iv.try_into().map_err(|_| NotSealed::Cipher)?;
        let key = self.keys.first().ok_or(NotSealed::Cipher)?;
        let sealed = key.seal(&plaintext, iv).map_err(|_| NotSealed::Cipher)?;
        Ok(cookie_pieces::write(&self.name, &sealed, present))
    }

    /// Takes the cookie away.
    pub fn clear(&self, present: &BTreeMap<String, String>) -> Vec<CookieWrite> {
        cookie_pieces::clear(&self.name, present)
    }

    /// Reads the value. Where crossing answers have left two of them, the younger counts.
    ///
    /// # Errors
    /// When there is none that this application has sealed and that is still good.
    pub fn read(&self, cookies: &BTreeMap<String, String>, now: UnixMillis) -> Result<Opened<T>, CookieRefused> {
        let mut youngest: Result<Claims<T>, CookieRefused> = Err(CookieRefused::Absent);
        for sealed in cookie_pieces::read(&self.name, cookies) {
            match (&youngest, self.open(&sealed, now)) {
                (Ok(known), Ok(claims)) if claims.iat <= known.iat => {}
                (Ok(_), Err(_)) => {}
                (_, outcome) => youngest = outcome,
            }
        }
        youngest.map(|claims| Opened { expires: end(claims.exp), value: claims.value })
    }

    fn open(&self, sealed: &str, now: UnixMillis) -> Result<Claims<T>, CookieRefused> {
        let plaintext = jwe::open(&self.keys, sealed)?;
        let claims: Claims<T> = serde_json::from_slice(&plaintext).map_err(|_| CookieRefused::Claims)?;
        if now < end(claims.exp) { Ok(claims) } else { Err(CookieRefused::Expired) }
    }
}

fn end(exp: UnixSeconds) -> UnixMillis {
    exp.as_millis().plus(CLOCK_SKEW)
}

#[cfg(test)]
#[path = "sealed_cookie_tests.rs"]
mod tests;
