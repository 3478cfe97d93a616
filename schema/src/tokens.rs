//! How long a document is, in the words and signs that the parser would read.
//!
//! The parser builds a tree of all that it reads before anything can be
//! refused, some hundred bytes for each word. Here the text is walked once,
//! and nothing is kept.

use crate::limits::{Limits, too_much, within};
use async_graphql::ServerError;

/// Deepest nesting of brackets of any kind: the parser goes one call deeper for each.
const MAX_BRACKETS: usize = 100;

/// Refuses a text that is too long to be parsed.
///
/// # Errors
/// `query_too_complex`, in words that name the limit.
pub(crate) fn check(text: &str, limits: &Limits) -> Result<(), ServerError> {
    within(text.len(), limits.document_bytes, "bytes")?;
    let counted = count(text.as_bytes());
    within(counted.tokens, limits.tokens, "words and signs")?;
    if counted.brackets > MAX_BRACKETS {
        return Err(too_much(format!("The document's brackets are nested more than {MAX_BRACKETS} deep.")));
    }
    Ok(())
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    tokens: usize,
    brackets: usize,
}

/// Counts by the lexical grammar (GraphQL, section 2.1). A text that is no document is counted somehow.
fn count(text: &[u8]) -> Counted {
    let (mut counted, mut open, mut at) = (Counted::default(), 0_usize, 0);
    while let Some(&byte) = text.get(at) {
        let rest = text.get(at..).unwrap_or_default();
        let length = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at += length_while(rest, |byte| byte != b'\n' && byte != b'\r');
                continue;
            }
            b'"' => string(rest),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => length_while(rest, |b| b.is_ascii_alphanumeric() || b == b'_'),
            b'0'..=b'9' | b'-' => length_while(rest, |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+')),
            b'.' => length_while(rest, |b| b == b'.').min(3),
            _ => 1,
        };
        match byte {
            b'{' | b'[' | b'(' => open += 1,
            b'}' | b']' | b')' => open = open.saturating_sub(1),
            _ => {}
        }
        counted.tokens += 1;
        counted.brackets = counted.brackets.max(open);
        at += length;
    }
    counted
}

fn length_while(text: &[u8], is_part: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|byte| is_part(**byte)).count().max(1)
}

/// The length of the string that the text begins with; of one without an end, all that there is.
fn string(text: &[u8]) -> usize {
    let is_block = text.starts_with(b"\"\"\"");
    let mut at = if is_block { 3 } else { 1 };
    while let Some(&byte) = text.get(at) {
        let rest = text.get(at..).unwrap_or_default();
        match byte {
            // In a block only the three marks can be escaped.
            b'\\' if is_block => at += if rest.starts_with(b"\\\"\"\"") { 4 } else { 1 },
            b'\\' => at += 2,
            b'"' if !is_block => return at + 1,
            b'"' if rest.starts_with(b"\"\"\"") => return at + 3,
            b'\n' | b'\r' if !is_block => return at,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> (usize, usize) {
        let Counted { tokens, brackets } = count(text.as_bytes());
        (tokens, brackets)
    }

    #[test]
    fn words_and_signs_are_counted() {
        assert_eq!(counts(""), (0, 0));
        assert_eq!(counts(" , # { a b c\n\t"), (0, 0));
        assert_eq!(counts("query A($x: [Int!]! = [1, -2.5e+3]) { a: b(c: $x) ...F @skip(if: true) }"), (37, 2));
        assert_eq!(counts("{a{b{c}}}"), (9, 3));
        assert_eq!(counts("\u{feff}{å}"), (7, 1), "what is no sign of the grammar counts byte by byte");
    }

    #[test]
    fn strings_are_one_each() {
        assert_eq!(counts(r#"{ a(b: "{ [ ( # \" \\") }"#), (8, 2));
        assert_eq!(counts("{ a(b: \"\"\"{ \" \\\"\"\" \\ [\n\"\"\") }"), (8, 2));
        assert_eq!(counts("\"no end {{{"), (1, 0));
        assert_eq!(counts("\"ends with the line {{{\n}"), (2, 0));
        assert_eq!(counts("\"\"\"no end \\"), (1, 0));
        assert_eq!(counts("\"\\"), (1, 0));
        assert_eq!(counts("\"\" \"\"\"\"\"\""), (2, 0));
    }
}
