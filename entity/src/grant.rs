//! Grants: every right is a row here.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "grant")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub principal_id: Option<Uuid>,
    pub organisation_id: Option<Uuid>,
    pub issuer: Option<String>,
    pub role: Option<String>,
    pub tenant_id: Option<Uuid>,
    pub scopes: String,
    pub origin: String,
    pub granted_by: Option<Uuid>,
    pub valid_from: DateTimeUtc,
    pub valid_to: Option<DateTimeUtc>,
    pub revoked_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub version: i64,
    pub offered: Option<String>,
}

/// No relations: joins are written out where they are needed, page first.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
