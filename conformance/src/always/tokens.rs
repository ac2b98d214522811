//! What reaches the provider: which tokens are presented, how often, and when.

use std::collections::BTreeMap;

use mock_provider::{Endpoint, Entry, Label};

use crate::always::story::{Chapter, Grant, Story, Trust, is_honest_success, is_refresh, successor};
use crate::always::{Holding, broken};
use crate::history::{Deed, RecordKind};

fn refreshes<'a>(chapter: &Chapter<'a>) -> impl Iterator<Item = &'a Entry> {
    let asked = chapter.record.kind == RecordKind::Asked;
    chapter.entries.iter().copied().filter(move |entry| asked && is_refresh(entry))
}

pub(super) fn token_is_known(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let mut holding = Holding::Unknown;
    for entry in refreshes(chapter) {
        // An answer that was altered may have brought any text.
        let altered = story.history.journal.iter().any(|before| before.scripted && before.sequence < entry.sequence);
        match entry.presented {
            None if !altered => return broken(chapter, "a refresh token that the provider has issued", "another"),
            None => {}
            Some(_) => holding = Holding::Holds,
        }
    }
    holding
}

pub(super) fn successor_is_used(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let mut holding = Holding::Unknown;
    for entry in refreshes(chapter) {
        let Some((presented, grant)) = known(entry, chapter, story) else { continue };
        let before = story.refreshes_until(chapter, grant).into_iter();
        // Only what came back to one reader alone, in an earlier step, is known to have been stored.
        let mut arrived = before.filter(|before| {
            is_honest_success(before)
                && before.sequence < chapter.record.wire.0
                && story.chapter_of(before).is_some_and(|of| of.reader().is_some())
        });
        let replaced = arrived.find(|before| before.presented == Some(presented) && successor(before).is_some());
        if let Some(next) = replaced.and_then(successor) {
            return broken(chapter, format!("{next}"), format!("{presented}, which it has replaced"));
        }
        holding = Holding::Holds;
    }
    holding
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
    refreshes(chapter).for_each(|entry| {
        entry.presented.into_iter().for_each(|label| of_token.entry(label).or_default().push(entry));
    });
    let mut holding = Holding::Unknown;
    for (label, entries) in of_token {
        let overlap = entries.windows(2).any(|pair| overlap(pair[0], pair[1]));
        if overlap {
            return broken(chapter, format!("one refresh with {label}"), format!("{} at once", entries.len()));
        }
        holding = Holding::Holds;
    }
    holding
}

fn overlap(first: &Entry, second: &Entry) -> bool {
    first.ended_tick.is_none_or(|ended| second.began_tick < ended)
}

pub(super) fn race_is_survived(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let Some(jar) = chapter.reader().and_then(|actor| chapter.jar(actor, Trust::All)) else { return Holding::Unknown };
    let (Some(grant), Some(session)) = (jar.grant, chapter.seen().and_then(|seen| seen.session())) else {
        return Holding::Unknown;
    };
    let group = story.chapters.iter().rev().skip_while(|other| other.record.path >= chapter.record.path);
    let Some(group) =
        group.into_iter().find(|other| other.record.kind == RecordKind::Asked && other.record.deed == Deed::Group)
    else {
        return Holding::Unknown;
    };
    let (from, to) = group.record.during;
    let all = story.refreshes_until(chapter, grant);
    let of_group: Vec<&&Entry> = all.iter().filter(|entry| (from..to).contains(&entry.sequence)).collect();
    let since = all.iter().any(|entry| entry.sequence >= to);
    let won = of_group.iter().any(|entry| is_honest_success(entry));
    if of_group.len() < 2 || !won || since || !chapter.clocks_agree || of_group.iter().any(|entry| entry.scripted) {
        return Holding::Unknown;
    }
    if session.state == "active" && session.error.is_none() {
        return Holding::Holds;
    }
    broken(chapter, "signed in without an error, since one refresh has succeeded", session.words())
}

pub(super) fn refused_token_rests(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let mut holding = Holding::Unknown;
    for entry in refreshes(chapter) {
        let Some((presented, grant)) = known(entry, chapter, story) else { continue };
        let before = story.refreshes_until(chapter, grant).into_iter();
        let mut refused = before.filter(|before| before.sequence < chapter.record.wire.0 && is_refused(before));
        if refused.any(|before| before.presented == Some(presented)) {
            return broken(chapter, "no further request with a refused token", format!("{presented} again"));
        }
        holding = Holding::Holds;
    }
    holding
}

/// RFC 6749 section 5.2: `invalid_grant` is the last word on a refresh token.
fn is_refused(entry: &Entry) -> bool {
    let arrived = entry.delivery == mock_provider::Delivery::Delivered && !entry.scripted;
    arrived && entry.error.as_deref() == Some("invalid_grant")
}

pub(super) fn expired_token_stays_home(chapter: &Chapter<'_>, story: &Story<'_>) -> Holding {
    let sent = chapter.entries.iter().filter(|entry| entry.endpoint == Endpoint::Resource);
    let sent = sent.filter_map(|entry| Some((entry, entry.bearer.as_ref()?.parse::<Label>().ok()?)));
    let mut holding = Holding::Unknown;
    for (entry, label) in sent.filter(|_| chapter.clocks_agree) {
        match story.history.expiries.get(&label) {
            Some(end) if *end <= entry.arrived => {
                return broken(chapter, "a token that has not ended, or no call", format!("{label}, which had ended"));
            }
            Some(_) => holding = Holding::Holds,
            None => {}
        }
    }
    holding
}
