//! Requests that get no proper answer.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::log;

/// Why a request gets no proper answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The form does not come from one of our pages.
    #[error("the form has no valid csrfToken")]
    Csrf,
    /// The request makes no sense.
    #[error("{0}")]
    Bad(&'static str),
    /// A cookie could not be written.
    #[error(transparent)]
    NotSealed(#[from] client_core::NotSealed),
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Csrf => StatusCode::FORBIDDEN,
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::NotSealed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        log::line(&self);
        (status, format!("{self}\n")).into_response()
    }
}
