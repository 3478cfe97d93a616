//! Assets of which a person said something that changes priorities, and whose findings are too many for one
//! command: those with ids after `after` are still to come.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "asset_to_prioritise")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub asset_id: Uuid,
    pub after: Uuid,
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
