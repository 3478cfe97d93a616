//! What a report's word does to a finding that is known already.

use crate::{Status, Timestamp};

/// What follows for the status when a source sees a finding (again).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// Nothing.
    Nothing,
    /// It was closed as fixed, or claimed to be, and is there: back to confirmed.
    Reopens,
    /// A person dismissed it; that stands, but the sighting is flagged.
    FlagsDismissal,
}

/// Decides by the time of the decision and of the sighting. An older sighting
/// never reopens anything: reports may come in any order.
pub fn seen(status: Status, decided_at: Option<Timestamp>, observed_at: Timestamp) -> Sighting {
    let later = decided_at.is_none_or(|decided| observed_at > decided);
    match status {
        _ if !later => Sighting::Nothing,
        Status::VerifiedFixed | Status::FixClaimed => Sighting::Reopens,
        Status::FalsePositive | Status::Duplicate | Status::NotApplicable => Sighting::FlagsDismissal,
        Status::New | Status::Confirmed | Status::InProgress | Status::RiskAccepted => Sighting::Nothing,
    }
}

/// Whether the fields of a sighting replace those stored: those of the greatest
/// (`observed_at`, content hash) stand, whatever the order of the reports.
pub fn supersedes(new: (Timestamp, &str), stored: (Timestamp, &str)) -> bool {
    new > stored
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        chrono::DateTime::from_timestamp(1_780_000_000 + second, 0).unwrap()
    }

    #[test]
    fn only_a_later_sighting_reopens() {
        assert_eq!(seen(Status::VerifiedFixed, Some(at(5)), at(6)), Sighting::Reopens);
        assert_eq!(seen(Status::VerifiedFixed, Some(at(5)), at(5)), Sighting::Nothing);
        assert_eq!(seen(Status::FixClaimed, Some(at(5)), at(4)), Sighting::Nothing);
        assert_eq!(seen(Status::FixClaimed, Some(at(5)), at(9)), Sighting::Reopens);
    }

    #[test]
    fn a_dismissal_is_flagged_and_stands() {
        assert_eq!(seen(Status::FalsePositive, Some(at(5)), at(6)), Sighting::FlagsDismissal);
        assert_eq!(seen(Status::RiskAccepted, Some(at(5)), at(6)), Sighting::Nothing);
    }

    #[test]
    fn the_latest_word_stands_and_ties_are_broken_by_content() {
        assert!(supersedes((at(2), "a"), (at(1), "z")));
        assert!(supersedes((at(1), "b"), (at(1), "a")));
        assert!(!supersedes((at(1), "a"), (at(1), "a")));
        assert!(!supersedes((at(0), "z"), (at(1), "a")));
    }
}
