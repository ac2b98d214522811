//! Control calls about what happened: the journal, assertions on it, and the genealogy of tokens.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};

use crate::control_call::{Answer, Body, Input, Named, Refusal};
use crate::control_faults::{PATIENCE, patience};
use crate::genealogy::{FamilyFilter, FamilyView};
use crate::journal::Entry;
use crate::journal_query::{Assertion, AssertionResult, JournalFilter};
use crate::provider::Realms;
use crate::time::Lifetime;

/// Requests, oldest first.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct JournalView {
    entries: Vec<Entry>,
    /// How many have fallen out of the journal.
    dropped: u64,
}

pub(crate) async fn journal(
    Named(realm): Named,
    filter: Result<Query<JournalFilter>, QueryRejection>,
) -> Answer<JournalView> {
    let Query(filter) = filter?;
    Ok(Json(JournalView { entries: realm.journal_of(&filter), dropped: realm.journal_dropped() }))
}

/// Which requests to wait for, how many, and how long.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitForJournal {
    #[serde(default)]
    of: JournalFilter,
    count: usize,
    /// At most 30 seconds of real time, which is also what is waited unless said otherwise.
    #[serde(default = "patience")]
    within: Lifetime,
}

pub(crate) async fn wait_for_journal(Named(realm): Named, body: Input<WaitForJournal>) -> Answer<JournalView> {
    let Body(WaitForJournal { of, count, within }) = body?;
    let entries = tokio::time::timeout(within.0.min(PATIENCE), realm.wait_for_journal(&of, count)).await;
    let found = || realm.journal_of(&of).len();
    let entries = entries.map_err(|_| Refusal::TooSlow(format!("only {} such requests have come", found())))?;
    Ok(Json(JournalView { entries, dropped: realm.journal_dropped() }))
}

/// Asked of a realm that is not there it is 404: a misspelt name would hold.
pub(crate) async fn assert_journal(
    State(realms): State<Realms>,
    name: Result<Path<String>, PathRejection>,
    body: Input<Assertion>,
) -> Answer<AssertionResult> {
    let Path(name) = name.map_err(Refusal::BadPath)?;
    let realm = realms.find(&name).ok_or(Refusal::NoSuchRealm(name))?;
    Ok(Json(realm.assert_journal(&body?.0)))
}

/// The family tree of refresh tokens.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct FamiliesView {
    families: Vec<FamilyView>,
}

pub(crate) async fn families(
    Named(realm): Named,
    filter: Result<Query<FamilyFilter>, QueryRejection>,
) -> Answer<FamiliesView> {
    let Query(filter) = filter?;
    Ok(Json(FamiliesView { families: realm.families(&filter) }))
}
