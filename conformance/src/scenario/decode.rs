//! Makes typed values of a tree, so that every mistake is reported at its place.
//!
//! A serde deserializer over [`Node`]: an error takes the place of the innermost node it arose in, an unknown field that
//! of its key. A scalar is read as a text wherever a text is wanted.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};

use crate::scenario::node::{Key, Node, Problem, Span, Value, nearest};

const SPANNED: &str = "$regrant::Spanned";

/// Makes a typed value.
///
/// # Errors
/// When the tree does not fit the type.
pub fn decode<T: DeserializeOwned>(node: &Node) -> Result<T, Problem> {
    T::deserialize(node).map_err(|error| error.0)
}

/// A value that knows where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stood.
    pub span: Span,
}

impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Parts<T> {
            type Value = Spanned<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its place")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Spanned<T>, A::Error> {
                let missing = || de::Error::custom("only scenario files have places");
                let start = parts.next_element()?.ok_or_else(missing)?;
                let end = parts.next_element()?.ok_or_else(missing)?;
                let value = parts.next_element()?.ok_or_else(missing)?;
                Ok(Spanned { value, span: Span { start, end } })
            }
        }

        deserializer.deserialize_newtype_struct(SPANNED, Parts(std::marker::PhantomData))
    }
}

/// A problem in the making.
#[derive(Debug)]
pub struct DecodeError(Problem);

