//! Pages for people: plain HTML that works without JavaScript.

/// Text as it may stand in an element or a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;background:#f0f4f9;color:#1f1f1f;margin:0}\
main{background:#fff;max-width:30rem;margin:8vh auto;padding:2.5rem;border-radius:1.75rem}\
h1{font-size:1.6rem;font-weight:400;margin:0 0 .25rem}p{margin:.25rem 0 1rem;overflow-wrap:anywhere}\
fieldset{border:1px solid #c4c7c5;border-radius:.75rem;margin:0 0 1rem;padding:.5rem 1rem}\
legend{padding:0 .25rem;color:#444746;font-size:.875rem}label{display:block;padding:.35rem 0;overflow-wrap:anywhere}\
input[type=text]{font:inherit;padding:.5rem;border:1px solid #747775;border-radius:.25rem;width:12rem}\
button{font:inherit;padding:.55rem 1.5rem;border-radius:1.5rem;border:1px solid #747775;background:#fff;cursor:pointer}\
button.yes{background:#0b57d0;border-color:#0b57d0;color:#fff}footer{color:#5e5e5e;font-size:.8rem;margin-top:1.5rem}\
.row{display:flex;gap:.75rem;justify-content:flex-end}";

/// A whole page.
pub(crate) fn page(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n<main>\n{body}\n\
         <footer>This is Regrant’s fake Google: no real account is behind it.</footer>\n</main>\n</html>\n",
        escape(title)
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_ends_an_attribute_or_begins_an_element(text in ".{0,40}") {
            prop_assert!(!escape(&text).contains(['<', '>', '"', '\'']));
        }
    }
}
