//! Newline-delimited JSON: one object a line.

use serde_json::{Map, Value};

/// Appends an object and the end of its line.
pub fn line(out: &mut Vec<u8>, item: &Map<String, Value>) {
    // A map of JSON values always has a JSON form, and a vector takes all that is written.
    let _ = serde_json::to_writer(&mut *out, item);
    out.push(b'\n');
}
