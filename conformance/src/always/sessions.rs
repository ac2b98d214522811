//! What sessions show.

use std::time::Duration;

use adapter_protocol::Capability;
use mock_provider::{Endpoint, Entry, Label, Timestamp};

use crate::always::answers::{is_failure, is_good, is_honest, may_bring_another_token, passes, told_end};
use crate::always::story::{Chapter, Clocks, Jar, Keys, Lately, Story, Trust};
use crate::always::{Holding, broken, judged};
use crate::history::{Deed, RecordKind, Seen, SessionSeen, is_refresh};

/// Real clients wait no longer than this before they try again.
const LONG: Duration = Duration::from_secs(3_600);

/// Sessions of any application live at least so long between two reads; Auth.js gives them 30 days.
const SESSION: Duration = Duration::from_secs(12 * 3_600);

/// A client that counts in whole seconds may be so late.
const SECOND: Duration = Duration::from_secs(1);

pub(super) fn sign_in_is_clean(chapter: &Chapter<'_>, _: &Story<'_>) -> Holding {
    let (Deed::SignIn { user, .. }, RecordKind::Asked) = (&chapter.record.deed, chapter.record.kind) else {
        return Holding::Unknown;
    };
    let mut token_answers = chapter.entries.iter().filter(|entry| entry.endpoint == Endpoint::Token).peekable();
    let honest = token_answers.peek().is_some() && token_answers.all(|entry| is_good(entry) && !entry.scripted);
    let Some(seen) = chapter.seen().filter(|_| honest && undisturbed(chapter)) else { return Holding::Unknown };
    let clean = seen.session().is_some_and(|session| {
        session.state == "active"
            && session.error.is_none()
            && session.subject.as_ref().is_none_or(|shown| shown == user)
    });
    judged(clean, || broken(chapter, format!("{user}, no error"), seen.words()))
}

/// Whether every answer in the time of a step was the truth and arrived, under clocks that agree.
fn undisturbed(chapter: &Chapter<'_>) -> bool {
    let settled = chapter.clocks == Clocks::Forward && chapter.keys == Keys::Settled;
    settled && chapter.entries.iter().all(|entry| is_honest(entry))
}

/// A read of a session of which everything is known, and the refreshes of its grant until then.
struct Read<'s, 'a> {
    jar: &'s Jar,
    session: &'s SessionSeen,
    refreshes: Vec<&'a Entry>,
}

/// What a call of the resource shows beside its status may be less than a session: a page of its own, for example.
fn read<'s, 'a>(chapter: &'s Chapter<'a>, story: &Story<'a>) -> Option<Read<'s, 'a>> {
    let Deed::Read { .. } = chapter.record.deed else { return None };
    let (jar, session) = chapter.read(Trust::All)?;
    let refreshes = story.refreshes_until(chapter, jar.grant?);
    (chapter.clocks == Clocks::Forward).then_some(Read { jar, session, refreshes })
}

impl Read<'_, '_> {
    fn is_active(&self) -> bool {
        self.session.state == "active"
    }

    /// Whether no refresh of the grant was refused, and none may have cost the client its token.
    fn may_hope(&self) -> bool {
        self.refreshes.iter().all(|entry| is_good(entry) || passes(entry))
    }

    /// The access token that is shown.
    fn shown(&self) -> Option<Label> {
        self.session.access_token.as_ref()?.parse().ok()
    }
}

pub(super) fn error_goes_away(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let Some(read) = read(chapter, story) else { return Holding::Unknown };
    let Some(last) = read.refreshes.last().filter(|last| is_good(last)) else { return Holding::Unknown };
    let others = chapter.entries.iter().filter(|entry| entry.sequence != last.sequence);
    let disturbed = others.clone().any(|entry| !is_honest(entry)) || !keys_were_settled(last, story);
    if !story.came_to_one_alone(last) || disturbed || !read.is_active() || !read.may_hope() {
        return Holding::Unknown;
    }
    judged(read.session.error.is_none(), || broken(chapter, "no error after a good refresh", read.session.words()))
}

/// Whether the client had the provider's keys when an answer came.
fn keys_were_settled(entry: &Entry, story: &Story<'_>) -> bool {
    story.chapter_of(entry).is_some_and(|of| of.keys == Keys::Settled)
}

pub(super) fn error_has_cause(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let Some(read) = read(chapter, story) else { return Holding::Unknown };
    let asked = !read.refreshes.is_empty() || !chapter.entries.iter().all(|entry| !entry.scripted);
    if asked || !read.is_active() || read.jar.lately != Lately::InTurn {
        return Holding::Unknown;
    }
    judged(read.session.error.is_none(), || {
        broken(chapter, "no error, since no refresh was tried", read.session.words())
    })
}

