//! Texts of others in reports.

/// A line that no terminal obeys: control characters are shown as escapes, everything else as it is.
pub(crate) fn harmless(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for character in line.chars() {
        if character.is_control() || is_invisible(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

/// Marks that turn the direction of what follows (Unicode Standard Annex 9), with which a line can show what it does not say.
const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_terminal_would_obey_is_escaped() {
        assert_eq!(harmless("{\"a\":\"é\"} it's \\ fine"), "{\"a\":\"é\"} it's \\ fine");
        assert_eq!(harmless("\x1b[31mred\x07"), "\\u{1b}[31mred\\u{7}");
        assert_eq!(harmless("a\u{202e}b"), "a\\u{202e}b");
    }
}
