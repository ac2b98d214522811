//! Control calls about rules and people: policy, switches, users, clients, service accounts, and what happens to them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Path;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::control_call::{Answer, Body, Done, Input, Named, Refusal, done};
use crate::event::Event;
use crate::handle::PageDecision;
use crate::party::{Client, ServiceAccount, User};
use crate::policy::{Policy, PolicyPatch};
use crate::profile::{Profile, ProfileName};
use crate::quirks::{Quirks, QuirksPatch};
use crate::secret::Secret;

pub(crate) async fn policy(Named(realm): Named) -> Json<Policy> {
    Json(realm.policy())
}

pub(crate) async fn change_policy(Named(realm): Named, body: Input<PolicyPatch>) -> Answer<Policy> {
    realm.change_policy(&body?.0);
    Ok(Json(realm.policy()))
}

/// All life rules at once: those of a built-in profile, or of one that is given whole.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum WholePolicy {
    /// A built-in one.
    Profile(ProfileName),
    /// One of your own.
    Custom(Box<Profile>),
}

pub(crate) async fn set_policy(Named(realm): Named, body: Input<WholePolicy>) -> Answer<Policy> {
    let profile = match body?.0 {
        WholePolicy::Profile(name) => name.profile(),
        WholePolicy::Custom(profile) => profile.checked().map_err(|error| Refusal::BadProfile(error.to_string()))?,
    };
    realm.follow(profile);
    Ok(Json(realm.policy()))
}

pub(crate) async fn list_profiles() -> Json<BTreeMap<ProfileName, Profile>> {
    Json(ProfileName::all().map(|name| (name, name.profile())).collect())
}

pub(crate) async fn quirks(Named(realm): Named) -> Json<Quirks> {
    Json(realm.quirks())
}

pub(crate) async fn change_quirks(Named(realm): Named, body: Input<QuirksPatch>) -> Answer<Quirks> {
    realm.change_quirks(&body?.0);
    Ok(Json(realm.quirks()))
}

pub(crate) async fn users(Named(realm): Named) -> Json<Vec<User>> {
    Json(realm.users())
}

pub(crate) async fn put_user(Named(realm): Named, body: Input<User>) -> Answer<Done> {
    realm.put_user(body?.0);
    done()
}

pub(crate) async fn clients(Named(realm): Named) -> Json<Vec<Client>> {
    Json(realm.clients())
}

pub(crate) async fn put_client(Named(realm): Named, body: Input<Client>) -> Answer<Done> {
    realm.put_client(body?.0);
    done()
}

/// A client in the path.
#[derive(Deserialize)]
pub(crate) struct ClientSegment {
    client: String,
}

pub(crate) async fn client_file(
    Named(realm): Named,
    Path(segment): Path<ClientSegment>,
) -> Result<Json<Value>, Refusal> {
    Ok(Json(realm.client_file(&segment.client)?))
}

pub(crate) async fn key_files(Named(realm): Named) -> Json<Vec<Value>> {
    Json(realm.key_files())
}

pub(crate) async fn put_service_account(Named(realm): Named, body: Input<ServiceAccount>) -> Answer<Done> {
    realm.put_service_account(body?.0);
    done()
}

pub(crate) async fn decide_authorize(Named(realm): Named, body: Input<PageDecision>) -> Answer<Done> {
    realm.decide_at_page(body?.0)?;
    done()
}

/// What a person does with the code that a device shows.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceChoice {
    /// The code.
    user_code: String,
    /// Who approves, by subject or e-mail address; nobody denies.
    #[serde(default)]
    user: Option<String>,
}

pub(crate) async fn decide_device(Named(realm): Named, body: Input<DeviceChoice>) -> Answer<Done> {
    let Body(DeviceChoice { user_code, user }) = body?;
    realm.decide_device(&user_code, user.as_deref())?;
    done()
}

/// What an event brought.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Brought {
    /// A new client secret, or a `rapt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    secret: Option<Secret>,
}

pub(crate) async fn happen(Named(realm): Named, body: Input<Event>) -> Answer<Brought> {
    let secret = realm.happen(body?.0)?;
    Ok(Json(Brought { secret }))
}

pub(crate) async fn rotate_keys(Named(realm): Named) -> Answer<Done> {
    realm.rotate_keys();
    done()
}
