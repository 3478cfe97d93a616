//! The files that [`crate::cve`] is filled from, one row each.

use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cve_feed")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub version: Option<String>,
    pub published_at: Option<DateTimeUtc>,
    pub loaded_at: Option<DateTimeUtc>,
    pub loads: i64,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    pub next_at: DateTimeUtc,
}

/// No relations: joins are written out where they are needed, page first.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
