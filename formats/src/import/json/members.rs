//! Objects that are walked through member by member, without being held.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Reads the members of an object.
pub(in crate::import) trait Walk {
    /// Reads the value of the member `name` from `map`; every member must be read or skipped.
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;

    /// The object is over; or why the report is refused for it.
    fn end(&mut self) -> Result<(), &'static str> {
        Ok(())
    }
}

/// An object, or `null`.
pub(in crate::import) struct Members<'w, W>(pub(in crate::import) &'w mut W);

impl<'de, W: Walk> DeserializeSeed<'de> for Members<'_, W> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, W: Walk> Visitor<'de> for Members<'_, W> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            self.0.member(&name, &mut map)?;
        }
        self.0.end().map_err(A::Error::custom)
    }
}

/// An array of objects, each read by the same walk. Gives false for `null`.
pub(in crate::import) struct Elements<'w, W>(pub(in crate::import) &'w mut W);

impl<'de, W: Walk> DeserializeSeed<'de> for Elements<'_, W> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, W: Walk> Visitor<'de> for Elements<'_, W> {
    type Value = bool;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array of objects")
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
        while seq.next_element_seed(Members(self.0))?.is_some() {}
        Ok(true)
    }
}
