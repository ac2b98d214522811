//! Looks for secrets where they do not belong: raw, encoded, or in part.

use std::collections::BTreeSet;
use std::fmt;

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

/// Bytes of which one aligned block lies in every piece of [`WINDOW`] bytes.
const BLOCK: usize = WINDOW / 2;

/// A way in which a secret can be written.
struct Form {
    /// The place of the secret among all of them.
    secret: usize,
    text: String,
    counts: Counts,
}

/// How much of a form gives its secret away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counts {
    /// A window of it.
    Part,
    /// All of it.
    Whole,
}

/// Where in which form a block stands.
type Place = (usize, usize);

#[expect(clippy::disallowed_types, reason = "it is only looked up, some thousand times for each text")]
type Blocks = std::collections::HashMap<[u8; BLOCK], Vec<Place>>;

/// Finds secrets in texts: one pass over each text, however many secrets there are.
///
/// Only every eighth block of a form is indexed; what stands around one that is met tells the rest.
pub struct Finder<'s> {
    secrets: &'s Secrets,
    forms: Vec<Form>,
    blocks: Blocks,
    /// Secrets that are shorter than a window.
    short: Vec<(usize, String)>,
}

impl fmt::Debug for Finder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finder").field("secrets", &self.secrets.len()).finish_non_exhaustive()
    }
}

impl<'s> Finder<'s> {
    /// One for these secrets.
    pub fn of(secrets: &'s Secrets) -> Self {
        let mut finder = Self { secrets, forms: vec![], blocks: Blocks::new(), short: vec![] };
        secrets.iter().enumerate().for_each(|(index, (_, secret))| finder.add(index, secret.expose()));
        finder
    }

    fn add(&mut self, secret: usize, text: &str) {
        let escaped = percent(text);
        if escaped != text {
            self.add_form(Form { secret, text: escaped, counts: Counts::Part });
        }
        self.add_form(Form { secret, text: text.to_owned(), counts: Counts::Part });
        let bytes = text.as_bytes();
        for form in (0..3).flat_map(|shift| aligned(bytes, shift)).chain([hex(bytes)]) {
            self.add_form(Form { secret, text: form, counts: Counts::Whole });
        }
    }

    fn add_form(&mut self, form: Form) {
        if form.text.len() >= WINDOW {
            let number = self.forms.len();
            let indexed = if form.counts == Counts::Whole { 1 } else { usize::MAX };
            for (nth, block) in form.text.as_bytes().as_chunks().0.iter().take(indexed).enumerate() {
                self.blocks.entry(*block).or_default().push((number, nth * BLOCK));
            }
            self.forms.push(form);
        } else if form.counts == Counts::Part {
            self.short.push((form.secret, form.text));
        }
    }

    /// The names of the secrets that stand in a text.
    pub fn found_in(&self, text: &str) -> Vec<String> {
        let bytes = text.as_bytes();
        let mut found: BTreeSet<usize> = BTreeSet::new();
        for (at, block) in bytes.array_windows().enumerate() {
            let places = self.blocks.get(block).into_iter().flatten();
            found.extend(places.filter_map(|place| self.given_away(bytes, at, *place)));
        }
        // What is shorter stands everywhere.
        let short = self.short.iter().filter(|(_, form)| form.len() >= SHORTEST && text.contains(form));
        found.extend(short.map(|(index, _)| *index));
        let mut names: Vec<String> = found.into_iter().map(|index| self.secrets[index].0.clone()).collect();
        names.dedup();
        names
    }

    /// The secret of a form of which a block stands in the text here, if enough of it stands around that.
    fn given_away(&self, text: &[u8], at: usize, (form, offset): Place) -> Option<usize> {
        let Form { secret, text: form, counts } = &self.forms[form];
        let form = form.as_bytes();
        let enough = match counts {
            Counts::Part => common(text, at, form, offset) >= WINDOW,
            Counts::Whole => text[at..].starts_with(form),
        };
        enough.then_some(*secret)
    }
}

/// How many bytes two texts have in common around these places.
fn common(one: &[u8], at: usize, other: &[u8], offset: usize) -> usize {
    let before = one[..at].iter().rev().zip(other[..offset].iter().rev()).take_while(|(one, other)| one == other);
    let after = one[at..].iter().zip(&other[offset..]).take_while(|(one, other)| one == other);
    before.count() + after.count()
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
        /// What is found is what has a window in common.
        #[test]
        fn any_piece_that_is_long_enough_is_found(
            secret in "[ab1/]{3,60}",
            from in any::<prop::sample::Index>(),
            length in 0..40_usize,
            around in "[ab1/]{0,20}",
        ) {
            let start = from.index(secret.len());
            let piece = &secret[start..(start + length).min(secret.len())];
            let text = format!("{around}{piece}{around}");
            let shared = |form: &str| match form.len() {
                0..WINDOW => text.contains(form),
                _ => form.as_bytes().array_windows::<WINDOW>().any(|window| {
                    text.as_bytes().array_windows::<WINDOW>().any(|other| other == window)
                }),
            };
            let expected = shared(&secret) || shared(&percent(&secret));
            let found = found_in(&text, &vec![("rt#1".to_owned(), Secret::new(secret))]);
            prop_assert_eq!(!found.is_empty(), expected);
        }

        #[test]
        fn harmless_text_is_harmless(text in "[ a-z{}\":,]{0,200}") {
            prop_assert!(!found(&text));
        }
    }
}
