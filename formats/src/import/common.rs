//! What all importers share: limits on texts, and the normal forms of
//! identifiers that every scanner spells its own way.
//!
//! Nothing here fails: a value that is not what it claims to be is dropped, so
//! that one odd field does not cost a finding. Every text passes
//! [`domain::text::clean`] or [`domain::text::clean_line`].

pub(super) mod host;
pub(super) mod time;

use domain::text;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Longest title, in characters.
const TITLE: usize = 500;
/// Longest description, consequence, recommendation or evidence, in characters.
const LONG: usize = 20_000;
/// Longest single-line value: names, words, keys.
const SHORT: usize = 500;
/// Longest reference, and the most of them.
const REFERENCE: usize = 2_000;
const REFERENCES: usize = 50;
/// Longest tag, and the most of them.
const TAG: usize = 200;
const TAGS: usize = 50;
/// The most CVE or CWE ids of one finding; the largest seen in the wild is below 200.
const IDS: usize = 1_000;

/// Bytes of a text that can still matter: the longest text kept, if every
/// character took four bytes and was preceded by a carriage return that
/// cleaning drops. Readers stop collecting there.
pub(super) const TEXT_BYTES: usize = LONG * 5;

/// The first non-empty candidate as a title: one line of at most 500 characters.
pub(super) fn title<'a>(candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    candidates.into_iter().map(|c| text::clean_line(c.trim(), TITLE)).find(|title| !title.is_empty())
}

/// A text of several lines, at most 20,000 characters, without blank edges.
pub(super) fn long(value: &str) -> String {
    text::clean(value.trim(), LONG)
}

/// [`long`], or nothing if it is empty.
pub(super) fn seen(value: &str) -> Option<String> {
    let value = long(value);
    (!value.is_empty()).then_some(value)
}

/// [`long`], or nothing where nothing is said (empty, `n/a`, `none`).
pub(super) fn some_long(value: &str) -> Option<String> {
    let value = long(value);
    let silent = value.is_empty() || value.eq_ignore_ascii_case("n/a") || value.eq_ignore_ascii_case("none");
    (!silent).then_some(value)
}

/// A value of one line, or nothing if it is empty.
pub(super) fn line(value: &str) -> Option<String> {
    let value = text::clean_line(value.trim(), SHORT);
    (!value.is_empty()).then_some(value)
}

/// A URL as the tool saw it, on one line.
pub(super) fn url(value: &str) -> Option<String> {
    let value = text::clean_line(value.trim(), REFERENCE);
    (!value.is_empty()).then_some(value)
}

/// A part of a key that must stay apart from others: a long one keeps its
/// beginning and gets its digest, so that two that differ late stay two.
pub(super) fn key(value: &str) -> String {
    let value = value.trim();
    if value.chars().nth(SHORT).is_none() {
        return text::clean_line(value, SHORT);
    }
    format!("{}#{}", text::clean_line(value, 100), digest(value))
}

/// SHA-256 of a text, in hexadecimal digits.
pub(super) fn digest(value: &str) -> String {
    Sha256::digest(value.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// CVE ids, upper case, sorted, unique.
pub(super) fn cves<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    unique(values.into_iter().filter_map(cve), IDS)
}

/// `CVE-<year>-<number>` in the form of the CVE record format; `None` for anything else.
pub(crate) fn cve(value: &str) -> Option<String> {
    let value = value.trim().to_ascii_uppercase();
    let (year, number) = value.strip_prefix("CVE-")?.split_once('-')?;
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    (year.len() == 4 && (4..=19).contains(&number.len()) && digits(year) && digits(number)).then_some(value)
}

/// The CVE ids within a longer id: Grype writes `CVE-2021-44228-log4j-core`, Black Duck `BDSA-2020-1001 (CVE-2020-11022)`.
pub(super) fn cves_in(value: &str) -> impl Iterator<Item = String> {
    let parts = value.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    parts.filter_map(|part| cve(&part.splitn(4, '-').take(3).collect::<Vec<_>>().join("-")))
}

/// CWE ids, upper case, without leading zeros, sorted, unique.
pub(super) fn cwes<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    unique(values.into_iter().filter_map(cwe), IDS)
}

/// `CWE-<number>`; reads `cwe-079`, `CWE:79` and `CWE-79: Cross-site Scripting`.
pub(super) fn cwe(value: &str) -> Option<String> {
    let value = value.trim();
    let name = value.get(..3).filter(|name| name.eq_ignore_ascii_case("CWE"))?;
    let rest = value.get(name.len()..)?.strip_prefix(['-', ':'])?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    let ends = rest.get(digits.len()..).is_none_or(|tail| tail.is_empty() || tail.starts_with([':', ' ', ',']));
    let number: u32 = digits.parse().ok()?;
    (ends && number > 0).then(|| format!("CWE-{number}"))
}

/// References in the report's order, each once. What a browser would run is no reference.
pub(super) fn references<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let runs = |value: &str| {
        let head: String = value.chars().take(12).collect::<String>().to_ascii_lowercase();
        ["javascript:", "vbscript:", "data:", "file:"].iter().any(|scheme| head.starts_with(scheme))
    };
    values
        .into_iter()
        .map(|value| text::clean_line(value.trim(), REFERENCE))
        .filter(|value| !value.is_empty() && !runs(value) && seen.insert(value.clone()))
        .take(REFERENCES)
        .collect()
}

/// Tags, lower case, sorted, unique.
pub(super) fn tags<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let tags = values.into_iter().map(|value| text::clean_line(value.trim(), TAG).to_lowercase());
    unique(tags.filter(|tag| !tag.is_empty()), TAGS)
}

/// Sorted and unique. The limit counts what came first, so that it is independent of the order of the alphabet.
fn unique(values: impl Iterator<Item = String>, max: usize) -> Vec<String> {
    let mut kept = BTreeSet::new();
    for value in values {
        if kept.len() == max {
            break;
        }
        kept.insert(value);
    }
    kept.into_iter().collect()
}

#[cfg(test)]
#[path = "common_tests.rs"]
mod tests;
