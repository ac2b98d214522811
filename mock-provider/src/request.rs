//! A request as the provider reads it: parsed once, before anything is decided.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, header};
use serde::{Deserialize, Serialize};

use crate::endpoint::{Endpoint, GrantType};

/// A request to one of the provider's endpoints.
#[derive(Clone)]
pub(crate) struct WireRequest {
    /// Where it goes.
    pub endpoint: Endpoint,
    /// The HTTP method.
    pub method: Method,
    /// The path below the realm's base.
    pub path: String,
    /// The raw query, without `?`.
    pub query: String,
    /// The header fields.
    pub headers: HeaderMap,
    /// The parameters of query and body together.
    pub params: Params,
    credentials: Credentials,
}

impl WireRequest {
    /// Reads a request; whatever is wrong with it is found later, by the endpoint that cares.
    pub(crate) fn read(
        endpoint: Endpoint,
        method: Method,
        path: String,
        query: String,
        headers: HeaderMap,
        body: &Bytes,
    ) -> Self {
        let params = Params::read(&query, &headers, body);
        let credentials = Credentials::read(&headers, &params);
        Self { endpoint, method, path, query, headers, params, credentials }
    }

    /// How the client authenticates, and as whom.
    pub(crate) const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The grant type, on the token endpoint.
    pub(crate) fn grant(&self) -> Option<GrantType> {
        self.params.get("grant_type").and_then(GrantType::named)
    }

    /// The bearer token in the `Authorization` header (RFC 6750 section 2.1).
    pub(crate) fn bearer(&self) -> Option<&str> {
        authorization(&self.headers, "bearer")
    }
}

fn authorization<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (name, rest) = value.split_once(' ')?;
    name.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

impl Credentials {
    fn read(headers: &HeaderMap, params: &Params) -> Self {
        let body_id = params.get("client_id").map(str::to_owned);
        let body_secret = params.get("client_secret").map(str::to_owned);
        let Some(encoded) = authorization(headers, "basic") else {
            return Self::from_body(body_id, body_secret);
        };
        let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        // Google does not form-decode the two parts, whatever RFC 6749 section 2.3.1 says.
        let Some((id, secret)) = decoded.as_deref().and_then(|pair| pair.split_once(':')) else {
            return Self { method: ClientAuth::Malformed, id: body_id, secret: None, disagree: false };
        };
        let disagree = body_id.as_deref().is_some_and(|body| body != id)
            || body_secret.as_deref().is_some_and(|body| body != secret);
        let method = if body_secret.is_some() { ClientAuth::Both } else { ClientAuth::Basic };
        Self { method, id: Some(id.to_owned()), secret: Some(secret.to_owned()), disagree }
    }
}

/// How a client authenticated (RFC 6749 section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// Not at all.
    None,
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
    /// In the header and in the body, which section 2.3 forbids.
    Both,
    /// A Basic header that cannot be read.
    Malformed,
}

/// The client's claim to be somebody.
#[derive(Clone)]
pub(crate) struct Credentials {
    /// Where they stood.
    pub method: ClientAuth,
    /// The client id.
    pub id: Option<String>,
    /// The client secret.
    pub secret: Option<String>,
    /// Whether header and body name different clients or secrets.
    pub disagree: bool,
}

impl Credentials {
    fn from_body(id: Option<String>, secret: Option<String>) -> Self {
        let method = if secret.is_some() { ClientAuth::Post } else { ClientAuth::None };
        Self { method, id, secret, disagree: false }
    }
}

/// Parameters by name. A parameter without a value counts as absent (RFC 6749 section 3.2).
#[derive(Clone, Default)]
pub(crate) struct Params {
    values: BTreeMap<Name, String>,
    repeated: Vec<Name>,
}

/// A parameter's name; the usual ones are never copied.
pub(crate) type Name = Cow<'static, str>;

const USUAL: [&str; 30] = [
    "access_token",
    "access_type",
    "approval_prompt",
    "assertion",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "device_code",
    "grant_type",
    "hd",
    "id_token",
    "include_granted_scopes",
    "login_hint",
    "nonce",
    "prompt",
    "rapt",
    "redirect_uri",
    "refresh_token",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "token",
    "token_type_hint",
    "user_code",
    "display",
    "authuser",
];

fn name_of(text: Cow<'_, str>) -> Name {
    match USUAL.iter().find(|usual| **usual == text) {
        Some(usual) => Cow::Borrowed(usual),
        None => Cow::Owned(text.into_owned()),
    }
}

