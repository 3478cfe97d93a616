//! Which parts tell the findings of a source apart, where that is not left to the importer.

use crate::json::StoredRule;
use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "fingerprint_rule")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub source_id: Uuid,
    pub version: i64,
    #[sea_orm(column_type = "JsonBinary")]
    pub rule: StoredRule,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub in_force: Option<StoredRule>,
    pub in_force_version: i64,
    pub running: bool,
    pub reached: Option<Uuid>,
    pub updated_at: DateTimeUtc,
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
