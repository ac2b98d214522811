//! What a move needs to know of the case so far to become scenario steps.

use std::collections::BTreeSet;

use adapter_protocol::Capability;
use mock_provider::{Label, RealmHandle, TokenKind};

use crate::fuzz::moves::{Actor, Boundary, Life, Move, Near, Trouble, Turn};

/// The case so far.
#[derive(Debug)]
pub(super) struct Scene {
    claims: BTreeSet<Capability>,
    signed_in: BTreeSet<Actor>,
    present: BTreeSet<Actor>,
    names: u32,
    newest_access: Option<Label>,
    newest_refresh: Option<Label>,
    refresh_ends: bool,
}

impl Scene {
    pub(super) fn new(claims: BTreeSet<Capability>) -> Self {
        Self {
            claims,
            signed_in: BTreeSet::new(),
            present: BTreeSet::new(),
            names: 0,
            newest_access: None,
            newest_refresh: None,
            refresh_ends: false,
        }
    }

    /// Looks at which tokens there are.
    pub(super) fn look(&mut self, realm: &RealmHandle) {
        let journal = realm.journal(0);
        let newest = |kind| journal.iter().flat_map(|entry| &entry.minted).filter(|label| label.kind == kind).max();
        self.newest_access = newest(TokenKind::Access).copied();
        self.newest_refresh = newest(TokenKind::Refresh).copied();
        self.refresh_ends = self.newest_refresh.is_some_and(|label| realm.expiry(label).is_ok_and(|end| end.is_some()));
    }

    fn claims(&self, capability: Capability) -> bool {
        self.claims.contains(&capability)
    }

    fn named(&mut self, word: &str) -> String {
        self.names += 1;
        format!("{word}-{}", self.names)
    }

    /// The scenario steps of a move, one YAML value each; none where its time has not come.
    pub(super) fn steps(&mut self, next: &Move) -> Vec<String> {
        match next {
            Move::SignIn(actor) => self.sign_in(*actor),
            Move::Read(actor, times) => self.read(*actor, *times),
            Move::Api(actor) => {
                let can = self.here(*actor) && self.claims(Capability::RefreshOnApi);
                only(can, format!("api: {{ actor: {actor} }}"))
            }
            Move::SignOut(actor) => {
                let can = self.here(*actor) && self.claims(Capability::SignOut);
                only(can, format!("sign_out: {{ actor: {actor} }}"))
            }
            Move::OpenTab => self.second(Actor::Tab, "tab", Capability::ActorsTab),
            Move::CopyJar => self.second(Actor::Fork, "fork", Capability::ActorsFork),
            Move::Race { readers, turn, lose } => self.race(*readers, *turn, *lose),
            Move::LateCookie { lost } => self.late_cookie(*lost),
            Move::Advance(boundary, near) => self.advance(*boundary, *near),
            Move::Back(seconds) => self.moves_clock(format!("clock: -{seconds}s")),
            Move::Skew(seconds) => self.moves_clock(format!("client_clock: {seconds:+}s")),
            Move::Revoke => self.about_refresh_token("revoke"),
            Move::ExpireRefresh => self.about_refresh_token("expire"),
            Move::RotateKeys => vec!["provider: rotate_keys".to_owned()],
            Move::Life(life) => vec![format!("provider: {{ tokens: {} }}", rules(*life))],
            Move::Trouble { trouble, times, after } => vec![scripted(trouble, *times, *after)],
            Move::Honest => vec!["provider: honest".to_owned()],
            Move::Restart { forgetting } => {
                let keep = if *forgetting { "nothing" } else { "store" };
                only(self.claims(Capability::Restart), format!("restart: {{ keep: {keep} }}"))
            }
        }
    }

    fn here(&self, actor: Actor) -> bool {
        self.present.contains(&actor) && !self.signed_in.is_empty()
    }

    fn sign_in(&mut self, actor: Actor) -> Vec<String> {
        if matches!(actor, Actor::Tab | Actor::Fork) {
            return vec![];
        }
        self.present.insert(actor);
        self.signed_in.insert(actor);
        vec![format!("sign_in: {{ user: {actor} }}")]
    }

    fn read(&self, actor: Actor, times: u32) -> Vec<String> {
        let repeat = if times > 1 { format!(", repeat: {times}") } else { String::new() };
        only(self.here(actor), format!("session: {{ actor: {actor}{repeat} }}"))
    }

    fn second(&mut self, actor: Actor, kind: &str, claim: Capability) -> Vec<String> {
        let can = self.here(Actor::Ada) && self.claims(claim) && self.present.insert(actor);
        only(can, format!("second: {{ of: ada, actor: {actor}, kind: {kind} }}"))
    }

