//! What people say about assets, how assets are listed, and the business services that need them.

use crate::dialect;
use sea_orm_migration::prelude::*;

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &["business_service", "business_service_asset"];

const UP: &[&str] = &[
    "ALTER TABLE asset ADD COLUMN retired_reason text CHECK (retired_reason IS NULL OR retired_at IS NOT NULL)",
    "ALTER TABLE asset ADD COLUMN seen_after_retirement boolean NOT NULL DEFAULT false",
    // The last of its findings that has moved, while not all of them have.
    "ALTER TABLE asset ADD COLUMN moved_finding {id} CHECK (moved_finding IS NULL OR merged_into IS NOT NULL)",
    // The fields that a person set, as bits: no import writes those.
    "ALTER TABLE asset ADD COLUMN person_set smallint NOT NULL DEFAULT 0 CHECK (person_set BETWEEN 0 AND 31)",
    // What a person or an inventory gave stays; an address goes on to who was seen with it later.
    "ALTER TABLE asset_identifier ADD COLUMN entered boolean NOT NULL DEFAULT false",
    "ALTER TABLE asset_identifier ADD COLUMN seen_at {time}",
    "CREATE INDEX asset_name ON asset (tenant_id, name, id)",
    r#"CREATE INDEX asset_open ON asset
        (tenant_id, open_critical, open_high, open_medium, open_low, open_informational, id)"#,
    "CREATE INDEX asset_moving ON asset (tenant_id) WHERE moved_finding IS NOT NULL",
    "CREATE INDEX asset_retired ON asset (tenant_id, id) WHERE retired_at IS NOT NULL",
    r#"CREATE TABLE business_service (
        tenant_id {id} NOT NULL REFERENCES tenant (id),
        id {id} NOT NULL,
        name text NOT NULL CHECK (name <> ''),
        description text,
        criticality smallint CHECK (criticality BETWEEN 1 AND 4),
        cost_per_day bigint CHECK (cost_per_day >= 0),
        currency text NOT NULL CHECK (length(currency) = 3),
        days_to_restore integer CHECK (days_to_restore BETWEEN 0 AND 3650),
        manual_fallback text,
        owner_unit text,
        created_at {time} NOT NULL,
        updated_at {time} NOT NULL,
        seq bigint NOT NULL CHECK (seq > 0),
        PRIMARY KEY (tenant_id, id)
    )"#,
    r#"CREATE TABLE business_service_asset (
        tenant_id {id} NOT NULL,
        service_id {id} NOT NULL,
        asset_id {id} NOT NULL,
        PRIMARY KEY (tenant_id, service_id, asset_id),
        FOREIGN KEY (tenant_id, service_id) REFERENCES business_service (tenant_id, id),
        FOREIGN KEY (tenant_id, asset_id) REFERENCES asset (tenant_id, id)
    )"#,
    "CREATE INDEX business_service_asset_asset ON business_service_asset (tenant_id, asset_id)",
];

const DOWN: &[&str] = &[
    "DROP INDEX asset_retired",
    "DROP INDEX asset_moving",
    "DROP INDEX asset_open",
    "DROP INDEX asset_name",
    "ALTER TABLE asset_identifier DROP COLUMN seen_at",
    "ALTER TABLE asset_identifier DROP COLUMN entered",
    "ALTER TABLE asset DROP COLUMN person_set",
    "ALTER TABLE asset DROP COLUMN moved_finding",
    "ALTER TABLE asset DROP COLUMN seen_after_retirement",
    "ALTER TABLE asset DROP COLUMN retired_reason",
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
