//! A change of the provider in a few words, as a timeline shows it.

use serde::Serialize;

use crate::scenario::model::Change;

pub(super) fn change_words(change: &Change) -> String {
    match change {
        Change::Revoke(label) => format!("revoke {label}"),
        Change::Expire(label) => format!("expire {label}"),
        Change::Tokens(patch) => members(patch),
        Change::Reply(reply) => format!("{} scripted for {:?}", times(reply.times), reply.to).to_lowercase(),
        Change::Hold(hold) => format!("hold {:?}", hold.to).to_lowercase(),
        Change::Event(event) => format!("{event:?}").to_lowercase(),
        Change::Quirks(patch) => members(patch),
        Change::Consent(consent) => format!("consent {consent:?}").to_lowercase(),
        Change::LiftHolds => "lift holds".to_owned(),
        Change::Honest => "honest again".to_owned(),
        Change::RotateKeys => "rotate keys".to_owned(),
    }
}

fn times(count: Option<u32>) -> String {
    match count {
        None | Some(1) => "one reply".to_owned(),
        Some(count) => format!("{count} replies"),
    }
}

/// What a patch names, with the new values.
fn members(patch: &impl Serialize) -> String {
    let members = match serde_json::to_value(patch) {
        Ok(serde_json::Value::Object(members)) => members,
        Ok(_) | Err(_) => return "other rules".to_owned(),
    };
    let word = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    members.iter().map(|(name, value)| format!("{name} {}", word(value))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_told_by_what_it_names() {
        for (patch, words) in [
            ("{\"tokens\": {\"access_ttl\": \"1h\", \"rotation\": \"never\"}}", "access_ttl 1h, rotation never"),
            ("{\"quirks\": {\"access_token_length\": 4096}}", "access_token_length 4096"),
        ] {
            assert_eq!(change_words(&serde_json::from_str(patch).unwrap()), words);
        }
    }
}
