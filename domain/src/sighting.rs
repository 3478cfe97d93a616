//! What a report's word does to a finding that is known already.

use crate::{DateTime, FindingId, ScanScopeId, Status, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

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

/// When a finding was seen last, and which complete reports have missed it since.
///
/// Reports may come in any order: what is kept is a function of the set of reports, not of their order.
/// A report speaks of one finding once, so at the same instant the one that missed it is another report
/// than the one that saw it, and what was not seen later is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// When it was last seen.
    pub last_seen: Timestamp,
    /// The times of the complete reports that did not hold it, from its last sighting on; sorted, each once.
    absences: Vec<Timestamp>,
}

/// Most absences that are kept: the first, which says since when it is gone, and the latest, of which one
/// becomes the first when an older report comes in late.
pub const MAX_ABSENCES: usize = 32;

impl Presence {
    /// Seen, with the absences that are kept of it or that were recorded before it was first heard of.
    pub fn new(last_seen: Timestamp, absences: impl IntoIterator<Item = Timestamp>) -> Self {
        let mut presence = Self { last_seen, absences: Vec::new() };
        absences.into_iter().for_each(|at| presence.missed(at));
        presence
    }

    /// A report saw it.
    pub fn seen(&mut self, at: Timestamp) {
        if at > self.last_seen {
            self.last_seen = at;
            self.absences.retain(|absence| *absence >= at);
        }
    }

    /// A complete report did not hold it.
    pub fn missed(&mut self, at: Timestamp) {
        if at < self.last_seen {
            return;
        }
        if let Err(place) = self.absences.binary_search(&at) {
            self.absences.insert(place, at);
            if self.absences.len() > MAX_ABSENCES {
                self.absences.remove(1);
            }
        }
    }

    /// Since when complete reports no longer hold it; none while it is there as far as is known.
    pub fn gone_at(&self) -> Option<Timestamp> {
        self.absences.first().copied()
    }

    /// What is kept of the absences.
    pub fn absences(&self) -> &[Timestamp] {
        &self.absences
    }
}

/// What follows for the status when a complete report does not hold a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// Nothing: not observed is not fixed.
    Nothing,
    /// A fix was claimed, and a later complete report no longer sees it: verified.
    Verifies,
}

/// Decides by the time of the claim, of the last sighting and of this very report: what other reports missed is said
/// by their own senders. A scan from before the claim says nothing about the fix. That nobody verifies their own claim
/// is the transition's rule.
pub fn missed(status: Status, decided_at: Option<Timestamp>, last_seen: Timestamp, at: Timestamp) -> Missed {
    let is_later = decided_at.is_none_or(|decided| at > decided);
    match status {
        Status::FixClaimed if is_later && at >= last_seen => Missed::Verifies,
        _ => Missed::Nothing,
    }
}

/// Whether a sighting that reopens a verified fix is a return, and not only a claim that did not hold: it is
/// later than the report that verified. A verification by a scan keeps the time of its claim, so that a
/// sighting between the two, told late, undoes it: no order of the reports makes a fix of a failed claim.
pub fn returns(observed_at: Timestamp, gone_at: Option<Timestamp>) -> bool {
    gone_at.is_none_or(|gone_at| observed_at > gone_at)
}

/// Where a finding was seen, and where it no longer is.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct FindingSightings {
    /// The finding.
    pub finding_id: FindingId,
    /// All reports of its source together first, then each of its named scans.
    pub items: Vec<FindingSighting>,
}

/// What the reports of one scan, or all reports of the source, say about a finding.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct FindingSighting {
    /// The named scan; null for all reports of the source together.
    pub scope_id: Option<ScanScopeId>,
    /// Its name.
    pub scope: Option<String>,
    /// When it was first seen, RFC 3339 UTC.
    pub first_seen: DateTime,
    /// When it was last seen, RFC 3339 UTC.
    pub last_seen: DateTime,
    /// Since when complete reports no longer hold it, RFC 3339 UTC; null while it is there.
    pub gone_at: Option<DateTime>,
    /// The time of the report that has the last word, RFC 3339 UTC: of all reports together, the one whose fields
    /// stand; of a scan, the last that saw or missed it.
    pub observed_at: DateTime,
}

#[cfg(test)]
#[path = "sighting_tests.rs"]
mod tests;
