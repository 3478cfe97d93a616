//! CVSS of all versions, for every importer: vectors checked, brought to their normal form
//! and scored by one library; a tool's own number only where it gives no valid vector.

use cvss::{Cvss, v2};
use std::str::FromStr;

/// The longest vector looked at. The longest valid one (v4 with all metrics) has about 200 characters.
const LONGEST: usize = 300;

/// The base metrics that must all stand, by version. The `cvss` crate lets a v3 vector without some pass.
const BASE_V3: &[&str] = &["AV", "AC", "PR", "UI", "S", "C", "I", "A"];
const BASE_V4: &[&str] = &["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"];

/// All metrics of v4 in the one order that its specification allows (FIRST, CVSS v4.0, section 7).
const ORDER_V4: &[&str] = &[
    "AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA", "E", "CR", "IR", "AR", "MAV", "MAC", "MAT",
    "MPR", "MUI", "MVC", "MVI", "MVA", "MSC", "MSI", "MSA", "S", "AU", "R", "V", "RE", "U",
];

/// What an observation says in CVSS: the first valid vector with its base score, so callers list the newest
/// version first; without one, the first number that can be a score.
pub fn of<'a>(
    vectors: impl IntoIterator<Item = &'a str>,
    stated: impl IntoIterator<Item = Option<f64>>,
) -> (Option<String>, Option<f64>) {
    match vectors.into_iter().find_map(vector) {
        Some((vector, score)) => (Some(vector), Some(score)),
        None => (None, stated.into_iter().flatten().find(|score| (0.0..=10.0).contains(score)).map(tenths)),
    }
}

/// A valid vector in its normal form and its base score; `None` for an invalid one.
///
/// Reads bare v2 vectors, v2 as Nessus and NVD write them (`CVSS2#AV:…`,
/// `(AV:…)`), and v3.0, v3.1 and v4.0 with their prefix.
pub fn vector(text: &str) -> Option<(String, f64)> {
    let text = text.trim();
    if text.len() > LONGEST || !text.is_ascii() {
        return None;
    }
    if text.starts_with("CVSS:4.0/") {
        return prefixed(text, BASE_V4).filter(|_| is_in_order(text) && is_in_case(text));
    }
    if text.starts_with("CVSS:3.") {
        return prefixed(text, BASE_V3).filter(|_| is_in_case(text));
    }
    let bare = text.strip_prefix("CVSS2#").unwrap_or(text);
    let bare = bare.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(bare);
    let parsed = v2::Vector::from_str(bare.strip_prefix("CVSS:2.0/").unwrap_or(bare)).ok()?;
    let base: Vec<&str> = bare.split('/').take(6).collect();
    let base = v2::Vector::from_str(&base.join("/")).ok()?;
    Some((parsed.to_string(), tenths(base.score().value())))
}

fn prefixed(text: &str, base: &[&str]) -> Option<(String, f64)> {
    let parsed = Cvss::from_str(text).ok()?;
    let metrics: Vec<&str> = text.split('/').skip(1).collect();
    let value = |name: &str| metrics.iter().find(|m| m.split_once(':').is_some_and(|(key, _)| key == name));
    let bare: Option<Vec<&str>> = base.iter().map(|name| value(name).copied()).collect();
    // The base score is that of the base metrics alone; v4 would count the others in.
    let prefix = text.split('/').next()?;
    let score = Cvss::from_str(&format!("{prefix}/{}", bare?.join("/"))).ok()?.score();
    Some((parsed.to_string(), tenths(score)))
}

fn is_in_order(text: &str) -> bool {
    let names = text.split('/').skip(1).map(|metric| metric.split(':').next().unwrap_or_default());
    let places: Vec<_> = names.map(|name| ORDER_V4.iter().position(|known| *known == name)).collect();
    places.is_sorted()
}

/// The library reads some values in any case; the specification does not. One metric has values in small letters.
fn is_in_case(text: &str) -> bool {
    let urgency = ["/U:Clear", "/U:Green", "/U:Amber", "/U:Red"].into_iter().find_map(|end| text.strip_suffix(end));
    !urgency.unwrap_or(text).bytes().any(|byte| byte.is_ascii_lowercase())
}

/// Scores have one decimal; the crate's arithmetic leaves `7.499999…` behind at times.
fn tenths(score: f64) -> f64 {
    (score * 10.0).round() / 10.0
}

#[cfg(test)]
#[path = "cvss_tests.rs"]
mod tests;
