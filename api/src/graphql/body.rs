//! The body of a request: a document with its variables, which are bounded in
//! number while they are read. Deeper than 128 levels JSON itself is refused.

use async_graphql::{Name, Request, Value, Variables, indexmap::IndexMap};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{cell::Cell, collections::HashMap, fmt};

/// Most values of all variables together: a tracker's list of a megabyte has fewer.
const MAX_VALUES: usize = 50_000;

/// What a body asks for.
pub(super) enum Asked {
    /// One document.
    One(Box<Request>),
    /// Several at once.
    Batch,
    /// One with more values than are taken.
    TooMuch,
}

/// What [`Asked::TooMuch`] tells.
pub(super) fn too_much() -> String {
    format!("the variables hold more than {MAX_VALUES} values")
}

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Whole)
    }
}

struct Whole;

impl<'de> Visitor<'de> for Whole {
    type Value = Asked;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with `query`, `variables` and `operationName`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Asked, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Asked::Batch)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Asked, A::Error> {
        let left = Cell::new(Some(MAX_VALUES));
        let mut request = Request::new("");
        while let Some(name) = fields.next_key::<String>()? {
            match name.as_str() {
                "query" => request.query = fields.next_value::<Option<String>>()?.unwrap_or_default(),
                "operationName" => request.operation_name = fields.next_value()?,
                "variables" => {
                    let given = object(fields.next_value_seed(Bounded(&left))?)?;
                    request.variables = Variables::from_value(Value::Object(given));
                }
                "extensions" => {
                    let given = object(fields.next_value_seed(Bounded(&left))?)?;
                    let given = given.into_iter().map(|(name, value)| (name.to_string(), value));
                    request.extensions = async_graphql::Extensions(given.collect::<HashMap<_, _>>());
                }
                // A client may send what only others know (GraphQL over HTTP, section 5.3).
                _ => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(if left.get().is_some() { Asked::One(Box::new(request)) } else { Asked::TooMuch })
    }
}

/// Null and left out are the same.
fn object<E: Error>(value: Value) -> Result<IndexMap<Name, Value>, E> {
    match value {
        Value::Object(fields) => Ok(fields),
        Value::Null => Ok(IndexMap::default()),
        _ => Err(E::custom("invalid type: expected an object")),
    }
}

/// A value, if that many are still allowed; what goes beyond is read past.
#[derive(Clone, Copy)]
struct Bounded<'c>(&'c Cell<Option<usize>>);

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.set(self.0.get().and_then(|left| left.checked_sub(1)));
        if self.0.get().is_none() {
            return deserializer.deserialize_ignored_any(IgnoredAny).map(|_| Value::Null);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(async_graphql::Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            if self.0.get().is_some() {
                list.push(item);
            }
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = IndexMap::default();
        while let Some(name) = fields.next_key::<String>()? {
            let value = fields.next_value_seed(self)?;
            if self.0.get().is_some() {
                object.insert(Name::new(name), value);
            }
        }
        Ok(Value::Object(object))
    }
}
