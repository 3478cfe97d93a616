//! The spine: one clock per tenant, the events it numbers, and who did what.

use crate::dialect;
use sea_orm_migration::prelude::*;

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &["tenant_clock", "event", "audit"];

const UP: &[&str] = &[
    r#"CREATE TABLE tenant_clock (
        tenant_id {id} NOT NULL PRIMARY KEY REFERENCES tenant (id),
        value bigint NOT NULL CHECK (value >= 0),
        recorded_at {time} NOT NULL
    )"#,
    r#"CREATE TABLE event (
        tenant_id {id} NOT NULL REFERENCES tenant (id),
        seq bigint NOT NULL CHECK (seq > 0),
        id {id} NOT NULL,
        recorded_at {time} NOT NULL,
        kind text NOT NULL,
        resource_type text NOT NULL CHECK (resource_type IN ('finding', 'asset', 'task', 'import')),
        resource_id {id} NOT NULL,
        actor {id} NOT NULL,
        changed {json},
        PRIMARY KEY (tenant_id, seq)
    )"#,
    r#"CREATE INDEX event_resource ON event (tenant_id, resource_id, seq)"#,
    r#"CREATE TABLE audit (
        tenant_id {id} NOT NULL REFERENCES tenant (id),
        id {id} NOT NULL,
        recorded_at {time} NOT NULL,
        principal_id {id} NOT NULL,
        action text NOT NULL,
        resource_type text,
        resource_id {id},
        first_seq bigint NOT NULL,
        last_seq bigint NOT NULL,
        PRIMARY KEY (tenant_id, id)
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
