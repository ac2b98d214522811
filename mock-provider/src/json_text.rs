//! JSON whose leaves are text, so that an answer can hold what no JSON library would write: `1e400`, `"x`, two equal keys.
//!
//! An honest answer is built from values; a scripted edit then puts raw text at a JSON pointer (RFC 6901).

use std::borrow::Cow;

use serde_json::Value;

use crate::jws::IdTokenDraft;

/// A JSON text in the making; members keep their order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum JsonText {
    /// An object.
    Object(Vec<(Cow<'static, str>, Self)>),
    /// An array.
    Array(Vec<Self>),
    /// Anything, exactly as it will be sent.
    Raw(String),
    /// The claims of an id_token that the signer has yet to sign.
    IdToken(Box<IdTokenDraft>),
}

/// How an answer is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Without white space.
    Compact,
    /// With this many spaces a level, `": "` after a key, and no newline at the end.
    Pretty(usize),
    /// The same with a newline at the end.
    Lines(usize),
}

impl From<Value> for JsonText {
    fn from(value: Value) -> Self {
        match value {
            Value::Object(members) => {
                Self::Object(members.into_iter().map(|(name, value)| (Cow::Owned(name), value.into())).collect())
            }
            Value::Array(items) => Self::Array(items.into_iter().map(Into::into).collect()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Self::Raw(value.to_string()),
        }
    }
}

impl JsonText {
    /// Puts `value` at the JSON pointer; a member that is not there yet is added at the end of its object.
    ///
    /// A pointer into nothing changes nothing: the honest answer may be an error that has no such place.
    pub(crate) fn set(&mut self, pointer: &str, value: Self) {
        let Some((parent, name)) = self.parent_of(pointer) else {
            *self = value;
            return;
        };
        match parent {
            Some(Self::Object(members)) => match members.iter_mut().find(|(known, _)| *known == name) {
                Some((_, place)) => *place = value,
                None => members.push((Cow::Owned(name), value)),
            },
            Some(Self::Array(items)) => {
                if let Some(place) = name.parse().ok().and_then(|index: usize| items.get_mut(index)) {
                    *place = value;
                }
            }
            Some(Self::Raw(_) | Self::IdToken(_)) | None => {}
        }
    }

    /// Takes away what is at the JSON pointer.
    pub(crate) fn remove(&mut self, pointer: &str) {
        match self.parent_of(pointer) {
            Some((Some(Self::Object(members)), name)) => members.retain(|(known, _)| *known != name),
            Some((Some(Self::Array(items)), name)) => {
                if let Some(index) = name.parse().ok().filter(|index: &usize| *index < items.len()) {
                    items.remove(index);
                }
            }
            Some((Some(Self::Raw(_) | Self::IdToken(_)) | None, _)) | None => {}
        }
    }

    /// The id_token draft in this object, if it has one.
    pub(crate) fn id_token_mut(&mut self) -> Option<&mut IdTokenDraft> {
        let Self::Object(members) = self else { return None };
        members.iter_mut().find_map(|(_, value)| match value {
            Self::IdToken(draft) => Some(&mut **draft),
            Self::Object(_) | Self::Array(_) | Self::Raw(_) => None,
        })
    }

    /// A string.
    pub(crate) fn text(text: &str) -> Self {
        Self::Raw(quoted(text))
    }

    /// Replaces every draft by what `sign` makes of it.
    pub(crate) fn signed(self, sign: &impl Fn(&IdTokenDraft) -> String) -> Self {
        match self {
            Self::IdToken(draft) => Value::String(sign(&draft)).into(),
            Self::Object(members) => {
                Self::Object(members.into_iter().map(|(name, value)| (name, value.signed(sign))).collect())
            }
            Self::Array(items) => Self::Array(items.into_iter().map(|item| item.signed(sign)).collect()),
            Self::Raw(text) => Self::Raw(text),
        }
    }

    /// The parent of the pointer's place and the last step to it; nothing for the pointer to the whole.
    fn parent_of(&mut self, pointer: &str) -> Option<(Option<&mut Self>, String)> {
        let (path, last) = pointer.rsplit_once('/')?;
        let mut place = Some(self);
        for step in path.split('/').skip(1) {
            place = place.and_then(|place| place.child(&unescape(step)));
        }
        Some((place, unescape(last)))
    }

    fn child(&mut self, step: &str) -> Option<&mut Self> {
        match self {
            Self::Object(members) => members.iter_mut().find(|(name, _)| name == step).map(|(_, value)| value),
            Self::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
            Self::Raw(_) | Self::IdToken(_) => None,
        }
    }

