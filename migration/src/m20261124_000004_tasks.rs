//! Remediation tasks and the tickets that stand for them.

use crate::dialect;
use sea_orm_migration::prelude::*;

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &["task", "task_finding", "ticket"];

const UP: &[&str] = &[
    r#"CREATE TABLE task (
        tenant_id {id} NOT NULL REFERENCES tenant (id),
        id {id} NOT NULL,
        title text NOT NULL CHECK (title <> ''),
        status text NOT NULL CHECK (status IN ('open', 'in_progress', 'blocked', 'done', 'cancelled')),
        severity smallint NOT NULL CHECK (severity BETWEEN 0 AND 4),
        source_id {id} NOT NULL,
        rule_key text NOT NULL,
        finding_count integer NOT NULL CHECK (finding_count >= 0),
        created_at {time} NOT NULL,
        updated_at {time} NOT NULL,
        seq bigint NOT NULL CHECK (seq > 0),
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, source_id) REFERENCES source (tenant_id, id)
    )"#,
    r#"CREATE UNIQUE INDEX task_open_rule ON task (tenant_id, source_id, rule_key) WHERE status NOT IN ('done', 'cancelled')"#,
    r#"CREATE TABLE task_finding (
        tenant_id {id} NOT NULL,
        task_id {id} NOT NULL,
        finding_id {id} NOT NULL,
        PRIMARY KEY (tenant_id, task_id, finding_id),
        FOREIGN KEY (tenant_id, task_id) REFERENCES task (tenant_id, id),
        FOREIGN KEY (tenant_id, finding_id) REFERENCES finding (tenant_id, id)
    )"#,
    r#"CREATE INDEX task_finding_finding ON task_finding (tenant_id, finding_id)"#,
    r#"CREATE TABLE ticket (
        tenant_id {id} NOT NULL,
        task_id {id} NOT NULL,
        system text NOT NULL CHECK (system <> ''),
        key text NOT NULL CHECK (key <> ''),
        url text,
        linked_at {time} NOT NULL,
        linked_by {id} NOT NULL,
        PRIMARY KEY (tenant_id, task_id, system),
        UNIQUE (tenant_id, system, key),
        FOREIGN KEY (tenant_id, task_id) REFERENCES task (tenant_id, id)
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
