//! What a move needs to know of the case so far to become scenario steps.

use std::collections::{BTreeMap, BTreeSet};

use adapter_protocol::Capability;
use mock_provider::{Label, RealmHandle, Sequence, Timestamp, TokenKind};

use crate::fuzz::moves::{Actor, Boundary, Era, Meanwhile, Move, Near, Readers, Schedule};
use crate::fuzz::words::{all_refreshes, characters, offset_ms, rules, scripted};
use crate::runner::START;

/// What a scripted `Retry-After` names, in milliseconds.
const RETRY_AFTER_MS: i64 = 120_000;

/// The grace of a replaced refresh token, in milliseconds.
const GRACE_MS: i64 = 30_000;

/// An Auth.js session, in milliseconds.
const SESSION_MS: i64 = 30 * 86_400_000;

/// Half an hour before a special time, in milliseconds since 1970.
const fn shortly_before(era: Era) -> i64 {
    let at = match era {
        Era::SummerTime => 1_901_149_200_000,
        Era::LeapDay => 1_961_625_600_000,
        Era::Year2038 => 2_147_483_648_000,
    };
    at - 1_800_000
}

/// The case so far.
#[derive(Debug)]
pub(super) struct Scene {
    claims: BTreeSet<Capability>,
    present: BTreeSet<Actor>,
    names: u32,
    /// Cookies that were kept back.
    kept: Vec<String>,
    /// Requests before this one have been looked at.
    seen: Sequence,
    newest_access: Option<Label>,
    newest_refresh: Option<Label>,
    /// When these two end by themselves.
    ends: BTreeMap<Label, Timestamp>,
    now: Timestamp,
}

impl Scene {
    pub(super) fn new(claims: BTreeSet<Capability>) -> Self {
        let (present, kept) = (BTreeSet::new(), vec![]);
        Self {
            claims,
            present,
            names: 0,
            kept,
            seen: 0,
            newest_access: None,
            newest_refresh: None,
            ends: BTreeMap::new(),
            now: START,
        }
    }

    /// Looks at which tokens there are.
    pub(super) fn look(&mut self, realm: &RealmHandle) {
        let journal = realm.journal(self.seen);
        self.seen = realm.next_sequence();
        let newest = |kind| journal.iter().flat_map(|entry| &entry.minted).filter(|label| label.kind == kind).max();
        self.newest_access = newest(TokenKind::Access).copied().max(self.newest_access);
        self.newest_refresh = newest(TokenKind::Refresh).copied().max(self.newest_refresh);
        let newest = [self.newest_access, self.newest_refresh].into_iter().flatten();
        self.ends = newest.filter_map(|label| Some((label, realm.expiry(label).ok()??))).collect();
        self.now = realm.now();
    }

    fn claims(&self, capability: Capability) -> bool {
        self.claims.contains(&capability)
    }

    fn named(&mut self, word: &str) -> String {
        self.names += 1;
        format!("{word}-{}", self.names)
    }

    fn here(&self, actor: Actor) -> bool {
        self.present.contains(&actor)
    }

    /// The scenario steps of a move, one YAML value each; none where its time has not come, or the target cannot do it.
    pub(super) fn steps(&mut self, next: &Move) -> Vec<String> {
        match next {
            Move::SignIn(actor) => self.sign_in(*actor),
            Move::SwitchUser => self.if_here(Actor::Ada, None, "sign_in: { user: bob, actor: ada }".to_owned()),
            Move::Decline => self.decline(),
            Move::Read(actor, times) => self.read(*actor, *times),
            Move::Api(actor) => {
                self.if_here(*actor, Some(Capability::RefreshOnApi), format!("api: {{ actor: {actor} }}"))
            }
            Move::SignOut(actor) => {
                self.if_here(*actor, Some(Capability::SignOut), format!("sign_out: {{ actor: {actor} }}"))
            }
            Move::OpenTab => self.second(Actor::Tab, "tab", Capability::ActorsTab),
            Move::CopyJar => self.second(Actor::Fork, "fork", Capability::ActorsFork),
            Move::Race(readers, schedule) => self.race(*readers, schedule.as_ref()),
            Move::Overtake(meanwhile) => self.overtake(*meanwhile),
            Move::KeepCookie => self.keep_cookie(),
            Move::PutBack => self.deliver("apply"),
            Move::LoseCookie => self.deliver("drop"),
            Move::LoseChunk(chunk) => {
                let step = format!("lose_chunk: {{ actor: ada, chunk: {chunk}, when_whole: go_on }}");
                self.if_here(Actor::Ada, Some(Capability::SessionChunks), step)
            }
            Move::TokenLength(length) => {
                vec![format!("provider: {{ quirks: {{ access_token_length: {} }} }}", characters(*length))]
            }
            Move::Era(era) => {
                let seconds = (shortly_before(*era) - START.as_millis()) / 1_000;
                self.moves_clock(format!("clock: start + {seconds}s"))
            }
            Move::Advance(boundary, near) => self.advance(*boundary, *near),
            Move::Back(seconds) => self.moves_clock(format!("clock: -{seconds}s")),
            Move::Skew(seconds) => self.moves_clock(format!("client_clock: {seconds:+}s")),
            Move::Revoke => self.about_refresh_token("revoke"),
            Move::ExpireRefresh => self.about_refresh_token("expire"),
            Move::Account(event) => vec![format!("provider: {{ event: {{ {event}: u-ada }} }}")],
            Move::RotateKeys => vec!["provider: rotate_keys".to_owned()],
            Move::Life(life) => vec![format!("provider: {{ tokens: {} }}", rules(*life))],
            Move::Trouble(trouble) => vec![scripted(trouble)],
            Move::Honest => vec!["provider: honest".to_owned()],
            Move::Restart => self.if_claimed(Capability::Restart, "restart: { keep: store }"),
            Move::LoseStore => self.if_claimed(Capability::Restart, "restart: { keep: nothing }"),
        }
    }

