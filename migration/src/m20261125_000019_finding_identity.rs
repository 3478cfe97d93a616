//! What makes two records the same finding: rules of sources, the parts that they count, and other names of findings.

use crate::dialect;
use sea_orm_migration::prelude::*;

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &["fingerprint_rule", "finding_alias"];

/// Findings stored before have neither key nor parts: their next report brings both.
const UP: &[&str] = &[
    "ALTER TABLE finding ADD COLUMN weakness_key text CHECK (length(weakness_key) = 64)",
    "ALTER TABLE finding ADD COLUMN identity {json}",
    "ALTER TABLE finding ADD COLUMN identity_version bigint NOT NULL DEFAULT 0 CHECK (identity_version >= 0)",
    // In the words of the query that asks for them: as long as there are none it costs nothing.
    r#"CREATE INDEX finding_first_version ON finding (tenant_id, source_id) WHERE fingerprint_version = 1"#,
    r#"CREATE INDEX finding_source ON finding (tenant_id, source_id, id)"#,
    r#"CREATE TABLE fingerprint_rule (
        tenant_id {id} NOT NULL,
        source_id {id} NOT NULL,
        version bigint NOT NULL CHECK (version > 0),
        rule {json} NOT NULL,
        in_force {json},
        in_force_version bigint NOT NULL CHECK (in_force_version BETWEEN 0 AND version),
        running boolean NOT NULL,
        reached {id},
        updated_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, source_id),
        FOREIGN KEY (tenant_id, source_id) REFERENCES source (tenant_id, id),
        CHECK ((in_force IS NULL) = (in_force_version = 0)),
        CHECK (running OR reached IS NULL)
    )"#,
    r#"CREATE TABLE finding_alias (
        tenant_id {id} NOT NULL,
        source_id {id} NOT NULL,
        fingerprint text NOT NULL CHECK (length(fingerprint) = 64),
        finding_id {id} NOT NULL,
        merged_id {id},
        created_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, source_id, fingerprint),
        FOREIGN KEY (tenant_id, source_id) REFERENCES source (tenant_id, id),
        FOREIGN KEY (tenant_id, finding_id) REFERENCES finding (tenant_id, id),
        FOREIGN KEY (tenant_id, merged_id) REFERENCES finding (tenant_id, id),
        CHECK (merged_id <> finding_id)
    )"#,
    r#"CREATE INDEX finding_alias_finding ON finding_alias (tenant_id, finding_id, source_id, fingerprint)"#,
    r#"CREATE INDEX finding_alias_merged ON finding_alias (tenant_id, merged_id)"#,
];

const DOWN: &[&str] = &[
    "DROP INDEX finding_source",
    "DROP INDEX finding_first_version",
    "ALTER TABLE finding DROP COLUMN identity_version",
    "ALTER TABLE finding DROP COLUMN identity",
    "ALTER TABLE finding DROP COLUMN weakness_key",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await?;
        dialect::wall(manager, TABLES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::drop_tables(manager, TABLES).await?;
        dialect::run(manager, DOWN).await
    }
}
