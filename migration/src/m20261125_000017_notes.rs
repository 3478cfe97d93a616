//! What people add to findings and tasks: comments, attached files and retests.

use crate::dialect;
use sea_orm_migration::prelude::*;

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &["comment", "attachment", "retest"];

const UP: &[&str] = &[
    r#"CREATE TABLE comment (
        tenant_id {id} NOT NULL REFERENCES tenant (id),
        id {id} NOT NULL,
        finding_id {id},
        task_id {id},
        text text CHECK (text <> ''),
        author {id} NOT NULL,
        external_actor text CHECK (external_actor <> ''),
        created_at {time} NOT NULL,
        updated_at {time} NOT NULL,
        deleted_at {time},
        seq bigint NOT NULL CHECK (seq > 0),
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, finding_id) REFERENCES finding (tenant_id, id),
        FOREIGN KEY (tenant_id, task_id) REFERENCES task (tenant_id, id),
        CHECK ((finding_id IS NULL) <> (task_id IS NULL)),
        CHECK ((text IS NULL) = (deleted_at IS NOT NULL))
    )"#,
    "CREATE INDEX comment_finding ON comment (tenant_id, finding_id, id)",
    "CREATE INDEX comment_task ON comment (tenant_id, task_id, id)",
    r#"CREATE TABLE attachment (
        tenant_id {id} NOT NULL REFERENCES tenant (id),
        id {id} NOT NULL,
        finding_id {id} NOT NULL,
        file_name text NOT NULL CHECK (file_name <> ''),
        media_type text NOT NULL CHECK (media_type LIKE '%/%'),
        bytes bigint NOT NULL CHECK (bytes >= 0),
        sha256 text NOT NULL CHECK (length(sha256) = 64),
        sealed_key {bytes} NOT NULL,
        created_by {id} NOT NULL,
        created_at {time} NOT NULL,
        seq bigint NOT NULL CHECK (seq > 0),
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, finding_id, id),
        FOREIGN KEY (tenant_id, finding_id) REFERENCES finding (tenant_id, id)
    )"#,
    r#"CREATE TABLE retest (
        tenant_id {id} NOT NULL REFERENCES tenant (id),
        id {id} NOT NULL,
        finding_id {id} NOT NULL,
        round integer NOT NULL CHECK (round > 0),
        method text NOT NULL CHECK (method IN ('exploit', 'scan', 'review', 'other')),
        result text NOT NULL CHECK (result IN ('fixed', 'partly', 'not_fixed', 'not_testable')),
        attachment_id {id},
        comment text CHECK (comment <> ''),
        tested_by {id} NOT NULL,
        tested_at {time} NOT NULL,
        status_before text NOT NULL,
        status_after text NOT NULL,
        finding_seq bigint NOT NULL CHECK (finding_seq > 0),
        seq bigint NOT NULL CHECK (seq > 0),
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, finding_id, round),
        FOREIGN KEY (tenant_id, finding_id) REFERENCES finding (tenant_id, id),
        FOREIGN KEY (tenant_id, finding_id, attachment_id) REFERENCES attachment (tenant_id, finding_id, id),
        CHECK (result <> 'fixed' OR status_after = 'verified_fixed'),
        CHECK (result NOT IN ('partly', 'not_fixed') OR status_after <> 'verified_fixed'),
        CHECK (result <> 'not_testable' OR status_after = status_before)
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