    /// The text.
    pub(crate) fn render(&self, layout: Layout) -> String {
        let mut out = String::with_capacity(TYPICAL);
        self.write(layout, 0, &mut out);
        if let Layout::Lines(_) = layout {
            out.push('\n');
        }
        out
    }

    fn write(&self, layout: Layout, depth: usize, out: &mut String) {
        match self {
            Self::Raw(text) => out.push_str(text),
            Self::IdToken(_) => out.push_str("null"),
            Self::Array(items) => write_list(layout, depth, out, ['[', ']'], items, |item, out| {
                item.write(layout, depth + 1, out);
            }),
            Self::Object(members) => write_list(layout, depth, out, ['{', '}'], members, |(name, value), out| {
                push_quoted(name, out);
                out.push_str(if layout == Layout::Compact { ":" } else { ": " });
                value.write(layout, depth + 1, out);
            }),
        }
    }
}

fn write_list<T>(
    layout: Layout,
    depth: usize,
    out: &mut String,
    brackets: [char; 2],
    items: &[T],
    write: impl Fn(&T, &mut String),
) {
    out.push(brackets[0]);
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { "," });
        new_line(layout, depth + 1, out);
        write(item, out);
    }
    if !items.is_empty() {
        new_line(layout, depth, out);
    }
    out.push(brackets[1]);
}

fn new_line(layout: Layout, depth: usize, out: &mut String) {
    if let Layout::Pretty(indent) | Layout::Lines(indent) = layout {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent * depth));
    }
}

/// Enough for an answer without an id_token, in bytes.
const TYPICAL: usize = 768;

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_quoted(text, &mut out);
    out
}

/// Writes a JSON string. What needs no escape, which is nearly everything here, is only copied.
fn push_quoted(text: &str, out: &mut String) {
    let plain = text.bytes().all(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20));
    if !plain {
        out.push_str(&Value::from(text).to_string());
        return;
    }
    out.push('"');
    out.push_str(text);
    out.push('"');
}

/// RFC 6901 section 4.
fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn edited(edit: impl Fn(&mut JsonText)) -> String {
        let mut text = JsonText::from(json!({"a": 1, "b": {"c": [2, 3]}}));
        edit(&mut text);
        text.render(Layout::Compact)
    }

    #[test]
    fn raw_text_goes_in_where_the_pointer_says() {
        assert_eq!(edited(|t| t.set("/a", JsonText::Raw("1e400".into()))), r#"{"a":1e400,"b":{"c":[2,3]}}"#);
        assert_eq!(edited(|t| t.set("/b/c/1", JsonText::Raw("x".into()))), r#"{"a":1,"b":{"c":[2,x]}}"#);
        assert_eq!(edited(|t| t.set("/new", JsonText::Raw("0".into()))), r#"{"a":1,"b":{"c":[2,3]},"new":0}"#);
        assert_eq!(edited(|t| t.set("", JsonText::Raw("0".into()))), "0");
    }

    #[test]
    fn a_removed_member_is_gone_and_a_missing_one_is_no_matter() {
        assert_eq!(edited(|t| t.remove("/b/c/0")), r#"{"a":1,"b":{"c":[3]}}"#);
        assert_eq!(edited(|t| t.remove("/b")), r#"{"a":1}"#);
        assert_eq!(edited(|t| t.remove("/x/y")), r#"{"a":1,"b":{"c":[2,3]}}"#);
    }

    #[test]
    fn the_pretty_form_is_googles() {
        let text = JsonText::from(json!({"error": "invalid_grant", "error_description": "Bad Request"}));
        let expected = "{\n  \"error\": \"invalid_grant\",\n  \"error_description\": \"Bad Request\"\n}";
        assert_eq!(text.render(Layout::Pretty(2)), expected);
    }

    proptest! {
        #[test]
        fn honest_values_survive_in_both_layouts(names in prop::collection::vec(".{0,8}", 0..6), number: i64, text in ".{0,20}") {
            let mut value = json!({"n": number, "t": text, "l": [null, true, {}]});
            for name in names {
                value[name.as_str()] = json!([number]);
            }
            for layout in [Layout::Compact, Layout::Pretty(2)] {
                let rendered = JsonText::from(value.clone()).render(layout);
                prop_assert_eq!(serde_json::from_str::<Value>(&rendered).unwrap(), value.clone());
            }
        }

        #[test]
        fn any_pointer_is_harmless(pointer in "[/a-c0-3~]{0,12}") {
            let _ = edited(|text| { text.remove(&pointer); text.set(&pointer, JsonText::Raw("0".into())); });
        }
    }
}
