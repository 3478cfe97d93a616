//! Making one finding of two: what a person asks for, and what becomes of two decisions when a rule does it.

use crate::{Error, FindingId, Status, Timestamp, Violation, error::Result, text::is_text};
use serde::Deserialize;
use utoipa::ToSchema;

/// A wish to make a finding a duplicate of another one, together with its fingerprint: later reports of it reach that.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "MergeInput")]
pub struct Merge {
    /// The finding that survives: of the same municipality, of this or another source, and no duplicate itself.
    pub into: FindingId,
    /// In own words; at most 10,000 characters.
    #[serde(default)]
    #[schema(max_length = 10000)]
    pub comment: Option<String>,
}

impl Merge {
    /// Checks what needs no look at the store.
    ///
    /// # Errors
    /// `invalid_body`.
    pub fn check(&self, id: FindingId) -> Result<()> {
        let comment = self.comment.as_deref().unwrap_or_default();
        let refused = |pointer: &str, detail: &str| Err(Error::invalid(vec![Violation::new(pointer, detail)]));
        if self.into == id {
            return refused("/into", "a finding is not merged into itself");
        }
        if comment.chars().count() > 10_000 {
            return refused("/comment", "is longer than 10,000 characters");
        }
        if is_text(comment) { Ok(()) } else { refused("/comment", "holds a control character") }
    }
}

/// A wish to take merged findings out again.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "SplitInput")]
pub struct Split {
    /// Fingerprints of findings that were merged into this one (see its aliases), 1–100.
    #[schema(min_items = 1, max_items = 100)]
    pub fingerprints: Vec<String>,
}

impl Split {
    /// Checks what needs no look at the store.
    ///
    /// # Errors
    /// `invalid_body`.
    pub fn check(&self) -> Result<()> {
        if !(1..=100).contains(&self.fingerprints.len()) {
            return Err(Error::invalid(vec![Violation::new("/fingerprints", "takes 1–100 fingerprints")]));
        }
        let is_hex = |text: &str| text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let wrong = self.fingerprints.iter().enumerate().filter(|(_, text)| !is_hex(text));
        let violations: Vec<_> = wrong
            .map(|(at, _)| Violation::new(format!("/fingerprints/{at}"), "takes 64 hexadecimal digits in lower case"))
            .collect();
        if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
    }
}

/// A finding on its way into a group.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// What people decided.
    pub status: Status,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// When a source last saw it.
    pub last_seen: Timestamp,
}

/// Whose decision the survivor carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// Its own.
    Own,
    /// The merged one's.
    Merged,
    /// Neither's: it is confirmed. A fix or an acceptance does not reach further than it was decided for.
    Confirmed,
}

/// Whose decision stands: work that is under way before work that is known, and both before what was closed, so that
/// no merging hides an open finding; what a person decided before what nobody has looked at.
///
/// An acceptance names its findings and ends for those alone, so it is never handed on. A fix, claimed or verified,
/// does not hold for what nobody has looked at.
pub fn carried(survivor: &Member, merged: &Member) -> Carried {
    // A duplicate says nothing of its own: it is about the finding that it is a duplicate of.
    if merged.status == Status::Duplicate {
        return Carried::Own;
    }
    let is_merged = rank(merged.status) > rank(survivor.status);
    let (winner, other) = if is_merged { (merged, survivor) } else { (survivor, merged) };
    match winner.status {
        // What nobody has looked at was neither mended nor verified with it, whenever it was seen.
        Status::VerifiedFixed | Status::FixClaimed if other.status == Status::New => Carried::Confirmed,
        Status::RiskAccepted if is_merged => Carried::Confirmed,
        _ if is_merged => Carried::Merged,
        _ => Carried::Own,
    }
}

const fn rank(status: Status) -> u8 {
    match status {
        Status::New => 1,
        Status::FalsePositive | Status::NotApplicable | Status::Duplicate => 2,
        Status::VerifiedFixed => 3,
        Status::RiskAccepted => 4,
        Status::FixClaimed => 5,
        Status::Confirmed => 6,
        Status::InProgress => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Confirmed, Duplicate, FalsePositive, FixClaimed, InProgress, New, RiskAccepted, VerifiedFixed};
    use sea_orm::Iterable;

    fn at(second: i64) -> Timestamp {
        chrono::DateTime::from_timestamp(1_780_000_000 + second, 0).unwrap()
    }

    /// Decided at second 5.
    fn member(status: Status, last_seen: i64) -> Member {
        Member { status, decided_at: (status != New).then(|| at(5)), last_seen: at(last_seen) }
    }

    #[test]
    fn the_decision_that_leaves_the_most_to_do_stands() {
        let table = [
            (New, Confirmed, Carried::Merged),
            (New, InProgress, Carried::Merged),
            (Confirmed, InProgress, Carried::Merged),
            (InProgress, Confirmed, Carried::Own),
            (FixClaimed, Confirmed, Carried::Merged),
            (Confirmed, FixClaimed, Carried::Own),
            (FalsePositive, Confirmed, Carried::Merged),
            (RiskAccepted, Confirmed, Carried::Merged),
            (New, FalsePositive, Carried::Merged),
            (FalsePositive, New, Carried::Own),
            (New, RiskAccepted, Carried::Confirmed),
            (RiskAccepted, New, Carried::Own),
            (Confirmed, Duplicate, Carried::Own),
            (New, Duplicate, Carried::Own),
            (Duplicate, New, Carried::Own),
            (Duplicate, Confirmed, Carried::Merged),
            (New, New, Carried::Own),
        ];
        for (survivor, merged, expected) in table {
            assert_eq!(carried(&member(survivor, 1), &member(merged, 1)), expected, "{survivor:?} and {merged:?}");
        }
    }

    #[test]
    fn a_fix_does_not_hold_for_what_nobody_has_looked_at() {
        assert_eq!(carried(&member(New, 4), &member(VerifiedFixed, 1)), Carried::Confirmed);
        assert_eq!(carried(&member(New, 6), &member(VerifiedFixed, 1)), Carried::Confirmed);
        assert_eq!(carried(&member(VerifiedFixed, 1), &member(New, 6)), Carried::Confirmed);
        assert_eq!(carried(&member(FixClaimed, 1), &member(New, 6)), Carried::Confirmed);
        assert_eq!(carried(&member(VerifiedFixed, 1), &member(Duplicate, 6)), Carried::Own);
        assert_eq!(carried(&member(VerifiedFixed, 1), &member(FalsePositive, 6)), Carried::Own);
    }

    /// Whatever is merged, an open finding is never closed by it.
    #[test]
    fn no_merging_hides_a_decided_open_finding() {
        for (one, other) in Status::iter().flat_map(|one| Status::iter().map(move |other| (one, other))) {
            let result = match carried(&member(one, 1), &member(other, 1)) {
                Carried::Own => one,
                Carried::Merged => other,
                Carried::Confirmed => Confirmed,
            };
            let decided_open = |status: Status| status.is_open() && status != New;
            assert!(result.is_open() || !(decided_open(one) || decided_open(other)), "{one:?} and {other:?}");
        }
    }
}
