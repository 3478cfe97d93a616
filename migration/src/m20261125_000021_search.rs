//! Full text: the words of findings and of assets' names, and how far those of earlier rows are told; and an index of the
//! imports that wait to go on.

use crate::dialect;
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &["asset_term", "search_progress"];

const KINDS: (&str, &str) = ("kind IN ('cve', 'tag')", "kind IN ('cve', 'tag', 'word')");

/// Beginnings of words are ranges in the order of code points, whatever the order of the database. That order's
/// operators are leakproof as well, so that they serve as index conditions behind the wall.
const UP: &[&str] = &[
    r#"CREATE TABLE asset_term (
        tenant_id {id} NOT NULL,
        term {code_points} NOT NULL CHECK (term <> ''),
        asset_id {id} NOT NULL,
        PRIMARY KEY (tenant_id, term, asset_id),
        FOREIGN KEY (tenant_id, asset_id) REFERENCES asset (tenant_id, id)
    )"#,
    "CREATE INDEX asset_term_asset ON asset_term (tenant_id, asset_id)",
    r#"CREATE TABLE search_progress (
        tenant_id {id} NOT NULL REFERENCES tenant (id),
        of_assets boolean NOT NULL,
        reached {id},
        PRIMARY KEY (tenant_id)
    )"#,
    // What waits to go on is looked up at the beginning of every import.
    "CREATE INDEX import_unfinished ON import (tenant_id, sha256) WHERE status <> 'completed'",
    "INSERT INTO search_progress (tenant_id, of_assets, reached) SELECT id, true, NULL FROM tenant",
];

const POSTGRES: &[&str] = &[
    "ALTER TABLE finding_term DROP CONSTRAINT finding_term_kind_check",
    "ALTER TABLE finding_term ADD CONSTRAINT finding_term_kind_check CHECK (kind IN ('cve', 'tag', 'word'))",
    r#"ALTER TABLE finding_term ALTER COLUMN term TYPE text COLLATE "C""#,
];

const DOWN_POSTGRES: &[&str] = &[
    "ALTER TABLE finding_term DROP CONSTRAINT finding_term_kind_check",
    "ALTER TABLE finding_term ADD CONSTRAINT finding_term_kind_check CHECK (kind IN ('cve', 'tag'))",
    r#"ALTER TABLE finding_term ALTER COLUMN term TYPE text COLLATE "default""#,
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// Rebuilding a table on SQLite must happen whole or not at all.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Sqlite {
            dialect::rebuild(manager, "finding_term", KINDS.0, KINDS.1).await?;
        } else {
            dialect::run(manager, POSTGRES).await?;
        }
        dialect::run(manager, UP).await?;
        dialect::wall(manager, TABLES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, &["DROP INDEX import_unfinished"]).await?;
        dialect::drop_tables(manager, TABLES).await?;
        dialect::lower_wall(manager, &["finding_term"]).await?;
        dialect::run(manager, &["DELETE FROM finding_term WHERE kind = 'word'"]).await?;
        dialect::raise_wall(manager, &["finding_term"]).await?;
        if manager.get_database_backend() == DbBackend::Sqlite {
            return dialect::rebuild(manager, "finding_term", KINDS.1, KINDS.0).await;
        }
        dialect::run(manager, DOWN_POSTGRES).await
    }
}
