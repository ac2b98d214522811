//! What an answer of the token endpoint told the client, and what it was worth.

use mock_provider::{Delivery, Endpoint, Entry, Label, Timestamp, TokenKind};
use serde_json::Value;

use crate::history::{History, is_grant, is_refresh};

/// The request that ends a sign-in.
pub(super) fn is_exchange(entry: &Entry) -> bool {
    is_grant(entry, "authorization_code")
}

fn arrived(entry: &Entry) -> bool {
    entry.delivery == Delivery::Delivered
}

/// Whether an answer was the truth, and arrived.
pub(super) fn is_honest(entry: &Entry) -> bool {
    !entry.scripted && arrived(entry)
}

/// Whether the client got the new access token, in an answer that every client has to take.
pub(super) fn is_good(entry: &Entry) -> bool {
    let minted = entry.minted.iter().any(|label| label.kind == TokenKind::Access);
    let honest = !entry.scripted || !entry.edits.is_empty();
    entry.status == Some(200)
        && arrived(entry)
        && minted
        && honest
        && entry.edits.iter().all(|edit| is_harmless(edit, entry))
}

/// Whether a client has to take an answer that was changed in this way: RFC 6749 sections 5.1 and 6 (`token_type` has no
/// case; `expires_in`, `scope` and a new refresh token may be absent), OpenID Connect Core section 12.2 (so may the id_token).
fn is_harmless((at, put): (&String, &Option<String>), entry: &Entry) -> bool {
    let rotated = successor(entry).is_some();
    match (at.as_str(), put.as_deref()) {
        ("/token_type", Some(text)) => text.eq_ignore_ascii_case("\"bearer\""),
        ("/refresh_token", None) => is_refresh(entry) && !rotated,
        ("/id_token", None) => is_refresh(entry),
        ("/expires_in" | "/scope", None) => true,
        _ => false,
    }
}

/// Whether a client may think, after this failure, that the grant is alive: none of its tokens was refused, and nothing
/// came that it could keep, nor was a token replaced without its knowledge.
pub(super) fn passes(entry: &Entry) -> bool {
    let said_nothing = entry.status.is_none_or(|status| status >= 500 || status == 429 || status == 408);
    entry.minted.is_empty() && (!arrived(entry) || said_nothing)
}

/// RFC 6749 section 5.2: `invalid_grant` is the last word on a refresh token.
pub(super) fn is_refused(entry: &Entry) -> bool {
    arrived(entry) && !entry.scripted && entry.error.as_deref() == Some("invalid_grant")
}

/// Whether the client was told that it gets no token, whatever the status: by an OAuth error, or by an answer without any.
pub(super) fn is_failure(entry: &Entry) -> bool {
    let said = entry.error.is_some() || entry.scripted && entry.edits.is_empty();
    arrived(entry) && entry.minted.is_empty() && said && !passes(entry)
}

/// The successor of a refresh token that an answer brought.
pub(super) fn successor(entry: &Entry) -> Option<Label> {
    entry.minted.iter().find(|label| label.kind == TokenKind::Refresh).copied()
}

/// Whether the answer named a refresh token that is not the provider's.
pub(super) fn may_name_another_token(entry: &Entry) -> bool {
    entry.scripted && (entry.edits.is_empty() || may_hold_anything(entry))
}

/// Whether a client may have taken an access token from an answer that is not the provider's.
pub(super) fn may_bring_another_token(entry: &Entry) -> bool {
    let whole = entry.edits.is_empty() && entry.error.is_none();
    entry.endpoint == Endpoint::Token && entry.scripted && (whole || may_hold_anything(entry))
}

/// Whether what was put into an answer may name tokens: the text of one, the whole body, or more than the value of a member.
fn may_hold_anything(entry: &Entry) -> bool {
    let more = |put: &String| serde_json::from_str::<Value>(put).is_err();
    entry.edits.contains_key("") || entry.edits.values().flatten().any(more)
}

/// When the access token of an answer ends, where the client was told: by a number, or by a number in quotes.
pub(super) fn told_end(entry: &Entry, history: &History) -> Option<Timestamp> {
    let access = entry.minted.iter().find(|label| label.kind == TokenKind::Access)?;
    let end = *history.expiries.get(access)?;
    if entry.status != Some(200) || entry.scripted && entry.edits.is_empty() {
        return None;
    }
    match entry.edits.get("/expires_in") {
        None => Some(end),
        Some(put) => {
            let value: Value = serde_json::from_str(put.as_deref()?).ok()?;
            let seconds = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
            let told = entry.decided?.as_millis().checked_add(seconds.checked_mul(1_000)?)?;
            (told == end.as_millis()).then_some(end)
        }
    }
}

/// Whether the answer said nothing of when the access token ends.
pub(super) fn told_no_end(entry: &Entry) -> bool {
    entry.edits.get("/expires_in").is_some_and(Option::is_none)
}

/// The other type of an access token that was not a bearer token (RFC 6749 section 7.1).
pub(super) fn strange_type(entry: &Entry) -> Option<String> {
    let named = entry.edits.get("/token_type")?.as_deref()?;
    let word: String = serde_json::from_str(named).ok()?;
    (!word.is_empty() && !word.eq_ignore_ascii_case("bearer")).then_some(word)
}
