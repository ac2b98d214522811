//! A line as people are shown it.

/// So many characters of a line are shown.
const LONGEST: usize = 500;

/// The line, or its beginning and how much of it is left out.
pub fn shown(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}… and {} more", &line[..end], line[end..].chars().count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        let whole = "é".repeat(LONGEST);
        assert_eq!(shown(&whole), whole);
        assert_eq!(shown(&format!("{whole}xy")), format!("{whole}… and 2 more"));
    }
}
