//! Sightings by scan, complete reports, sources that are expected to report, and what last saw an asset.

use crate::dialect;
use sea_orm_migration::prelude::*;

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &["scan_scope", "scope_sighting", "asset_sighting"];

/// Columns of the tables that are there already. A source that has not reported since has no time of a report, and
/// goes by that of its making.
const COLUMNS: &[(&str, &str, &str)] = &[
    (
        "source",
        "kind",
        "text NOT NULL DEFAULT 'scanner' CHECK (kind IN ('scanner', 'edr', 'red_team', 'person', 'other'))",
    ),
    ("source", "owner", "text CHECK (owner <> '')"),
    ("source", "expected_interval_hours", "integer CHECK (expected_interval_hours BETWEEN 1 AND 87600)"),
    ("source", "last_report_at", "{time}"),
    ("source", "silent_since", "{time} CHECK (silent_since IS NULL OR expected_interval_hours IS NOT NULL)"),
    ("source", "updated_at", "{time}"),
    ("source", "seq", "bigint NOT NULL DEFAULT 0 CHECK (seq >= 0)"),
    ("sighting", "absences", "{json}"),
    ("import", "coverage", "text CHECK (coverage = 'complete')"),
    ("import", "scope", "{json} CHECK (scope IS NULL OR coverage IS NOT NULL)"),
    ("import", "confirm_gone", "bigint CHECK (confirm_gone >= 0)"),
    ("import", "gone", "bigint NOT NULL DEFAULT 0 CHECK (gone = 0 OR coverage IS NOT NULL)"),
    ("import", "verified", "bigint NOT NULL DEFAULT 0 CHECK (verified = 0 OR coverage IS NOT NULL)"),
    ("import", "gone_withheld", "bigint NOT NULL DEFAULT 0 CHECK (gone_withheld = 0 OR gone = 0)"),
];

const UP: &[&str] = &[
    r#"CREATE TABLE scan_scope (
        tenant_id {id} NOT NULL,
        id {id} NOT NULL,
        source_id {id} NOT NULL,
        name text NOT NULL CHECK (name <> ''),
        assets {json} NOT NULL,
        networks {json} NOT NULL,
        rules {json} NOT NULL,
        last_complete_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, source_id, name),
        FOREIGN KEY (tenant_id, source_id) REFERENCES source (tenant_id, id)
    )"#,
    r#"CREATE TABLE scope_sighting (
        tenant_id {id} NOT NULL,
        finding_id {id} NOT NULL,
        scope_id {id} NOT NULL,
        first_seen {time} NOT NULL,
        last_seen {time} NOT NULL CHECK (first_seen <= last_seen),
        observed_at {time} NOT NULL CHECK (last_seen <= observed_at),
        absences {json},
        PRIMARY KEY (tenant_id, finding_id, scope_id),
        FOREIGN KEY (tenant_id, finding_id) REFERENCES finding (tenant_id, id),
        FOREIGN KEY (tenant_id, scope_id) REFERENCES scan_scope (tenant_id, id)
    )"#,
    r#"CREATE TABLE asset_sighting (
        tenant_id {id} NOT NULL,
        asset_id {id} NOT NULL,
        source_id {id} NOT NULL,
        last_seen {time} NOT NULL,
        scans {json},
        PRIMARY KEY (tenant_id, asset_id, source_id),
        FOREIGN KEY (tenant_id, asset_id) REFERENCES asset (tenant_id, id),
        FOREIGN KEY (tenant_id, source_id) REFERENCES source (tenant_id, id)
    )"#,
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// What happened to sources is deleted behind the wall of each tenant: whole, or not at all.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column, definition) in COLUMNS {
            dialect::run(manager, &[&format!("ALTER TABLE {table} ADD COLUMN {column} {definition}")]).await?;
        }
        dialect::run(manager, UP).await?;
        dialect::wall(manager, TABLES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::drop_tables(manager, TABLES).await?;
        // The version before knows no such resource.
        dialect::lower_wall(manager, &["event"]).await?;
        dialect::run(manager, &["DELETE FROM event WHERE resource_type = 'source'"]).await?;
        dialect::raise_wall(manager, &["event"]).await?;
        // What a CHECK names is dropped after the column that it stands with.
        for (table, column, _) in COLUMNS.iter().rev() {
            dialect::run(manager, &[&format!("ALTER TABLE {table} DROP COLUMN {column}")]).await?;
        }
        Ok(())
    }
}
