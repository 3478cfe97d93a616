//! Who reports findings.

use domain::SourceKind;
use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "source")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub tool: String,
    pub created_at: DateTimeUtc,
    pub kind: SourceKind,
    pub owner: Option<String>,
    pub expected_interval_hours: Option<i32>,
    pub last_report_at: Option<DateTimeUtc>,
    pub silent_since: Option<DateTimeUtc>,
    pub updated_at: Option<DateTimeUtc>,
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