    fn race(&mut self, readers: u32, turn: Turn, lose: Option<u32>) -> Vec<String> {
        let claimed = self.claims(Capability::SessionConcurrent) && self.claims(Capability::RefreshOnSession);
        if !claimed || !self.here(Actor::Ada) {
            return vec![];
        }
        let race = self.named("race");
        let order = match turn {
            Turn::FirstFirst => "first_first",
            Turn::LastFirst => "last_first",
            Turn::Middle => "[2, 3, 1]",
        };
        let lost = lose.map(|nth| {
            let fault = "when: after, with: { fault: reset_before_headers }";
            format!("provider: {{ reply: {{ to: token, grant: refresh_token, nth: {nth}, {fault} }} }}")
        });
        let steps = [
            "provider: { hold: { to: token, grant: refresh_token } }".to_owned(),
            format!("together: {{ as: {race}, do: [ {{ session: {{ actor: ada, repeat: {readers} }} }} ] }}"),
            format!("parked: {{ of: {race} }}"),
            "provider: lift_holds".to_owned(),
            format!("release: {{ order: {order} }}"),
            // What the order left out goes now.
            "release: { order: first_first }".to_owned(),
            format!("join: {{ of: {race} }}"),
        ];
        lost.into_iter().chain(steps).collect()
    }

    fn late_cookie(&mut self, lost: bool) -> Vec<String> {
        if !self.claims(Capability::SessionDelivery) || !self.here(Actor::Ada) {
            return vec![];
        }
        let late = self.named("late");
        let fate = if lost { "drop" } else { "apply" };
        vec![
            format!("session: {{ actor: ada, as: {late}, deliver: later }}"),
            "session: { actor: ada }".to_owned(),
            format!("deliver: {{ of: {late}, fate: {fate} }}"),
        ]
    }

    fn moves_clock(&self, step: String) -> Vec<String> {
        only(self.claims(Capability::ClockSet), step)
    }

    fn advance(&self, boundary: Boundary, near: Near) -> Vec<String> {
        let expiry = |label: Option<Label>| label.map(|label| format!("clock: exp({label}){}", offset(near)));
        let step = match boundary {
            Boundary::Access => expiry(self.newest_access),
            Boundary::Refresh => expiry(self.newest_refresh.filter(|_| self.refresh_ends)),
            Boundary::Minutes => Some("clock: +5m".to_owned()),
            Boundary::Hours => Some("clock: +3h".to_owned()),
            Boundary::Session => Some("clock: +31d".to_owned()),
            Boundary::After2038 => Some("clock: start + 2950d".to_owned()),
        };
        step.map_or_else(Vec::new, |step| self.moves_clock(step))
    }

    fn about_refresh_token(&self, verb: &str) -> Vec<String> {
        self.newest_refresh.map(|label| format!("provider: {{ {verb}: {label} }}")).into_iter().collect()
    }
}

fn only(can: bool, step: String) -> Vec<String> {
    if can { vec![step] } else { vec![] }
}

const fn offset(near: Near) -> &'static str {
    match near {
        Near::At => "",
        Near::SecondAfter => " + 1s",
        Near::MillisecondAfter => " + 1ms",
        Near::MillisecondBefore => " - 1ms",
        Near::SecondBefore => " - 1s",
        Near::MinuteBefore => " - 1m",
    }
}

const fn rules(life: Life) -> &'static str {
    match life {
        Life::Google => "{ rotation: never, access_ttl: 1h }",
        Life::Rotating => "{ rotation: always, reuse: revoke_family, grace: none }",
        Life::Grace => "{ rotation: always, reuse: revoke_family, grace: 30s }",
        Life::Short => "{ access_ttl: 1m }",
    }
}

fn scripted(trouble: &Trouble, times: u32, after: bool) -> String {
    let when = if after { ", when: after" } else { "" };
    let with = match trouble {
        Trouble::Status(status) => format!("{{ status: {status} }}"),
        Trouble::Preset(name) => format!("{{ preset: {name} }}"),
        Trouble::Reset => "{ fault: reset_before_headers }".to_owned(),
        Trouble::FalseRefusal => "{ status: 400, json: { error: invalid_grant } }".to_owned(),
        Trouble::Member(name, Some(value)) => {
            format!("{{ mutate: [ {{ set: {{ at: /{name}, raw: '{value}' }} }} ] }}")
        }
        Trouble::Member(name, None) => format!("{{ mutate: [ {{ remove: /{name} }} ] }}"),
        Trouble::ForeignSubject => "{ mutate: { id_token: { set: { sub: u-eve } } } }".to_owned(),
    };
    format!("provider: {{ reply: {{ to: token, grant: refresh_token, times: {times}{when}, with: {with} }} }}")
}
