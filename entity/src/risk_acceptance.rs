//! Risk acceptances.

use crate::json::StringList;
use domain::AcceptanceStatus;
use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "risk_acceptance")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub status: AcceptanceStatus,
    pub reason: String,
    pub finding_count: i32,
    pub accepted_count: i32,
    pub skipped_count: i32,
    pub standstill_days: i32,
    pub cost_per_day: i64,
    pub fix_cost: i64,
    pub currency: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub services: StringList,
    pub days_by_service: bool,
    pub cost_by_service: bool,
    pub requested_by: Uuid,
    pub requested_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<DateTimeUtc>,
    pub decision_reason: Option<String>,
    pub revoked_by: Option<Uuid>,
    pub revocation_reason: Option<String>,
    pub ended_at: Option<DateTimeUtc>,
    pub review_needed: bool,
    pub review_reason: Option<String>,
    pub updated_at: DateTimeUtc,
    pub seq: i64,
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
