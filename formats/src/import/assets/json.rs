//! An array of objects, or an object with the array in `items`: what `GET /v1/assets` gives can be sent
//! to another municipality, and what a CMDB exports needs no more than its own names for the columns.
//!
//! An object has the columns of the table as members, texts or lists of texts, and `identifiers` as a list
//! of `{"kind": …, "value": …}`. Members that mean nothing here are read over.

use super::{
    Row,
    row::{Draft, column},
};
use crate::import::{
    Limits, Refusal, Source,
    json::{Bounds, Each, Look, members::Walk},
};
use domain::Provenance;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

pub(super) fn read(source: &mut dyn Source, limits: &Limits, each: &mut dyn FnMut(Row)) -> Result<(), Refusal> {
    let bounds = Bounds::new(limits);
    let mut document = Document { bounds: &bounds, each, found: false };
    bounds.document(source, Root(&mut document))?;
    if document.found {
        Ok(())
    } else {
        Err(Refusal::Invalid("there is no array, neither whole nor in `items`".into()))
    }
}

struct Document<'d> {
    bounds: &'d Bounds,
    each: &'d mut dyn FnMut(Row),
    found: bool,
}

impl Document<'_> {
    fn row(&mut self, at: usize, item: &Value, place: &str) {
        let row = row(item, format!("{place}[{at}]"), self.bounds.exceeded());
        (self.each)(row);
    }
}

impl Walk for Document<'_> {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        if name != "items" {
            map.next_value_seed(self.bounds.nothing())?;
            return Ok(());
        }
        if std::mem::replace(&mut self.found, true) {
            return Err(A::Error::custom("`items` stands twice"));
        }
        let bounds = self.bounds;
        let take = |at: usize, item: Value| {
            self.row(at, &item, "items");
            Ok(())
        };
        map.next_value_seed(Each { bounds, skipped: &[], take }).map(drop)
    }
}

/// An object that is walked through, or the array itself.
struct Root<'r, 'd>(&'r mut Document<'d>);

impl<'de> DeserializeSeed<'de> for Root<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Root<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array of objects, or an object with one in `items`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            self.0.member(&name, &mut map)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let document = self.0;
        document.found = true;
        let mut at = 0;
        document.bounds.renew();
        while let Some(item) = seq.next_element_seed(document.bounds.tree(&[]))? {
            document.row(at, &item, "");
            at += 1;
            document.bounds.renew();
        }
        Ok(())
    }
}

fn row(item: &Value, place: String, exceeded: bool) -> Row {
    let mut draft = Draft::new(place, Provenance::Inventoried);
    let Some(members) = item.as_object().filter(|_| !exceeded) else {
        draft.reject(if exceeded { "it is too large" } else { "it is no object" }.into());
        return draft.finish();
    };
    for (name, value) in members {
        if name == "identifiers" {
            identifiers(&mut draft, value);
        } else if let Some(column) = column(name) {
            for text in texts(value) {
                draft.set(column, &text);
            }
        }
    }
    draft.finish()
}

/// One text or number, or several.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(|value| value.word(&[])).collect(),
        one => one.word(&[]).into_iter().collect(),
    }
}

fn identifiers(draft: &mut Draft, value: &Value) {
    if !value.is_array() && !value.is_null() {
        draft.reject("`identifiers` is no array".into());
    }
    for each in value.list(&[]) {
        let kind = each.get("kind").and_then(|kind| serde_json::from_value(kind.clone()).ok());
        match (kind, each.word(&["value"])) {
            (Some(kind), Some(value)) => draft.identify(kind, &value),
            _ => draft.reject("an identifier has no `kind` that is known, or no `value`".into()),
        }
    }
}
