//! Persons, API clients, and grants to more than principals. All platform tables: ids, names, times and public
//! facts; of a secret only its keyed digest.

use crate::dialect;
use sea_orm_migration::prelude::*;

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &["person", "person_principal", "client", "client_tenant", "client_secret", "used_assertion"];

const UP: &[&str] = &[
    // Rows elsewhere name principals by id, so erasing a person empties this row alone.
    r#"CREATE TABLE person (
        id {id} NOT NULL PRIMARY KEY,
        organisation_id {id} REFERENCES organisation (id),
        name text NOT NULL,
        created_at {time} NOT NULL
    )"#,
    r#"CREATE TABLE person_principal (
        principal_id {id} NOT NULL PRIMARY KEY REFERENCES principal (id),
        person_id {id} NOT NULL REFERENCES person (id)
    )"#,
    r#"CREATE INDEX person_principal_person ON person_principal (person_id)"#,
    r#"CREATE TABLE client (
        id {id} NOT NULL PRIMARY KEY,
        principal_id {id} NOT NULL UNIQUE REFERENCES principal (id),
        owner_id {id} REFERENCES principal (id),
        name text NOT NULL CHECK (name <> ''),
        purpose text NOT NULL,
        scopes text NOT NULL CHECK (scopes <> ''),
        public_jwks text,
        basic_allowed boolean NOT NULL,
        tokens_from {time} NOT NULL,
        expires_at {time},
        disabled_at {time},
        last_used_at {time},
        created_at {time} NOT NULL,
        version bigint NOT NULL CHECK (version > 0)
    )"#,
    r#"CREATE TABLE client_tenant (
        client_id {id} NOT NULL REFERENCES client (id),
        tenant_id {id} NOT NULL REFERENCES tenant (id),
        PRIMARY KEY (client_id, tenant_id)
    )"#,
    r#"CREATE INDEX client_tenant_tenant ON client_tenant (tenant_id)"#,
    r#"CREATE TABLE client_secret (
        id {id} NOT NULL PRIMARY KEY,
        client_id {id} NOT NULL REFERENCES client (id),
        digest {bytes} NOT NULL,
        created_at {time} NOT NULL,
        expires_at {time}
    )"#,
    r#"CREATE INDEX client_secret_client ON client_secret (client_id)"#,
    // RFC 7523, section 3: an assertion is good for one use.
    r#"CREATE TABLE used_assertion (
        client_id {id} NOT NULL REFERENCES client (id),
        jti text NOT NULL,
        expires_at {time} NOT NULL,
        PRIMARY KEY (client_id, jti)
    )"#,
    r#"ALTER TABLE signing_key ADD COLUMN signs_from {time}"#,
    r#"ALTER TABLE signing_key ADD COLUMN verifies_until {time}"#,
    r#"DROP INDEX grant_principal"#,
    r#"ALTER TABLE "grant" RENAME TO grant_before"#,
    // Nothing points at a grant, so a new table takes the place of the old one on both stores.
    r#"CREATE TABLE "grant" (
        id {id} NOT NULL PRIMARY KEY,
        principal_id {id} REFERENCES principal (id),
        organisation_id {id} REFERENCES organisation (id),
        issuer text,
        role text,
        tenant_id {id} REFERENCES tenant (id),
        scopes text NOT NULL,
        origin text NOT NULL CHECK (origin <> ''),
        granted_by {id} REFERENCES principal (id),
        valid_from {time} NOT NULL,
        valid_to {time},
        revoked_at {time},
        created_at {time} NOT NULL,
        version bigint NOT NULL CHECK (version > 0),
        offered text,
        CHECK ((principal_id IS NOT NULL AND organisation_id IS NULL AND issuer IS NULL AND role IS NULL)
            OR (principal_id IS NULL AND organisation_id IS NOT NULL AND issuer IS NULL AND role IS NULL)
            OR (principal_id IS NULL AND organisation_id IS NULL AND issuer IS NOT NULL AND role IS NOT NULL))
    )"#,
    r#"INSERT INTO "grant" SELECT id, principal_id, NULL, NULL, NULL, tenant_id, scopes, origin, NULL,
        valid_from, valid_to, revoked_at, created_at, 1, NULL FROM grant_before"#,
    r#"DROP TABLE grant_before"#,
    r#"CREATE INDEX grant_principal ON "grant" (principal_id)"#,
    r#"CREATE INDEX grant_tenant ON "grant" (tenant_id, id)"#,
];

/// Grants that the older form cannot say are dropped: an older version would not know them either.
const DOWN: &[&str] = &[
    r#"DROP INDEX grant_tenant"#,
    r#"DROP INDEX grant_principal"#,
    r#"ALTER TABLE "grant" RENAME TO grant_after"#,
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
    r#"INSERT INTO "grant" SELECT id, principal_id, tenant_id, scopes, origin, valid_from, valid_to, revoked_at,
        created_at FROM grant_after
        WHERE principal_id IS NOT NULL AND tenant_id IS NOT NULL AND origin IN ('cli', 'demo')"#,
    r#"DROP TABLE grant_after"#,
    r#"CREATE INDEX grant_principal ON "grant" (principal_id)"#,
    r#"ALTER TABLE signing_key DROP COLUMN verifies_until"#,
    r#"ALTER TABLE signing_key DROP COLUMN signs_from"#,
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// A table changes its place in here: whole or not at all.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await?;
        dialect::drop_tables(manager, TABLES).await
    }
}
