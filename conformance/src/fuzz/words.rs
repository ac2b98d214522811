//! Moves that ask for nothing but words: as YAML values.

use mock_provider::TokenLength;

use crate::fuzz::moves::{Length, Life, Near, Place, Trouble, Work, Wrong};

/// How long trouble lasts that is not counted, on the provider's clock.
const LASTS: &str = "10m";

pub(super) const fn offset_ms(near: Near) -> i64 {
    match near {
        Near::At => 0,
        Near::SecondAfter => 1_000,
        Near::MillisecondAfter => 1,
        Near::MillisecondBefore => -1,
        Near::SecondBefore => -1_000,
        Near::MinuteBefore => -60_000,
    }
}

pub(super) const fn rules(life: Life) -> &'static str {
    match life {
        Life::Google => "{ rotation: never, access_ttl: 1h }",
        Life::Rotating => "{ rotation: always, reuse: revoke_family, grace: none }",
        Life::Grace => "{ rotation: always, reuse: revoke_family, grace: 30s }",
        Life::Short => "{ access_ttl: 1m }",
        Life::Ending => "{ refresh_ttl: 12h }",
        Life::Idle => "{ refresh_idle_ttl: 2h }",
    }
}

pub(super) const fn characters(length: Length) -> usize {
    match length {
        Length::Google => TokenLength::GOOGLE.characters(),
        Length::MoreThanACookie => 4_096,
    }
}

/// The requests for a refresh.
pub(super) const fn all_refreshes() -> &'static str {
    "{ to: token, grant: refresh_token }"
}

const fn place(place: Place) -> &'static str {
    match place {
        Place::Refresh => "to: token, grant: refresh_token",
        Place::Exchange => "to: token, grant: authorization_code",
        Place::Keys => "to: jwks",
        Place::Revocation => "to: revoke",
        Place::Resource => "to: resource",
    }
}

pub(super) fn scripted(trouble: &Trouble) -> String {
    let place = place(trouble.place);
    let when = match trouble.work {
        Work::Undone => "",
        Work::Done => ", when: after",
    };
    let often = match trouble.times {
        Some(1) => String::new(),
        Some(times) => format!(", times: {times}"),
        None => format!(", during: {{ lasts: {LASTS} }}"),
    };
    format!("provider: {{ reply: {{ {place}{often}{when}, with: {} }} }}", wrong(&trouble.wrong))
}

fn wrong(wrong: &Wrong) -> String {
    match wrong {
        Wrong::Status(status) => format!("{{ status: {status} }}"),
        Wrong::Throttle(seconds) => format!("{{ status: 429, headers: {{ retry-after: \"{seconds}\" }} }}"),
        Wrong::Reset => "{ fault: reset_before_headers }".to_owned(),
        Wrong::FalseRefusal => "{ status: 400, json: { error: invalid_grant } }".to_owned(),
        Wrong::Member(name, Some(value)) => format!("{{ mutate: [ {{ set: {{ at: /{name}, raw: '{value}' }} }} ] }}"),
        Wrong::Member(name, None) => format!("{{ mutate: [ {{ remove: /{name} }} ] }}"),
        Wrong::ForeignSubject => "{ id_token: { set: { sub: u-eve } } }".to_owned(),
        Wrong::Preset(name) => format!("{{ preset: {name} }}"),
    }
}
