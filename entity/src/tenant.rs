//! Tenants: the municipalities behind their walls.

use domain::{
    Severity, TaskGroup,
    tenant_settings::{Calendar, Language},
};
use sea_orm::entity::prelude::*;

/// One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tenant")]
#[expect(missing_docs, reason = "columns are named by the vocabulary of the domain, where they are described")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub slug: String,
    pub name: String,
    pub created_at: DateTimeUtc,
    pub sla_critical_days: i32,
    pub sla_high_days: i32,
    pub sla_medium_days: i32,
    pub sla_low_days: i32,
    pub max_acceptance_days: i32,
    pub calendar: Calendar,
    pub time_zone: String,
    pub language: Language,
    pub settings_version: i64,
    pub suspended_at: Option<DateTimeUtc>,
    pub sla_kev_days: i32,
    pub sla_internet_percent: i32,
    pub sla_due_soon_days: i32,
    pub task_group: TaskGroup,
    pub task_threshold: Severity,
    pub event_days: i32,
}

/// No relations: joins are written out where they are needed, page first.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
