//! When the reports of a named scan saw and missed a finding.

use crate::json::TimeList;
use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "scope_sighting")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub finding_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub scope_id: Uuid,
    pub first_seen: DateTimeUtc,
    pub last_seen: DateTimeUtc,
    pub observed_at: DateTimeUtc,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub absences: Option<TimeList>,
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
