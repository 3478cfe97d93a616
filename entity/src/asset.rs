//! What findings are about.

use domain::{AssetKind, Criticality, Exposure, Provenance};
use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "asset")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub kind: AssetKind,
    pub name: String,
    pub criticality: Option<Criticality>,
    pub exposure: Option<Exposure>,
    pub owner_unit: Option<String>,
    pub provenance: Provenance,
    pub first_known_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub seq: i64,
    pub open_informational: i32,
    pub open_low: i32,
    pub open_medium: i32,
    pub open_high: i32,
    pub open_critical: i32,
    pub overdue_count: i32,
    pub retired_at: Option<DateTimeUtc>,
    pub merged_into: Option<Uuid>,
    pub retired_reason: Option<String>,
    pub seen_after_retirement: bool,
    /// The fields that a person set, as bits.
    pub person_set: i16,
    /// Of a merged one: the last of its findings that has moved, while not all of them have.
    pub moved_finding: Option<Uuid>,
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
