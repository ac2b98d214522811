//! Values that people may write in several shapes: a word, a list, or a mapping.

use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};

/// Reads something that is a word, a list or a mapping; which of them it may be is up to the type.
pub(crate) struct Shapes<T>(pub(crate) std::marker::PhantomData<T>);

/// A type with several written shapes.
pub(crate) trait Shaped: Sized {
    const EXPECTED: &'static str;

    fn from_word<E: de::Error>(word: &str) -> Result<Self, E>;
    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error>;

    fn from_map<'de, A: MapAccess<'de>>(_: A) -> Result<Self, A::Error> {
        Err(de::Error::custom(format_args!("expected {}, found a mapping", Self::EXPECTED)))
    }
}

impl<'de, T: Shaped> Visitor<'de> for Shapes<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<T, E> {
        T::from_word(word)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::from_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::from_map(members)
    }
}

macro_rules! shaped {
    ($name:ident, $schema:expr) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any($crate::scenario::shapes::Shapes(std::marker::PhantomData))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema = $schema;
                schema(generator)
            }
        }
    };
}

pub(crate) use shaped;
