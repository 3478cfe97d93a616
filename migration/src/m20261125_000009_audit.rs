//! The audit whole: outcomes beside commands, a proof on each row, and the chain that seals them.
//!
//! The operator's own chain is that of the nil id, in the same tables and behind the same wall: no
//! grant is for it, so no caller ever opens it. That is why the audit's rows no longer point at a
//! tenant. `audit_seal` points at no row either: the chain has to tell of a row that is gone.

use crate::dialect;
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &["audit_seal", "audit_head"];

/// `detail` is JSON kept as text, since what is hashed must be what is stored, byte for byte.
const UP: &[&str] = &[
    "ALTER TABLE audit ADD COLUMN outcome text NOT NULL DEFAULT 'done' CHECK (outcome IN ('done', 'refused', 'read'))",
    "ALTER TABLE audit ADD COLUMN code text",
    "ALTER TABLE audit ADD COLUMN count bigint NOT NULL DEFAULT 1 CHECK (count > 0)",
    "ALTER TABLE audit ADD COLUMN detail text",
    "ALTER TABLE audit ADD COLUMN proof {bytes}",
    "CREATE INDEX audit_recorded ON audit (tenant_id, recorded_at, id)",
    "CREATE TABLE audit_seal (
        tenant_id {id} NOT NULL,
        position bigint NOT NULL CHECK (position > 0),
        audit_id {id} NOT NULL,
        hash {bytes} NOT NULL,
        PRIMARY KEY (tenant_id, position),
        UNIQUE (tenant_id, audit_id)
    )",
    "CREATE TABLE audit_head (
        tenant_id {id} NOT NULL,
        position bigint NOT NULL CHECK (position > 0),
        hash {bytes} NOT NULL,
        signature {bytes} NOT NULL,
        sealed_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, position)
    )",
];

/// Rows of the operator's chain had no place before.
const DOWN: &[&str] = &[
    "DROP INDEX audit_recorded",
    "DELETE FROM audit WHERE tenant_id NOT IN (SELECT id FROM tenant)",
    "ALTER TABLE audit DROP COLUMN proof",
    "ALTER TABLE audit DROP COLUMN detail",
    "ALTER TABLE audit DROP COLUMN count",
    "ALTER TABLE audit DROP COLUMN code",
    "ALTER TABLE audit DROP COLUMN outcome",
];

const BARE: &str = "tenant_id {id} NOT NULL";
const TENANT: &str = " REFERENCES tenant (id)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// Rebuilding a table on SQLite must happen whole or not at all.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if is_postgres(manager) {
            dialect::run(manager, &["ALTER TABLE audit DROP CONSTRAINT audit_tenant_id_fkey"]).await?;
        } else {
            dialect::rebuild(manager, "audit", TENANT, "").await?;
        }
        dialect::run(manager, UP).await?;
        dialect::wall(manager, TABLES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::drop_tables(manager, TABLES).await?;
        if is_postgres(manager) {
            // The wall is forced: it binds the tables' owner as well.
            let open = "SELECT set_config('app.tenants', '00000000-0000-0000-0000-000000000000', true)";
            dialect::run(manager, &[open]).await?;
        }
        dialect::run(manager, DOWN).await?;
        if is_postgres(manager) {
            let add = format!("ALTER TABLE audit ADD CONSTRAINT audit_tenant_id_fkey FOREIGN KEY (tenant_id){TENANT}");
            return dialect::run(manager, &[&add]).await;
        }
        let bare = BARE.replace("{id}", "blob");
        dialect::rebuild(manager, "audit", &bare, &format!("{bare}{TENANT}")).await
    }
}

fn is_postgres(manager: &SchemaManager<'_>) -> bool {
    manager.get_database_backend() == DbBackend::Postgres
}
