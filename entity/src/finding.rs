//! Findings.

use crate::json::{StoredLocation, StringList};
use domain::{EpssBand, FindingKind, Justification, Priority, Severity, Status, Tlp};
use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "finding")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub asset_id: Option<Uuid>,
    pub source_id: Uuid,
    pub source_ref: Option<String>,
    pub rule_key: String,
    pub fingerprint: String,
    pub fingerprint_version: i16,
    pub kind: FindingKind,
    pub title: String,
    pub description: String,
    pub consequence: Option<String>,
    pub recommendation: Option<String>,
    pub severity: Severity,
    pub reported_severity: Severity,
    pub source_severity: Option<String>,
    pub cvss_vector: Option<String>,
    pub cvss_score: Option<f64>,
    #[sea_orm(column_type = "JsonBinary")]
    pub cves: StringList,
    #[sea_orm(column_type = "JsonBinary")]
    pub cwes: StringList,
    #[sea_orm(column_type = "JsonBinary")]
    pub citations: StringList,
    #[sea_orm(column_type = "JsonBinary")]
    pub location: StoredLocation,
    #[sea_orm(column_type = "JsonBinary")]
    pub tags: StringList,
    #[sea_orm(column_type = "JsonBinary")]
    pub reported_tags: StringList,
    pub person_set: i16,
    pub status: Status,
    pub justification: Option<Justification>,
    pub status_comment: Option<String>,
    pub duplicate_of: Option<Uuid>,
    pub decided_at: Option<DateTimeUtc>,
    pub claimed_by: Option<Uuid>,
    pub reopened_count: i32,
    pub seen_after_dismissal: bool,
    pub assignee: Option<String>,
    pub first_seen: DateTimeUtc,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub seq: i64,
    pub tlp: Tlp,
    pub reported_tlp: Tlp,
    pub kev: bool,
    pub epss_band: Option<EpssBand>,
    pub priority: Priority,
    #[sea_orm(column_type = "JsonBinary")]
    pub priority_reasons: StringList,
    pub severity_reason: Option<String>,
    pub severity_by: Option<Uuid>,
    pub severity_at: Option<DateTimeUtc>,
    pub due_at: Option<DateTimeUtc>,
    pub overdue: bool,
    pub sla_from: Option<DateTimeUtc>,
    pub sla_paused_at: Option<DateTimeUtc>,
    pub acceptance_id: Option<Uuid>,
    pub gone_at: Option<DateTimeUtc>,
    pub due_soon: bool,
    pub due_order: DateTimeUtc,
    pub claimed_by_external: Option<String>,
    pub weakness_key: Option<String>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub identity: Option<StringList>,
    pub identity_version: i64,
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
