//! Secrets as types: `Debug` shows nothing, the memory is wiped on drop, and the value has one loud accessor.
//!
//! They serialize, because the session token is sealed into a cookie. Never put them into anything that a browser reads.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

macro_rules! secret {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            /// Wraps a value.
            pub fn new(value: impl Into<String>) -> Self {
                Self(Zeroizing::new(value.into()))
            }

            /// The value itself.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.expose())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::new)
            }
        }
    )*};
}

secret! {
    /// An access token (RFC 6749 section 1.4). Opaque: the client never looks inside.
    AccessToken,
    /// A refresh token (RFC 6749 section 1.5). Goes to the token and revocation endpoints only.
    RefreshToken,
    /// The client secret (RFC 6749 section 2.3.1).
    ClientSecret,
    /// The PKCE code verifier (RFC 7636 section 4.1).
    CodeVerifier,
    /// An id_token (OpenID Connect Core section 2): it names a person.
    IdToken,
    /// An authorization code (RFC 6749 section 1.3.1).
    AuthorizationCode,
    /// The state or the nonce of a sign-in (RFC 6749 section 10.12, OpenID Connect Core section 15.5.2).
    Unguessable,
    /// What keys for cookies are derived from; `AUTH_SECRET` in Auth.js.
    SealingSecret,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", RefreshToken::new("1//0secret")), "RefreshToken(…)");
    }
}
