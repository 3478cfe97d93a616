//! What somebody saw of a finding, round by round. Rows are never changed.

use domain::{
    Status,
    retest::{RetestMethod, RetestResult},
};
use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "retest")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub finding_id: Uuid,
    pub round: i32,
    pub method: RetestMethod,
    pub result: RetestResult,
    pub attachment_id: Option<Uuid>,
    pub comment: Option<String>,
    pub tested_by: Uuid,
    pub tested_at: DateTimeUtc,
    pub status_before: Status,
    pub status_after: Status,
    pub finding_seq: i64,
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
