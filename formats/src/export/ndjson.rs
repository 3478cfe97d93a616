//! Newline-delimited JSON: one object a line.

use serde::Serialize;

/// Appends an object and the end of its line.
///
/// # Errors
/// If the item has no JSON form.
pub fn line(out: &mut Vec<u8>, item: &impl Serialize) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *out, item)?;
    out.push(b'\n');
    Ok(())
}
