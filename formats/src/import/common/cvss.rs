//! CVSS vectors of all versions: checked, brought to their normal form, scored.

use cvss::{Cvss, v2};
use std::str::FromStr;

/// The longest vector looked at. The longest valid one (v4 with all metrics) has about 200 characters.
const LONGEST: usize = 300;

/// The base metrics that must all stand, by version. The `cvss` crate lets a v3 vector without some pass.
const BASE_V3: [&str; 8] = ["AV", "AC", "PR", "UI", "S", "C", "I", "A"];
const BASE_V4: [&str; 11] = ["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"];

/// A valid vector in its normal form and its base score; `None` for an invalid one.
///
/// Reads bare v2 vectors, v2 as Nessus and NVD write them (`CVSS2#AV:…`,
/// `(AV:…)`), and v3.0, v3.1 and v4.0 with their prefix.
pub(in crate::import) fn vector(text: &str) -> Option<(String, f64)> {
    let text = text.trim();
    if text.len() > LONGEST || !text.is_ascii() {
        return None;
    }
    let text = text.trim_start_matches('(').trim_end_matches(')');
    let text = text.rsplit_once('#').map_or(text, |(_, rest)| rest);
    let upper = text.to_ascii_uppercase();
    if upper.starts_with("CVSS:4.0/") {
        prefixed(&upper, &BASE_V4)
    } else if upper.starts_with("CVSS:3.") {
        prefixed(&upper, &BASE_V3)
    } else {
        let parsed = v2::Vector::from_str(text.strip_prefix("CVSS:2.0/").unwrap_or(text)).ok()?;
        Some((parsed.to_string(), tenths(parsed.score().value())))
    }
}

/// The first valid one, so callers list the newest version first.
pub(in crate::import) fn first<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<(String, f64)> {
    texts.into_iter().find_map(vector)
}

/// Values of mixed case (`U:Green`) belong to a supplemental metric of v4 that
/// says nothing about the base; it is left out, so the rest can be read in any case.
fn prefixed(upper: &str, base: &[&str]) -> Option<(String, f64)> {
    let kept = upper.split('/').filter(|metric| !metric.starts_with("U:")).collect::<Vec<_>>().join("/");
    let parsed = Cvss::from_str(&kept).ok()?;
    let metrics: Vec<&str> = kept.split('/').skip(1).collect();
    let value = |name: &str| metrics.iter().find(|m| m.split_once(':').is_some_and(|(key, _)| key == name));
    let bare: Option<Vec<&str>> = base.iter().map(|name| value(name).copied()).collect();
    // The base score is that of the base metrics alone; v4 would count the others in.
    let prefix = kept.split('/').next()?;
    let score = Cvss::from_str(&format!("{prefix}/{}", bare?.join("/"))).ok()?.score();
    Some((parsed.to_string(), tenths(score)))
}

/// Scores have one decimal; the crate's arithmetic leaves `7.499999…` behind at times.
fn tenths(score: f64) -> f64 {
    (score * 10.0).round() / 10.0
}
