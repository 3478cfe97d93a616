//! Tasks: the units of work that ticketing systems pull.

use crate::{
    DateTime, Error, FindingId, PrincipalId, Severity, TaskId, TenantId, Violation, condition::few, error::Result, text,
};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How far a task is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
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

/// The least severity for which the default rule makes a task.
pub const DEFAULT_THRESHOLD: Severity = Severity::Medium;

/// Remediation work over the findings of one weakness.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(name = "TaskFields")]
pub struct Task {
    /// Identifier, UUIDv7: the external key to search a tracker for.
    pub id: TaskId,
    /// The municipality it belongs to.
    pub tenant_id: TenantId,
    /// One line.
    pub title: String,
    /// What to do, in the words of its findings; of those that say different things, the one that last changed.
    pub recommendation: Option<String>,
    /// How far it is.
    pub status: TaskStatus,
    /// The worst severity that a finding of it has had.
    pub severity: Severity,
    /// The weakness that its findings share.
    pub rule_key: String,
    /// How many findings it holds.
    pub finding_count: i32,
    /// The first of its findings, at most 100; `GET /v1/findings?task=` lists all.
    pub finding_ids: Vec<FindingId>,
    /// Its tickets, one per system.
    pub tickets: Vec<Ticket>,
    /// When it was made, RFC 3339 UTC.
    pub created_at: DateTime,
    /// When it last changed, RFC 3339 UTC.
    pub updated_at: DateTime,
    /// The number of its last change on the tenant's clock.
    pub seq: i64,
}

impl Task {
    /// The names that `fields` may list, in the order they are shown.
    pub const FIELDS: &'static [&'static str] = &[
        "id",
        "tenant_id",
        "title",
        "recommendation",
        "status",
        "severity",
        "rule_key",
        "finding_count",
        "finding_ids",
        "tickets",
        "created_at",
        "updated_at",
        "seq",
    ];
}

/// A ticket that stands for a task in one system.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct Ticket {
    /// The ticketing system: `jira`.
    pub system: String,
    /// The ticket's key there: `IT-1042`.
    pub key: String,
    /// Its page there.
    pub url: Option<String>,
    /// When it was linked, RFC 3339 UTC.
    pub linked_at: DateTime,
    /// Who linked it.
    pub linked_by: PrincipalId,
}

/// A ticket to link. Values are in their normal form.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketLink {
    /// The ticketing system.
    pub system: String,
    /// The ticket's key there.
    pub key: String,
    /// Its page there.
    pub url: Option<String>,
}

impl TicketLink {
    /// Reads a link: system 1–40 of a–z, 0–9, `-` and `_`; key 1–100
    /// characters on one line; URL http or https, at most 2,000 characters.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each wrong field.
    pub fn parse(system: &str, key: &str, url: Option<&str>) -> Result<Self> {
        let mut violations = Vec::new();
        if !is_system(system) {
            violations.push(Violation::new("/system", "takes 1–40 of a–z, 0–9, `-` and `_`"));
        }
        if key.is_empty() || text::clean_line(key, 100) != key {
            violations.push(Violation::new("/key", "takes 1–100 characters on one line"));
        }
        if url.is_some_and(|u| !is_web_url(u)) {
            violations.push(Violation::new("/url", "takes an http or https URL of at most 2,000 characters"));
        }
        if violations.is_empty() {
            Ok(Self { system: system.to_owned(), key: key.to_owned(), url: url.map(str::to_owned) })
        } else {
            Err(Error::invalid(violations))
        }
    }
}

/// Whether the text can name a ticketing system.
fn is_system(system: &str) -> bool {
    (1..=40).contains(&system.len())
        && system.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

fn is_web_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    url.len() <= 2000
        && rest.is_some_and(|r| !r.is_empty() && !r.contains(|c: char| c.is_whitespace() || c.is_control()))
}

/// Which tasks. All conditions hold together; an empty filter is all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams, async_graphql::InputObject)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TaskFilter {
    /// Municipalities, by slug or id.
    #[param(style = Form, explode = false, example = json!(["norrvik"]))]
    #[graphql(default)]
    pub tenant: Vec<String>,
    /// Statuses.
    #[param(style = Form, explode = false, example = json!(["open"]))]
    #[graphql(default)]
    pub status: Vec<TaskStatus>,
    /// Severities.
    #[param(style = Form, explode = false, example = json!(["critical"]))]
    #[graphql(default)]
    pub severity: Vec<Severity>,
    /// Only tasks that have no ticket in this system yet.
    #[param(example = "jira")]
    pub without_ticket: Option<String>,
}

impl TaskFilter {
    /// The names of the conditions.
    pub const NAMES: &'static [&'static str] = &["tenant", "status", "severity", "without_ticket"];

    /// Refuses what no task can have.
    ///
    /// # Errors
    /// `invalid_parameter` naming the condition.
    pub fn check(&self) -> Result<()> {
        few("tenant", &self.tenant)?;
        few("status", &self.status)?;
        few("severity", &self.severity)?;
        if self.without_ticket.as_ref().is_some_and(|system| !is_system(system)) {
            return Err(Error::parameter("without_ticket", "takes 1–40 of a–z, 0–9, `-` and `_`"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_link_takes_no_script_and_no_line_breaks() {
        let pointers = |key, url| {
            TicketLink::parse("jira", key, url)
                .err()
                .map(|e| e.violations.into_iter().map(|v| v.pointer).collect::<Vec<_>>())
        };
        assert_eq!(pointers("IT-1", Some("https://jira.norrvik.example/browse/IT-1")), None);
        assert_eq!(pointers("IT-1\r\nX: y", None), Some(vec!["/key".into()]));
        assert_eq!(pointers("IT-1", Some("javascript:alert(1)")), Some(vec!["/url".into()]));
        assert!(TicketLink::parse("Jira!", "IT-1", None).is_err());
    }
}
