//! Leases: for a while, one puller alone makes the ticket of a task in one system.

use super::{TaskStatus, is_system};
use crate::{Code, DateTime, Error, PrincipalId, Severity, Task, Timestamp, Violation, error::Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A lease as everybody sees it: without its token, which only who claimed has.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct TaskLease {
    /// The ticketing system that it is for.
    pub system: String,
    /// Who claimed.
    pub claimed_by: PrincipalId,
    /// Until when nobody else is given the task, RFC 3339 UTC. One that has passed holds nobody back.
    pub expires_at: DateTime,
}

/// A lease as it is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldLease {
    /// What its holder shows.
    pub token: Uuid,
    /// Until when it holds.
    pub expires_at: Timestamp,
}

impl HeldLease {
    /// Whether it still holds.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at > now
    }

    /// Whether whoever shows this token may link a ticket now. Who knows nothing of leases may, where nobody holds one.
    ///
    /// # Errors
    /// `lease_held`.
    pub fn check_link(held: Option<&Self>, shown: Option<Uuid>, now: Timestamp) -> Result<()> {
        match held.filter(|lease| lease.is_live(now)) {
            Some(lease) if shown != Some(lease.token) => {
                let until = lease.expires_at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
                Err(Error::new(Code::LeaseHeld, format!("somebody else has claimed the task until {until}")))
            }
            _ => Ok(()),
        }
    }

    /// Whether this token still holds the task, to be renewed or released.
    ///
    /// # Errors
    /// `lease_lost`.
    pub fn check_holder(held: Option<&Self>, shown: Uuid, now: Timestamp) -> Result<()> {
        match held {
            Some(lease) if lease.token == shown && lease.is_live(now) => Ok(()),
            _ => Err(Error::new(Code::LeaseLost, Code::LeaseLost.title())),
        }
    }
}

/// The shortest lease, in seconds.
pub const MIN_LEASE: i64 = 10;
/// The longest lease, in seconds.
pub const MAX_LEASE: i64 = 86_400;
/// Most tasks in one claim.
pub const MAX_CLAIM: i64 = 100;

/// Which tasks to claim. All conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(default, deny_unknown_fields)]
#[graphql(name = "ClaimFilterInput")]
pub struct ClaimFilter {
    /// Statuses; all that are unfinished if left out. Finished tasks are never given.
    #[graphql(default)]
    pub status: Vec<TaskStatus>,
    /// Severities.
    #[graphql(default)]
    pub severity: Vec<Severity>,
    /// Who works on it.
    #[schema(max_length = 200)]
    pub assignee: Option<String>,
}

/// A wish to claim tasks for a ticketing system.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "ClaimInput")]
pub struct Claim {
    /// The ticketing system: 1–40 of a–z, 0–9, `-` and `_`.
    #[schema(example = "jira", max_length = 40)]
    pub system: String,
    /// Most tasks, 1–100; 10 if left out.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100, default = 10)]
    pub limit: Option<i64>,
    /// Which.
    #[serde(default)]
    pub filter: Option<ClaimFilter>,
    /// How long nobody else is given them, 10–86,400 seconds; 300 if left out.
    #[serde(default)]
    #[schema(minimum = 10, maximum = 86400, default = 300)]
    pub lease_seconds: Option<i64>,
}

impl Claim {
    /// Most tasks.
    pub fn limit(&self) -> u64 {
        u64::try_from(self.limit.unwrap_or(10)).unwrap_or(1)
    }

    /// How long, in seconds.
    pub fn seconds(&self) -> i64 {
        self.lease_seconds.unwrap_or(300)
    }

    /// Refuses what cannot be claimed.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each wrong field.
    pub fn check(&self) -> Result<()> {
        let mut violations = Vec::new();
        if !is_system(&self.system) {
            violations.push(Violation::new("/system", "takes 1–40 of a–z, 0–9, `-` and `_`"));
        }
        if !(1..=MAX_CLAIM).contains(&self.limit.unwrap_or(1)) {
            violations.push(Violation::new("/limit", "takes a number from 1 to 100"));
        }
        violations.extend(wrong_seconds(self.seconds()));
        let filter = self.filter.iter();
        if filter.clone().any(|filter| filter.status.len() > 20) {
            violations.push(Violation::new("/filter/status", "takes at most 20 values"));
        }
        if filter.clone().any(|filter| filter.severity.len() > 20) {
            violations.push(Violation::new("/filter/severity", "takes at most 20 values"));
        }
        let assignees = filter.filter_map(|filter| filter.assignee.as_ref());
        if assignees.into_iter().any(|a| !crate::text::is_line(a) || a.chars().count() > 200) {
            violations.push(Violation::new("/filter/assignee", "takes at most 200 characters on one line"));
        }
        if violations.is_empty() { Ok(()) } else { Err(Error::invalid(violations)) }
    }
}

