//! What sessions show.

use std::time::Duration;

use mock_provider::{Delivery, Entry};

use crate::always::story::{Chapter, Story, Trust, is_honest_success};
use crate::always::{Holding, broken};
use crate::history::{Deed, RecordKind, Seen, SessionSeen};

/// Real clients wait no longer than this before they try again.
const LONG: Duration = Duration::from_secs(3_600);

/// Sessions of any application live at least so long between two reads: Auth.js gives them 30 days.
const SESSION: Duration = Duration::from_secs(20 * 86_400);

fn judged(good: bool, breach: impl FnOnce() -> Holding) -> Holding {
    if good { Holding::Holds } else { breach() }
}

pub(super) fn sign_in_is_clean(chapter: &Chapter<'_>, _: &Story<'_>) -> Holding {
    let (Deed::SignIn { user, .. }, RecordKind::Asked) = (&chapter.record.deed, chapter.record.kind) else {
        return Holding::Unknown;
    };
    let token_answers = chapter.entries.iter().filter(|entry| entry.params.contains_key("grant_type"));
    let honest = token_answers.clone().count() > 0 && token_answers.clone().all(|entry| is_honest_success(entry));
    let scripted = chapter.entries.iter().any(|entry| entry.scripted || entry.delivery != Delivery::Delivered);
    let Some(seen) = chapter.seen().filter(|_| honest && !scripted && chapter.clocks_agree) else {
        return Holding::Unknown;
    };
    let clean = seen.session().is_some_and(|session| {
        session.state == "active"
            && session.error.is_none()
            && session.subject.as_ref().is_none_or(|shown| shown == user)
    });
    judged(clean, || broken(chapter, format!("{user}, no error"), seen.words()))
}

/// The session that one read showed, and the requests for a refresh of its grant until then.
fn read<'a, 's>(chapter: &'s Chapter<'a>, story: &Story<'a>) -> Option<(&'s SessionSeen, Vec<&'a Entry>)> {
    let jar = chapter.jar(chapter.reader()?, Trust::All)?;
    jar.user.as_ref()?;
    let session = chapter.seen()?.session()?;
    Some((session, story.refreshes_until(chapter, jar.grant?)))
}

pub(super) fn error_goes_away(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let Some((session, refreshes)) = read(chapter, story) else { return Holding::Unknown };
    let Some(last) = refreshes.last().filter(|last| is_honest_success(last)) else { return Holding::Unknown };
    let alone = story.chapter_of(last).is_some_and(|of| of.reader().is_some());
    let undisturbed = !chapter.entries.iter().any(|entry| entry.scripted || entry.delivery != Delivery::Delivered);
    if !alone || !undisturbed || !chapter.clocks_agree || session.state != "active" {
        return Holding::Unknown;
    }
    judged(session.error.is_none(), || broken(chapter, "no error after a good refresh", session.words()))
}

pub(super) fn failure_passes(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let Some((session, refreshes)) = read(chapter, story) else { return Holding::Unknown };
    let alive = chapter.reader().and_then(|actor| chapter.jar(actor, Trust::All)).map(|jar| jar.alive.plus(SESSION));
    let fresh = alive.is_some_and(|until| chapter.record.at <= until);
    let tempted = refreshes.iter().any(|entry| !is_honest_success(entry));
    if !fresh || !tempted || !chapter.clocks_agree || !refreshes.iter().all(|entry| leaves_hope(entry)) {
        return Holding::Unknown;
    }
    judged(session.state == "active", || broken(chapter, "still signed in: no refresh was refused", session.words()))
}

/// Whether a client may think, after this answer, that the grant is alive.
fn leaves_hope(entry: &Entry) -> bool {
    is_honest_success(entry) || passes(entry)
}

/// A failure that says nothing about the grant: none of the client's tokens was refused, and nothing came that it could keep.
fn passes(entry: &Entry) -> bool {
    let silent = entry.delivery != Delivery::Delivered && entry.minted.is_empty();
    silent
        || entry.status.is_none_or(|status| status >= 500 || status == 429 || status == 408) && entry.minted.is_empty()
}

pub(super) fn recovers(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let Some((session, refreshes)) = read(chapter, story) else { return Holding::Unknown };
    let (before, now): (Vec<&Entry>, Vec<&Entry>) =
        refreshes.iter().partition(|entry| entry.sequence < chapter.record.wire.0);
    let Some(last) = before.last().filter(|last| passes(last)) else { return Holding::Unknown };
    let long_ago = chapter.record.at > last.arrived.plus(LONG);
    if session.error.is_none() || !long_ago || !chapter.clocks_agree || !before.iter().all(|entry| leaves_hope(entry)) {
        return Holding::Unknown;
    }
    judged(!now.is_empty(), || broken(chapter, "another try, long after a failure that passes", "no request"))
}

pub(super) fn signed_out_stays_out(chapter: &Chapter<'_>) -> Holding {
    let Some(jar) = chapter.reader().and_then(|actor| chapter.jar(actor, Trust::User)) else { return Holding::Unknown };
    match (&jar.user, chapter.seen().and_then(Seen::session)) {
        (None, Some(session)) => judged(session.state != "active", || broken(chapter, "signed out", session.words())),
        _ => Holding::Unknown,
    }
}

pub(super) fn subject_stays(chapter: &Chapter<'_>) -> Holding {
    let shown = chapter.record.observations.iter().filter_map(|observation| {
        let user = chapter.jar(&observation.actor, Trust::User)?.user.clone()?;
        Some((user, observation.seen.session()?.subject.clone()?))
    });
    if !matches!(chapter.record.deed, Deed::Read { .. } | Deed::Api { .. } | Deed::Group) {
        return Holding::Unknown;
    }
    let mut holding = Holding::Unknown;
    for (user, shown) in shown {
        if user != shown {
            return broken(chapter, user, shown);
        }
        holding = Holding::Holds;
    }
    holding
}

pub(super) fn nothing_is_thrown(chapter: &Chapter<'_>) -> Holding {
    if chapter.reader().is_none() {
        return Holding::Unknown;
    }
    match chapter.seen() {
        Some(Seen::Threw(message)) => {
            broken(chapter, "a session, with an error if need be", format!("raised {message}"))
        }
        Some(Seen::Session(_) | Seen::Api(..) | Seen::Done) => Holding::Holds,
        None => Holding::Unknown,
    }
}
