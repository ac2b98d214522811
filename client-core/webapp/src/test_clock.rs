//! `POST /_test/clock`: a test sets the application's time. The route is there only with `--test-clock`.

use std::sync::Arc;

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Json, Response};
use client_core::UnixMillis;
use serde::Deserialize;
use serde_json::json;

use crate::app::App;

/// The form.
#[derive(Deserialize)]
pub(crate) struct Instant {
    now_ms: UnixMillis,
}

/// Sets the clock, and says what it shows.
pub(crate) async fn set(State(app): State<Arc<App>>, Form(Instant { now_ms }): Form<Instant>) -> Response {
    let Some(clock) = &app.test_clock else { return StatusCode::NOT_FOUND.into_response() };
    clock.set(now_ms);
    Json(json!({"now_ms": app.now()})).into_response()
}
