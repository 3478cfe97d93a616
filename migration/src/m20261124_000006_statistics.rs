//! What lets a store answer quickly: statistics from the first import on, and counts from an index alone.

use crate::dialect;
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[r#"CREATE INDEX finding_counts ON finding (tenant_id, severity, status, kind, source_id)"#];

/// Autovacuum comes by once a minute; the first import is over by then, and
/// without statistics half of its time goes into foreign-key checks that walk
/// the wrong index. The server's role may not ANALYZE tables that it does not
/// own, so the owner lends it this function, which does so for young tables alone.
const FUNCTION: &str = "
    CREATE FUNCTION refresh_statistics() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
    BEGIN
        IF (SELECT reltuples FROM pg_class WHERE oid = 'finding'::regclass) < 1000 THEN
            ANALYZE finding, sighting, finding_evidence, finding_term, asset, asset_identifier, source, task, task_finding;
        END IF;
    END $$;
    REVOKE ALL ON FUNCTION refresh_statistics() FROM PUBLIC;";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared(FUNCTION).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared("DROP FUNCTION refresh_statistics()").await?;
        }
        manager.get_connection().execute_unprepared("DROP INDEX finding_counts").await?;
        Ok(())
    }
}
