//! How long events are kept, and how far they are no longer.

use crate::dialect;
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    r#"ALTER TABLE tenant_clock ADD COLUMN pruned_to bigint NOT NULL DEFAULT 0 CHECK (pruned_to >= 0)"#,
    r#"ALTER TABLE tenant ADD COLUMN event_days integer NOT NULL DEFAULT 400 CHECK (event_days BETWEEN 1 AND 3650)"#,
    r#"CREATE INDEX event_recorded ON event (tenant_id, recorded_at)"#,
];

/// On PostgreSQL the server may delete no events but through this, which leaves the last event of whatever exists.
const FORGET: &str = r#"CREATE FUNCTION forget_events(of_tenant uuid, after_seq bigint, last_seq bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DECLARE gone bigint;
    BEGIN
        DELETE FROM event WHERE tenant_id = of_tenant AND seq <= last_seq
            AND resource_id IN (SELECT resource_id FROM event
                WHERE tenant_id = of_tenant AND seq > after_seq AND seq <= last_seq)
            AND (kind IN ('business_service.deleted', 'comment.deleted', 'attachment.deleted')
                OR EXISTS (SELECT 1 FROM event AS later
                    WHERE later.tenant_id = event.tenant_id AND later.resource_id = event.resource_id
                        AND later.seq > event.seq AND later.seq <= last_seq));
        GET DIAGNOSTICS gone = ROW_COUNT;
        RETURN gone;
    END $$"#;

const DOWN: &[&str] = &[
    r#"DROP INDEX event_recorded"#,
    r#"ALTER TABLE tenant DROP COLUMN event_days"#,
    r#"ALTER TABLE tenant_clock DROP COLUMN pruned_to"#,
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            let own = "REVOKE ALL ON FUNCTION forget_events(uuid, bigint, bigint) FROM PUBLIC";
            dialect::run(manager, &[FORGET, own]).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            dialect::run(manager, &["DROP FUNCTION forget_events(uuid, bigint, bigint)"]).await?;
        }
        dialect::run(manager, DOWN).await
    }
}
