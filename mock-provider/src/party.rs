//! Who takes part: clients, users and service accounts.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::{Host, Url};

use crate::policy::PolicyPatch;
use crate::secret::Secret;

/// Whether an account or a client is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is.
    #[default]
    Active,
    /// It is switched off.
    Disabled,
    /// It is gone; it can be brought back for a while.
    Deleted,
}

/// What sort of client it is, which decides on redirect URIs, refresh tokens and the device flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// A web application.
    #[default]
    Web,
    /// A desktop application: any loopback address; always gets a refresh token.
    Desktop,
    /// An application on a phone: no secret; custom schemes; always gets a refresh token.
    Mobile,
    /// "TV and Limited Input": the one kind that may use the device flow.
    Tv,
}

/// A registered OAuth client.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The client id; the part before the first `-` names its project.
    pub id: String,
    /// The client secret; a public client has none.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub secret: Option<Secret>,
    /// A second secret that is good too, while the first is being replaced.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub next_secret: Option<Secret>,
    /// The redirect URIs that it may use, compared exactly. None: any loopback address (RFC 8252 section 7.3).
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// What sort of client it is.
    #[serde(default)]
    pub kind: ClientKind,
    /// Whether it is there.
    #[serde(default)]
    pub standing: Standing,
    /// The scopes that it may ask for (`restricted_client` otherwise). None: any.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// Where its life rules differ from the realm's.
    #[serde(default)]
    pub policy: PolicyPatch,
}

impl Client {
    /// Whether the client may be redirected there.
    pub fn may_redirect_to(&self, uri: &str) -> bool {
        if self.kind == ClientKind::Mobile && has_app_scheme(uri)
            || self.kind == ClientKind::Desktop && is_loopback(uri)
        {
            return true;
        }
        // A loopback address is blocked for a phone, unless it is registered.
        if self.redirect_uris.is_empty() {
            self.kind != ClientKind::Mobile && is_loopback(uri)
        } else {
            self.redirect_uris.iter().any(|known| known == uri)
        }
    }

    /// Whether this is one of its secrets.
    pub(crate) fn has_secret(&self, given: &str) -> bool {
        [&self.secret, &self.next_secret].into_iter().flatten().any(|secret| *secret == *given)
    }

    /// Installed applications get a refresh token without asking for it.
    pub(crate) const fn is_installed(&self) -> bool {
        match self.kind {
            ClientKind::Web => false,
            ClientKind::Desktop | ClientKind::Mobile | ClientKind::Tv => true,
        }
    }
}

/// A scheme of an application's own; Google wants a period in it.
fn has_app_scheme(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| url.scheme().contains('.'))
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
    /// The URL of a picture.
    #[serde(default)]
    pub picture: Option<String>,
    /// More claims for id_token and userinfo.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// Whether the account is there.
    #[serde(default)]
    pub standing: Standing,
    /// Whether the user may use projects in Testing.
    #[serde(default = "yes")]
    pub test_user: bool,
}

const fn yes() -> bool {
    true
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
            picture: Some(format!("https://lh3.googleusercontent.com/a/{name}=s96-c")),
            claims: Map::new(),
            standing: Standing::Active,
            test_user: true,
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

    /// The claims of the scope `profile` in the order of userinfo.
    pub(crate) fn userinfo_claims(&self) -> Vec<(&'static str, Value)> {
        let mut claims = self.profile_claims();
        claims.sort_by_key(|(name, _)| *name == "picture");
        claims
    }

    /// The claims of the scope `profile` in the order of an id_token.
    pub(crate) fn profile_claims(&self) -> Vec<(&'static str, Value)> {
        let picture = self.picture.as_deref().map(|url| ("picture", url.into()));
        let names =
            [("given_name", self.given_name.as_str().into()), ("family_name", self.family_name.as_str().into())];
        [("name", self.name().into())].into_iter().chain(picture).chain(names).collect()
    }
}

/// A service account: a client that signs its own grant (RFC 7523).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ServiceAccount {
    /// Its e-mail address, which is the `iss` of its assertions.
    pub email: String,
    /// Its numeric id.
    pub unique_id: String,
    /// Whether it is there.
    #[serde(default)]
    pub standing: Standing,
    /// Whether its key is.
    #[serde(default)]
    pub key: Standing,
    /// Scopes that it may use in the name of users of a Workspace domain (domain-wide delegation). None: it may not.
    #[serde(default)]
    pub delegated_scopes: Vec<String>,
}

impl ServiceAccount {
    /// One that is called `name`.
    pub fn named(name: &str, unique_id: &str) -> Self {
        Self {
            email: format!("{name}@regrant-test.iam.gserviceaccount.com"),
            unique_id: unique_id.to_owned(),
            standing: Standing::Active,
            key: Standing::Active,
            delegated_scopes: vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(kind: ClientKind, redirect_uris: &[&str]) -> Client {
        let redirect_uris = redirect_uris.iter().map(|uri| (*uri).to_owned()).collect();
        Client { id: "1-a".into(), kind, redirect_uris, ..Client::default() }
    }

    #[test]
    fn a_client_without_uris_takes_any_loopback_and_nothing_else() {
        let client = client(ClientKind::Web, &[]);
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
        let client = client(ClientKind::Web, &["http://127.0.0.1/cb"]);
        assert!(client.may_redirect_to("http://127.0.0.1/cb"));
        assert!(!client.may_redirect_to("http://127.0.0.1/cb/"));
    }

    #[test]
    fn installed_applications_have_more_places_to_go() {
        assert!(client(ClientKind::Desktop, &["http://127.0.0.1/x"]).may_redirect_to("http://127.0.0.1:4711/"));
        assert!(client(ClientKind::Mobile, &[]).may_redirect_to("com.example.app:/cb"));
        assert!(!client(ClientKind::Mobile, &[]).may_redirect_to("example:/cb"), "no period in the scheme");
        assert!(!client(ClientKind::Mobile, &[]).may_redirect_to("http://127.0.0.1:1/cb"));
    }

    #[test]
    fn two_secrets_are_good_at_once() {
        let secret = |text: &str| Some(Secret::new(text));
        let client = Client { secret: secret("a"), next_secret: secret("b"), ..Client::default() };
        assert!(client.has_secret("a") && client.has_secret("b") && !client.has_secret("c"));
    }
}
