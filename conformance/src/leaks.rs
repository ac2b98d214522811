//! Looks for secrets where they do not belong: raw, encoded, or in part.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mock_provider::Secret;

/// A piece of a secret this long gives it away.
const WINDOW: usize = 16;

/// Secrets by name.
pub type Secrets = Vec<(String, Secret)>;

/// The names of the secrets that stand in a text. It takes one pass over the text, however many secrets there are.
pub fn found_in(text: &str, secrets: &Secrets) -> Vec<String> {
    let mut forms = Forms::default();
    secrets.iter().enumerate().for_each(|(index, (_, secret))| forms.add(index, secret.expose()));
    let mut names: Vec<String> = forms.found_in(text.as_bytes()).into_iter().map(|at| secrets[at].0.clone()).collect();
    names.dedup();
    names
}

/// How a form begins: by this it is looked up.
type Beginning = [u8; 3];

/// The ways in which secrets can stand in a text, by how they begin, each with the place of its secret.
struct Forms {
    /// Whether a form begins so, or another beginning has the same place: nearly all of a text is passed over by this alone.
    begins: Vec<bool>,
    by_beginning: BTreeMap<Beginning, Vec<(usize, String)>>,
}

impl Default for Forms {
    fn default() -> Self {
        Self { begins: vec![false; PLACES], by_beginning: BTreeMap::new() }
    }
}

impl Forms {
    fn add(&mut self, index: usize, secret: &str) {
        let bytes = secret.as_bytes();
        let encoded = (0..3).flat_map(|shift| aligned(bytes, shift)).chain([hex(bytes)]);
        let encoded = encoded.filter(|form| form.len() >= WINDOW);
        for form in pieces(secret).flat_map(|piece| [percent(&piece), piece]).chain(encoded) {
            // What is shorter stands everywhere.
            let Some(beginning) = form.as_bytes().first_chunk() else { continue };
            self.begins[place(beginning)] = true;
            self.by_beginning.entry(*beginning).or_default().push((index, form));
        }
    }

    fn found_in(&self, text: &[u8]) -> BTreeSet<usize> {
        let places = text.windows(size_of::<Beginning>()).enumerate();
        let mut found = BTreeSet::new();
        for (at, _) in places.filter(|(_, beginning)| beginning.first_chunk().is_some_and(|it| self.begins[place(it)]))
        {
            let Some(beginning) = text[at..].first_chunk::<3>() else { continue };
            let forms = self.by_beginning.get(beginning).into_iter().flatten();
            found.extend(forms.filter(|(_, form)| text[at..].starts_with(form.as_bytes())).map(|(index, _)| *index));
        }
        found
    }
}

/// Few enough to be cleared for every line, and many enough that some thousand forms leave nearly all of them free.
const PLACES: usize = 1 << 16;

const fn place(beginning: &Beginning) -> usize {
    ((beginning[0] as usize) << 10 ^ (beginning[1] as usize) << 5 ^ beginning[2] as usize) % PLACES
}

/// Every window of the secret, or the secret where it is shorter.
fn pieces(secret: &str) -> impl Iterator<Item = String> {
    let count = secret.len().saturating_sub(WINDOW) + 1;
    (0..count).filter_map(move |start| secret.get(start..secret.len().min(start + WINDOW)).map(str::to_owned))
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
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
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