impl DecodeError {
    fn or_at(mut self, span: Span) -> Self {
        self.0.span.get_or_insert(span);
        self
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for DecodeError {}

fn list_of(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn unknown(what: &str, given: &str, known: &'static [&'static str]) -> DecodeError {
    let help = match nearest(given, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`? Known here: {}", list_of(known)),
        None => format!("known here: {}", list_of(known)),
    };
    DecodeError(Problem { message: format!("unknown {what} `{given}`"), span: None, help: Some(help) })
}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Problem { message: message.to_string(), span: None, help: None })
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        unknown("key", field, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        unknown("word", variant, expected)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format_args!("the key `{field}` is missing"))
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match found {
            de::Unexpected::Unit => "nothing".to_owned(),
            de::Unexpected::Str(text) => format!("the text `{text}`"),
            de::Unexpected::Seq => "a list".to_owned(),
            de::Unexpected::Map => "a mapping".to_owned(),
            other => other.to_string(),
        };
        Self::custom(format_args!("expected {expected}, found {found}"))
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let outcome = match &self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(text) => number(text, visitor),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Map(members) => visitor.visit_map(Members { rest: members.iter(), value: None }),
        };
        outcome.map_err(|error| error.or_at(self.span))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.scalar() {
            Some(text) => visitor.visit_string(text).map_err(|error: DecodeError| error.or_at(self.span)),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.value {
            Value::Null => visitor.visit_none(),
            Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                visitor.visit_some(self)
            }
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if name == SPANNED {
            return visitor.visit_seq(Parts { node: self, next: 0 });
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let outcome = match &self.value {
            Value::Map(members) if members.len() == 1 => {
                visitor.visit_enum(Variant { key: &members[0].0, content: &members[0].1 })
            }
            Value::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Value::Map(members) if members.is_empty() => {
                Err(de::Error::custom(format_args!("expected one of {}", list_of(variants))))
            }
            Value::Map(members) => {
                let names: Vec<&str> = members.iter().map(|(key, _)| key.name.as_str()).collect();
                let problem = Problem::at(members[1].0.span, format!("expected one key, found {}", list_of(&names)));
                Err(DecodeError(
                    problem.with_help("is it indented one level too little? Fields of a step stand below its verb"),
                ))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) => {
                Err(de::Error::custom(format_args!("expected one of {}, found {}", list_of(variants), self.kind())))
            }
        };
        outcome.map_err(|error| error.or_at(self.span))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

fn number<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, DecodeError> {
    if let Ok(number) = text.parse() {
        return visitor.visit_u64(number);
    }
    if let Ok(number) = text.parse() {
        return visitor.visit_i64(number);
    }
    match text.parse() {
        Ok(number) => visitor.visit_f64(number),
        Err(_) => visitor.visit_str(text),
    }
}

struct Items<'de>(std::slice::Iter<'de, Node>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        self.0.next().map(|node| seed.deserialize(node)).transpose()
    }
}

struct Members<'de> {
    rest: std::slice::Iter<'de, (Key, Node)>,
    value: Option<&'de Node>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(key.name.as_str().into_deserializer())
            .map(Some)
            .map_err(|error: DecodeError| error.or_at(key.span))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        let value = self.value.take().ok_or_else(DecodeError::from_order)?;
        seed.deserialize(value).map_err(|error| error.or_at(value.span))
    }
}

impl DecodeError {
    fn from_order() -> Self {
        de::Error::custom("a value was asked for before its key")
    }
}

/// The three parts of a [`Spanned`].
struct Parts<'de> {
    node: &'de Node,
    next: u8,
}

impl<'de> SeqAccess<'de> for Parts<'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        self.next += 1;
        match self.next {
            1 => seed.deserialize(self.node.span.start.into_deserializer()).map(Some),
            2 => seed.deserialize(self.node.span.end.into_deserializer()).map(Some),
            3 => seed.deserialize(self.node).map(Some).map_err(|error| error.or_at(self.node.span)),
            _ => Ok(None),
        }
    }
}

/// A mapping with one key, as an enum.
struct Variant<'de> {
    key: &'de Key,
    content: &'de Node,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = DecodeError;
    type Variant = &'de Node;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, &'de Node), DecodeError> {
        let name = seed.deserialize(self.key.name.as_str().into_deserializer());
        Ok((name.map_err(|error: DecodeError| error.or_at(self.key.span))?, self.content))
    }
}

impl<'de> VariantAccess<'de> for &'de Node {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        match self.value {
            Value::Null => Ok(()),
            Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                Err(DecodeError(Problem::at(self.span, "this word stands alone, without a value")))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(self).map_err(|error| error.or_at(self.span))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_any(visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::yaml::read;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        name: String,
        #[serde(default)]
        step: Option<Step>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Step {
        Alone,
        Wait { by: Spanned<u32> },
    }

    fn problem(text: &str) -> (String, String, String) {
        let problem = decode::<Sample>(&read(text).unwrap()).unwrap_err();
        let span = problem.span.unwrap();
        (problem.message, text[span.start..span.end].to_owned(), problem.help.unwrap_or_default())
    }

    #[test]
    fn a_scalar_is_a_text_where_a_text_is_wanted() {
        assert_eq!(decode::<Sample>(&read("name: 302").unwrap()).unwrap().name, "302");
    }

    #[test]
    fn places_are_kept_inside_enums() {
        let text = "name: a\nstep: { wait: { by: 7 } }\n";
        let Some(Step::Wait { by }) = decode::<Sample>(&read(text).unwrap()).unwrap().step else { panic!("a step") };
        assert_eq!(&text[by.span.start..by.span.end], "7");
    }

    #[test]
    fn mistakes_are_reported_at_their_place_with_a_suggestion() {
        let (message, place, help) = problem("nmae: a\n");
        assert_eq!((message.as_str(), place.as_str()), ("unknown key `nmae`", "nmae"));
        assert!(help.starts_with("did you mean `name`?"), "{help}");
        let (message, place, help) = problem("name: a\nstep: { wiat: { by: 1 } }\n");
        assert_eq!((message.as_str(), place.as_str()), ("unknown word `wiat`", "wiat"));
        assert!(help.starts_with("did you mean `wait`?"), "{help}");
        let (message, place, _) = problem("name: a\nstep: { wait: { by: soon } }\n");
        assert_eq!((message.as_str(), place.as_str()), ("expected u32, found the text `soon`", "soon"));
        let (message, place, help) = problem("name: a\nstep:\n  wait:\n  by: 1\n");
        assert_eq!((message.as_str(), place.as_str()), ("expected one key, found `wait`, `by`", "by"));
        assert!(help.contains("indented"), "{help}");
        let (message, ..) = problem("step: alone\n");
        assert_eq!(message, "the key `name` is missing");
    }
}
