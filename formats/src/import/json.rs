//! JSON for importers: one value at a time out of a stream, bounded in depth,
//! bytes and number of values, without what the importer does not read.
//!
//! Numbers outside the range of a double and lone surrogates are errors of the
//! whole text they stand in. Of duplicate keys in an object the last one counts.

use super::metered::{Allowance, Metered};
use super::{Limits, Refusal, Source};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::fmt;
use std::io::BufReader;

pub(super) mod members;
pub(super) mod outline;

/// The most values within one record. Each takes some dozens of bytes, whatever little it took in the report.
const VALUES: usize = 100_000;

/// What one reading of a document may hold: of a record so many values and
/// bytes of text, of what is read over a single text.
pub(super) struct Bounds {
    depth: usize,
    bytes: usize,
    allowance: Allowance,
    values: Cell<usize>,
    held: Cell<usize>,
}

impl Bounds {
    /// The bounds of a report's limits.
    pub(super) fn new(limits: &Limits) -> Self {
        let (depth, bytes) = (limits.depth, limits.record_bytes);
        Self { depth, bytes, allowance: Allowance::new(bytes), values: Cell::new(0), held: Cell::new(0) }
    }

    /// A new record begins.
    pub(super) fn renew(&self) {
        self.allowance.renew();
        self.values.set(0);
        self.held.set(0);
    }

    /// Whether the record that was read had to be cut.
    pub(super) fn exceeded(&self) -> bool {
        self.values.get() > VALUES || self.held.get() > self.bytes
    }

    fn hold(&self, bytes: usize) {
        self.values.set(self.values.get().saturating_add(1));
        self.held.set(self.held.get().saturating_add(bytes));
    }

    /// Reads a whole document with `seed`, after a byte order mark if there is one.
    ///
    /// # Errors
    /// A [`Refusal`] that names line and column if the text is not one JSON
    /// document, or if `seed` refuses it.
    pub(super) fn document<T, S>(&self, source: &mut dyn Source, seed: S) -> Result<T, Refusal>
    where
        S: for<'de> DeserializeSeed<'de, Value = T>,
    {
        skip_mark(source)?;
        self.renew();
        let metered = BufReader::new(Metered::new(source, &self.allowance));
        let mut reader = serde_json::Deserializer::from_reader(metered);
        let value = seed.deserialize(&mut reader).map_err(|error| self.refusal(error))?;
        self.allowance.renew();
        reader.end().map_err(|error| self.refusal(error))?;
        Ok(value)
    }

    /// Reads values that stand one after the other, after a byte order mark if
    /// there is one; at least one must be there.
    ///
    /// # Errors
    /// A [`Refusal`] that names line and column if one of them is broken.
    pub(super) fn values(
        &self,
        source: &mut dyn Source,
        skipped: &[&str],
        take: &mut dyn FnMut(Value),
    ) -> Result<(), Refusal> {
        skip_mark(source)?;
        let metered = BufReader::new(Metered::new(source, &self.allowance));
        let mut reader = serde_json::Deserializer::from_reader(metered);
        loop {
            self.renew();
            take(self.tree(skipped).deserialize(&mut reader).map_err(|error| self.refusal(error))?);
            // What is left may be the next value; if it is none, reading it says so.
            if reader.end().is_ok() {
                return Ok(());
            }
        }
    }

    /// Reads one record that is held as text. Bytes that are not UTF-8 become
    /// U+FFFD: scanners quote what servers answer, and some quote it as it came.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn record(&self, text: &[u8], skipped: &[&str]) -> Result<Value, serde_json::Error> {
        self.renew();
        let text = String::from_utf8_lossy(text);
        let mut reader = serde_json::Deserializer::from_str(&text);
        let value = self.tree(skipped).deserialize(&mut reader)?;
        reader.end()?;
        Ok(value)
    }

    /// A seed that reads any value, leaving out the members of objects whose names stand in `skipped`.
    pub(super) fn tree<'b>(&'b self, skipped: &'b [&'b str]) -> Tree<'b> {
        Tree { bounds: self, skipped, depth: self.depth, kept: true }
    }

    /// A seed that reads over any value, however large, without holding it.
    pub(super) fn nothing(&self) -> Tree<'_> {
        Tree { bounds: self, skipped: &[], depth: self.depth, kept: false }
    }

    fn refusal(&self, error: serde_json::Error) -> Refusal {
        if error.is_io() {
            return self.allowance.refusal(error.into());
        }
        Refusal::Invalid(error.to_string())
    }
}

