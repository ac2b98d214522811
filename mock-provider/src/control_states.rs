//! Control calls about the realm's state: its clock, its tokens, and the whole of it.

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::JsonRejection;
use serde::{Deserialize, Serialize};

use crate::control_call::{Answer, Body, Done, Input, Named, Refusal, done};
use crate::handle::{RealmError, RealmHandle};
use crate::label::{BadLabel, Label};
use crate::loss::{KeysAfterRestart, Loss};
use crate::seed::{SeedSpec, Seeded};
use crate::snapshot::Snapshot;
use crate::time::{ClockMode, Lifetime, Timestamp};

/// What a realm's clock shows.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ClockView {
    now_ms: Timestamp,
    mode: ClockMode,
}

impl ClockView {
    pub(crate) fn of(realm: &RealmHandle) -> Self {
        Self { now_ms: realm.now(), mode: realm.clock_mode() }
    }
}

pub(crate) async fn clock(Named(realm): Named) -> Json<ClockView> {
    Json(ClockView::of(&realm))
}

/// A movement of the clock: one at a time.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ClockMove {
    /// To an instant, in milliseconds since the epoch.
    SetMs(Timestamp),
    /// Forward.
    Advance(Lifetime),
    /// Back.
    Back(Lifetime),
    /// Stands still or flows.
    Mode(ClockMode),
}

pub(crate) async fn move_clock(Named(realm): Named, body: Input<ClockMove>) -> Answer<ClockView> {
    match body?.0 {
        ClockMove::SetMs(to) => realm.set_clock(to),
        ClockMove::Advance(by) => realm.advance(by.0),
        ClockMove::Back(by) => realm.go_back(by.0),
        ClockMove::Mode(mode) => realm.switch_clock(mode),
    }
    Ok(Json(ClockView::of(&realm)))
}

/// A token, by its label or by its value.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenName {
    token: String,
}

fn label(realm: &RealmHandle, name: &str) -> Result<Label, RealmError> {
    let unknown = || RealmError::NoSuchToken(if name.len() < 12 { name.to_owned() } else { "(a value)".to_owned() });
    name.parse().ok().or_else(|| realm.label_of(name)).ok_or_else(unknown)
}

pub(crate) async fn revoke(Named(realm): Named, body: Input<TokenName>) -> Answer<Done> {
    let label = label(&realm, &body?.0.token)?;
    realm.revoke(label)?;
    done()
}

pub(crate) async fn expire(Named(realm): Named, body: Input<TokenName>) -> Answer<Done> {
    let label = label(&realm, &body?.0.token)?;
    realm.expire(label)?;
    done()
}

/// A label in the path.
#[derive(Deserialize)]
pub(crate) struct LabelSegment {
    label: String,
}

/// A token's name and its end.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct TokenEnd {
    label: Label,
    /// When it ends by itself, if it ever does.
    expires_ms: Option<Timestamp>,
}

pub(crate) async fn token(Named(realm): Named, Path(segment): Path<LabelSegment>) -> Answer<TokenEnd> {
    let label: Label = segment.label.parse().map_err(|error: BadLabel| Refusal::BadLabel(error.to_string()))?;
    Ok(Json(TokenEnd { label, expires_ms: realm.expiry(label)? }))
}

pub(crate) async fn seed(Named(realm): Named, body: Input<SeedSpec>) -> Answer<Seeded> {
    Ok(Json(realm.seed(&body?.0)?))
}

pub(crate) async fn snapshot(Named(realm): Named) -> Json<Snapshot> {
    Json(realm.snapshot())
}

/// Read once only: it is large, and made by a realm and not by hand.
pub(crate) async fn restore(Named(realm): Named, body: Result<Json<Snapshot>, JsonRejection>) -> Answer<Done> {
    realm.restore(body?.0)?;
    done()
}

/// How far back a restart can lose something.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Reach {
    /// A length of the realm's time; null remembers nothing.
    #[serde(deserialize_with = "Option::deserialize")]
    reach: Option<Lifetime>,
}

pub(crate) async fn remember(Named(realm): Named, body: Input<Reach>) -> Answer<Done> {
    realm.remember(body?.0.reach);
    done()
}

/// A restart.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Restart {
    /// What is forgotten: `nothing`, `everything`, or `{"last": "200ms"}`.
    lose: Loss,
    /// Whether the signing keys are the same.
    #[serde(default)]
    keys: KeysAfterRestart,
}

pub(crate) async fn restart(Named(realm): Named, body: Input<Restart>) -> Answer<Done> {
    let Body(Restart { lose, keys }) = body?;
    realm.restart(lose, keys)?;
    done()
}

pub(crate) async fn reset(Named(realm): Named) -> Answer<Done> {
    realm.reset();
    done()
}
