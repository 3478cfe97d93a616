//! Times as reports write them. Whole milliseconds, as the store keeps them;
//! years outside 1970–9999 are mistakes or attacks and dropped.

use chrono::{DateTime, Datelike, NaiveDateTime, SubsecRound, Utc};
use domain::Timestamp;

/// RFC 3339, any offset.
pub(in crate::import) fn rfc3339(text: &str) -> Option<Timestamp> {
    sensible(DateTime::parse_from_rfc3339(text.trim()).ok()?.with_timezone(&Utc))
}

/// `Mon Mar  2 10:00:00 2026` as Nessus writes it, without an offset: taken as UTC.
pub(in crate::import) fn ctime(text: &str) -> Option<Timestamp> {
    let text: Vec<&str> = text.split_whitespace().take(6).collect();
    sensible(NaiveDateTime::parse_from_str(&text.join(" "), "%a %b %d %H:%M:%S %Y").ok()?.and_utc())
}

/// Seconds since 1970.
pub(in crate::import) fn epoch(text: &str) -> Option<Timestamp> {
    sensible(DateTime::from_timestamp(text.trim().parse().ok()?, 0)?)
}

fn sensible(time: Timestamp) -> Option<Timestamp> {
    (1970..=9999).contains(&time.year()).then(|| time.trunc_subsecs(3))
}