/// A byte order mark is not JSON, but Windows tools write one.
pub(super) fn skip_mark(source: &mut dyn Source) -> Result<(), Refusal> {
    if source.fill_buf()?.starts_with(b"\xEF\xBB\xBF") {
        source.consume(3);
    }
    Ok(())
}

/// The seed behind [`Bounds::tree`] and [`Bounds::nothing`]. It calls itself for
/// nested values, at most as often as the bounds' depth.
#[derive(Clone, Copy)]
pub(super) struct Tree<'b> {
    bounds: &'b Bounds,
    skipped: &'b [&'b str],
    depth: usize,
    kept: bool,
}

impl Tree<'_> {
    /// The seed of a nested value.
    fn inner<E: Error>(self, kept: bool) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, kept: self.keeps() && kept, ..self }),
            None => Err(E::custom(format_args!("nested deeper than {}", self.bounds.depth))),
        }
    }

    /// Counts a value. Beyond the limit the rest of the record is read but not held.
    fn keeps(self) -> bool {
        self.kept && !self.bounds.exceeded()
    }

    fn scalar(self, value: impl Into<Value>) -> Value {
        if self.keeps() { value.into() } else { Value::Null }
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        // What is held is counted apart, so only a single text can spend the allowance.
        self.bounds.allowance.renew();
        if self.kept {
            self.bounds.hold(0);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(self.scalar(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(self.scalar(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(self.scalar(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(self.scalar(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        if self.kept {
            self.bounds.hold(value.len());
        }
        Ok(self.scalar(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(self.inner(true)?)? {
            if self.keeps() {
                values.push(value);
            }
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let kept = !self.skipped.contains(&name.as_str());
            if self.kept && kept {
                self.bounds.hold(name.len());
            }
            let value = map.next_value_seed(self.inner(kept)?)?;
            if kept && self.keeps() {
                members.insert(name, value);
            }
        }
        Ok(Value::Object(members))
    }
}

/// An array whose elements are handed over one by one. `null` is an array without any; says whether it was one at all.
pub(super) struct Each<'b, F> {
    /// The bounds of each element; renewed before each.
    pub(super) bounds: &'b Bounds,
    /// Members left out of the elements.
    pub(super) skipped: &'b [&'b str],
    /// Takes the index and the element, or says why the report is refused.
    pub(super) take: F,
}

impl<'de, F: FnMut(usize, Value) -> Result<(), String>> DeserializeSeed<'de> for Each<'_, F> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(usize, Value) -> Result<(), String>> Visitor<'de> for Each<'_, F> {
    type Value = bool;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array")
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<bool, A::Error> {
        let mut index = 0;
        self.bounds.renew();
        while let Some(element) = seq.next_element_seed(self.bounds.tree(self.skipped))? {
            (self.take)(index, element).map_err(A::Error::custom)?;
            index += 1;
            self.bounds.renew();
        }
        Ok(true)
    }
}

/// Shorthands for reading values whose type is not certain.
pub(super) trait Look {
    /// The member at this path of names, if every step is an object.
    fn at(&self, path: &[&str]) -> Option<&Value>;
    /// The text at this path; trimmed, and none if empty.
    fn text(&self, path: &[&str]) -> Option<&str>;
    /// A text or number at this path, as text.
    fn word(&self, path: &[&str]) -> Option<String>;
    /// The elements of the array at this path; none if there is no array.
    fn list(&self, path: &[&str]) -> &[Value];
    /// A list that some write as an array of texts and others as one text with separators. Trimmed, none empty.
    fn texts(&self, path: &[&str], separators: &[char]) -> Vec<&str>;
}

impl Look for Value {
    fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self, |value, name| value.get(*name))
    }

    fn text(&self, path: &[&str]) -> Option<&str> {
        self.at(path)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    fn word(&self, path: &[&str]) -> Option<String> {
        match self.at(path)? {
            Value::Number(number) => Some(number.to_string()),
            _ => self.text(path).map(str::to_owned),
        }
    }

    fn list(&self, path: &[&str]) -> &[Value] {
        self.at(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn texts(&self, path: &[&str], separators: &[char]) -> Vec<&str> {
        let texts: Vec<&str> = match self.at(path) {
            Some(Value::String(text)) => text.split(separators).collect(),
            _ => self.list(path).iter().filter_map(Value::as_str).collect(),
        };
        texts.into_iter().map(str::trim).filter(|text| !text.is_empty()).collect()
    }
}
