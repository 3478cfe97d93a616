//! Answers that a repeated request gets again.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub principal: Uuid,
    /// Digest of key, operation and the municipality named.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// Digest of what was asked.
    pub request: String,
    /// Digest of the rights with which it was asked.
    pub rights: String,
    /// The answer in the words of its edge.
    pub answer: String,
    pub created_at: DateTimeUtc,
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