    fn if_claimed(&self, capability: Capability, step: &str) -> Vec<String> {
        only(self.claims(capability), step.to_owned())
    }

    fn if_here(&self, actor: Actor, capability: Option<Capability>, step: String) -> Vec<String> {
        only(self.here(actor) && capability.is_none_or(|capability| self.claims(capability)), step)
    }

    fn sign_in(&mut self, actor: Actor) -> Vec<String> {
        if matches!(actor, Actor::Tab | Actor::Fork) {
            return vec![];
        }
        self.present.insert(actor);
        vec![format!("sign_in: {{ user: {actor} }}")]
    }

    fn decline(&self) -> Vec<String> {
        if !self.here(Actor::Ada) {
            return vec![];
        }
        ["provider: { consent: deny }", "sign_in: { user: ada }", "provider: { consent: approve }"]
            .map(str::to_owned)
            .into()
    }

    fn read(&self, actor: Actor, times: u32) -> Vec<String> {
        let repeat = if times > 1 { format!(", repeat: {times}") } else { String::new() };
        self.if_here(actor, None, format!("session: {{ actor: {actor}{repeat} }}"))
    }

    fn second(&mut self, actor: Actor, kind: &str, claim: Capability) -> Vec<String> {
        let can = self.here(Actor::Ada) && self.claims(claim) && self.present.insert(actor);
        only(can, format!("second: {{ of: ada, actor: {actor}, kind: {kind} }}"))
    }

    fn race(&mut self, readers: Readers, schedule: Option<&Schedule>) -> Vec<String> {
        let others = match readers {
            Readers::Ada(_) => self.here(Actor::Ada),
            Readers::Fork => self.here(Actor::Ada) && self.here(Actor::Fork),
            Readers::Bob => self.here(Actor::Ada) && self.here(Actor::Bob),
        };
        if !self.claims(Capability::SessionConcurrent) || !others {
            return vec![];
        }
        let name = self.named("race");
        let readers = match readers {
            Readers::Ada(times) => format!("{{ session: {{ actor: ada, repeat: {times} }} }}"),
            Readers::Fork => "{ session: { actor: ada } }, { session: { actor: fork } }".to_owned(),
            Readers::Bob => "{ session: { actor: ada } }, { session: { actor: bob } }".to_owned(),
        };
        let together = format!("together: {{ as: {name}, do: [ {readers} ] }}");
        let join = format!("join: {{ of: {name} }}");
        match schedule.filter(|_| self.claims(Capability::RefreshOnSession)) {
            None => vec![together, join],
            Some(schedule) => parked(&name, together, schedule, join),
        }
    }

    fn overtake(&mut self, meanwhile: Meanwhile) -> Vec<String> {
        let needed = match meanwhile {
            Meanwhile::SignOut => Some(Capability::SignOut),
            Meanwhile::Leave => Some(Capability::SessionCancel),
            Meanwhile::Time => Some(Capability::ClockSet),
            Meanwhile::SwitchUser => None,
        };
        let can = self.claims(Capability::SessionConcurrent) && self.claims(Capability::RefreshOnSession);
        if !can || !self.here(Actor::Ada) || !needed.is_none_or(|needed| self.claims(needed)) {
            return vec![];
        }
        let (name, first) = (self.named("late"), self.named("first"));
        let (others, act) = match meanwhile {
            Meanwhile::SignOut => ("", "sign_out: { actor: ada }".to_owned()),
            Meanwhile::SwitchUser => ("", "sign_in: { user: bob, actor: ada }".to_owned()),
            Meanwhile::Leave => (", { session: { actor: ada } }", format!("cancel: {{ of: {first} }}")),
            Meanwhile::Time => ("", "clock: +1h".to_owned()),
        };
        vec![
            format!("provider: {{ hold: {} }}", all_refreshes()),
            format!("together: {{ as: {name}, do: [ {{ session: {{ actor: ada, as: {first} }} }}{others} ] }}"),
            format!("parked: {{ of: {name} }}"),
            act,
            "provider: lift_holds".to_owned(),
            "release: { order: first_first }".to_owned(),
            format!("join: {{ of: {name} }}"),
        ]
    }