pub(super) fn session_lasts(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let Some(read) = read(chapter, story) else { return Holding::Unknown };
    let fresh = chapter.record.at <= read.jar.alive.plus(SESSION);
    if !fresh || !read.may_hope() || read.jar.lately != Lately::InTurn {
        return Holding::Unknown;
    }
    judged(read.is_active(), || broken(chapter, "still signed in: no refresh was refused", read.session.words()))
}

pub(super) fn recovers(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let Some(read) = read(chapter, story) else { return Holding::Unknown };
    let (before, now): (Vec<&Entry>, Vec<&Entry>) =
        read.refreshes.iter().partition(|entry| entry.sequence < chapter.record.wire.0);
    let Some(last) = before.last().filter(|last| passes(last)) else { return Holding::Unknown };
    let long_ago = chapter.record.at > last.arrived.plus(LONG);
    // A client may take a `Retry-After` at its word (RFC 9110 section 10.2.3), however far that is.
    let told_to_wait = before.iter().any(|entry| waits(entry, chapter.record.at));
    if read.session.error.is_none() || !long_ago || told_to_wait || !read.may_hope() {
        return Holding::Unknown;
    }
    judged(!now.is_empty(), || broken(chapter, "another try, long after a failure that passes", "no request"))
}

/// Whether an answer asks a client to wait longer still; what cannot be read may mean anything.
fn waits(entry: &Entry, now: Timestamp) -> bool {
    let seconds = entry.retry_after.as_ref().map(|text| text.parse::<u32>());
    let over = |seconds: u32| entry.arrived.plus(Duration::from_secs(seconds.into())) <= now;
    seconds.is_some_and(|seconds| !seconds.is_ok_and(over))
}

pub(super) fn expired_is_refreshed(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let Some(read) = read(chapter, story).filter(|_| story.claims(Capability::RefreshOnSession)) else {
        return Holding::Unknown;
    };
    if !read.is_active() || read.session.error.is_some() {
        return Holding::Unknown;
    }
    let Some(end) = read.shown().and_then(|shown| told_end(story.origin_of(shown)?, story.history)) else {
        return Holding::Unknown;
    };
    judged(chapter.record.at < end.plus(SECOND), || {
        broken(chapter, "a living access token, or an error", format!("{}, which has ended", read.session.words()))
    })
}

pub(super) fn empty_session_says_why(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let claimed = story.claims(Capability::SessionAccessToken) && story.claims(Capability::SessionError);
    let Some(read) = read(chapter, story).filter(|_| claimed && story.claims(Capability::RefreshOnSession)) else {
        return Holding::Unknown;
    };
    if !read.is_active() || read.session.access_token.is_some() {
        return Holding::Unknown;
    }
    judged(read.session.error.is_some(), || broken(chapter, "an access token, or an error", read.session.words()))
}

pub(super) fn failure_is_told(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let Some(read) = read(chapter, story).filter(|_| story.claims(Capability::RefreshOnSession)) else {
        return Holding::Unknown;
    };
    let Some(last) = read.refreshes.last().filter(|last| is_failure(last)) else { return Holding::Unknown };
    let told = !read.is_active() || read.session.error.is_some();
    let end = read.shown().and_then(|shown| told_end(story.origin_of(shown)?, story.history));
    if !told && end.is_none_or(|end| chapter.record.at < end.plus(SECOND)) {
        return Holding::Unknown;
    }
    let why = last.error.as_deref().unwrap_or("an answer without a token");
    judged(told, || broken(chapter, format!("an error: the refresh came to {why}"), read.session.words()))
}

pub(super) fn signed_out_stays_out(chapter: &Chapter<'_>) -> Holding {
    let Some((jar, session)) = chapter.read(Trust::User).filter(|(jar, _)| jar.lately == Lately::InTurn) else {
        return Holding::Unknown;
    };
    if jar.user.is_some() {
        return Holding::Unknown;
    }
    if let Some(used) = chapter.entries.iter().find(|entry| is_refresh(entry) || entry.bearer.is_some()) {
        return broken(chapter, "no token is used after the sign-out", format!("a request to {}", used.path));
    }
    judged(session.state != "active", || broken(chapter, "signed out", session.words()))
}

