//! Remediation tasks.

use domain::{Priority, Severity, TaskGroup, TaskStatus};
use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "task")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub title: String,
    pub status: TaskStatus,
    pub severity: Severity,
    pub source_id: Option<Uuid>,
    pub rule_key: Option<String>,
    pub finding_count: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub seq: i64,
    pub recommendation: Option<String>,
    pub plan: Option<String>,
    pub assignee: Option<String>,
    pub due_at: Option<DateTimeUtc>,
    pub due_set: bool,
    pub effort_hours: Option<f64>,
    pub cost: Option<i64>,
    pub status_reason: Option<String>,
    pub external_actor: Option<String>,
    pub priority: Priority,
    pub open_finding_count: i32,
    pub held: bool,
    pub grouped_by: TaskGroup,
    pub group_id: Option<Uuid>,
    pub status_at: Option<DateTimeUtc>,
}

/// No relations: joins are written out where they are needed, page first.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl crate::TenantOwned for Entity {
    fn tenant() -> Column {
        Column::TenantId
    }
}