impl Params {
    fn read(query: &str, headers: &HeaderMap, body: &Bytes) -> Self {
        let mut params = Self::default();
        params.add_form(query.as_bytes());
        if is_json(headers) {
            params.add_json(body);
        } else {
            params.add_form(body);
        }
        params
    }

    fn add_form(&mut self, encoded: &[u8]) {
        for (name, value) in form_urlencoded::parse(encoded) {
            self.add(name_of(name), value.into_owned());
        }
    }

    /// Google's token endpoint reads a flat JSON object as well as a form.
    fn add_json(&mut self, body: &Bytes) {
        let members = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body).unwrap_or_default();
        for (name, value) in members {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.add(name_of(Cow::Owned(name)), text);
        }
    }

    fn add(&mut self, name: Name, value: String) {
        if value.is_empty() {
            return;
        }
        if self.values.contains_key(&name) {
            self.repeated.push(name);
            return;
        }
        self.values.insert(name, value);
    }

    /// The value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// All parameters, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (&**name, value.as_str()))
    }

    /// All parameters, with names that are cheap to keep.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&Name, &str)> {
        self.values.iter().map(|(name, value)| (name, value.as_str()))
    }

    /// All parameters as a form.
    pub(crate) fn as_form(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.values).finish()
    }

    /// Parameters that came more than once, which RFC 6749 section 3.2 forbids; their first value counts.
    pub(crate) fn repeated(&self) -> &[Name] {
        &self.repeated
    }

    /// The values of a space-delimited parameter such as `scope` or `prompt`.
    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        self.get(name).unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect()
    }
}

/// Whether a body says that it is JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("application/json")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(headers: &[(&str, &str)], query: &str, body: &str) -> WireRequest {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(header::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let body = Bytes::copy_from_slice(body.as_bytes());
        WireRequest::read(Endpoint::Token, Method::POST, "/token".into(), query.into(), map, &body)
    }

    #[test]
    fn query_form_and_json_are_one() {
        let form = request(&[], "grant_type=refresh_token", "refresh_token=1%2F%2F0a");
        assert_eq!(form.params.get("refresh_token"), Some("1//0a"));
        assert_eq!(form.grant(), Some(GrantType::RefreshToken));
        let json = request(&[("content-type", "application/json")], "", r#"{"code":"4/0A","n":1}"#);
        assert_eq!(json.params.get("code"), Some("4/0A"));
        assert_eq!(json.params.get("n"), Some("1"));
    }

    #[test]
    fn an_empty_value_is_absent_and_a_repeated_name_is_noticed() {
        let request = request(&[], "", "a=&b=1&b=2");
        assert_eq!(request.params.get("a"), None);
        assert_eq!(request.params.get("b"), Some("1"));
        assert_eq!(request.params.repeated(), ["b"]);
    }

    #[test]
    fn basic_is_not_form_decoded() {
        let credentials = request(&[("authorization", &format!("Basic {}", STANDARD.encode("a%2Db:s")))], "", "")
            .credentials()
            .clone();
        assert_eq!(credentials.id.as_deref(), Some("a%2Db"));
        assert_eq!(credentials.method, ClientAuth::Basic);
    }

    #[test]
    fn two_sets_of_credentials_are_seen() {
        let headers = [("authorization", &*format!("Basic {}", STANDARD.encode("a:s")))];
        let credentials = request(&headers, "", "client_id=a&client_secret=other").credentials().clone();
        assert_eq!(credentials.method, ClientAuth::Both);
        assert!(credentials.disagree);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(
            body in prop::collection::vec(any::<u8>(), 0..200), query in ".{0,60}", auth in "[ -~]{0,40}", json in any::<bool>(),
        ) {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, auth.parse().unwrap());
            if json {
                headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
            }
            let request = WireRequest::read(Endpoint::Token, Method::POST, "/token".into(), query, headers, &Bytes::from(body));
            let _ = (request.credentials(), request.bearer(), request.grant());
        }

        #[test]
        fn a_form_reads_back(pairs in prop::collection::btree_map("[a-z]{1,8}", ".{1,20}", 0..8)) {
            let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let request = request(&[], "", &body);
            let read: BTreeMap<String, String> = request.params.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
            prop_assert_eq!(read, pairs);
        }
    }
}
