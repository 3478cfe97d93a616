//! What others know about CVEs (EPSS, KEV), and the indexes that findings are prioritised by. Public facts, so
//! they stand outside the wall; which of them concern a municipality is behind it.

use crate::dialect;
use sea_orm_migration::prelude::*;

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // The band is that of the score; a store compares bands, and only the rules know where they end.
    r#"CREATE TABLE cve (
        id text NOT NULL PRIMARY KEY CHECK (id LIKE 'CVE-%'),
        epss double precision CHECK (epss BETWEEN 0 AND 1),
        epss_percentile double precision CHECK (epss_percentile BETWEEN 0 AND 1),
        epss_band smallint CHECK (epss_band BETWEEN 0 AND 4),
        epss_date date,
        kev_added date,
        kev_due date,
        kev_ransomware boolean NOT NULL,
        CHECK ((epss IS NULL) = (epss_band IS NULL) AND (epss IS NULL) = (epss_date IS NULL)),
        CHECK (kev_added IS NOT NULL OR (kev_due IS NULL AND NOT kev_ransomware))
    )"#,
    r#"CREATE INDEX cve_kev ON cve (id) WHERE kev_added IS NOT NULL"#,
    r#"CREATE TABLE cve_feed (
        id text NOT NULL PRIMARY KEY CHECK (id IN ('kev', 'epss')),
        version text,
        published_at {time},
        loaded_at {time},
        loads bigint NOT NULL CHECK (loads >= 0),
        etag text,
        last_modified text,
        next_at {time} NOT NULL
    )"#,
    r#"INSERT INTO cve_feed (id, loads, next_at) VALUES
        ('kev', 0, '1970-01-01T00:00:00+00:00'), ('epss', 0, '1970-01-01T00:00:00+00:00')"#,
    r#"CREATE TABLE asset_to_prioritise (
        tenant_id {id} NOT NULL,
        asset_id {id} NOT NULL,
        after {id} NOT NULL,
        PRIMARY KEY (tenant_id, asset_id),
        FOREIGN KEY (tenant_id, asset_id) REFERENCES asset (tenant_id, id)
    )"#,
    r#"CREATE INDEX finding_priority ON finding (tenant_id, priority, id)"#,
    r#"CREATE INDEX finding_kev ON finding (tenant_id, kev, id)"#,
    r#"DROP INDEX finding_counts"#,
    r#"CREATE INDEX finding_counts ON finding (tenant_id, severity, status, kind, source_id, priority, kev)"#,
];

const DOWN: &[&str] = &[
    r#"DROP INDEX finding_counts"#,
    r#"CREATE INDEX finding_counts ON finding (tenant_id, severity, status, kind, source_id)"#,
    r#"DROP INDEX finding_kev"#,
    r#"DROP INDEX finding_priority"#,
    r#"DROP TABLE asset_to_prioritise"#,
    r#"DROP TABLE cve_feed"#,
    r#"DROP TABLE cve"#,
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await?;
        dialect::wall(manager, &["asset_to_prioritise"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await
    }
}
