//! Report formats and resource types are the program's vocabulary: a new importer or
//! resource takes no migration, so their closed CHECKs go. And the duplicates of a finding are found by an index.

use crate::dialect;
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

/// Tables, columns and what was checked of them.
const CHECKS: &[(&str, &str, &str)] = &[
    ("import", "format", "CHECK (format IN ('nessus', 'sarif', 'nuclei'))"),
    ("event", "resource_type", "CHECK (resource_type IN ('finding', 'asset', 'task', 'import'))"),
];

/// Partial, so that an import, whose findings are no duplicates, does not keep it.
const UP: &[&str] =
    &["CREATE INDEX finding_duplicate ON finding (tenant_id, duplicate_of) WHERE duplicate_of IS NOT NULL"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// Rebuilding a table on SQLite must happen whole or not at all.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column, check) in CHECKS {
            if manager.get_database_backend() == DbBackend::Postgres {
                let drop = format!("ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_check");
                manager.get_connection().execute_unprepared(&drop).await?;
            } else {
                dialect::rebuild(manager, table, &format!(" {check}"), "").await?;
            }
        }
        dialect::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, &["DROP INDEX finding_duplicate"]).await?;
        for (table, column, check) in CHECKS {
            if manager.get_database_backend() == DbBackend::Postgres {
                let add = format!("ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_check {check}");
                manager.get_connection().execute_unprepared(&add).await?;
            } else {
                let bare = format!("{column} text NOT NULL");
                dialect::rebuild(manager, table, &bare, &format!("{bare} {check}")).await?;
            }
        }
        Ok(())
    }
}
