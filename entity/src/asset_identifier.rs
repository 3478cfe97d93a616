//! Typed identifiers; each belongs to one asset of the tenant.

use domain::IdentifierKind;
use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "asset_identifier")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: IdentifierKind,
    #[sea_orm(primary_key, auto_increment = false)]
    pub value: String,
    pub asset_id: Uuid,
    /// Whether a person or an inventory gave it, so that no report hands it over.
    pub entered: bool,
    /// Of an address: when a report last saw the asset with it. It moves without a number.
    pub seen_at: Option<DateTimeUtc>,
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
