//! Comma-separated values (RFC 4180) for spreadsheets: UTF-8, a first line with the names of the columns, ISO times,
//! numbers without a locale.
//!
//! What an attacker wrote must not become a formula: a text that begins with `=`, `+`, `-`, `@`, a tab or a line break
//! comes with an apostrophe before it (OWASP, CSV injection). Lists of plain values are one cell, separated by `; `; what
//! has a structure of its own is a cell of JSON.

use serde_json::{Map, Value};

/// What Excel takes for a sign that a file is UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The first line; `marked` puts a byte order mark before it.
pub fn head(columns: &[&str], marked: bool) -> Vec<u8> {
    let mut out = if marked { BYTE_ORDER_MARK.to_vec() } else { Vec::new() };
    write(&mut out, columns.iter().map(|column| (*column).to_owned()));
    out
}

/// Appends the line of an item: what it lacks of the columns is an empty cell.
pub fn line(out: &mut Vec<u8>, columns: &[&str], item: &Map<String, Value>) {
    write(out, columns.iter().map(|column| item.get(*column).map(cell).unwrap_or_default()));
}

fn write(out: &mut Vec<u8>, cells: impl Iterator<Item = String>) {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut *out);
    // A vector takes all that is written, and a line of its own has no other length to keep.
    let _ = writer.write_record(cells);
    let _ = writer.flush();
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => harmless(text),
        Value::Array(values) if values.iter().all(is_plain) => {
            harmless(&values.iter().map(plain).collect::<Vec<_>>().join("; "))
        }
        Value::Array(_) | Value::Object(_) => harmless(&value.to_string()),
    }
}

const fn is_plain(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn harmless(text: &str) -> String {
    // NUL ends the file for some readers.
    let text = text.replace('\0', "");
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(item: &Value) -> String {
        let columns = ["id", "title", "score", "tags", "location"];
        let mut out = head(&columns, false);
        line(&mut out, &columns, item.as_object().expect("an object"));
        String::from_utf8(out).expect("UTF-8").split_once("\r\n").expect("a first line").1.to_owned()
    }

    #[test]
    fn cells_are_quoted_as_rfc_4180_says() {
        let item = json!({"id": 7, "title": "En \"öppen\", port\nnere", "score": 9.8, "tags": ["a", "b"], "location": {"port": 22}});
        assert_eq!(written(&item), "7,\"En \"\"öppen\"\", port\nnere\",9.8,a; b,\"{\"\"port\"\":22}\"\r\n");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"] {
            let line = written(&json!({"title": text, "tags": [text], "score": -1}));
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
            let record = reader.records().next().expect("a line").expect("a record");
            assert!(record[1].starts_with('\'') && record[3].starts_with('\''), "{line}");
            assert_eq!(&record[2], "-1", "a number is no text");
        }
    }

    #[test]
    fn what_is_missing_is_an_empty_cell_and_an_empty_file_has_its_columns() {
        assert_eq!(written(&json!({"title": null, "other": 1})), ",,,,\r\n");
        assert_eq!(head(&["id", "title"], true), "\u{feff}id,title\r\n".as_bytes());
    }
}
