//! Which tokens are presented, how often, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use mock_provider::{Delivery, Endpoint, Entry, Label};

use crate::always::answers::{
    is_good, is_refused, may_name_another_token, strange_type, successor, told_end, told_no_end,
};
use crate::always::story::{Chapter, Clocks, Grant, Keys, Lately, Story, Trust};
use crate::always::{Holding, all, broken, judged};
use crate::history::{Deed, RecordKind, is_refresh};

/// No client refreshes a token earlier than this before its end.
const EARLY: Duration = Duration::from_secs(600);

/// Readers that begin within this have the same cookies.
const MOMENT: Duration = Duration::from_secs(1);

/// A client that was told no end may ask again after this.
const MINUTE: Duration = Duration::from_secs(60);

fn refreshes<'a>(chapter: &Chapter<'a>) -> impl Iterator<Item = &'a Entry> {
    let asked = chapter.record.kind == RecordKind::Asked;
    chapter.entries.iter().copied().filter(move |entry| asked && is_refresh(entry))
}

pub(super) fn token_is_known(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    all(refreshes(chapter).map(|entry| {
        // An answer that was altered may have brought any text.
        let mut before = story.history.journal.iter().filter(|before| before.sequence < entry.sequence);
        match entry.presented {
            Some(_) => Holding::Holds,
            None if before.any(may_name_another_token) => Holding::Unknown,
            None => broken(chapter, "a refresh token that the provider has issued", "another"),
        }
    }))
}

pub(super) fn newest_grant_is_used(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let jar = chapter.reader().and_then(|actor| chapter.jar(actor, Trust::All));
    let Some(grant) = jar.filter(|jar| jar.lately == Lately::InTurn).and_then(|jar| jar.grant) else {
        return Holding::Unknown;
    };
    all(refreshes(chapter).filter_map(|entry| entry.presented).map(|presented| {
        let own = story.grant_of(presented).is_none_or(|other| other == grant);
        judged(own, || broken(chapter, "a refresh token of the last sign-in", format!("{presented}, of another")))
    }))
}

pub(super) fn successor_is_used(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    all(refreshes(chapter).filter_map(|entry| known(entry, chapter, story)).map(|(presented, grant)| {
        let before = story.refreshes_until(chapter, grant).into_iter();
        // Only what came back to one reader alone, in an earlier step, is known to have been stored.
        let mut arrived = before.filter(|before| {
            is_good(before) && before.sequence < chapter.record.wire.0 && story.came_to_one_alone(before)
        });
        let replaced = arrived.find(|before| before.presented == Some(presented) && successor(before).is_some());
        match replaced.and_then(successor) {
            Some(next) => broken(chapter, format!("{next}"), format!("{presented}, which it has replaced")),
            None => Holding::Holds,
        }
    }))
}

/// A presented token and its grant, where every browser that has it is known.
fn known(entry: &Entry, chapter: &Chapter<'_>, story: &Story<'_>) -> Option<(Label, Grant)> {
    let presented = entry.presented?;
    let grant = story.grant_of(presented).filter(|grant| chapter.all_known(*grant))?;
    Some((presented, grant))
}

pub(super) fn single_flight(chapter: &Chapter<'_>) -> Holding {
    if chapter.record.deed != Deed::Group {
        return Holding::Unknown;
    }
    let mut of_token: BTreeMap<Label, Vec<&Entry>> = BTreeMap::new();
    for entry in refreshes(chapter) {
        entry.presented.into_iter().for_each(|label| of_token.entry(label).or_default().push(entry));
    }
    all(of_token.into_iter().map(|(label, entries)| {
        // A second try after one that failed is no second flight.
        let again = entries.windows(2).any(|pair| overlap(pair[0], pair[1]) || is_good(pair[0]));
        judged(!again, || broken(chapter, format!("one refresh with {label}"), format!("{}", entries.len())))
    }))
}

fn overlap(first: &Entry, second: &Entry) -> bool {
    first.ended_tick.is_none_or(|ended| second.began_tick < ended)
}

pub(super) fn fresh_result_is_shared(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let mut holding = Holding::Unknown;
    for entry in refreshes(chapter).filter(|_| chapter.clocks == Clocks::Forward) {
        let replaced = |before: &&Entry| {
            before.sequence < chapter.record.wire.0 && before.presented == entry.presented && is_good(before)
        };
        let before = story.history.journal.iter().rev().find(replaced).filter(|before| successor(before).is_some());
        let Some(before) =
            before.filter(|before| entry.presented.is_some() && entry.arrived < before.arrived.plus(MOMENT))
        else {
            holding = Holding::Holds;
            continue;
        };
        // What a process remembers is gone with it.
        if !story.restarted_since(before, chapter) {
            let presented = entry.presented.map(|label| label.to_string()).unwrap_or_default();
            return broken(
                chapter,
                "what has just been refreshed",
                format!("{presented} again, which it has replaced"),
            );
        }
    }
    holding
}

pub(super) fn race_is_survived(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let Some((jar, session)) = chapter.read(Trust::All).filter(|(jar, _)| jar.lately == Lately::InTurn) else {
        return Holding::Unknown;
    };
    let Some((grant, group)) = jar.grant.zip(last_group(chapter, story)) else { return Holding::Unknown };
    let (from, to) = group.record.during;
    let refreshes = story.refreshes_until(chapter, grant);
    let of_group: Vec<&&Entry> = refreshes.iter().filter(|entry| (from..to).contains(&entry.sequence)).collect();
    let since = refreshes.iter().any(|entry| entry.sequence >= to);
    let won = of_group.iter().any(|entry| is_good(entry));
    let untold = of_group.iter().any(|entry| entry.scripted || entry.delivery != Delivery::Delivered);
    if of_group.len() < 2 || !won || since || untold || chapter.clocks != Clocks::Forward {
        return Holding::Unknown;
    }
    judged(session.state == "active" && session.error.is_none(), || {
        broken(chapter, "signed in without an error, since one refresh has succeeded", session.words())
    })
}

