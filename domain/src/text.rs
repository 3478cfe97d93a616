//! Cleaning of text that may have been written by an attacker.

/// Makes text from outside safe to store: NUL (which PostgreSQL cannot hold)
/// and all other control characters but line feed and tab are replaced by
/// U+FFFD, CR LF becomes LF, and the text is cut to `max` characters.
///
/// Letters of all scripts and markup stay as they are: escaping belongs to the
/// medium a text is written to, not to the store.
pub fn clean(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    let mut rest = text.chars().peekable();
    let mut length = 0;
    while let Some(c) = rest.next() {
        if length == max {
            break;
        }
        match c {
            '\r' if rest.peek() == Some(&'\n') => continue,
            '\n' | '\t' => out.push(c),
            c if c.is_control() || is_bidi_control(c) => out.push('\u{FFFD}'),
            c => out.push(c),
        }
        length += 1;
    }
    out
}

/// [`clean`] for a text that must stay on one line: line breaks and tabs become blanks.
pub fn clean_line(text: &str, max: usize) -> String {
    clean(text, max).split(['\n', '\t']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether a person's text can be stored as it is on one line. A person is told
/// what is wrong; only what tools report is cleaned.
pub fn is_line(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || is_bidi_control(c))
}

/// [`is_line`] for a text of several lines.
pub fn is_text(text: &str) -> bool {
    text.split(['\n', '\r', '\t']).all(is_line)
}

/// Characters that reorder what a reader sees (Unicode UAX #9 explicit formatting).
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// The word that stands for a value of the vocabulary in REST: `in_progress`.
pub fn word<T: serde::Serialize>(value: &T) -> String {
    // A variant without fields is a text.
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_bidi_marks_are_replaced_and_letters_kept() {
        assert_eq!(clean("a\0b\u{1b}[31m\u{202e}åäö😀", 100), "a\u{FFFD}b\u{FFFD}[31m\u{FFFD}åäö😀");
    }

    #[test]
    fn line_ends_become_line_feeds() {
        assert_eq!(clean("a\r\nb\rc", 100), "a\nb\u{FFFD}c");
    }

    #[test]
    fn text_is_cut_at_characters_not_bytes() {
        assert_eq!(clean("åäö", 2), "åä");
    }

    #[test]
    fn a_line_has_no_breaks() {
        assert_eq!(clean_line(" a\r\n b\tc ", 100), "a b c");
    }
}
