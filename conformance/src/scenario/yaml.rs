//! Reads YAML into [`Node`]s. The only file that knows the YAML library.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::scenario::node::{Key, Node, Problem, Span, Value};

/// Reads one document.
///
/// # Errors
/// When the text is not YAML; with the place.
pub fn read(text: &str) -> Result<Node, Problem> {
    // YAML 1.2 knows no truth value but true and false; `no` is a word.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options)
        .map(|raw| node(text, raw))
        .map_err(|error| problem(text, &error))
}

fn problem(source: &str, error: &serde_saphyr::Error) -> Problem {
    let text = error.without_snippet().to_string();
    let message = text.lines().next().unwrap_or_default();
    let message = message
        .split_once(": ")
        .filter(|(head, _)| head.contains("line ") || *head == "error")
        .map_or(message, |(_, rest)| rest);
    let message = message.split(", set DuplicateKeyPolicy").next().unwrap_or_default();
    let message = message.split(" at line ").next().unwrap_or_default();
    let problem = Problem {
        message: message.to_owned(),
        span: error.location().map(|place| place_of(source, &place)),
        help: None,
    };
    if message.contains("mapping") {
        problem.with_help("check the indentation of this line and the line before")
    } else {
        problem
    }
}

/// Where an error is. The scanner tells it by line and column only, counted from 1.
fn place_of(source: &str, location: &Location) -> Span {
    let index = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let before: usize = source.split_inclusive('\n').take(index(location.line())).map(str::len).sum();
    let rest = source.get(before..).unwrap_or_default();
    let start = before + rest.char_indices().nth(index(location.column())).map_or(0, |(at, _)| at);
    Span { start, end: start + 1 }
}

fn span(location: &Location) -> Span {
    let number = |offset: Option<u64>| offset.and_then(|offset| usize::try_from(offset).ok()).unwrap_or(0);
    let start = number(location.span().byte_offset());
    Span { start, end: start + number(location.span().byte_len()).max(1) }
}

fn node(source: &str, raw: Spanned<Raw>) -> Node {
    let span = span(&raw.referenced);
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Bool(value) => Value::Bool(value),
        // As it is written: `3600.0` and `1e3` are not the same text as `3600` and `1000`.
        Raw::Number(text) => Value::Number(source.get(span.start..span.end).map_or(text, str::to_owned)),
        Raw::Text(text) => Value::Text(text),
        Raw::List(items) => Value::List(items.into_iter().map(|item| node(source, item)).collect()),
        Raw::Map(members) => {
            Value::Map(members.into_iter().map(|(name, value)| (key(name), node(source, value))).collect())
        }
    };
    Node { value, span }
}

fn key(name: Spanned<String>) -> Key {
    Key { span: span(&name.referenced), name: name.value }
}

/// The shape that the library fills in.
enum Raw {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = vec![];
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Raw, A::Error> {
        let mut list = vec![];
        while let Some(member) = members.next_entry()? {
            list.push(member);
        }
        Ok(Raw::Map(list))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scalars_keep_their_kind_and_their_place() {
        let text = "a: 302\nb: \"302\"\nc: no\nd: true\n";
        let document = read(text).unwrap();
        let value = |name: &str| document.get(name).unwrap().value.clone();
        assert_eq!(value("a"), Value::Number("302".into()));
        for number in ["3600.0", "1e3", "18446744073709551616", "-0"] {
            assert_eq!(read(number).unwrap().value, Value::Number(number.into()));
        }
        assert_eq!(value("b"), Value::Text("302".into()));
        assert_eq!(value("c"), Value::Text("no".into()));
        assert_eq!(value("d"), Value::Bool(true));
        let span = document.get("b").unwrap().span;
        assert_eq!(&text[span.start..span.end], "\"302\"");
    }

    #[test]
    fn a_repeated_key_is_a_problem_with_a_place() {
        let problem = read("a: 1\na: 2\n").unwrap_err();
        assert_eq!(
            (problem.message.as_str(), problem.span),
            ("duplicate mapping key: a", Some(Span { start: 5, end: 6 }))
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[ -~\n]{0,120}") {
            let _ = read(&text);
        }
    }
}
