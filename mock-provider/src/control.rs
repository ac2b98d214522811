//! The control API under `/_regrant/`: everything that [`RealmHandle`] can do, as JSON over HTTP.
//!
//! `realms/NAME/…` names a realm; an unknown one is made on first use. Errors are `{"error": "…"}` with a status of 400
//! or 404. Times are milliseconds since the Unix epoch, lengths of time are words such as `90s`.

use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::handle::{RealmError, RealmHandle};
use crate::hold::HoldSpec;
use crate::journal::Sequence;
use crate::label::Label;
use crate::party::{Client, User};
use crate::policy::{Policy, PolicyPatch, Profile};
use crate::provider::{RealmOptions, Realms};
use crate::realm::Consent;
use crate::reply::ReplySpec;
use crate::time::{ClockMode, Lifetime, Timestamp};

pub(crate) fn router() -> Router<Realms> {
    let realm = Router::new()
        .route("/", get(show).delete(forget))
        .route("/clock", get(clock).post(move_clock))
        .route("/policy", get(policy).patch(change_policy).put(set_policy))
        .route("/users", get(users).post(put_user))
        .route("/clients", get(clients).post(put_client))
        .route("/authorize", post(decide_authorize))
        .route("/replies", get(scripted).post(script).delete(clear_script))
        .route("/holds", post(hold).delete(lift_holds))
        .route("/parked", get(parked))
        .route("/parked/wait", post(wait_for_parked))
        .route("/release", post(release))
        .route("/revoke", post(revoke))
        .route("/expire", post(expire))
        .route("/keys/rotate", post(rotate_keys))
        .route("/tokens/{label}", get(token))
        .route("/journal", get(journal))
        .route("/families", get(families))
        .route("/reset", post(reset));
    Router::new()
        .route("/", get(realms))
        .route("/realms", get(realms).post(new_realm))
        .route("/realms/{realm}/", get(show).delete(forget))
        .nest("/realms/{realm}", realm)
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
}

/// Why the control API says no.
enum Refusal {
    BadBody(JsonRejection),
    Realm(RealmError),
    BadLabel(String),
    TooSlow(String),
    NameTaken(String),
}

/// The longest that a control call waits, in real time.
const PATIENCE: Duration = Duration::from_secs(30);

type Answer = Result<Json<Value>, Refusal>;
type Input<T> = Result<Json<T>, JsonRejection>;

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

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::BadBody(rejection) => (StatusCode::BAD_REQUEST, rejection.body_text()),
            Self::BadLabel(text) => (StatusCode::BAD_REQUEST, text),
            Self::NameTaken(name) => (StatusCode::CONFLICT, format!("there is a realm `{name}` already")),
            Self::TooSlow(text) => (StatusCode::REQUEST_TIMEOUT, text),
            Self::Realm(
                error @ (RealmError::NoSuchToken(_) | RealmError::NoSuchUser(_) | RealmError::NotParked(_)),
            ) => (StatusCode::NOT_FOUND, error.to_string()),
            Self::Realm(error @ (RealmError::BadReply(_) | RealmError::NoKey(_))) => {
                (StatusCode::BAD_REQUEST, error.to_string())
            }
        };
        (status, Json(json!({ "error": text }))).into_response()
    }
}

/// The realm in the path.
struct Named(RealmHandle);

impl FromRequestParts<Realms> for Named {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, realms: &Realms) -> Result<Self, Response> {
        #[derive(Deserialize)]
        struct Segments {
            realm: String,
        }
        let Path(Segments { realm }) =
            Path::from_request_parts(parts, realms).await.map_err(IntoResponse::into_response)?;
        Ok(Self(realms.open(&realm)))
    }
}

fn done() -> Answer {
    Ok(Json(json!({})))
}

fn shown<T: Serialize>(value: T) -> Json<Value> {
    Json(serde_json::to_value(value).unwrap_or(Value::Null))
}

async fn unknown() -> Response {
    let text = "no such control call; the calls are listed in docs/control-api.md";
    (StatusCode::NOT_FOUND, Json(json!({ "error": text }))).into_response()
}

async fn wrong_method() -> Response {
    let text = "this control call is not made with this method; the calls are listed in docs/control-api.md";
    (StatusCode::METHOD_NOT_ALLOWED, Json(json!({ "error": text }))).into_response()
}

async fn realms(State(realms): State<Realms>) -> Json<Value> {
    shown(json!({ "realms": realms.names() }))
}

/// A new realm and what it starts with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRealm {
    name: String,
    #[serde(default)]
    options: RealmOptions,
}

async fn new_realm(State(realms): State<Realms>, body: Input<NewRealm>) -> Answer {
    let Json(NewRealm { name, options }) = body?;
    let realm = realms.create(&name, &options).ok_or(Refusal::NameTaken(name))?;
    Ok(shown(json!({"name": realm.name(), "issuer": realm.issuer()})))
}

async fn show(Named(realm): Named) -> Json<Value> {
    shown(json!({
        "name": realm.name(),
        "issuer": realm.issuer(),
        "clock": clock_view(&realm),
        "policy": realm.policy(),
        "counters": realm.counters(),
        "parked": realm.parked(),
    }))
}

async fn forget(State(realms): State<Realms>, Path(name): Path<String>) -> Result<Json<Value>, Response> {
    if realms.find(&name).is_none() {
        return Err(
            (StatusCode::NOT_FOUND, Json(json!({"error": format!("there is no realm `{name}`")}))).into_response()
        );
    }
    realms.close(&name);
    Ok(Json(json!({})))
}

fn clock_view(realm: &RealmHandle) -> Value {
    json!({"now_ms": realm.now(), "mode": realm.clock_mode()})
}

