//! The control API under `/_regrant/`: everything that [`RealmHandle`](crate::RealmHandle) can do, as JSON over HTTP.
//!
//! `realms/NAME/…` names a realm; an unknown one is made on first use. Errors are `{"error": "…"}`. Times are milliseconds
//! since the Unix epoch, lengths of time are words such as `90s`. `GET /_regrant/openapi.json` is the exact description;
//! a test holds it to the types here. The calls are sorted by what they are about: [`crate::control_rules`],
//! [`crate::control_faults`], [`crate::control_states`], [`crate::control_observe`].

use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::control_call::{Answer, Body, Done, Input, Named, Refusal, done, error};
use crate::control_faults as faults;
use crate::control_observe as observe;
use crate::control_rules as rules;
use crate::control_states as states;
use crate::journal::Sequence;
use crate::policy::Policy;
use crate::provider::{RealmOptions, Realms};
use crate::quirks::Quirks;
use crate::state::Counters;

/// A snapshot of a million tokens has some 400 MB.
const LARGEST_SNAPSHOT: usize = 1 << 30;

pub(crate) fn router() -> Router<Realms> {
    let realm = Router::new()
        .route("/", get(show).delete(forget))
        .route("/clock", get(states::clock).post(states::move_clock))
        .route("/policy", get(rules::policy).patch(rules::change_policy).put(rules::set_policy))
        .route("/quirks", get(rules::quirks).patch(rules::change_quirks))
        .route("/users", get(rules::users).post(rules::put_user))
        .route("/clients", get(rules::clients).post(rules::put_client))
        .route("/clients/{client}/file", get(rules::client_file))
        .route("/service_accounts", get(rules::key_files).post(rules::put_service_account))
        .route("/authorize", post(rules::decide_authorize))
        .route("/device", post(rules::decide_device))
        .route("/events", post(rules::happen))
        .route("/keys/rotate", post(rules::rotate_keys))
        .route("/replies", get(faults::scripted).post(faults::script).delete(faults::clear_script))
        .route("/holds", post(faults::hold).delete(faults::lift_holds))
        .route("/parked", get(faults::parked))
        .route("/parked/wait", post(faults::wait_for_parked))
        .route("/release", post(faults::release))
        .route("/revoke", post(states::revoke))
        .route("/expire", post(states::expire))
        .route("/tokens/{label}", get(states::token))
        .route("/seed", post(states::seed))
        .route("/snapshot", get(states::snapshot).put(states::restore).layer(DefaultBodyLimit::max(LARGEST_SNAPSHOT)))
        .route("/memory", post(states::remember))
        .route("/restart", post(states::restart))
        .route("/reset", post(states::reset))
        .route("/journal", get(observe::journal))
        .route("/journal/wait", post(observe::wait_for_journal))
        .route("/journal/assert", post(observe::assert_journal))
        .route("/families", get(observe::families));
    Router::new()
        .route("/", get(realms))
        .route("/openapi.json", get(openapi))
        .route("/presets", get(faults::list_presets))
        .route("/profiles", get(rules::list_profiles))
        .route("/realms", get(realms).post(new_realm))
        .route("/realms/{realm}/", get(show).delete(forget))
        .nest("/realms/{realm}", realm)
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
}

async fn unknown() -> Response {
    error(StatusCode::NOT_FOUND, "no such control call; GET /_regrant/openapi.json describes them all")
}

async fn wrong_method() -> Response {
    let text = "this control call is not made with this method; GET /_regrant/openapi.json describes them all";
    error(StatusCode::METHOD_NOT_ALLOWED, text)
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("../openapi.json")).into_response()
}

/// The names of all realms.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct RealmNames {
    realms: Vec<String>,
}

pub(crate) async fn realms(State(realms): State<Realms>) -> Json<RealmNames> {
    Json(RealmNames { realms: realms.names() })
}

/// A new realm and what it starts with.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRealm {
    /// Letters, digits, `-`, `_` and `.`; not dots alone.
    #[cfg_attr(
        feature = "schema",
        schemars(regex(pattern = "^[A-Za-z0-9_.-]{0,99}[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}$"))
    )]
    name: String,
    #[serde(default)]
    options: RealmOptions,
}

/// Where a realm is.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct RealmPlace {
    name: String,
    issuer: String,
}

async fn new_realm(State(realms): State<Realms>, body: Input<NewRealm>) -> Answer<RealmPlace> {
    let Body(NewRealm { name, options }) = body?;
    if !Realms::is_name(&name) {
        return Err(Refusal::BadName(name));
    }
    let realm = realms.create(&name, options).ok_or(Refusal::NameTaken(name))?;
    Ok(Json(RealmPlace { name: realm.name(), issuer: realm.issuer() }))
}

/// A realm at a glance.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct RealmView {
    name: String,
    issuer: String,
    clock: states::ClockView,
    policy: Policy,
    quirks: Quirks,
    counters: Counters,
    /// The numbers of the requests that wait.
    parked: Vec<Sequence>,
    /// How many scripted replies are left.
    replies: usize,
}

async fn show(Named(realm): Named) -> Json<RealmView> {
    Json(RealmView {
        name: realm.name(),
        issuer: realm.issuer(),
        clock: states::ClockView::of(&realm),
        policy: realm.policy(),
        quirks: realm.quirks(),
        counters: realm.counters(),
        parked: realm.parked(),
        replies: realm.scripted().len(),
    })
}

async fn forget(State(realms): State<Realms>, name: Result<Path<String>, PathRejection>) -> Answer<Done> {
    let Path(name) = name.map_err(Refusal::BadPath)?;
    if realms.find(&name).is_none() {
        return Err(Refusal::NoSuchRealm(name));
    }
    realms.close(&name);
    done()
}
