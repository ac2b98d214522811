//! What an endpoint decided, before it becomes HTTP: a status, header fields, a body, and what it did to the model.

use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::{Map, Value, json};

use crate::callback::Callback;
use crate::json_text::{JsonText, Layout};
use crate::label::Label;
use crate::profile::RefusalReason;

/// An answer in the making.
#[derive(Clone)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Header fields beside those that every answer has.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// What the request did, for the journal.
    pub effect: Effect,
}

/// The body of an answer.
#[derive(Clone)]
pub(crate) enum Body {
    /// None.
    Empty,
    /// These bytes.
    Bytes(Vec<u8>),
    /// JSON, which a scripted edit may still change.
    Json(JsonText, Layout),
    /// A browser is sent to a redirect URI with parameters.
    Callback(Callback),
}

/// What a request did to the model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effect {
    /// The client it was for.
    pub client: Option<String>,
    /// The user it was for, by subject.
    pub user: Option<String>,
    /// The known token that it presented.
    pub presented: Option<Label>,
    /// The tokens that it minted.
    pub minted: Vec<Label>,
    /// The OAuth error code of the answer.
    pub error: Option<String>,
    /// Why a refresh token bought nothing.
    pub refusal: Option<RefusalReason>,
}

/// Google's header fields on the token endpoint and its neighbours, seen 2024 on HTTP/2.
static API_HEADERS: LazyLock<HeaderMap> = LazyLock::new(|| {
    header_map(&[
        ("cache-control", "no-cache, no-store, max-age=0, must-revalidate"),
        ("expires", "Mon, 01 Jan 1990 00:00:00 GMT"),
        ("pragma", "no-cache"),
        ("content-type", "application/json; charset=utf-8"),
        ("vary", "X-Origin"),
        ("vary", "Referer"),
        ("vary", "Origin,Accept-Encoding"),
        ("server", "scaffolding on HTTPServer2"),
        ("x-xss-protection", "0"),
        ("x-frame-options", "SAMEORIGIN"),
        ("x-content-type-options", "nosniff"),
        ("alt-svc", ALT_SVC),
        ("accept-ranges", "none"),
    ])
});

/// Header fields in order; made once for what is sent often.
pub(crate) fn header_map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    let field =
        |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    let mut map = HeaderMap::with_capacity(fields.len() + 4);
    for (name, value) in fields.iter().map(field) {
        map.append(name, value);
    }
    map
}

/// Sets a header field; a value that no header may have is left out.
pub(crate) fn put_header(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
}

/// Google's offer of HTTP/3, which nobody takes on plain HTTP.
pub(crate) const ALT_SVC: &str = r#"h3=":443"; ma=2592000,h3-29=":443"; ma=2592000"#;

/// An error of the token endpoint (RFC 6749 section 5.2).
#[derive(Clone, Debug)]
pub(crate) struct OAuthError {
    status: u16,
    code: String,
    body: Map<String, Value>,
    layout: Layout,
    refusal: Option<RefusalReason>,
}

impl OAuthError {
    pub(crate) fn new(status: u16, code: &str, description: &str) -> Self {
        let mut error = Self::bare(status, code);
        error.body.insert("error_description".into(), description.into());
        error
    }

    /// One without a description.
    pub(crate) fn bare(status: u16, code: &str) -> Self {
        let body = Map::from_iter([("error".to_owned(), code.into())]);
        Self { status, code: code.to_owned(), body, layout: Layout::Pretty(2), refusal: None }
    }

    /// One whose members are given whole.
    pub(crate) fn whole(status: u16, body: Map<String, Value>) -> Self {
        let code = body.get("error").and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { status, code, body, layout: Layout::Pretty(2), refusal: None }
    }

    /// Its status, code and description.
    pub(crate) fn parts(&self) -> (u16, &str, &str) {
        let description = self.body.get("error_description").and_then(Value::as_str).unwrap_or_default();
        (self.status, &self.code, description)
    }

    pub(crate) fn no_client() -> Self {
        Self::new(400, "invalid_request", "Could not determine client ID from request.")
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::new(400, "invalid_request", &format!("Missing required parameter: {parameter}"))
    }

