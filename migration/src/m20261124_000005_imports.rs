//! Imports: the reports that came in, and the records that could not be stored.

use crate::dialect;
use sea_orm_migration::prelude::*;

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &["import", "import_rejection"];

const UP: &[&str] = &[
    r#"CREATE TABLE import (
        tenant_id {id} NOT NULL REFERENCES tenant (id),
        id {id} NOT NULL,
        format text NOT NULL CHECK (format IN ('nessus', 'sarif', 'nuclei')),
        status text NOT NULL CHECK (status IN ('running', 'completed', 'interrupted')),
        source text,
        sha256 text NOT NULL,
        bytes bigint NOT NULL,
        read bigint NOT NULL,
        created bigint NOT NULL,
        updated bigint NOT NULL,
        unchanged bigint NOT NULL,
        rejected bigint NOT NULL,
        reopened bigint NOT NULL,
        merged bigint NOT NULL,
        assets_created bigint NOT NULL,
        position bigint NOT NULL,
        principal_id {id} NOT NULL,
        started_at {time} NOT NULL,
        heartbeat_at {time} NOT NULL,
        finished_at {time},
        seq bigint NOT NULL CHECK (seq >= 0),
        PRIMARY KEY (tenant_id, id),
        CHECK (status <> 'completed' OR read = created + updated + unchanged + rejected),
        CHECK ((status = 'completed') = (finished_at IS NOT NULL)),
        CHECK ((status = 'completed') = (seq > 0))
    )"#,
    r#"CREATE UNIQUE INDEX import_running ON import (tenant_id, sha256, format) WHERE status = 'running'"#,
    r#"CREATE TABLE import_rejection (
        tenant_id {id} NOT NULL,
        import_id {id} NOT NULL,
        position bigint NOT NULL,
        place text NOT NULL,
        reason text NOT NULL,
        PRIMARY KEY (tenant_id, import_id, position),
        FOREIGN KEY (tenant_id, import_id) REFERENCES import (tenant_id, id)
    )"#,
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await?;
        dialect::wall(manager, TABLES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::drop_tables(manager, TABLES).await
    }
}
