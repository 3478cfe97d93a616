//! JSON bodies as they are meant: an object is an object, and a whole number is one however it is written.
//!
//! Serde would also read a struct from a list of its fields in their order, which nobody means, and refuse `90.0` for a
//! count, which clients send whose language knows one kind of number. A field that stands twice stays an error.

use serde::{
    Deserialize, Deserializer,
    de::{
        Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
        value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use std::fmt;

type Failure = serde::de::value::Error;

/// A JSON text that was read, with its members as they stand.
#[derive(Debug)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Whole(i64),
    Large(u64),
    Real(f64),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Json {
    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Null => Unexpected::Unit,
            Self::Bool(value) => Unexpected::Bool(*value),
            Self::Whole(value) => Unexpected::Signed(*value),
            Self::Large(value) => Unexpected::Unsigned(*value),
            Self::Real(value) => Unexpected::Float(*value),
            Self::Text(value) => Unexpected::Str(value),
            Self::List(_) => Unexpected::Seq,
            Self::Object(_) => Unexpected::Map,
        }
    }

    /// The same, where a number without a fraction is a whole one. Beyond 2^53 a double no longer tells neighbours apart.
    fn into_whole(self) -> Self {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        match self {
            Self::Real(value) if value.fract() == 0.0 && value.abs() < EXACT => Self::Whole(value as i64),
            other => other,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Whole(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(i64::try_from(value).map_or(Json::Large(value), Json::Whole))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Real(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = from.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }
}

impl IntoDeserializer<'_, Failure> for Json {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! whole_numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            self.into_whole().deserialize_any(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Json {
    type Error = Failure;

    whole_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Whole(value) if value < 0 => visitor.visit_i64(value),
            Self::Whole(value) => visitor.visit_u64(value.unsigned_abs()),
            Self::Large(value) => visitor.visit_u64(value),
            Self::Real(value) => visitor.visit_f64(value),
            Self::Text(value) => visitor.visit_string(value),
            Self::List(items) => {
                let mut items = SeqDeserializer::new(items.into_iter());
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            Self::Object(members) => {
                let mut members = MapDeserializer::new(members.into_iter());
                let value = visitor.visit_map(&mut members)?;
                members.end()?;
                Ok(value)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self {
            Self::Null => visitor.visit_none(),
            other => visitor.visit_some(other),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        match self {
            Self::Object(_) => self.deserialize_any(visitor),
            other => Err(Failure::invalid_type(other.unexpected(), &"an object")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        match self {
            Self::Text(variant) => {
                let variant: serde::de::value::StringDeserializer<Failure> = variant.into_deserializer();
                variant.deserialize_enum(name, variants, visitor)
            }
            Self::Object(members) => {
                visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(members.into_iter())))
            }
            other => Err(Failure::invalid_type(other.unexpected(), &"a text")),
        }
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map identifier
        ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        count: Option<i32>,
        #[serde(default)]
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Inner {
        name: String,
    }

    fn read(text: &str) -> Result<Sample, String> {
        let json: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Sample::deserialize(json).map_err(|error| error.to_string())
    }

    #[test]
    fn whole_numbers_may_have_a_fraction_of_nothing() {
        for (text, count) in [("90", 90), ("90.0", 90), ("9e1", 90), ("-3.0", -3)] {
            assert_eq!(read(&format!("{{\"count\": {text}}}")).expect("read").count, Some(count));
        }
        for text in ["90.5", "1e300", "\"90\"", "true", "99999999999"] {
            assert!(read(&format!("{{\"count\": {text}}}")).is_err(), "{text}");
        }
    }

    #[test]
    fn objects_are_objects_and_their_members_stand_once() {
        assert_eq!(read(r#"{"inner": [{"name": "a"}]}"#).expect("read").inner.len(), 1);
        for text in
            ["[]", "[null, []]", r#"{"inner": [["a"]]}"#, r#"{"count": 1, "count": 2}"#, r#"{"other": 1}"#, "null"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
