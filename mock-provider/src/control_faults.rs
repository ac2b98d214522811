//! Control calls about failing on purpose: scripted replies, the catalogue, holds.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use serde::{Deserialize, Serialize};

use crate::control_call::{Answer, Body, Done, Input, Named, Refusal, done};
use crate::hold::HoldSpec;
use crate::journal::Sequence;
use crate::preset::{Preset, presets};
use crate::reply_spec::ReplySpec;
use crate::time::Lifetime;

/// The longest that a control call waits, in real time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const fn patience() -> Lifetime {
    Lifetime(PATIENCE)
}

pub(crate) async fn scripted(Named(realm): Named) -> Json<Vec<ReplySpec>> {
    Json(realm.scripted())
}

pub(crate) async fn script(Named(realm): Named, body: Input<ReplySpec>) -> Answer<Done> {
    realm.script(body?.0)?;
    done()
}

pub(crate) async fn clear_script(Named(realm): Named) -> Answer<Done> {
    realm.clear_script();
    done()
}

pub(crate) async fn list_presets() -> Json<&'static BTreeMap<String, Preset>> {
    Json(presets())
}

pub(crate) async fn hold(Named(realm): Named, body: Input<HoldSpec>) -> Answer<Done> {
    realm.hold(body?.0)?;
    done()
}

pub(crate) async fn lift_holds(Named(realm): Named) -> Answer<Done> {
    realm.lift_holds();
    done()
}

/// Requests that wait.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ParkedView {
    /// Their numbers, in order of arrival.
    parked: Vec<Sequence>,
}

pub(crate) async fn parked(Named(realm): Named) -> Json<ParkedView> {
    Json(ParkedView { parked: realm.parked() })
}

/// How many requests to wait for, and how long, in real time.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitForParked {
    count: usize,
    /// At most 30 seconds of real time, which is also what is waited unless said otherwise.
    #[serde(default = "patience")]
    within: Lifetime,
}

pub(crate) async fn wait_for_parked(Named(realm): Named, body: Input<WaitForParked>) -> Answer<ParkedView> {
    let Body(WaitForParked { count, within }) = body?;
    let parked = tokio::time::timeout(within.0.min(PATIENCE), realm.wait_for_parked(count)).await;
    let parked = parked.map_err(|_| Refusal::TooSlow(format!("only {} requests are parked", realm.parked().len())))?;
    Ok(Json(ParkedView { parked }))
}

/// Which parked requests go, in which order.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Release {
    order: Vec<Sequence>,
}

/// Each is answered, or waits behind another hold, before the next one goes: the order is the order of effects.
pub(crate) async fn release(Named(realm): Named, body: Input<Release>) -> Answer<Done> {
    for sequence in body?.0.order {
        realm.release(sequence)?;
        let answered = tokio::time::timeout(PATIENCE, realm.wait_past_release(sequence)).await;
        answered.map_err(|_| Refusal::TooSlow(format!("request {sequence} has no answer yet")))?;
    }
    done()
}
