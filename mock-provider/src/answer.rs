//! What an endpoint decided, before it becomes HTTP: a status, header fields, a body, and what it did to the model.

use serde_json::{Value, json};

use crate::json_text::{JsonText, Layout};
use crate::label::Label;

/// An answer in the making.
#[derive(Clone)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Header fields beside those that every answer has.
    pub headers: Vec<(String, String)>,
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
}

/// Google's header fields on the token endpoint and its neighbours, seen 2024 on HTTP/2.
const API_HEADERS: [(&str, &str); 12] = [
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
    ("accept-ranges", "none"),
];

/// An error of the token endpoint (RFC 6749 section 5.2).
#[derive(Clone, Debug)]
pub(crate) struct OAuthError {
    status: u16,
    code: &'static str,
    description: String,
}

impl OAuthError {
    pub(crate) fn new(status: u16, code: &'static str, description: &str) -> Self {
        Self { status, code, description: description.to_owned() }
    }
}

impl From<OAuthError> for Answer {
    fn from(error: OAuthError) -> Self {
        Self::error(error.status, error.code, &error.description)
    }
}

impl Answer {
    /// JSON as Google's token endpoint writes it: two spaces, no newline at the end.
    pub(crate) fn api(status: u16, body: Value) -> Self {
        Self::api_text(status, body.into())
    }

    /// The same, from a text that may hold an unsigned id_token.
    pub(crate) fn api_text(status: u16, body: JsonText) -> Self {
        let headers = API_HEADERS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
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
        let headers = vec![
            ("content-type".to_owned(), "text/html; charset=UTF-8".to_owned()),
            ("referrer-policy".to_owned(), "no-referrer".to_owned()),
        ];
        Self { status, headers, body: Body::Bytes(page.as_bytes().to_vec()), effect: Effect::default() }
    }

    /// What Google answers to GET on a path that only takes POST: 404, not 405.
    pub(crate) fn wrong_method() -> Self {
        let headers = vec![
            ("content-type".to_owned(), "text/html".to_owned()),
            ("server".to_owned(), "scaffolding on HTTPServer2".to_owned()),
        ];
        Self { status: 404, headers, body: Body::Empty, effect: Effect::default() }
    }

    /// A redirect.
    pub(crate) fn redirect(location: impl Into<String>) -> Self {
        let headers =
            vec![("location".to_owned(), location.into()), ("cache-control".to_owned(), "no-store".to_owned())];
        Self { status: 302, headers, body: Body::Empty, effect: Effect::default() }
    }

    /// This answer with an effect in place of its own; its error code stays.
    #[must_use]
    pub(crate) fn with_effect(self, effect: Effect) -> Self {
        let error = effect.error.clone().or(self.effect.error);
        Self { effect: Effect { error, ..effect }, ..self }
    }
}
