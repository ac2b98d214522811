//! JSON that is exactly what the description says. Serde's derived types also take an array for an object (by position)
//! and `{"variant": null}` for a bare variant; a control call that was written so is a mistake, and is told so.

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer as _, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Map, Value};

/// Reads a value, objects from objects and bare variants from words.
pub(crate) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    T::deserialize(Strict(value))
}

struct Strict(Value);

fn an_object(value: Value) -> Result<Map<String, Value>, Error> {
    match value {
        Value::Object(members) => Ok(members),
        Value::Array(_) => Err(Error::invalid_type(Unexpected::Seq, &"an object")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err(Error::invalid_type(Unexpected::Other("a scalar"), &"an object"))
        }
    }
}

fn one_of(variants: &[&str]) -> Error {
    Error::custom(format!("expected exactly one of {}", variants.join(", ")))
}

impl<'de> Deserializer<'de> for Strict {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter())),
            Value::Object(members) => visitor.visit_map(Members(members.into_iter(), None)),
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Members(an_object(self.0)?.into_iter(), None))
    }

    // Serde_json's own maps take `null` for an empty one.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Members(an_object(self.0)?.into_iter(), None))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mut members = match self.0 {
            Value::String(name) => return visitor.visit_enum(Variant { name, content: None }),
            Value::Object(members) => members.into_iter(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return Err(one_of(variants)),
        };
        match (members.next(), members.next()) {
            (Some((name, content)), None) => visitor.visit_enum(Variant { name, content: Some(content) }),
            _ => Err(one_of(variants)),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct identifier ignored_any
    }
}

struct Items(std::vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Items {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.0.next().map(|value| seed.deserialize(Strict(value))).transpose()
    }
}

struct Members(serde_json::map::IntoIter, Option<Value>);

impl<'de> MapAccess<'de> for Members {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((name, value)) = self.0.next() else { return Ok(None) };
        self.1 = Some(value);
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Strict(self.1.take().unwrap_or(Value::Null)))
    }
}

struct Variant {
    name: String,
    content: Option<Value>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name: StrDeserializer<'_, Error> = self.name.as_str().into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl Variant {
    fn content(self) -> Result<Value, Error> {
        self.content.ok_or_else(|| Error::invalid_type(Unexpected::UnitVariant, &"a variant with a value"))
    }
}

impl<'de> VariantAccess<'de> for Variant {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.content {
            None => Ok(()),
            Some(_) => Err(Error::custom(format!("write \"{}\", which has no value", self.name))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(Strict(self.content()?))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        Strict(self.content()?).deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Members(an_object(self.content()?)?.into_iter(), None))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::Event;
    use crate::policy::PolicyPatch;
    use crate::reply_spec::ReplySpec;

    #[test]
    fn an_array_is_no_object() {
        assert!(read::<PolicyPatch>(json!({"rotation": "always"})).is_ok());
        assert!(read::<PolicyPatch>(json!([null, null])).unwrap_err().to_string().contains("expected an object"));
        let reply = |with: Value| read::<ReplySpec>(json!({"to": "token", "with": with}));
        assert!(reply(json!({"fault": {"drip": {"bytes": 1, "every": "1s"}}, "mutate": [{"remove": "/a"}]})).is_ok());
        assert!(reply(json!({"fault": {"drip": [1, "1s"]}})).is_err());
        assert!(reply(json!({"mutate": [{"set": ["/a", "1"]}]})).is_err());
    }

    #[test]
    fn null_is_no_map() {
        use crate::party::User;
        let user = |claims: Value| {
            read::<User>(json!({"sub": "u", "email": "e", "given_name": "g", "family_name": "f", "claims": claims}))
        };
        assert!(user(json!({"a": null})).is_ok());
        assert!(user(Value::Null).unwrap_err().to_string().contains("expected an object"));
        let header =
            |header: Value| read::<ReplySpec>(json!({"to": "token", "with": {"id_token": {"header": header}}}));
        assert!(header(json!({"kid": "x"})).is_ok() && header(Value::Null).is_err());
    }

    #[test]
    fn a_wrong_choice_is_told_the_right_ones() {
        let switch = read::<crate::quirks::QuirksPatch>(json!({"gzip": true})).unwrap_err().to_string();
        assert_eq!(switch, "expected exactly one of on, off");
    }

    #[test]
    fn a_bare_variant_is_a_word() {
        assert!(read::<Event>(json!("everything_revoked")).is_ok());
        assert!(read::<Event>(json!({"everything_revoked": null})).is_err());
        assert!(read::<Event>(json!({"user_deleted": "ada"})).is_ok());
        assert!(read::<Event>(json!("user_deleted")).is_err());
        assert!(read::<Event>(json!({"user_deleted": "ada", "user_restored": "ada"})).is_err());
    }
}
