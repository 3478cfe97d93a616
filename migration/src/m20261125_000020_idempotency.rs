//! Answers that a repeated request gets again.

use crate::dialect;
use sea_orm_migration::prelude::*;

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &["idempotency"];

const UP: &[&str] = &[
    r#"CREATE TABLE idempotency (
        tenant_id {id} NOT NULL REFERENCES tenant (id),
        principal {id} NOT NULL,
        key text NOT NULL CHECK (length(key) = 64),
        request text NOT NULL CHECK (length(request) = 64),
        rights text NOT NULL CHECK (length(rights) = 64),
        answer text NOT NULL,
        created_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, principal, key)
    )"#,
    r#"CREATE INDEX idempotency_created ON idempotency (tenant_id, created_at)"#,
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
