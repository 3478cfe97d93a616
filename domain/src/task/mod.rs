//! Tasks: the units of work that ticketing systems pull.

mod draft;
mod lease;
mod status;
mod tally;

use crate::{
    AssetId, DateTime, Error, FindingId, Priority, Severity, TaskId, TenantId, Ticket,
    condition::{few, storable},
    error::Result,
    ticket::text::TicketText,
};
pub use draft::{MAX_FINDINGS, TaskDraft, TaskPatch, would_wait_for_itself};
pub use lease::{Claim, ClaimFilter, ClaimedTask, ClaimedTasks, HeldLease, LeaseProof, TaskLease};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
pub use status::{MAX_REASON, TaskStatus, TaskTransition, steps_of_finding};
pub use tally::{Share, Tally};
use utoipa::{IntoParams, ToSchema};

/// What the findings of a task have in common.
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
pub enum TaskGroup {
    /// The weakness: one source's rule, over all assets.
    RuleKey,
    /// The asset, with all its weaknesses.
    Asset,
    /// It is one finding alone.
    Finding,
    /// Nothing: people have put them together. As a municipality's rule: no tasks but those that people make.
    Hand,
}

/// Remediation work over findings.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
#[graphql(name = "TaskFields")]
pub struct Task {
    /// Identifier, UUIDv7: the external key to search a tracker for.
    pub id: TaskId,
    /// The municipality it belongs to.
    pub tenant_id: TenantId,
    /// One line.
    pub title: String,
    /// How people plan to do it.
    pub plan: Option<String>,
    /// What to do, in the words of its findings; of those that say different things, the one that last changed.
    pub recommendation: Option<String>,
    /// How far it is.
    pub status: TaskStatus,
    /// Why it is blocked, cancelled, or was sent back.
    pub status_reason: Option<String>,
    /// Who moved it last in a tracker, in the tracker's words.
    pub external_actor: Option<String>,
    /// The worst severity of its open findings; without any, the last that it had.
    pub severity: Severity,
    /// The most pressing priority of its open findings; without any, the last that it had.
    pub priority: Priority,
    /// When it is to be done: what a person set, else the earliest due date of its open findings.
    pub due_at: Option<DateTime>,
    /// Who works on it.
    pub assignee: Option<String>,
    /// The work that it takes, in hours.
    pub effort_hours: Option<f64>,
    /// What it costs beside the work, in whole units of the municipality's currency.
    pub cost: Option<i64>,
    /// What its findings have in common.
    pub grouped_by: TaskGroup,
    /// The weakness that its findings share, of a task that is grouped by it.
    pub rule_key: Option<String>,
    /// The asset that its findings share, of a task that is grouped by it.
    pub asset_id: Option<AssetId>,
    /// Tasks that must be finished first.
    pub blocked_by: Vec<TaskId>,
    /// Whether one of those is unfinished; it is then not given to who claims.
    pub held: bool,
    /// How many findings it holds.
    pub finding_count: i32,
    /// How many of them are neither closed nor accepted. Those claimed as fixed count until that is verified.
    pub open_finding_count: i32,
    /// The first of its findings, at most 100; `GET /v1/findings?task=` lists all.
    pub finding_ids: Vec<FindingId>,
    /// Its tickets, one per system.
    pub tickets: Vec<Ticket>,
    /// Who has claimed it for which system, to make a ticket there.
    pub leases: Vec<TaskLease>,
    /// What a ticket for it says.
    pub ticket: TicketText,
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
        "plan",
        "recommendation",
        "status",
        "status_reason",
        "external_actor",
        "severity",
        "priority",
        "due_at",
        "assignee",
        "effort_hours",
        "cost",
        "grouped_by",
        "rule_key",
        "asset_id",
        "blocked_by",
        "held",
        "finding_count",
        "open_finding_count",
        "finding_ids",
        "tickets",
        "leases",
        "ticket",
        "created_at",
        "updated_at",
        "seq",
    ];
}

/// Whether the text can name a ticketing system.
pub fn is_system(system: &str) -> bool {
    (1..=40).contains(&system.len())
        && system.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
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
    /// Priorities.
    #[param(style = Form, explode = false, example = json!(["act"]))]
    #[graphql(default)]
    pub priority: Vec<Priority>,
    /// Who works on it.
    pub assignee: Option<String>,
    /// Only tasks that wait for others, or that do not.
    pub held: Option<bool>,
    /// Only tasks that somebody is to make a ticket for in this system: unfinished, waiting for no other, without a ticket
    /// there and claimed by nobody. Such a list is never answered 304, since leases end by themselves.
    #[param(example = "jira")]
    pub without_ticket: Option<String>,
}

impl TaskFilter {
    /// The names of the conditions.
    pub const NAMES: &'static [&'static str] =
        &["tenant", "status", "severity", "priority", "assignee", "held", "without_ticket"];

    /// Refuses what no task can have.
    ///
    /// # Errors
    /// `invalid_parameter` naming the condition.
    pub fn check(&self) -> Result<()> {
        few("tenant", &self.tenant)?;
        few("status", &self.status)?;
        few("severity", &self.severity)?;
        few("priority", &self.priority)?;
        storable("assignee", &self.assignee)?;
        if self.without_ticket.as_ref().is_some_and(|system| !is_system(system)) {
            return Err(Error::parameter("without_ticket", "takes 1–40 of a–z, 0–9, `-` and `_`"));
        }
        Ok(())
    }
}
