//! The life of a finding: its history, what follows from its surroundings, and
//! what its asset counts.

use crate::dialect;
use sea_orm_migration::prelude::*;

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "ALTER TABLE finding ADD COLUMN kev boolean NOT NULL DEFAULT false",
    "ALTER TABLE finding ADD COLUMN epss_band smallint CHECK (epss_band BETWEEN 0 AND 4)",
    "ALTER TABLE finding ADD COLUMN priority smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 3)",
    "ALTER TABLE finding ADD COLUMN priority_reasons {json} NOT NULL DEFAULT '[]'",
    "ALTER TABLE finding ADD COLUMN severity_reason text",
    "ALTER TABLE finding ADD COLUMN severity_by {id}",
    "ALTER TABLE finding ADD COLUMN severity_at {time}",
    "ALTER TABLE finding ADD COLUMN due_at {time}",
    "ALTER TABLE finding ADD COLUMN overdue boolean NOT NULL DEFAULT false",
    "ALTER TABLE finding ADD COLUMN sla_from {time}",
    "ALTER TABLE finding ADD COLUMN sla_paused_at {time}",
    r#"ALTER TABLE finding ADD COLUMN acceptance_id {id}
        CHECK ((status = 'risk_accepted') = (acceptance_id IS NOT NULL))"#,
    "ALTER TABLE finding ADD COLUMN gone_at {time}",
    "ALTER TABLE asset ADD COLUMN open_informational integer NOT NULL DEFAULT 0 CHECK (open_informational >= 0)",
    "ALTER TABLE asset ADD COLUMN open_low integer NOT NULL DEFAULT 0 CHECK (open_low >= 0)",
    "ALTER TABLE asset ADD COLUMN open_medium integer NOT NULL DEFAULT 0 CHECK (open_medium >= 0)",
    "ALTER TABLE asset ADD COLUMN open_high integer NOT NULL DEFAULT 0 CHECK (open_high >= 0)",
    "ALTER TABLE asset ADD COLUMN open_critical integer NOT NULL DEFAULT 0 CHECK (open_critical >= 0)",
    "ALTER TABLE asset ADD COLUMN overdue_count integer NOT NULL DEFAULT 0 CHECK (overdue_count >= 0)",
    "ALTER TABLE asset ADD COLUMN retired_at {time}",
    "ALTER TABLE asset ADD COLUMN merged_into {id} CHECK (merged_into IS NULL OR retired_at IS NOT NULL)",
    r#"CREATE TABLE finding_version (
        tenant_id {id} NOT NULL,
        finding_id {id} NOT NULL,
        from_seq bigint NOT NULL CHECK (from_seq > 0),
        to_seq bigint CHECK (to_seq > from_seq),
        from_at {time} NOT NULL,
        to_at {time},
        asset_id {id},
        source_id {id} NOT NULL,
        rule_key text NOT NULL,
        kind text NOT NULL,
        severity smallint NOT NULL,
        cvss_score double precision,
        cves {json} NOT NULL,
        tags {json} NOT NULL,
        tlp text NOT NULL,
        kev boolean NOT NULL,
        epss_band smallint,
        priority smallint NOT NULL,
        status text NOT NULL,
        justification text,
        duplicate_of {id},
        acceptance_id {id},
        reopened_count integer NOT NULL,
        seen_after_dismissal boolean NOT NULL,
        assignee text,
        due_at {time},
        overdue boolean NOT NULL,
        gone_at {time},
        first_seen {time} NOT NULL,
        created_at {time} NOT NULL,
        updated_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, finding_id, from_seq),
        FOREIGN KEY (tenant_id, finding_id) REFERENCES finding (tenant_id, id),
        CHECK ((to_seq IS NULL) = (to_at IS NULL))
    )"#,
    "CREATE INDEX finding_version_moment ON finding_version (tenant_id, from_at)",
];

