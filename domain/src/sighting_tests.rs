//! Sightings in any order, against a plain model.

use super::*;
use proptest::prelude::*;

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

#[test]
fn only_a_complete_report_after_the_claim_verifies() {
    for (status, absence, expected) in [
        (Status::FixClaimed, 6, Missed::Verifies),
        (Status::FixClaimed, 5, Missed::Nothing),
        (Status::FixClaimed, 4, Missed::Nothing),
        (Status::New, 6, Missed::Nothing),
        (Status::Confirmed, 6, Missed::Nothing),
        (Status::InProgress, 6, Missed::Nothing),
        (Status::RiskAccepted, 6, Missed::Nothing),
        (Status::FalsePositive, 6, Missed::Nothing),
        (Status::VerifiedFixed, 6, Missed::Nothing),
    ] {
        assert_eq!(missed(status, Some(at(5)), at(0), at(absence)), expected, "{status:?} {absence}");
    }
    assert_eq!(missed(Status::FixClaimed, Some(at(5)), at(7), at(6)), Missed::Nothing, "seen later");
}

#[test]
fn of_many_absences_the_first_and_the_latest_are_kept() {
    let mut presence = Presence::new(at(0), (1..=100).map(at));
    assert_eq!((presence.gone_at(), presence.absences().len()), (Some(at(1)), MAX_ABSENCES));
    presence.seen(at(90));
    assert_eq!(presence.gone_at(), Some(at(90)));
    presence.seen(at(101));
    assert_eq!(presence.gone_at(), None);
}

/// One report about one finding.
#[derive(Clone, Copy, Debug)]
struct Report {
    at: i64,
    holds: bool,
}

/// A finding as an import keeps it.
#[derive(Clone, Debug, PartialEq)]
struct Kept {
    presence: Presence,
    status: Status,
    decided_at: Option<Timestamp>,
    flagged: bool,
}

impl Kept {
    fn take(&mut self, report: Report) {
        let observed = at(report.at);
        if report.holds {
            match seen(self.status, self.decided_at, observed) {
                Sighting::Nothing => {}
                Sighting::Reopens => {
                    self.status = Status::Confirmed;
                    self.decided_at = Some(observed);
                }
                Sighting::FlagsDismissal => self.flagged = true,
            }
            self.presence.seen(observed);
        } else {
            self.presence.missed(observed);
            if missed(self.status, self.decided_at, self.presence.last_seen, observed) == Missed::Verifies {
                self.status = Status::VerifiedFixed;
            }
        }
    }
}

/// What must come out, from the set of reports alone.
fn model(status: Status, decided: i64, reports: &[Report]) -> (Status, bool, Timestamp, Option<Timestamp>) {
    let seen: Vec<i64> = reports.iter().filter(|report| report.holds).map(|report| report.at).collect();
    let missed: Vec<i64> = reports.iter().filter(|report| !report.holds).map(|report| report.at).collect();
    let last = seen.iter().copied().max().unwrap_or(0).max(0);
    let gone = missed.iter().copied().filter(|absence| *absence >= last).min();
    let seen_after = seen.iter().any(|sighting| *sighting > decided);
    let missed_after = missed.iter().any(|absence| *absence > decided);
    let after = match status {
        Status::FixClaimed | Status::VerifiedFixed if seen_after => Status::Confirmed,
        Status::FixClaimed if missed_after => Status::VerifiedFixed,
        other => other,
    };
    (after, status.is_dismissal() && seen_after, at(last), gone.map(at))
}

fn reports() -> impl Strategy<Value = Vec<Report>> {
    let times = prop::collection::btree_set(-20..100_i64, 0..20);
    times.prop_flat_map(|times| {
        let holds = prop::collection::vec(any::<bool>(), times.len());
        (Just(times), holds).prop_flat_map(|(times, holds)| {
            let reports: Vec<Report> = times.into_iter().zip(holds).map(|(at, holds)| Report { at, holds }).collect();
            Just(reports).prop_shuffle()
        })
    })
}

fn status() -> impl Strategy<Value = Status> {
    prop::sample::select(vec![
        Status::New,
        Status::Confirmed,
        Status::InProgress,
        Status::FixClaimed,
        Status::VerifiedFixed,
        Status::FalsePositive,
        Status::Duplicate,
        Status::NotApplicable,
        Status::RiskAccepted,
    ])
}

proptest! {
    /// Whatever the order of the reports, the same comes out, and it is what the plain model says.
    #[test]
    fn the_order_of_reports_does_not_matter(reports in reports(), status in status(), decided in 0..100_i64) {
        let mut kept = Kept {
            presence: Presence::new(at(0), []),
            status,
            decided_at: Some(at(decided)),
            flagged: false,
        };
        reports.iter().for_each(|report| kept.take(*report));
        let (status, flagged, last_seen, gone_at) = model(status, decided, &reports);
        prop_assert_eq!(kept.presence.last_seen, last_seen);
        prop_assert_eq!(kept.presence.gone_at(), gone_at);
        prop_assert_eq!((kept.status, kept.flagged), (status, flagged));
    }

    /// A finding that a late report tells of for the first time takes over what complete reports have missed.
    #[test]
    fn what_is_heard_of_late_is_gone_all_the_same(mut reports in reports()) {
        prop_assume!(reports.iter().any(|report| report.holds));
        let mut recorded = Vec::new();
        let mut presence: Option<Presence> = None;
        for report in &reports {
            let observed = at(report.at);
            match (&mut presence, report.holds) {
                (None, true) => presence = Some(Presence::new(observed, recorded.iter().copied())),
                (None, false) => {}
                (Some(presence), true) => presence.seen(observed),
                (Some(presence), false) => presence.missed(observed),
            }
            if !report.holds {
                recorded.push(observed);
            }
        }
        reports.sort_unstable_by_key(|report| report.at);
        let last = reports.iter().rfind(|report| report.holds).map(|report| report.at).unwrap_or_default();
        let gone = reports.iter().find(|report| !report.holds && report.at >= last).map(|report| at(report.at));
        prop_assert_eq!(presence.map(|presence| (presence.last_seen, presence.gone_at())), Some((at(last), gone)));
    }
}
