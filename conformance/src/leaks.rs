//! Looks for secrets where they do not belong: raw, encoded, or in part.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mock_provider::Secret;

/// A piece of a secret this long gives it away.
const WINDOW: usize = 16;

/// Secrets by name.
pub type Secrets = Vec<(String, Secret)>;

/// The names of the secrets that stand in a text.
pub fn found_in(text: &str, secrets: &Secrets) -> Vec<String> {
    let found = secrets.iter().filter(|(_, secret)| stands_in(text, secret.expose()));
    let mut names: Vec<String> = found.map(|(name, _)| name.clone()).collect();
    names.dedup();
    names
}

fn stands_in(text: &str, secret: &str) -> bool {
    if text.len() < secret.len().min(WINDOW) {
        return false;
    }
    let bytes = secret.as_bytes();
    let encoded = (0..3).flat_map(|shift| aligned(bytes, shift)).chain([hex(bytes)]);
    pieces(secret).any(|piece| text.contains(&piece) || text.contains(&percent(&piece)))
        || encoded.into_iter().any(|form| form.len() >= WINDOW && text.contains(&form))
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
