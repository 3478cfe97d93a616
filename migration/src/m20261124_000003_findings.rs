//! Sources, assets and findings.

use crate::dialect;
use sea_orm_migration::prelude::*;

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] =
    &["source", "asset", "asset_identifier", "finding", "sighting", "finding_evidence", "finding_term"];

const UP: &[&str] = &[
    r#"CREATE TABLE source (
        tenant_id {id} NOT NULL REFERENCES tenant (id),
        id {id} NOT NULL,
        name text NOT NULL CHECK (name <> ''),
        tool text NOT NULL,
        created_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, name)
    )"#,
    r#"CREATE TABLE asset (
        tenant_id {id} NOT NULL REFERENCES tenant (id),
        id {id} NOT NULL,
        kind text NOT NULL CHECK (kind IN ('host', 'web_application', 'repository', 'other')),
        name text NOT NULL CHECK (name <> ''),
        criticality smallint CHECK (criticality BETWEEN 1 AND 4),
        exposure text CHECK (exposure IN ('internet', 'partner', 'internal', 'isolated')),
        owner_unit text,
        provenance text NOT NULL CHECK (provenance IN ('inventoried', 'discovered')),
        first_known_at {time} NOT NULL,
        updated_at {time} NOT NULL,
        seq bigint NOT NULL CHECK (seq > 0),
        PRIMARY KEY (tenant_id, id)
    )"#,
    r#"CREATE TABLE asset_identifier (
        tenant_id {id} NOT NULL,
        kind text NOT NULL CHECK (kind IN ('cloud_id', 'edr_id', 'serial', 'repository', 'fqdn', 'hostname', 'mac', 'ip')),
        value text NOT NULL CHECK (value <> ''),
        asset_id {id} NOT NULL,
        PRIMARY KEY (tenant_id, kind, value),
        FOREIGN KEY (tenant_id, asset_id) REFERENCES asset (tenant_id, id)
    )"#,
    r#"CREATE INDEX asset_identifier_asset ON asset_identifier (tenant_id, asset_id)"#,
    r#"CREATE TABLE finding (
        tenant_id {id} NOT NULL REFERENCES tenant (id),
        id {id} NOT NULL,
        asset_id {id},
        source_id {id} NOT NULL,
        source_ref text,
        rule_key text NOT NULL CHECK (rule_key <> ''),
        fingerprint text NOT NULL,
        fingerprint_version smallint NOT NULL,
        kind text NOT NULL CHECK (kind IN ('vulnerability', 'misconfiguration', 'detection', 'compliance', 'observation')),
        title text NOT NULL CHECK (title <> ''),
        description text NOT NULL,
        consequence text,
        recommendation text,
        severity smallint NOT NULL CHECK (severity BETWEEN 0 AND 4),
        reported_severity smallint NOT NULL CHECK (reported_severity BETWEEN 0 AND 4),
        source_severity text,
        cvss_vector text,
        cvss_score double precision CHECK (cvss_score BETWEEN 0 AND 10),
        cves {json} NOT NULL,
        cwes {json} NOT NULL,
        citations {json} NOT NULL,
        location {json} NOT NULL,
        tags {json} NOT NULL,
        reported_tags {json} NOT NULL,
        person_set smallint NOT NULL,
        status text NOT NULL CHECK (status IN ('new', 'confirmed', 'in_progress', 'fix_claimed', 'verified_fixed',
            'false_positive', 'duplicate', 'not_applicable', 'risk_accepted')),
        justification text CHECK (justification IN ('component_not_present', 'vulnerable_code_not_present',
            'vulnerable_code_not_in_execute_path', 'vulnerable_code_cannot_be_controlled_by_adversary',
            'inline_mitigations_already_exist', 'scanner_error', 'patch_backported', 'same_as_other')),
        status_comment text,
        duplicate_of {id},
        decided_at {time},
        claimed_by {id},
        reopened_count integer NOT NULL CHECK (reopened_count >= 0),
        seen_after_dismissal boolean NOT NULL,
        assignee text,
        first_seen {time} NOT NULL,
        created_at {time} NOT NULL,
        updated_at {time} NOT NULL,
        seq bigint NOT NULL CHECK (seq > 0),
        PRIMARY KEY (tenant_id, id),
        UNIQUE (tenant_id, source_id, fingerprint),
        FOREIGN KEY (tenant_id, asset_id) REFERENCES asset (tenant_id, id),
        FOREIGN KEY (tenant_id, source_id) REFERENCES source (tenant_id, id),
        FOREIGN KEY (tenant_id, duplicate_of) REFERENCES finding (tenant_id, id),
        CHECK ((status IN ('false_positive', 'duplicate', 'not_applicable')) = (justification IS NOT NULL)),
        CHECK ((status = 'duplicate') = (duplicate_of IS NOT NULL)),
        CHECK ((status = 'fix_claimed') = (claimed_by IS NOT NULL))
    )"#,
    r#"CREATE INDEX finding_severity ON finding (tenant_id, severity, id)"#,
    r#"CREATE INDEX finding_updated ON finding (tenant_id, updated_at, id)"#,
    r#"CREATE INDEX finding_first_seen ON finding (tenant_id, first_seen, id)"#,
    r#"CREATE INDEX finding_asset ON finding (tenant_id, asset_id, id)"#,
    r#"CREATE TABLE sighting (
        tenant_id {id} NOT NULL,
        finding_id {id} NOT NULL,
        last_seen {time} NOT NULL,
        observed_at {time} NOT NULL,
        content_hash text NOT NULL,
        PRIMARY KEY (tenant_id, finding_id),
        FOREIGN KEY (tenant_id, finding_id) REFERENCES finding (tenant_id, id)
    )"#,
    r#"CREATE TABLE finding_evidence (
        tenant_id {id} NOT NULL,
        finding_id {id} NOT NULL,
        text text NOT NULL,
        PRIMARY KEY (tenant_id, finding_id),
        FOREIGN KEY (tenant_id, finding_id) REFERENCES finding (tenant_id, id)
    )"#,
    r#"CREATE TABLE finding_term (
        tenant_id {id} NOT NULL,
        kind text NOT NULL CHECK (kind IN ('cve', 'tag')),
        term text NOT NULL,
        finding_id {id} NOT NULL,
        PRIMARY KEY (tenant_id, kind, term, finding_id),
        FOREIGN KEY (tenant_id, finding_id) REFERENCES finding (tenant_id, id)
    )"#,
    r#"CREATE INDEX finding_term_finding ON finding_term (tenant_id, finding_id)"#,
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
