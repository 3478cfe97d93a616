//! Reports that came in.

use crate::json::StoredScope;
use domain::{Coverage, ImportFormat, ImportStatus, Tlp};
use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "import")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub format: ImportFormat,
    pub status: ImportStatus,
    pub source: Option<String>,
    pub sha256: String,
    pub bytes: i64,
    pub read: i64,
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub rejected: i64,
    pub reopened: i64,
    pub merged: i64,
    pub assets_created: i64,
    pub position: i64,
    pub principal_id: Uuid,
    pub started_at: DateTimeUtc,
    pub heartbeat_at: DateTimeUtc,
    pub finished_at: Option<DateTimeUtc>,
    pub seq: i64,
    pub tlp: Option<Tlp>,
    pub coverage: Option<Coverage>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub scope: Option<StoredScope>,
    pub confirm_gone: Option<i64>,
    pub gone: i64,
    pub verified: i64,
    pub gone_withheld: i64,
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
