//! What a task is by its open findings: how many, how bad, how pressing, how soon. Kept by what each change adds and
//! takes away, so that a task of thousands is not counted again for each of them.

use crate::{Priority, Severity, Status, Timestamp};

/// What one open finding brings to its task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// How bad it is.
    pub severity: Severity,
    /// How soon it wants to be dealt with.
    pub priority: Priority,
    /// When it is due.
    pub due_at: Option<Timestamp>,
}

impl Share {
    /// What a finding brings: nothing once it is closed or accepted.
    pub fn of(status: Status, severity: Severity, priority: Priority, due_at: Option<Timestamp>) -> Option<Self> {
        status.is_open().then_some(Self { severity, priority, due_at })
    }
}

/// The sum over a task's open findings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tally {
    /// How many are open.
    pub open: i32,
    /// The worst severity; of a task without open findings the last one it had.
    pub severity: Severity,
    /// The most pressing priority; likewise.
    pub priority: Priority,
    /// The earliest due date; none once nothing is open.
    pub due_at: Option<Timestamp>,
}

impl Tally {
    /// Of a task without open findings.
    pub const fn empty(severity: Severity) -> Self {
        Self { open: 0, severity, priority: Priority::Track, due_at: None }
    }

    /// Takes over that a finding brings something else than before. Says whether an extreme may have gone with it, so
    /// that the task has to be counted again.
    #[must_use]
    pub fn take(&mut self, before: Option<Share>, after: Option<Share>) -> bool {
        if before == after {
            return false;
        }
        self.open += i32::from(after.is_some()) - i32::from(before.is_some());
        if self.open <= 0 {
            self.due_at = None;
            return false;
        }
        let was_empty = self.open == i32::from(after.is_some()) - i32::from(before.is_some());
        if let Some(new) = after {
            if was_empty {
                (self.severity, self.priority, self.due_at) = (new.severity, new.priority, new.due_at);
                return false;
            }
            self.severity = self.severity.max(new.severity);
            self.priority = self.priority.max(new.priority);
            self.due_at = earliest(self.due_at, new.due_at);
        }
        before.is_some_and(|old| {
            let keeps = |extreme: bool, held: bool| !extreme || held;
            let severity = keeps(old.severity == self.severity, after.is_some_and(|new| new.severity == self.severity));
            let priority = keeps(old.priority == self.priority, after.is_some_and(|new| new.priority == self.priority));
            let is_first = old.due_at.is_some() && old.due_at == self.due_at;
            let due = keeps(is_first, after.is_some_and(|new| new.due_at == self.due_at));
            !(severity && priority && due)
        })
    }
}

/// The earlier of two times, either of which may be none.
pub fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;

    fn day(day: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::days(day)
    }

    fn share(severity: Severity, priority: Priority, due: Option<i64>) -> Option<Share> {
        Some(Share { severity, priority, due_at: due.map(day) })
    }

    fn counted(shares: &[Option<Share>]) -> Tally {
        let mut tally = Tally::empty(Severity::Informational);
        for share in shares.iter().flatten() {
            tally.open += 1;
            tally.severity = tally.severity.max(share.severity);
            tally.priority = tally.priority.max(share.priority);
            tally.due_at = earliest(tally.due_at, share.due_at);
        }
        tally
    }

    #[test]
    fn closed_and_accepted_findings_bring_nothing() {
        for (status, counts) in [
            (Status::New, true),
            (Status::Confirmed, true),
            (Status::InProgress, true),
            (Status::FixClaimed, true),
            (Status::VerifiedFixed, false),
            (Status::FalsePositive, false),
            (Status::Duplicate, false),
            (Status::NotApplicable, false),
            (Status::RiskAccepted, false),
        ] {
            assert_eq!(Share::of(status, Severity::Low, Priority::Act, None).is_some(), counts, "{status:?}");
        }
    }

    #[test]
    fn a_task_keeps_how_bad_it_was_when_its_last_finding_closes() {
        let mut tally = Tally::empty(Severity::Medium);
        let one = share(Severity::Low, Priority::Act, Some(3));
        assert!(!tally.take(None, one));
        assert_eq!((tally.severity, tally.due_at), (Severity::Low, Some(day(3))));
        assert!(!tally.take(one, None));
        assert_eq!((tally.open, tally.severity, tally.due_at), (0, Severity::Low, None));
    }

    fn any_share() -> impl Strategy<Value = Option<Share>> {
        let severities = [Severity::Low, Severity::Medium, Severity::Critical];
        let priorities = [Priority::Track, Priority::Attend, Priority::Act];
        prop::option::of((0..3_usize, 0..3_usize, prop::option::of(0..4_i64)).prop_map(move |(s, p, d)| Share {
            severity: severities[s],
            priority: priorities[p],
            due_at: d.map(day),
        }))
    }

    proptest! {
        /// Either it says that it must be counted again, or it is what counting would give.
        #[test]
        fn what_is_kept_is_what_counting_gives(steps in prop::collection::vec((0..6_usize, any_share()), 1..60)) {
            let mut shares = vec![None; 6];
            let mut tally = Tally::empty(Severity::Informational);
            for (at, after) in steps {
                let before = std::mem::replace(&mut shares[at], after);
                let again = tally.take(before, after);
                let counted = counted(&shares);
                prop_assert_eq!(tally.open, counted.open);
                if again {
                    tally = counted;
                } else if tally.open > 0 {
                    prop_assert_eq!(tally, counted);
                } else {
                    prop_assert_eq!(tally.due_at, None);
                }
            }
        }
    }
}