async fn clock(Named(realm): Named) -> Json<Value> {
    shown(clock_view(&realm))
}

/// A movement of the clock: one at a time.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum ClockMove {
    SetMs(Timestamp),
    Advance(Lifetime),
    Back(Lifetime),
    Mode(ClockMode),
}

async fn move_clock(Named(realm): Named, body: Input<ClockMove>) -> Answer {
    match body?.0 {
        ClockMove::SetMs(to) => realm.set_clock(to),
        ClockMove::Advance(by) => realm.advance(by.0),
        ClockMove::Back(by) => realm.go_back(by.0),
        ClockMove::Mode(mode) => realm.switch_clock(mode),
    }
    Ok(shown(clock_view(&realm)))
}

async fn policy(Named(realm): Named) -> Json<Policy> {
    Json(realm.policy())
}

async fn change_policy(Named(realm): Named, body: Input<PolicyPatch>) -> Answer {
    realm.change_policy(&body?.0);
    Ok(shown(realm.policy()))
}

/// All life rules at once: those of a profile.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WholePolicy {
    profile: Profile,
}

async fn set_policy(Named(realm): Named, body: Input<WholePolicy>) -> Answer {
    realm.set_policy(Policy::of(body?.0.profile));
    Ok(shown(realm.policy()))
}

async fn users(Named(realm): Named) -> Json<Vec<User>> {
    Json(realm.users())
}

async fn put_user(Named(realm): Named, body: Input<User>) -> Answer {
    realm.put_user(body?.0);
    done()
}

async fn clients(Named(realm): Named) -> Json<Vec<Client>> {
    Json(realm.clients())
}

async fn put_client(Named(realm): Named, body: Input<Client>) -> Answer {
    realm.put_client(body?.0);
    done()
}

/// What the person at the authorize page does from now on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorizeDecision {
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    consent: Option<Consent>,
}

async fn decide_authorize(Named(realm): Named, body: Input<AuthorizeDecision>) -> Answer {
    let Json(decision) = body?;
    if let Some(user) = &decision.user {
        realm.sign_in_as(user)?;
    }
    if let Some(consent) = decision.consent {
        realm.set_consent(consent);
    }
    done()
}

async fn scripted(Named(realm): Named) -> Json<Vec<ReplySpec>> {
    Json(realm.scripted())
}

async fn script(Named(realm): Named, body: Input<ReplySpec>) -> Answer {
    realm.script(body?.0)?;
    done()
}

async fn clear_script(Named(realm): Named) -> Answer {
    realm.clear_script();
    done()
}

async fn hold(Named(realm): Named, body: Input<HoldSpec>) -> Answer {
    realm.hold(body?.0);
    done()
}

async fn lift_holds(Named(realm): Named) -> Answer {
    realm.lift_holds();
    done()
}

async fn parked(Named(realm): Named) -> Json<Value> {
    shown(json!({ "parked": realm.parked() }))
}

/// How many requests to wait for, and how long, in real time.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaitForParked {
    count: usize,
    #[serde(default = "patience")]
    within: Lifetime,
}

const fn patience() -> Lifetime {
    Lifetime(PATIENCE)
}

async fn wait_for_parked(Named(realm): Named, body: Input<WaitForParked>) -> Answer {
    let Json(WaitForParked { count, within }) = body?;
    let parked = tokio::time::timeout(within.0.min(PATIENCE), realm.wait_for_parked(count)).await;
    let parked = parked.map_err(|_| Refusal::TooSlow(format!("only {} requests are parked", realm.parked().len())))?;
    Ok(shown(json!({ "parked": parked })))
}

/// Which parked requests go, in which order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    order: Vec<Sequence>,
}

/// Each is answered before the next one goes, so the order is the order of effects.
async fn release(Named(realm): Named, body: Input<Release>) -> Answer {
    for sequence in body?.0.order {
        realm.release(sequence)?;
        let answered = tokio::time::timeout(PATIENCE, realm.wait_for_answer(sequence)).await;
        answered.map_err(|_| Refusal::TooSlow(format!("request {sequence} has no answer yet")))?;
    }
    done()
}

/// A token, by its label or by its value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenName {
    token: String,
}

fn label(realm: &RealmHandle, name: &str) -> Result<Label, RealmError> {
    let unknown = || RealmError::NoSuchToken(if name.len() < 12 { name.to_owned() } else { "(a value)".to_owned() });
    name.parse().ok().or_else(|| realm.label_of(name)).ok_or_else(unknown)
}

async fn revoke(Named(realm): Named, body: Input<TokenName>) -> Answer {
    let label = label(&realm, &body?.0.token)?;
    realm.revoke(label)?;
    done()
}

async fn expire(Named(realm): Named, body: Input<TokenName>) -> Answer {
    let label = label(&realm, &body?.0.token)?;
    realm.expire(label)?;
    done()
}

async fn rotate_keys(Named(realm): Named) -> Answer {
    realm.rotate_keys()?;
    done()
}

#[derive(Deserialize)]
struct LabelSegment {
    label: String,
}

async fn token(Named(realm): Named, Path(segment): Path<LabelSegment>) -> Answer {
    let label: Label =
        segment.label.parse().map_err(|error: crate::label::BadLabel| Refusal::BadLabel(error.to_string()))?;
    Ok(shown(json!({"label": label, "expires_ms": realm.expiry(label)?})))
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: Sequence,
}

async fn journal(Named(realm): Named, Query(Since { since }): Query<Since>) -> Json<Value> {
    shown(json!({"entries": realm.journal(since), "dropped": realm.journal_dropped()}))
}

async fn families(Named(realm): Named) -> Json<Value> {
    shown(json!({ "families": realm.families() }))
}

async fn reset(Named(realm): Named) -> Answer {
    realm.reset();
    done()
}