fn wrong_seconds(seconds: i64) -> Option<Violation> {
    let fits = (MIN_LEASE..=MAX_LEASE).contains(&seconds);
    (!fits).then(|| Violation::new("/lease_seconds", "takes a number from 10 to 86,400"))
}

/// A task with the lease that was given with it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ClaimedTask {
    /// What to show when linking the ticket, renewing or releasing.
    pub lease: Uuid,
    /// Until when nobody else is given the task, RFC 3339 UTC.
    pub expires_at: DateTime,
    /// The task.
    pub task: Task,
}

/// The tasks that were claimed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ClaimedTasks {
    /// The most pressing first; empty if there are none right now.
    pub items: Vec<ClaimedTask>,
}

/// What the holder of a lease shows.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "LeaseInput")]
pub struct LeaseProof {
    /// The ticketing system.
    #[schema(example = "jira", max_length = 40)]
    pub system: String,
    /// The lease's token.
    pub lease: Uuid,
    /// For renewing: how long from now, 10–86,400 seconds; 300 if left out.
    #[serde(default)]
    #[schema(minimum = 10, maximum = 86400, default = 300)]
    pub lease_seconds: Option<i64>,
}

impl LeaseProof {
    /// Refuses what names no ticketing system.
    ///
    /// # Errors
    /// `invalid_body`.
    pub fn check(&self) -> Result<()> {
        let wrong = || Violation::new("/system", "takes 1–40 of a–z, 0–9, `-` and `_`");
        if is_system(&self.system) { Ok(()) } else { Err(Error::invalid(vec![wrong()])) }
    }

    /// How long from now, in seconds.
    ///
    /// # Errors
    /// `invalid_body`.
    pub fn seconds(&self) -> Result<i64> {
        self.check()?;
        let seconds = self.lease_seconds.unwrap_or(300);
        wrong_seconds(seconds).map_or(Ok(seconds), |wrong| Err(Error::invalid(vec![wrong])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn lease(expires_in: i64) -> (HeldLease, Timestamp) {
        let now = Timestamp::UNIX_EPOCH + TimeDelta::days(20_000);
        (HeldLease { token: Uuid::from_u128(1), expires_at: now + TimeDelta::seconds(expires_in) }, now)
    }

    #[test]
    fn a_ticket_is_linked_by_the_holder_or_where_nobody_holds() {
        let (mine, other) = (Some(Uuid::from_u128(1)), Some(Uuid::from_u128(2)));
        for (expires_in, shown, may) in [
            (60, mine, true),
            (60, other, false),
            (60, None, false),
            // It lapses at the very moment that it names.
            (0, None, true),
            (0, other, true),
            (-1, mine, true),
        ] {
            let (held, now) = lease(expires_in);
            let linked = HeldLease::check_link(Some(&held), shown, now);
            assert_eq!(linked.is_ok(), may, "{expires_in} {shown:?}");
            assert!(linked.err().is_none_or(|error| error.code == Code::LeaseHeld));
            assert!(HeldLease::check_link(None, shown, now).is_ok());
        }
    }

    #[test]
    fn only_a_live_lease_is_renewed_or_released_and_only_by_its_holder() {
        for (expires_in, shown, may) in [(60, 1, true), (60, 2, false), (0, 1, false), (-5, 1, false)] {
            let (held, now) = lease(expires_in);
            let found = HeldLease::check_holder(Some(&held), Uuid::from_u128(shown), now);
            assert_eq!(found.is_ok(), may, "{expires_in} {shown}");
            assert!(HeldLease::check_holder(None, Uuid::from_u128(shown), now).is_err());
        }
    }

    #[test]
    fn a_claim_is_bounded() {
        let claim = |limit, seconds| Claim {
            system: "jira".into(),
            limit: Some(limit),
            filter: None,
            lease_seconds: Some(seconds),
        };
        for (limit, seconds, wrong) in [
            (1, 10, vec![]),
            (100, 86_400, vec![]),
            (0, 10, vec!["/limit"]),
            (101, 9, vec!["/limit", "/lease_seconds"]),
            (-1, 86_401, vec!["/limit", "/lease_seconds"]),
        ] {
            let violations = claim(limit, seconds).check().err().map(|e| e.violations).unwrap_or_default();
            assert_eq!(violations.iter().map(|v| v.pointer.as_str()).collect::<Vec<_>>(), wrong, "{limit} {seconds}");
        }
    }
}
