//! Who takes part: clients and users.

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::secret::Secret;

/// A registered OAuth client.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The client id; the part before the first `-` names its project.
    pub id: String,
    /// The client secret; a public client has none.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub secret: Option<Secret>,
    /// The redirect URIs that it may use, compared exactly. None: any loopback address (RFC 8252 section 7.3).
    #[serde(default)]
    pub redirect_uris: Vec<String>,
}

impl Client {
    /// Whether the client may be redirected there.
    pub fn may_redirect_to(&self, uri: &str) -> bool {
        if self.redirect_uris.is_empty() {
            is_loopback(uri)
        } else {
            self.redirect_uris.iter().any(|known| known == uri)
        }
    }
}

fn is_loopback(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else { return false };
    if !matches!(url.scheme(), "http" | "https") || url.fragment().is_some() || !url.username().is_empty() {
        return false;
    }
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A person with a Google account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The subject identifier; never changes.
    pub sub: String,
    /// The e-mail address.
    pub email: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// The Workspace domain, for a managed account.
    #[serde(default)]
    pub hd: Option<String>,
}

impl User {
    /// A person who is called `name` and has the subject `sub`.
    pub fn named(sub: &str, name: &str) -> Self {
        let mut letters = name.chars();
        let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        Self {
            sub: sub.to_owned(),
            email: format!("{name}@example.com"),
            given_name: capital,
            family_name: "Example".to_owned(),
            hd: None,
        }
    }

    /// Given and family name.
    pub fn name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }

    /// Whether a `login_hint` means this person: by e-mail address or by subject.
    pub fn is_hinted_by(&self, hint: &str) -> bool {
        self.sub == hint || self.email.eq_ignore_ascii_case(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_without_uris_takes_any_loopback_and_nothing_else() {
        let client = Client { id: "1-a".into(), secret: None, redirect_uris: vec![] };
        for uri in ["http://127.0.0.1:1/cb", "http://[::1]/", "http://localhost:3000/api"] {
            assert!(client.may_redirect_to(uri), "{uri}");
        }
        for uri in [
            "http://example.com/",
            "custom:/x",
            "http://127.0.0.1/#x",
            "http://a@127.0.0.1/",
            "",
            "http://localhost.evil/",
        ] {
            assert!(!client.may_redirect_to(uri), "{uri}");
        }
    }

    #[test]
    fn listed_uris_are_compared_exactly() {
        let client = Client { id: "1-a".into(), secret: None, redirect_uris: vec!["http://127.0.0.1/cb".into()] };
        assert!(client.may_redirect_to("http://127.0.0.1/cb"));
        assert!(!client.may_redirect_to("http://127.0.0.1/cb/"));
    }
}
