//! What a municipality decides about itself, and whether the operator has suspended it. Public facts of the
//! tenant, so they stand with it.

use crate::dialect;
use sea_orm_migration::prelude::*;

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "ALTER TABLE tenant ADD COLUMN sla_critical_days integer NOT NULL DEFAULT 7 CHECK (sla_critical_days BETWEEN 1 AND 3650)",
    "ALTER TABLE tenant ADD COLUMN sla_high_days integer NOT NULL DEFAULT 30 CHECK (sla_high_days BETWEEN 1 AND 3650)",
    "ALTER TABLE tenant ADD COLUMN sla_medium_days integer NOT NULL DEFAULT 90 CHECK (sla_medium_days BETWEEN 1 AND 3650)",
    "ALTER TABLE tenant ADD COLUMN sla_low_days integer NOT NULL DEFAULT 180 CHECK (sla_low_days BETWEEN 1 AND 3650)",
    "ALTER TABLE tenant ADD COLUMN max_acceptance_days integer NOT NULL DEFAULT 365
        CHECK (max_acceptance_days BETWEEN 1 AND 3650)",
    "ALTER TABLE tenant ADD COLUMN calendar text NOT NULL DEFAULT 'se' CHECK (calendar IN ('se', 'none'))",
    "ALTER TABLE tenant ADD COLUMN time_zone text NOT NULL DEFAULT 'Europe/Stockholm' CHECK (time_zone <> '')",
    "ALTER TABLE tenant ADD COLUMN language text NOT NULL DEFAULT 'sv' CHECK (language IN ('sv', 'en'))",
    "ALTER TABLE tenant ADD COLUMN settings_version bigint NOT NULL DEFAULT 1 CHECK (settings_version > 0)",
    "ALTER TABLE tenant ADD COLUMN suspended_at {time}",
];

const COLUMNS: &[&str] = &[
    "suspended_at",
    "settings_version",
    "language",
    "time_zone",
    "calendar",
    "max_acceptance_days",
    "sla_low_days",
    "sla_medium_days",
    "sla_high_days",
    "sla_critical_days",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            let drop = format!("ALTER TABLE tenant DROP COLUMN {column}");
            manager.get_connection().execute_unprepared(&drop).await?;
        }
        Ok(())
    }
}