pub(super) fn late_answer_changes_nothing(chapter: &Chapter<'_>) -> Holding {
    let Some((jar, session)) = chapter.read(Trust::User).filter(|(jar, _)| jar.lately == Lately::Overtaken) else {
        return Holding::Unknown;
    };
    let (good, wanted) = match &jar.user {
        None => (session.state != "active", "signed out"),
        Some(user) => (session.subject.as_ref().is_none_or(|shown| shown == user), user.as_str()),
    };
    judged(good, || broken(chapter, format!("{wanted}: an earlier read ended later"), session.words()))
}

pub(super) fn denied_sign_in_changes_nothing(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let Some((jar, session)) = chapter.read(Trust::User).filter(|(jar, _)| jar.lately == Lately::Denied) else {
        return Holding::Unknown;
    };
    let Some(grant) = jar.grant.filter(|_| chapter.clocks == Clocks::Forward) else { return Holding::Unknown };
    let fresh = chapter.record.at <= jar.alive.plus(SESSION);
    if !fresh || !story.refreshes_until(chapter, grant).iter().all(|entry| is_good(entry) || passes(entry)) {
        return Holding::Unknown;
    }
    judged(session.state == "active", || broken(chapter, "the session that was there before", session.words()))
}

pub(super) fn subject_stays(chapter: &Chapter<'_>) -> Holding {
    if !matches!(chapter.record.deed, Deed::Read { .. } | Deed::Group) {
        return Holding::Unknown;
    }
    let mut holding = Holding::Unknown;
    for observation in &chapter.record.observations {
        let Some(jar) = chapter.jar(&observation.actor, Trust::User).filter(|jar| jar.lately == Lately::InTurn) else {
            continue;
        };
        let (Some(user), Some(session)) = (&jar.user, observation.seen.session()) else { continue };
        if session.state != "active" || (!jar.named && session.subject.is_none()) {
            continue;
        }
        if session.subject.as_ref() != Some(user) {
            return broken(chapter, user, session.words());
        }
        holding = Holding::Holds;
    }
    holding
}

pub(super) fn only_own_tokens(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let mut holding = Holding::Unknown;
    for observation in &chapter.record.observations {
        let jar = chapter.jar(&observation.actor, Trust::User).filter(|jar| jar.lately == Lately::InTurn);
        let Some(user) = jar.and_then(|jar| jar.user.as_ref()) else { continue };
        let shown = observation.seen.session().and_then(|session| session.access_token.as_ref()?.parse().ok());
        let owner = shown.and_then(|label| story.origin_of(label)).and_then(|entry| entry.user.as_ref());
        match owner {
            Some(owner) if owner != user && !matches!(chapter.record.deed, Deed::SignIn { .. }) => {
                return broken(chapter, format!("an access token of {user}"), format!("one of {owner}"));
            }
            Some(_) => holding = Holding::Holds,
            None => {}
        }
    }
    holding
}

pub(super) fn only_issued_tokens(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let Some((_, session)) = chapter.read(Trust::User) else { return Holding::Unknown };
    let Some(shown) = session.access_token.as_ref().filter(|_| session.error.is_none()) else {
        return Holding::Unknown;
    };
    let mut before = story.history.journal.iter().filter(|entry| entry.sequence < chapter.record.wire.1);
    if before.any(may_bring_another_token) {
        return Holding::Unknown;
    }
    judged(shown.parse::<Label>().is_ok(), || broken(chapter, "an access token of the provider's", session.words()))
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

pub(super) fn sign_out_works(chapter: &Chapter<'_>) -> Holding {
    match (&chapter.record.deed, chapter.seen()) {
        (Deed::SignOut { .. }, Some(Seen::Threw(message))) => {
            broken(chapter, "signed out, whatever the provider says", format!("raised {message}"))
        }
        (Deed::SignOut { .. }, Some(_)) => Holding::Holds,
        _ => Holding::Unknown,
    }
}

pub(super) fn going_back_changes_nothing(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let Some((jar, session)) = chapter.read(Trust::All) else { return Holding::Unknown };
    let (Some(grant), Clocks::WentBack) = (jar.grant, chapter.clocks) else { return Holding::Unknown };
    let good = |entry: &&Entry| is_good(entry) && keys_were_settled(entry, story);
    if !story.refreshes_until(chapter, grant).iter().all(good) || !chapter.entries.iter().all(|entry| !entry.scripted) {
        return Holding::Unknown;
    }
    let fine = session.state == "active" && session.error.is_none();
    judged(fine, || broken(chapter, "signed in without an error: only the clock went back", session.words()))
}