fn last_group<'s, 'a>(chapter: &Chapter<'_>, story: &'s Story<'a>) -> Option<&'s Chapter<'a>> {
    let earlier = story.chapters.iter().rev().skip_while(|other| other.record.path >= chapter.record.path);
    earlier.into_iter().find(|other| other.record.kind == RecordKind::Asked && other.record.deed == Deed::Group)
}

pub(super) fn refused_token_rests(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    all(refreshes(chapter).filter_map(|entry| known(entry, chapter, story)).map(|(presented, grant)| {
        let before = story.refreshes_until(chapter, grant).into_iter();
        let mut refused = before.filter(|before| before.sequence < chapter.record.wire.0 && is_refused(before));
        let again = refused.any(|before| before.presented == Some(presented) && story.came_to_one_alone(before));
        judged(!again, || broken(chapter, "no further request with a refused token", format!("{presented} again")))
    }))
}

pub(super) fn living_token_is_kept(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let Deed::Read { .. } = chapter.record.deed else { return Holding::Unknown };
    let jar =
        chapter.reader().and_then(|actor| chapter.jar(actor, Trust::All)).filter(|_| chapter.clocks == Clocks::Forward);
    let Some(grant) = jar.and_then(|jar| jar.grant) else { return Holding::Unknown };
    let mut minting = story.history.journal.iter().filter(|entry| {
        let of_grant = |label: &Label| story.grant_of(*label) == Some(grant);
        entry.sequence < chapter.record.wire.0 && entry.minted.iter().any(of_grant)
    });
    let Some(last) = minting.next_back().filter(|last| story.came_to_one_alone(last)) else { return Holding::Unknown };
    // An answer that was refused, for its id_token perhaps, is asked for again.
    let settled = story.chapter_of(last).is_some_and(|of| of.keys == Keys::Settled);
    let promised = settled && is_good(last) && (told_no_end(last) || told_end(last, story.history).is_some());
    if !promised || refreshes(chapter).any(|entry| entry.scripted && entry.edits.is_empty()) {
        return Holding::Unknown;
    }
    let until = match told_end(last, story.history) {
        Some(end) => end.minus(EARLY),
        None => last.arrived.plus(MINUTE),
    };
    if chapter.record.at >= until {
        return Holding::Unknown;
    }
    judged(refreshes(chapter).next().is_none(), || {
        broken(chapter, "no refresh: the access token has just come and lives long", "a refresh")
    })
}

pub(super) fn retry_after_is_kept(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let mut holding = Holding::Unknown;
    for entry in refreshes(chapter) {
        let Some(last) = told_before(entry, chapter, story) else { continue };
        let Some(seconds) = last.retry_after.as_ref().and_then(|text| text.parse::<u32>().ok()) else { continue };
        let until = last.arrived.plus(Duration::from_secs(seconds.into()));
        if chapter.clocks == Clocks::Forward && entry.arrived < until && last.status != Some(200) {
            return broken(chapter, format!("no refresh within {seconds} s"), "a refresh");
        }
        holding = Holding::Holds;
    }
    holding
}

/// The last answer to the same token that is known to have been read. A copy of the browser that has another token of the
/// grant was told nothing by that.
fn told_before<'s>(entry: &Entry, chapter: &Chapter<'_>, story: &'s Story<'_>) -> Option<&'s Entry> {
    let grant = entry.presented.and_then(|label| story.grant_of(label))?;
    let before = |other: &&Entry| other.sequence < entry.sequence && other.presented == entry.presented;
    let told = |other: &&Entry| other.delivery == Delivery::Delivered && story.came_to_one_alone(other);
    story.refreshes_until(chapter, grant).into_iter().filter(before).rfind(told)
}

pub(super) fn expired_token_stays_home(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let sent = chapter.entries.iter().filter(|entry| entry.endpoint == Endpoint::Resource);
    let sent = sent.filter_map(|entry| Some((entry, entry.bearer.as_ref()?.parse::<Label>().ok()?)));
    all(sent.filter(|_| chapter.clocks == Clocks::Forward).filter_map(|(entry, label)| {
        let end = story.origin_of(label).and_then(|origin| told_end(origin, story.history))?;
        let spent = end.plus(Duration::from_secs(1)) <= entry.arrived;
        Some(judged(!spent, || {
            broken(chapter, "a token that has not ended, or no call", format!("{label}, which had ended"))
        }))
    }))
}

pub(super) fn token_type_is_understood(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let mut holding = Holding::Unknown;
    for observation in &chapter.record.observations {
        let Some(session) = observation.seen.session().filter(|session| session.error.is_none()) else { continue };
        let shown = session.access_token.as_ref().and_then(|shown| shown.parse().ok());
        let Some(origin) = shown.and_then(|label| story.origin_of(label)) else { continue };
        if let Some(word) = strange_type(origin) {
            return broken(chapter, "no token of a type that the client does not know", format!("one of type {word}"));
        }
        holding = if origin.edits.contains_key("/token_type") { Holding::Holds } else { holding };
    }
    holding
}
