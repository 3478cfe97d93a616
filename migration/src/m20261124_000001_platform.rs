//! Platform tables: who there is and what they may do. They hold ids, times and public facts, never finding data, and stand outside the wall.

use crate::dialect;
use sea_orm_migration::prelude::*;

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] =
    &["organisation", "tenant", "principal", r#""grant""#, "signing_key", "revoked_token", "auth_epoch"];

const UP: &[&str] = &[
    r#"CREATE TABLE organisation (
        id {id} NOT NULL PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('municipality', 'provider')),
        name text NOT NULL UNIQUE,
        created_at {time} NOT NULL
    )"#,
    r#"CREATE TABLE tenant (
        id {id} NOT NULL PRIMARY KEY,
        organisation_id {id} NOT NULL REFERENCES organisation (id),
        slug text NOT NULL UNIQUE,
        name text NOT NULL,
        created_at {time} NOT NULL
    )"#,
    r#"CREATE TABLE principal (
        id {id} NOT NULL PRIMARY KEY,
        issuer text NOT NULL,
        subject text NOT NULL,
        organisation_id {id} REFERENCES organisation (id),
        created_at {time} NOT NULL,
        UNIQUE (issuer, subject)
    )"#,
    r#"CREATE TABLE "grant" (
        id {id} NOT NULL PRIMARY KEY,
        principal_id {id} NOT NULL REFERENCES principal (id),
        tenant_id {id} NOT NULL REFERENCES tenant (id),
        scopes text NOT NULL,
        origin text NOT NULL CHECK (origin IN ('cli', 'demo')),
        valid_from {time} NOT NULL,
        valid_to {time},
        revoked_at {time},
        created_at {time} NOT NULL
    )"#,
    r#"CREATE INDEX grant_principal ON "grant" (principal_id)"#,
    r#"CREATE TABLE signing_key (
        kid text NOT NULL PRIMARY KEY,
        algorithm text NOT NULL CHECK (algorithm IN ('EdDSA', 'ES256')),
        public_jwk text NOT NULL,
        sealed_private_key {bytes} NOT NULL,
        created_at {time} NOT NULL
    )"#,
    r#"CREATE TABLE revoked_token (
        jti text NOT NULL PRIMARY KEY,
        expires_at {time} NOT NULL,
        revoked_at {time} NOT NULL
    )"#,
    r#"CREATE TABLE auth_epoch (
        id smallint NOT NULL PRIMARY KEY CHECK (id = 1),
        value bigint NOT NULL
    )"#,
    r#"INSERT INTO auth_epoch (id, value) VALUES (1, 1)"#,
];

/// The tenants of the open scope. After a transaction the setting reads as ''
/// rather than NULL; both mean that no scope is open, and so no rows.
const SCOPE: &str = "CREATE FUNCTION app_tenants() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[] $$";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await?;
        if manager.get_database_backend() == sea_orm_migration::sea_orm::DbBackend::Postgres {
            manager.get_connection().execute_unprepared(SCOPE).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == sea_orm_migration::sea_orm::DbBackend::Postgres {
            manager.get_connection().execute_unprepared("DROP FUNCTION app_tenants()").await?;
        }
        dialect::drop_tables(manager, TABLES).await
    }
}
