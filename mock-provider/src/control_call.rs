//! What all control calls share: the realm in the path, bodies, and how a call says no.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::handle::{RealmError, RealmHandle};
use crate::provider::Realms;
use crate::request::is_json;
use crate::strict_json;

/// Why the control API says no.
pub(crate) enum Refusal {
    BadBody(JsonRejection),
    NoBody(BytesRejection),
    NotJson,
    BadJson(serde_json::Error),
    BadPath(PathRejection),
    BadQuery(QueryRejection),
    Realm(RealmError),
    BadLabel(String),
    BadProfile(String),
    BadName(String),
    NoSuchRealm(String),
    TooSlow(String),
    NameTaken(String),
}

/// An error of the control API.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ErrorBody {
    /// What is wrong, and how to mend it.
    pub(crate) error: String,
}

/// The answer of a call that has nothing to say.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Done {}

pub(crate) type Answer<T> = Result<Json<T>, Refusal>;
pub(crate) type Input<T> = Result<Body<T>, Refusal>;

/// A JSON body that is exactly what the description says.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        if !is_json(request.headers()) {
            return Err(Refusal::NotJson);
        }
        let bytes = Bytes::from_request(request, state).await.map_err(Refusal::NoBody)?;
        let value = serde_json::from_slice(&bytes).map_err(Refusal::BadJson)?;
        strict_json::read(value).map(Self).map_err(Refusal::BadJson)
    }
}

pub(crate) const fn done() -> Answer<Done> {
    Ok(Json(Done {}))
}

impl From<RealmError> for Refusal {
    fn from(error: RealmError) -> Self {
        Self::Realm(error)
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self::BadBody(rejection)
    }
}

impl From<QueryRejection> for Refusal {
    fn from(rejection: QueryRejection) -> Self {
        Self::BadQuery(rejection)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::BadBody(rejection) => (StatusCode::BAD_REQUEST, rejection.body_text()),
            Self::NoBody(rejection) => (rejection.status(), rejection.body_text()),
            Self::NotJson => (StatusCode::BAD_REQUEST, "send JSON, with `Content-Type: application/json`".to_owned()),
            Self::BadJson(error) => (StatusCode::BAD_REQUEST, error.to_string()),
            Self::BadPath(rejection) => (StatusCode::BAD_REQUEST, rejection.body_text()),
            Self::BadQuery(rejection) => (StatusCode::BAD_REQUEST, rejection.body_text()),
            Self::BadLabel(text) | Self::BadProfile(text) => (StatusCode::BAD_REQUEST, text),
            Self::BadName(name) => (
                StatusCode::BAD_REQUEST,
                format!("`{name}` is no name of a realm; use letters, digits, `-`, `_` and `.`"),
            ),
            Self::NoSuchRealm(name) => (StatusCode::NOT_FOUND, format!("there is no realm `{name}`")),
            Self::NameTaken(name) => (StatusCode::CONFLICT, format!("there is a realm `{name}` already")),
            Self::TooSlow(text) => (StatusCode::REQUEST_TIMEOUT, text),
            Self::Realm(error) => (status_of(&error), error.to_string()),
        };
        error(status, text)
    }
}

pub(crate) fn error(status: StatusCode, text: impl Into<String>) -> Response {
    (status, Json(ErrorBody { error: text.into() })).into_response()
}

const fn status_of(error: &RealmError) -> StatusCode {
    match error {
        RealmError::NoSuchToken(_)
        | RealmError::NoSuchUser(_)
        | RealmError::NoSuchClient(_)
        | RealmError::NoSuchServiceAccount(_)
        | RealmError::NoSuchDevice(_)
        | RealmError::NotParked(_) => StatusCode::NOT_FOUND,
        RealmError::BadReply(_)
        | RealmError::OnlySecret(_)
        | RealmError::Forgotten
        | RealmError::NoFamily
        | RealmError::BadSnapshot(_)
        | RealmError::TooMany { .. }
        | RealmError::NobodyToSeedFor(_) => StatusCode::BAD_REQUEST,
    }
}

/// The realm in the path, made now if it is new.
pub(crate) struct Named(pub(crate) RealmHandle);

impl FromRequestParts<Realms> for Named {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, realms: &Realms) -> Result<Self, Response> {
        #[derive(Deserialize)]
        struct Segments {
            realm: String,
        }
        let Path(Segments { realm }) = Path::from_request_parts(parts, realms)
            .await
            .map_err(|rejection: PathRejection| Refusal::BadPath(rejection).into_response())?;
        realms.open_named(&realm).map(Self).ok_or_else(|| Refusal::BadName(realm).into_response())
    }
}
