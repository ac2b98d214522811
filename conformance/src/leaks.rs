//! Looks for secrets where they do not belong: raw, encoded, or in part.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mock_provider::Secret;

/// A piece of a secret this long gives it away.
const WINDOW: usize = 16;

/// A secret that is shorter than this is none.
const SHORTEST: usize = 3;

/// Secrets by name.
pub type Secrets = Vec<(String, Secret)>;

/// The names of the secrets that stand in a text.
pub fn found_in(text: &str, secrets: &Secrets) -> Vec<String> {
    let shortest = secrets.iter().map(|(_, secret)| secret.expose().len()).min().unwrap_or(WINDOW);
    if text.len() < shortest.min(WINDOW) {
        return vec![];
    }
    Finder::of(secrets).found_in(text)
}

/// So many bytes of a form of a secret.
type Window = [u8; WINDOW];

#[expect(clippy::disallowed_types, reason = "it is only looked up, some thousand times for each text")]
type Windows = std::collections::HashMap<Window, Vec<usize>>;

/// Finds secrets in texts: one pass over each text, however many secrets there are.
#[derive(Debug)]
pub struct Finder<'s> {
    secrets: &'s Secrets,
    /// Windows of secrets as they are and percent-encoded, and the first of encoded forms, each with the places of its secrets.
    windows: Windows,
    /// Encoded forms, which count only as a whole, with the places of their secrets.
    whole: BTreeMap<Window, Vec<(usize, String)>>,
    /// Secrets that are shorter than a window.
    short: Vec<(usize, String)>,
}

impl<'s> Finder<'s> {
    /// One for these secrets.
    pub fn of(secrets: &'s Secrets) -> Self {
        let mut finder = Self { secrets, windows: Windows::new(), whole: BTreeMap::new(), short: vec![] };
        secrets.iter().enumerate().for_each(|(index, (_, secret))| finder.add(index, secret.expose()));
        finder
    }

    fn add(&mut self, index: usize, secret: &str) {
        let escaped = percent(secret);
        for form in [Some(secret), Some(escaped.as_str()).filter(|form| *form != secret)].into_iter().flatten() {
            if form.len() < WINDOW {
                self.short.push((index, form.to_owned()));
            }
            for window in form.as_bytes().array_windows::<WINDOW>() {
                let places = self.windows.entry(*window).or_default();
                if places.last() != Some(&index) {
                    places.push(index);
                }
            }
        }
        let bytes = secret.as_bytes();
        for form in (0..3).flat_map(|shift| aligned(bytes, shift)).chain([hex(bytes)]) {
            let Some(first) = form.as_bytes().first_chunk().copied() else { continue };
            self.whole.entry(first).or_default().push((index, form));
        }
    }

    /// The names of the secrets that stand in a text.
    pub fn found_in(&self, text: &str) -> Vec<String> {
        let bytes = text.as_bytes();
        let mut found: BTreeSet<&usize> = BTreeSet::new();
        for (at, window) in bytes.array_windows::<WINDOW>().enumerate() {
            found.extend(self.windows.get(window).into_iter().flatten());
            let forms = self.whole.get(window).into_iter().flatten();
            found.extend(forms.filter(|(_, form)| bytes[at..].starts_with(form.as_bytes())).map(|(index, _)| index));
        }
        // What is shorter stands everywhere.
        let short = self.short.iter().filter(|(_, form)| form.len() >= SHORTEST && text.contains(form));
        found.extend(short.map(|(index, _)| index));
        let mut names: Vec<String> = found.into_iter().map(|index| self.secrets[*index].0.clone()).collect();
        names.dedup();
        names
    }
}

/// The base64 of a secret that stands after `shift` other bytes (of three), without the characters that neighbours change:
/// `Authorization: Basic` holds a client secret behind the client id.
fn aligned(bytes: &[u8], shift: usize) -> [String; 2] {
    let shifted: Vec<u8> = std::iter::repeat_n(0, shift).chain(bytes.iter().copied()).collect();
    let whole = shifted.len() / 3 * 4;
    let first = (shift * 8).div_ceil(6);
    [STANDARD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)]
        .map(|form| form.get(first..whole).unwrap_or_default().to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKEN: &str = "1//0gAbCdEfGhIjKlMnOpQrStUvWxYz";

    fn found(text: &str) -> bool {
        !found_in(text, &vec![("rt#1".to_owned(), Secret::new(TOKEN))]).is_empty()
    }

    #[test]
    fn whole_encoded_and_partial_secrets_are_found() {
        assert!(found(&format!("{{\"x\":\"{TOKEN}\"}}")));
        assert!(found(&percent(TOKEN)));
        assert!(found(&STANDARD.encode(TOKEN)));
        for before in ["", "i", "id", "client:"] {
            assert!(found(&STANDARD.encode(format!("{before}{TOKEN}:after"))), "{before}");
        }
        assert!(found(&hex(TOKEN.as_bytes())));
        assert!(found(&TOKEN[4..20]));
        assert!(!found(&TOKEN[4..19]));
        assert!(!found("nothing here"));
    }

    proptest! {
        #[test]
        fn harmless_text_is_harmless(text in "[ a-z{}\":,]{0,200}") {
            prop_assert!(!found(&text));
        }
    }
}
