//! How far a task is, who may move it where, and what that means for its findings.

use crate::{Code, Error, Status, Violation, error::Result, text};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far a task is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    DeriveActiveEnum,
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum TaskStatus {
    /// Nobody works on it yet.
    Open,
    /// Somebody works on it.
    InProgress,
    /// It waits for something else.
    Blocked,
    /// The work is said to be done; whether it helped is for the findings' verification.
    Done,
    /// It will not be done.
    Cancelled,
}

impl TaskStatus {
    /// Whether nothing is left to do.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }

    /// Whether a move to it must say why.
    pub const fn needs_reason(self) -> bool {
        matches!(self, Self::Blocked | Self::Cancelled)
    }

    /// Whether a task may go from here to there. This is the whole table.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Open => !matches!(to, Self::Open),
            Self::InProgress => !matches!(to, Self::InProgress),
            Self::Blocked => !matches!(to, Self::Blocked),
            // What was done turns out not to be: it is taken up again, or given up.
            Self::Done => matches!(to, Self::Open | Self::InProgress),
            Self::Cancelled => matches!(to, Self::Open),
        }
    }
}

/// The longest reason, in characters.
pub const MAX_REASON: usize = 2_000;

/// A wish to move a task to another status.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "TaskTransitionInput")]
pub struct TaskTransition {
    /// The status wanted.
    pub to: TaskStatus,
    /// Why; `blocked` and `cancelled` need it. At most 2,000 characters.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
}

impl TaskTransition {
    /// Checks the move from a status.
    ///
    /// # Errors
    /// `transition_refused`, or `invalid_body` for a reason that is missing or cannot be stored.
    pub fn check(&self, from: TaskStatus) -> Result<()> {
        if !from.may_become(self.to) {
            let detail = format!("a task that is `{}` cannot become `{}`", text::word(&from), text::word(&self.to));
            return Err(Error::new(Code::TransitionRefused, detail));
        }
        let wrong = |detail: &str| Err(Error::invalid(vec![Violation::new("/reason", detail)]));
        match self.reason.as_deref().map(str::trim) {
            None | Some("") if self.to.needs_reason() => wrong("says why the task waits or will not be done"),
            Some(reason) if reason.chars().count() > MAX_REASON => wrong("is longer than 2,000 characters"),
            Some(reason) if !text::is_text(reason) => wrong("holds a control character"),
            _ => Ok(()),
        }
    }
}

/// The steps that a finding of a task takes when the task becomes `to`, one after another; each is a move of the
/// finding's own table. `was_done` says whether the task was said to be done before.
///
/// A task that is taken up again takes back the claim that its findings are fixed: that makes nobody the verifier of
/// their own work, since nothing is verified by it.
pub const fn steps_of_finding(was_done: bool, to: TaskStatus, finding: Status) -> &'static [Status] {
    match (to, finding) {
        (TaskStatus::Done, Status::New | Status::Confirmed | Status::InProgress) => &[Status::FixClaimed],
        (TaskStatus::InProgress, Status::New) => &[Status::Confirmed, Status::InProgress],
        (TaskStatus::InProgress, Status::Confirmed) => &[Status::InProgress],
        (TaskStatus::InProgress, Status::FixClaimed) if was_done => &[Status::Confirmed, Status::InProgress],
        (TaskStatus::Open | TaskStatus::Cancelled, Status::InProgress) => &[Status::Confirmed],
        (TaskStatus::Open, Status::FixClaimed) if was_done => &[Status::Confirmed],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::Iterable;

    /// Cell by cell: `y` may, `r` may with a reason, `.` may not.
    const TABLE: &[(TaskStatus, &str)] = &[
        //                     open prog bloc done canc
        (TaskStatus::Open, ".yryr"),
        (TaskStatus::InProgress, "y.ryr"),
        (TaskStatus::Blocked, "yy.yr"),
        (TaskStatus::Done, "yy..."),
        (TaskStatus::Cancelled, "y...."),
    ];

    #[test]
    fn every_cell_of_the_transition_table_is_as_designed() {
        for (from, row) in TABLE {
            for (to, cell) in TaskStatus::iter().zip(row.chars()) {
                let ask = |reason: Option<&str>| TaskTransition { to, reason: reason.map(str::to_owned) }.check(*from);
                let found = match (ask(None), ask(Some("väntar på leverantören"))) {
                    (Ok(()), Ok(())) => 'y',
                    (Err(_), Ok(())) => 'r',
                    (Err(one), Err(_)) if one.code == Code::TransitionRefused => '.',
                    other => panic!("{from:?} to {to:?}: {other:?}"),
                };
                assert_eq!(found, cell, "{from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn a_reason_is_a_text_of_bounded_length() {
        let long = "x".repeat(MAX_REASON + 1);
        for bad in ["  ", "a\0b", "\u{202e}x", long.as_str()] {
            let wish = TaskTransition { to: TaskStatus::Blocked, reason: Some(bad.into()) };
            assert_eq!(wish.check(TaskStatus::Open).unwrap_err().violations[0].pointer, "/reason", "{bad:?}");
        }
    }

    /// Each step is one that the finding's own table knows, whoever has to be asked for it.
    #[test]
    fn findings_follow_their_task_by_moves_of_their_own_table() {
        for was_done in [false, true] {
            for to in TaskStatus::iter() {
                for finding in Status::iter() {
                    let mut at = finding;
                    for step in steps_of_finding(was_done, to, finding) {
                        assert!(crate::status::permission_for(at, *step).is_ok(), "{at:?} to {step:?}");
                        at = *step;
                    }
                }
            }
        }
    }

    #[test]
    fn only_what_is_open_is_claimed_fixed_and_only_a_done_task_takes_claims_back() {
        let claimed: Vec<_> =
            Status::iter().filter(|s| !steps_of_finding(false, TaskStatus::Done, *s).is_empty()).collect();
        assert_eq!(claimed, [Status::New, Status::Confirmed, Status::InProgress]);
        assert_eq!(steps_of_finding(true, TaskStatus::Open, Status::FixClaimed), [Status::Confirmed]);
        assert!(steps_of_finding(false, TaskStatus::Open, Status::FixClaimed).is_empty());
        assert!(steps_of_finding(false, TaskStatus::Cancelled, Status::FixClaimed).is_empty());
    }
}