/// What is open now is counted; history begins with what is stored now, since nobody wrote down what was before.
const FILL: &[&str] = &[
    r#"UPDATE asset SET
        open_informational = (SELECT count(*) FROM finding f WHERE f.tenant_id = asset.tenant_id AND f.asset_id = asset.id
            AND f.status IN ('new', 'confirmed', 'in_progress', 'fix_claimed') AND f.severity = 0),
        open_low = (SELECT count(*) FROM finding f WHERE f.tenant_id = asset.tenant_id AND f.asset_id = asset.id
            AND f.status IN ('new', 'confirmed', 'in_progress', 'fix_claimed') AND f.severity = 1),
        open_medium = (SELECT count(*) FROM finding f WHERE f.tenant_id = asset.tenant_id AND f.asset_id = asset.id
            AND f.status IN ('new', 'confirmed', 'in_progress', 'fix_claimed') AND f.severity = 2),
        open_high = (SELECT count(*) FROM finding f WHERE f.tenant_id = asset.tenant_id AND f.asset_id = asset.id
            AND f.status IN ('new', 'confirmed', 'in_progress', 'fix_claimed') AND f.severity = 3),
        open_critical = (SELECT count(*) FROM finding f WHERE f.tenant_id = asset.tenant_id AND f.asset_id = asset.id
            AND f.status IN ('new', 'confirmed', 'in_progress', 'fix_claimed') AND f.severity = 4)"#,
    r#"INSERT INTO finding_version (tenant_id, finding_id, from_seq, from_at, asset_id, source_id, rule_key, kind, severity,
            cvss_score, cves, tags, tlp, kev, priority, status, justification, duplicate_of, reopened_count,
            seen_after_dismissal, assignee, overdue, first_seen, created_at, updated_at)
        SELECT tenant_id, id, seq, updated_at, asset_id, source_id, rule_key, kind, severity,
            cvss_score, cves, tags, tlp, kev, priority, status, justification, duplicate_of, reopened_count,
            seen_after_dismissal, assignee, overdue, first_seen, created_at, updated_at FROM finding"#,
];

const DOWN: &[&str] = &[
    "DROP TABLE finding_version",
    "ALTER TABLE asset DROP COLUMN merged_into",
    "ALTER TABLE asset DROP COLUMN retired_at",
    "ALTER TABLE asset DROP COLUMN overdue_count",
    "ALTER TABLE asset DROP COLUMN open_critical",
    "ALTER TABLE asset DROP COLUMN open_high",
    "ALTER TABLE asset DROP COLUMN open_medium",
    "ALTER TABLE asset DROP COLUMN open_low",
    "ALTER TABLE asset DROP COLUMN open_informational",
    "ALTER TABLE finding DROP COLUMN gone_at",
    "ALTER TABLE finding DROP COLUMN acceptance_id",
    "ALTER TABLE finding DROP COLUMN sla_paused_at",
    "ALTER TABLE finding DROP COLUMN sla_from",
    "ALTER TABLE finding DROP COLUMN overdue",
    "ALTER TABLE finding DROP COLUMN due_at",
    "ALTER TABLE finding DROP COLUMN severity_at",
    "ALTER TABLE finding DROP COLUMN severity_by",
    "ALTER TABLE finding DROP COLUMN severity_reason",
    "ALTER TABLE finding DROP COLUMN priority_reasons",
    "ALTER TABLE finding DROP COLUMN priority",
    "ALTER TABLE finding DROP COLUMN epss_band",
    "ALTER TABLE finding DROP COLUMN kev",
];

/// The tables that [`FILL`] reads and writes over all tenants, behind the wall of each.
const WALLED: &[&str] = &["finding", "asset"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// The wall is lowered for the owner while counts are filled: whole, or not at all.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await?;
        dialect::lower_wall(manager, WALLED).await?;
        dialect::run(manager, FILL).await?;
        dialect::raise_wall(manager, WALLED).await?;
        dialect::wall(manager, &["finding_version"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await
    }
}