    /// The same with one more member at the end.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.body.insert(name.to_owned(), value.into());
        self
    }

    /// The same, with the rule behind it.
    #[must_use]
    pub(crate) const fn because(mut self, reason: RefusalReason) -> Self {
        self.refusal = Some(reason);
        self
    }

    /// The same without white space, as the service-account grant writes it.
    #[must_use]
    pub(crate) fn compact(mut self) -> Self {
        self.layout = Layout::Compact;
        self
    }
}

impl From<OAuthError> for Answer {
    fn from(error: OAuthError) -> Self {
        let mut answer = Self::api(error.status, Value::Object(error.body));
        if let Body::Json(_, layout) = &mut answer.body {
            *layout = error.layout;
        }
        answer.effect.error = Some(error.code);
        answer.effect.refusal = error.refusal;
        answer
    }
}

impl Answer {
    /// JSON as Google's token endpoint writes it: two spaces, no newline at the end.
    pub(crate) fn api(status: u16, body: Value) -> Self {
        Self::api_text(status, body.into())
    }

    /// The same, from a text that may hold an unsigned id_token.
    pub(crate) fn api_text(status: u16, body: JsonText) -> Self {
        let headers = API_HEADERS.clone();
        Self { status, headers, body: Body::Json(body, Layout::Pretty(2)), effect: Effect::default() }
    }

    /// An OAuth error (RFC 6749 section 5.2).
    pub(crate) fn error(status: u16, code: &str, description: &str) -> Self {
        let mut answer = Self::api(status, json!({"error": code, "error_description": description}));
        answer.effect.error = Some(code.to_owned());
        answer
    }

    /// The OAuth error code that the body carries, if it is such a body; a scripted reply may say what it likes.
    pub(crate) fn error_code(&self) -> Option<String> {
        let Body::Json(JsonText::Object(members), _) = &self.body else { return None };
        let (_, value) = members.iter().find(|(name, _)| name == "error")?;
        let JsonText::Raw(text) = value else { return None };
        serde_json::from_str(text).ok()
    }

    /// An HTML page.
    pub(crate) fn html(status: u16, page: &str) -> Self {
        let headers = header_map(&[("content-type", "text/html; charset=UTF-8"), ("referrer-policy", "no-referrer")]);
        Self { status, headers, body: Body::Bytes(page.as_bytes().to_vec()), effect: Effect::default() }
    }

    /// One of Google's "robot" pages.
    pub(crate) fn robot_page(status: u16, reason: &str, text: &str) -> Self {
        let title = format!("Error {status} ({reason})!!1");
        Self::html(
            status,
            &format!(
                "<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>{title}</title>\n  \
                 <p><b>{status}.</b> <ins>That’s an error.</ins>\n  <p>{text}  <ins>That’s all we know.</ins>\n"
            ),
        )
    }

    /// A page for a browser to go to.
    pub(crate) fn callback(callback: Callback) -> Self {
        let headers = header_map(&[("cache-control", "no-store")]);
        Self { status: 302, headers, body: Body::Callback(callback), effect: Effect::default() }
    }

    /// What Google answers to GET on a path that only takes POST: 404, not 405.
    pub(crate) fn wrong_method() -> Self {
        let headers = header_map(&[("content-type", "text/html"), ("server", "scaffolding on HTTPServer2")]);
        Self { status: 404, headers, body: Body::Empty, effect: Effect::default() }
    }

    /// A redirect.
    pub(crate) fn redirect(location: impl Into<String>) -> Self {
        let headers = header_map(&[("cache-control", "no-store")]);
        let mut answer = Self { status: 302, headers, body: Body::Empty, effect: Effect::default() };
        answer.put_header(header::LOCATION, &location.into());
        answer
    }

    /// Sets a header field; a value that no header may have is left out.
    pub(crate) fn put_header(&mut self, name: HeaderName, value: &str) {
        put_header(&mut self.headers, name, value);
    }

    /// This answer with an effect in place of its own; its error code and reason stay.
    #[must_use]
    pub(crate) fn with_effect(self, effect: Effect) -> Self {
        let error = effect.error.clone().or(self.effect.error);
        let refusal = effect.refusal.or(self.effect.refusal);
        Self { effect: Effect { error, refusal, ..effect }, ..self }
    }
}
