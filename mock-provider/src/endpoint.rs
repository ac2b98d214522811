//! Google's paths, and what each of them is.

use std::borrow::Cow;

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
    /// The same keys as certificates, which Google's own libraries ask for.
    Certs,
    /// The public keys of a service account, in either form.
    ServiceAccountKeys,
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
    /// The device authorization endpoint (RFC 8628 section 3.1).
    DeviceCode,
    /// The page where a person enters a device's code.
    DevicePage,
    /// The page where a person chooses an account and scopes.
    ConsentPage,
    /// The page where Google shows what it will not tell a redirect URI.
    SignInError,
}

/// An e-mail address follows.
pub(crate) const ROBOT_X509: &str = "/robot/v1/metadata/x509/";
pub(crate) const ROBOT_JWK: &str = "/robot/v1/metadata/jwk/";

const PATHS: [(&str, Endpoint); 27] = [
    ("/.well-known/openid-configuration", Endpoint::Discovery),
    ("/.well-known/oauth-authorization-server", Endpoint::Discovery),
    ("/oauth2/v3/certs", Endpoint::Jwks),
    ("/oauth2/v1/certs", Endpoint::Certs),
    (ROBOT_X509, Endpoint::ServiceAccountKeys),
    (ROBOT_JWK, Endpoint::ServiceAccountKeys),
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
    ("/oauth2/v2/tokeninfo", Endpoint::Tokeninfo),
    ("/oauth2/v1/tokeninfo", Endpoint::Tokeninfo),
    ("/revoke", Endpoint::Revoke),
    ("/o/oauth2/revoke", Endpoint::Revoke),
    ("/resource", Endpoint::Resource),
    ("/device/code", Endpoint::DeviceCode),
    ("/device", Endpoint::DevicePage),
    ("/v3/signin/identifier", Endpoint::ConsentPage),
    ("/signin/oauth/error", Endpoint::SignInError),
];

impl Endpoint {
    /// The endpoint at a path below the realm's base, if there is one.
    pub fn at(path: &str) -> Option<Self> {
        let fits = |known: &str| known == path || known.ends_with('/') && path.starts_with(known);
        PATHS.iter().find(|(known, _)| fits(known)).map(|(_, endpoint)| *endpoint)
    }

    /// A path of this endpoint; the known ones are never copied.
    pub(crate) fn same_path(self, path: &str) -> Cow<'static, str> {
        let known = PATHS.iter().find(|(known, endpoint)| *known == path && *endpoint == self);
        known.map_or_else(|| Cow::Owned(path.to_owned()), |(known, _)| Cow::Borrowed(*known))
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
    /// RFC 8628 section 3.4, and Google's older name for it.
    DeviceCode,
    /// RFC 7523 section 2.1.
    JwtBearer,
}

impl GrantType {
    /// The grant type with this value of the parameter `grant_type`.
    pub fn named(value: &str) -> Option<Self> {
        match value {
            "authorization_code" => Some(Self::AuthorizationCode),
            "refresh_token" => Some(Self::RefreshToken),
            "urn:ietf:params:oauth:grant-type:device_code" | "http://oauth.net/grant_type/device/1.0" => {
                Some(Self::DeviceCode)
            }
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => Some(Self::JwtBearer),
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
