//! How requests are made, whatever they are for.

use adapter_protocol::Capability;
use mock_provider::{Delivery, Endpoint, Entry};

use crate::always::answers::{is_good, successor};
use crate::always::story::{Chapter, Lately, Story, Trust};
use crate::always::{Holding, all, broken, judged};
use crate::history::Deed;

/// What only the endpoints below may get (RFC 6749 sections 3.2.1 and 10.4, RFC 7636 section 4.5).
const CREDENTIALS: [&str; 5] = ["refresh_token", "client_secret", "code_verifier", "client_assertion", "password"];

/// The endpoints that client credentials and refresh tokens are for.
const FOR_CREDENTIALS: [Endpoint; 3] = [Endpoint::Token, Endpoint::Revoke, Endpoint::DeviceCode];

/// Each request of some kind, which holds unless there is a breach.
fn each(chapter: &Chapter<'_>, of: impl Fn(&Entry) -> bool, breach: impl Fn(&Entry) -> Option<Holding>) -> Holding {
    let asked = chapter.entries.iter().filter(|entry| of(entry));
    all(asked.map(|entry| breach(entry).unwrap_or(Holding::Holds)))
}

pub(super) fn credentials_stay(chapter: &Chapter<'_>) -> Holding {
    each(
        chapter,
        |_| true,
        |entry| {
            let strayed = entry.params.keys().find(|name| CREDENTIALS.contains(&name.as_ref()));
            let strayed = strayed.filter(|_| !FOR_CREDENTIALS.contains(&entry.endpoint))?;
            Some(broken(chapter, "credentials for the token endpoint alone", format!("{strayed} at {}", entry.path)))
        },
    )
}

pub(super) fn one_authentication(chapter: &Chapter<'_>) -> Holding {
    let both = |entry: &Entry| entry.client_auth == mock_provider::ClientAuth::Both;
    each(
        chapter,
        |entry| entry.endpoint == Endpoint::Token,
        |entry| {
            both(entry).then(|| broken(chapter, "client authentication in one way", "in the header and in the body"))
        },
    )
}

pub(super) fn sign_in_is_bound(chapter: &Chapter<'_>) -> Holding {
    if !matches!(chapter.record.deed, Deed::SignIn { .. }) {
        return Holding::Unknown;
    }
    each(
        chapter,
        |entry| entry.endpoint == Endpoint::Authorize && entry.params.contains_key("client_id"),
        |entry| {
            let bound = entry.params.contains_key("code_challenge");
            (!bound).then(|| broken(chapter, "a code_challenge", "an authorization request without one"))
        },
    )
}

pub(super) fn current_token_is_revoked(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let Deed::SignOut { actor } = &chapter.record.deed else { return Holding::Unknown };
    let jar = chapter.jar(actor, Trust::All).filter(|jar| jar.lately == Lately::InTurn);
    let Some(grant) = jar.and_then(|jar| jar.grant).filter(|_| story.claims(Capability::Revocation)) else {
        return Holding::Unknown;
    };
    let refreshes = story.refreshes_until(chapter, grant);
    if !refreshes
        .iter()
        .all(|entry| is_good(entry) && entry.delivery == Delivery::Delivered && story.came_to_one_alone(entry))
    {
        return Holding::Unknown;
    }
    let newest = refreshes.iter().rev().find_map(|entry| successor(entry));
    let Some(newest) = newest else { return Holding::Unknown };
    let mut revoked = chapter.entries.iter().filter(|entry| entry.endpoint == Endpoint::Revoke).peekable();
    if revoked.peek().is_none() {
        return Holding::Unknown;
    }
    let stale = revoked.find_map(|entry| entry.presented.filter(|label| label.kind == newest.kind && *label != newest));
    judged(stale.is_none(), || {
        broken(chapter, format!("{newest} revoked"), stale.map(|label| label.to_string()).unwrap_or_default())
    })
}
