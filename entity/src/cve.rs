//! What others know about CVEs: EPSS and KEV. A row is made by the first of them and never deleted.

use domain::EpssBand;
use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cve")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub epss: Option<f64>,
    pub epss_percentile: Option<f64>,
    pub epss_band: Option<EpssBand>,
    pub epss_date: Option<Date>,
    pub kev_added: Option<Date>,
    pub kev_due: Option<Date>,
    pub kev_ransomware: bool,
}

/// No relations: joins are written out where they are needed, page first.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