    fn keep_cookie(&mut self) -> Vec<String> {
        if !self.claims(Capability::SessionDelivery) || !self.here(Actor::Ada) {
            return vec![];
        }
        let kept = self.named("kept");
        self.kept.push(kept.clone());
        vec![format!("session: {{ actor: ada, as: {kept}, deliver: later }}")]
    }

    fn deliver(&mut self, fate: &str) -> Vec<String> {
        self.kept.pop().map(|kept| format!("deliver: {{ of: {kept}, fate: {fate} }}")).into_iter().collect()
    }

    fn moves_clock(&self, step: String) -> Vec<String> {
        only(self.claims(Capability::ClockSet), step)
    }

    fn advance(&self, boundary: Boundary, near: Near) -> Vec<String> {
        let now = |millis: i64| Some(format!("clock: +{}ms", millis + offset_ms(near)));
        let step = match boundary {
            Boundary::Access => self.newest_access.and_then(|label| self.forward_to(label, near)),
            Boundary::Refresh => self.newest_refresh.and_then(|label| self.forward_to(label, near)),
            Boundary::Grace => now(GRACE_MS),
            Boundary::RetryAfter => now(RETRY_AFTER_MS),
            Boundary::Minutes => Some("clock: +5m".to_owned()),
            Boundary::Hours => Some("clock: +3h".to_owned()),
            Boundary::Session => now(SESSION_MS),
        };
        step.map_or_else(Vec::new, |step| self.moves_clock(step))
    }

    /// Nowhere, where that is past: only `back` goes back.
    fn forward_to(&self, label: Label, near: Near) -> Option<String> {
        let end = self.ends.get(&label)?.as_millis() + offset_ms(near);
        (end > self.now.as_millis()).then(|| at_the_end(label, near))
    }

    fn about_refresh_token(&self, verb: &str) -> Vec<String> {
        self.newest_refresh.map(|label| format!("provider: {{ {verb}: {label} }}")).into_iter().collect()
    }
}

fn only(can: bool, step: String) -> Vec<String> {
    if can { vec![step] } else { vec![] }
}

fn at_the_end(label: Label, near: Near) -> String {
    let offset = match near {
        Near::At => "",
        Near::SecondAfter => " + 1s",
        Near::MillisecondAfter => " + 1ms",
        Near::MillisecondBefore => " - 1ms",
        Near::SecondBefore => " - 1s",
        Near::MinuteBefore => " - 1m",
    };
    format!("clock: exp({label}){offset}")
}

/// Reads that are parked at the provider, released in an order, some without an answer.
fn parked(name: &str, together: String, schedule: &Schedule, join: String) -> Vec<String> {
    let lost = schedule.lost.iter().map(|nth| {
        let fault = "when: after, with: { fault: reset_before_headers }";
        format!("provider: {{ reply: {{ to: token, grant: refresh_token, nth: {nth}, {fault} }} }}")
    });
    let order: Vec<String> = schedule.order.iter().map(ToString::to_string).collect();
    let steps = [
        format!("provider: {{ hold: {} }}", all_refreshes()),
        together,
        format!("parked: {{ of: {name} }}"),
        "provider: lift_holds".to_owned(),
        format!("release: {{ order: [{}] }}", order.join(", ")),
        // Those that the order does not name.
        "release: { order: first_first }".to_owned(),
        join,
    ];
    lost.chain(steps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::plan::Planner;
    use crate::scenario::decode::decode;
    use crate::scenario::model::Step;
    use crate::scenario::yaml;

    #[test]
    fn every_step_of_every_move_can_be_read() {
        for (_, moves) in Planner::new(5, 40).take(400) {
            let mut scene = Scene::new(Capability::ALL.into());
            (scene.newest_access, scene.newest_refresh) = ("at#1".parse().ok(), "rt#1".parse().ok());
            scene.ends = [scene.newest_access, scene.newest_refresh]
                .map(|label| (label.unwrap(), START.plus(std::time::Duration::from_secs(3_600))))
                .into();
            for text in moves.iter().flat_map(|next| scene.steps(next)) {
                let step = yaml::read(&text).and_then(|node| decode::<Step>(&node));
                assert!(step.is_ok(), "{text}: {step:?}");
            }
        }
    }
}
