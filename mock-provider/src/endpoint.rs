//! Google's paths, and what each of them is.

use serde::{Deserialize, Serialize};

/// What a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// OpenID Connect Discovery 1.0 section 4.
    Discovery,
    /// The JWK set (RFC 7517).
    Jwks,
    /// The authorization endpoint (RFC 6749 section 3.1).
    Authorize,
    /// The token endpoint (RFC 6749 section 3.2).
    Token,
    /// The UserInfo endpoint (OpenID Connect Core section 5.3).
    Userinfo,
    /// Google's own token introspection.
    Tokeninfo,
    /// The revocation endpoint (RFC 7009).
    Revoke,
    /// A small API that really checks its bearer token (RFC 6750).
    Resource,
    /// The page where Google shows what it will not tell a redirect URI.
    SignInError,
}

const PATHS: [(&str, Endpoint); 19] = [
    ("/.well-known/openid-configuration", Endpoint::Discovery),
    ("/oauth2/v3/certs", Endpoint::Jwks),
    ("/o/oauth2/v2/auth", Endpoint::Authorize),
    ("/o/oauth2/auth", Endpoint::Authorize),
    ("/token", Endpoint::Token),
    ("/o/oauth2/token", Endpoint::Token),
    ("/oauth2/v4/token", Endpoint::Token),
    ("/oauth2/v3/token", Endpoint::Token),
    ("/v1/userinfo", Endpoint::Userinfo),
    ("/oauth2/v3/userinfo", Endpoint::Userinfo),
    ("/oauth2/v2/userinfo", Endpoint::Userinfo),
    ("/oauth2/v1/userinfo", Endpoint::Userinfo),
    ("/tokeninfo", Endpoint::Tokeninfo),
    ("/oauth2/v3/tokeninfo", Endpoint::Tokeninfo),
    ("/oauth2/v1/tokeninfo", Endpoint::Tokeninfo),
    ("/revoke", Endpoint::Revoke),
    ("/o/oauth2/revoke", Endpoint::Revoke),
    ("/resource", Endpoint::Resource),
    ("/signin/oauth/error", Endpoint::SignInError),
];

impl Endpoint {
    /// The endpoint at a path below the realm's base, if there is one.
    pub fn at(path: &str) -> Option<Self> {
        PATHS.iter().find(|(known, _)| *known == path).map(|(_, endpoint)| *endpoint)
    }

    /// The first path of this endpoint, below the realm's base.
    pub fn path(self) -> &'static str {
        PATHS.iter().find(|(_, endpoint)| *endpoint == self).map_or("/", |(path, _)| path)
    }
}

/// A grant type of the token endpoint, as far as replies and holds can be told apart by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// RFC 6749 section 4.1.3.
    AuthorizationCode,
    /// RFC 6749 section 6.
    RefreshToken,
}

impl GrantType {
    /// The grant type with this value of the parameter `grant_type`.
    pub fn named(value: &str) -> Option<Self> {
        match value {
            "authorization_code" => Some(Self::AuthorizationCode),
            "refresh_token" => Some(Self::RefreshToken),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_found_at_its_own_path() {
        for (_, endpoint) in PATHS {
            assert_eq!(Endpoint::at(endpoint.path()), Some(endpoint));
        }
    }
}
