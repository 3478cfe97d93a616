//! Named scans of a source, as their last complete report described them.

use crate::json::StringList;
use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "scan_scope")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub source_id: Uuid,
    pub name: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub assets: StringList,
    #[sea_orm(column_type = "JsonBinary")]
    pub networks: StringList,
    #[sea_orm(column_type = "JsonBinary")]
    pub rules: StringList,
    pub last_complete_at: DateTimeUtc,
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
