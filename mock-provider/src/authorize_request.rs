//! An authorization request, parsed once into what it asks for; or why Google's own page says no.

use std::sync::Arc;

use crate::callback::ResponseMode;
use crate::realm::Realm;
use crate::request::Params;
use crate::state::Challenge;

/// A request whose client and redirect URI are known to be right.
#[derive(Debug)]
pub(crate) struct AuthorizeRequest {
    pub(crate) client: Arc<str>,
    pub(crate) redirect_uri: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) wants: ResponseType,
    pub(crate) mode: ResponseMode,
}

/// What comes back (OAuth 2.0 Multiple Response Type Encoding Practices); none of them is the type `none`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResponseType {
    pub(crate) code: bool,
    pub(crate) token: bool,
    pub(crate) id_token: bool,
}

/// What only Google's own page may say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl PageError {
    pub(crate) fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned() }
    }

    fn invalid_request(message: &str) -> Self {
        Self::new(400, "invalid_request", message)
    }

    fn missing(name: &str) -> Self {
        Self::invalid_request(&format!("Missing required parameter: {name}"))
    }
}

const OUT_OF_BAND: &str = "urn:ietf:wg:oauth:2.0:oob";

impl Realm {
    pub(crate) fn check_authorization(&self, params: &Params) -> Result<AuthorizeRequest, PageError> {
        let id = params.get("client_id").ok_or_else(|| PageError::missing("client_id"))?;
        let redirect_uri = params.get("redirect_uri").ok_or_else(|| PageError::missing("redirect_uri"))?;
        let client = self.active_client(id).map_err(|error| {
            let (status, code, message) = error.parts();
            PageError::new(status, code, message)
        })?;
        if redirect_uri == OUT_OF_BAND {
            return Err(PageError::invalid_request(
                "The out-of-band (OOB) flow has been blocked in order to keep users secure.",
            ));
        }
        if !client.may_redirect_to(redirect_uri) {
            let text = "You can't sign in to this app because it doesn't comply with Google's OAuth 2.0 policy. \
                        Register the redirect URI: ";
            return Err(PageError::new(400, "redirect_uri_mismatch", &format!("{text}redirect_uri={redirect_uri}")));
        }
        let wants = response_type(params)?;
        params.get("scope").ok_or_else(|| PageError::missing("scope"))?;
        let asked = params.words("scope");
        if let Some(foreign) = foreign_scope(client.scopes.as_deref(), &asked) {
            let text = format!("Some requested scopes are not registered for this client: {foreign}");
            return Err(PageError::new(403, "restricted_client", &text));
        }
        check_prompt(params)?;
        Ok(AuthorizeRequest {
            client: id.into(),
            redirect_uri: redirect_uri.to_owned(),
            scopes: crate::authorize::granted_form(&asked),
            challenge: challenge(params)?,
            wants,
            mode: response_mode(params, wants)?,
        })
    }
}

fn foreign_scope<'a>(registered: Option<&[String]>, asked: &'a [String]) -> Option<&'a String> {
    let registered = registered?;
    asked.iter().find(|scope| !registered.contains(scope))
}

fn response_type(params: &Params) -> Result<ResponseType, PageError> {
    let kind = params.get("response_type");
    let kind = kind.ok_or_else(|| PageError::invalid_request("Required parameter is missing: response_type"))?;
    let mut wants = ResponseType::default();
    let words: Vec<&str> = kind.split_ascii_whitespace().collect();
    for word in &words {
        match *word {
            "code" => wants.code = true,
            "token" => wants.token = true,
            "id_token" => wants.id_token = true,
            "none" if words.len() == 1 => {}
            _ => {
                return Err(PageError::new(
                    400,
                    "unsupported_response_type",
                    &format!("Invalid response_type: {kind}"),
                ));
            }
        }
    }
    if wants.id_token && params.get("nonce").is_none() {
        // OpenID Connect Core section 3.2.2.1.
        return Err(PageError::missing("nonce"));
    }
    Ok(wants)
}

fn response_mode(params: &Params, wants: ResponseType) -> Result<ResponseMode, PageError> {
    let in_front = wants.token || wants.id_token;
    match params.get("response_mode") {
        None if in_front => Ok(ResponseMode::Fragment),
        None => Ok(ResponseMode::Query),
        Some("fragment") => Ok(ResponseMode::Fragment),
        Some("form_post") => Ok(ResponseMode::FormPost),
        Some("query") if !in_front => Ok(ResponseMode::Query),
        Some("query") => Err(PageError::invalid_request("Invalid response_mode for this response_type: query")),
        Some(other) => Err(PageError::invalid_request(&format!("Invalid response_mode: {other}"))),
    }
}

/// `none` stands alone (OpenID Connect Core section 3.1.2.1), and the old `approval_prompt` does not go with `prompt`.
fn check_prompt(params: &Params) -> Result<(), PageError> {
    let prompt = params.words("prompt");
    if prompt.iter().any(|word| word == "none") && prompt.len() > 1 {
        return Err(PageError::invalid_request("Invalid parameter value for prompt: none must stand alone"));
    }
    if let Some(word) = prompt.iter().find(|word| !matches!(word.as_str(), "none" | "consent" | "select_account")) {
        return Err(PageError::invalid_request(&format!("Invalid parameter value for prompt: Invalid prompt: {word}")));
    }
    if !prompt.is_empty() && params.get("approval_prompt").is_some() {
        return Err(PageError::invalid_request("Conflict params: approval_prompt and prompt"));
    }
    Ok(())
}

fn challenge(params: &Params) -> Result<Option<Challenge>, PageError> {
    let Some(challenge) = params.get("code_challenge") else { return Ok(None) };
    match params.get("code_challenge_method").unwrap_or("plain") {
        "plain" => Ok(Some(Challenge::Plain(challenge.to_owned()))),
        "S256" => Ok(Some(Challenge::S256(challenge.to_owned()))),
        other => {
            Err(PageError::invalid_request(&format!("Invalid parameter value for code_challenge_method: {other}")))
        }
    }
}
