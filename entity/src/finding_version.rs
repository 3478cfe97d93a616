//! What findings were: the columns that filters and counts ask for, from one change to the next.

use crate::json::StringList;
use domain::{EpssBand, FindingKind, Justification, Priority, Severity, Status, Tlp};
use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "finding_version")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub finding_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub from_seq: i64,
    pub to_seq: Option<i64>,
    pub from_at: DateTimeUtc,
    pub to_at: Option<DateTimeUtc>,
    pub asset_id: Option<Uuid>,
    pub source_id: Uuid,
    pub rule_key: String,
    pub kind: FindingKind,
    pub severity: Severity,
    pub cvss_score: Option<f64>,
    #[sea_orm(column_type = "JsonBinary")]
    pub cves: StringList,
    #[sea_orm(column_type = "JsonBinary")]
    pub tags: StringList,
    pub tlp: Tlp,
    pub kev: bool,
    pub epss_band: Option<EpssBand>,
    pub priority: Priority,
    pub status: Status,
    pub justification: Option<Justification>,
    pub duplicate_of: Option<Uuid>,
    pub acceptance_id: Option<Uuid>,
    pub reopened_count: i32,
    pub seen_after_dismissal: bool,
    pub assignee: Option<String>,
    pub due_at: Option<DateTimeUtc>,
    pub overdue: bool,
    pub gone_at: Option<DateTimeUtc>,
    pub first_seen: DateTimeUtc,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub due_soon: bool,
    pub due_order: DateTimeUtc,
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
