//! What is wrong with a JSON value, for people who have never seen the types that it is read into.

/// What this crate's types are called in errors, and what they are to the author of an adapter.
const NAMES: [(&str, &str); 11] = [
    ("u64", "a whole number"),
    ("i64", "a whole number"),
    ("u32", "a whole number"),
    ("a tuple of size 2", "a list of two numbers"),
    ("tuple struct Version", "a whole number"),
    ("a map", "an object"),
    ("map", "an object"),
    ("a sequence", "a list"),
    ("sequence", "a list"),
    ("a boolean", "`true` or `false`"),
    ("variant identifier", "text"),
];

/// An error in plain words: without the names of Rust types, and without a place, for a message has one line.
pub fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let Some((found, expected)) = text.rsplit_once(", expected ") else { return text.to_owned() };
    let known = NAMES.iter().find(|(name, _)| *name == expected).map(|(_, plain)| *plain);
    let expected = known.unwrap_or_else(|| if is_object(expected) { "an object" } else { expected });
    format!(
        "{}, expected {expected}",
        found.replace("type: map", "type: object").replace("type: sequence", "type: list")
    )
}

fn is_object(expected: &str) -> bool {
    expected.starts_with("struct ") || expected.starts_with("internally tagged enum ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{HelloAnswer, SessionView};

    #[test]
    fn no_rust_type_is_named() {
        for (text, told) in [
            (r#"{"protocol":"1"}"#, "invalid type: string \"1\", expected a whole number"),
            (r#"{"protocol":1,"adapter":2}"#, "invalid type: integer `2`, expected a string"),
            (r#"{"protocol":1,"adapter":"a","target":"x"}"#, "invalid type: string \"x\", expected an object"),
            (
                r#"{"protocol":1,"adapter":"a","target":{"name":"n","version":"v"},"claims":{}}"#,
                "invalid type: object, expected a list",
            ),
        ] {
            let error = serde_json::from_str::<HelloAnswer>(text).unwrap_err();
            assert_eq!(plain(&error), told);
        }
        let error = serde_json::from_str::<SessionView>(r#"{"state":"signedout"}"#).unwrap_err();
        assert_eq!(plain(&error), "unknown variant `signedout`, expected `active` or `signed_out`");
    }
}
