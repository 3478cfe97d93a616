//! Full text: words of texts, found by their beginnings.
//!
//! A text is brought to one form (Unicode NFKC, lower case; å, ä and ö stay letters of their own) and cut at blanks. Of each
//! piece, what begins at any of its parts is a word: of `LON.norrvik.example` these are `lon.norrvik.example`,
//! `norrvik.example` and `example`, and of `CVE-2024-3400` also `2024-3400`. So `norrvik.ex` and `cve-2024` are beginnings
//! of words, and a search is a range of an index.

use crate::{Error, error::Result};
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;

/// Most characters of a word; longer ones are cut, on both sides of a search.
pub const MAX_WORD: usize = 48;
/// Most words of a text that tells; the first ones count.
pub const MAX_WORDS: usize = 64;
/// Most words of names: a scanner gives a finding hundreds of CVEs at most.
pub const MAX_NAMES: usize = 1_000;
/// Most characters of a search.
pub const MAX_QUERY: usize = 200;
/// Most words of a search.
pub const MAX_QUERY_WORDS: usize = 10;

/// The words of some texts, the first `most` of them.
pub fn words<'t>(texts: impl IntoIterator<Item = &'t str>, most: usize) -> BTreeSet<String> {
    let pieces = texts.into_iter().flat_map(|text| pieces(text).collect::<Vec<_>>());
    let mut words = BTreeSet::new();
    for word in pieces.flat_map(|piece| from_each_part(&piece)) {
        if words.len() == most {
            break;
        }
        words.insert(word);
    }
    words
}

/// What is searched for: the beginnings of words, all of which must occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search(Vec<String>);

impl Search {
    /// Reads a search.
    ///
    /// # Errors
    /// `invalid_parameter` naming `q`.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = |detail: String| Err(Error::parameter("q", detail));
        if text.chars().count() > MAX_QUERY {
            return refused(format!("takes at most {MAX_QUERY} characters"));
        }
        let beginnings: BTreeSet<String> = pieces(text).map(|piece| cut(&piece)).collect();
        match beginnings.len() {
            0 => refused("holds no word: letters or digits".into()),
            1..=MAX_QUERY_WORDS => Ok(Self(beginnings.into_iter().collect())),
            _ => refused(format!("takes at most {MAX_QUERY_WORDS} words")),
        }
    }

    /// The beginnings, each with the first text that comes after all that begin with it, in the order of code points.
    pub fn ranges(&self) -> impl Iterator<Item = (&str, String)> {
        self.0.iter().map(|beginning| (beginning.as_str(), format!("{beginning}{}", char::MAX)))
    }
}

/// The pieces between blanks, in one form and without marks around them.
fn pieces(text: &str) -> impl Iterator<Item = String> {
    let whole = text.nfkc().collect::<String>().to_lowercase();
    let pieces: Vec<String> = whole
        .split_whitespace()
        .map(|piece| piece.trim_matches(|c: char| !c.is_alphanumeric()).to_owned())
        .filter(|piece| !piece.is_empty())
        .collect();
    pieces.into_iter()
}

fn from_each_part(piece: &str) -> Vec<String> {
    let mut before_is_mark = true;
    let mut words = Vec::new();
    for (at, c) in piece.char_indices() {
        let is_mark = !c.is_alphanumeric();
        if before_is_mark && !is_mark {
            words.extend(piece.get(at..).map(cut));
        }
        before_is_mark = is_mark;
    }
    words
}

fn cut(word: &str) -> String {
    word.chars().take(MAX_WORD).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(query: &str, text: &str) -> bool {
        let words = words([text], MAX_WORDS);
        let search = Search::parse(query).expect("a search");
        search.ranges().all(|(from, to)| words.iter().any(|word| word.as_str() >= from && *word < to))
    }

    #[test]
    fn words_are_found_by_their_beginnings() {
        for (query, text) in [
            ("ldap", "LDAP utan signering"),
            ("sign ldap", "LDAP utan signering"),
            ("cve-2024-34", "GlobalProtect (CVE-2024-3400)"),
            ("2024", "CVE-2024-3400"),
            ("norrvik.ex", "LON.norrvik.example"),
            ("192.0.2", "srv 192.0.2.17"),
            ("ÅTKOMST", "fel: åtkomst nekad"),
            ("a\u{30a}tkomst", "\u{c5}tkomst"),
            ("\"signering\"", "LDAP utan signering."),
        ] {
            assert!(finds(query, text), "{query} in {text}");
        }
        for (query, text) in
            [("atkomst", "åtkomst"), ("gnering", "signering"), ("ldap smb", "LDAP"), ("cve-2023", "CVE-2024-3400")]
        {
            assert!(!finds(query, text), "{query} in {text}");
        }
    }

    #[test]
    fn a_hostile_text_has_few_and_short_words() {
        let text = format!("{} {}", "a.".repeat(100_000), "b".repeat(100_000));
        let words = words([text.as_str()], MAX_WORDS);
        assert!(words.len() <= MAX_WORDS && words.iter().all(|word| word.chars().count() <= MAX_WORD));
        assert!(finds(&"b".repeat(MAX_QUERY), &"b".repeat(MAX_QUERY)));
    }

    #[test]
    fn a_search_holds_a_word_and_not_too_many() {
        for query in ["", " ", "...", "%_*", &"ord ".repeat(60), "a b c d e f g h i j k"] {
            assert!(Search::parse(query).is_err(), "{query}");
        }
        assert!(Search::parse("a b c d e f g h i j").is_ok());
    }
}
