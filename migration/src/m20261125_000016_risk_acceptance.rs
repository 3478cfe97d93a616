//! Risk acceptances, and what due dates take beside the columns that findings have for them.

use crate::dialect;
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &["risk_acceptance", "risk_acceptance_finding", "sla_progress"];

const UP: &[&str] = &[
    "ALTER TABLE tenant ADD COLUMN sla_kev_days integer NOT NULL DEFAULT 14 CHECK (sla_kev_days BETWEEN 1 AND 3650)",
    "ALTER TABLE tenant ADD COLUMN sla_internet_percent integer NOT NULL DEFAULT 50
        CHECK (sla_internet_percent BETWEEN 1 AND 100)",
    "ALTER TABLE tenant ADD COLUMN sla_due_soon_days integer NOT NULL DEFAULT 3
        CHECK (sla_due_soon_days BETWEEN 1 AND 90)",
    // Nobody approves what the same principal asked for; that it is not the same person either, the rule sees to.
    r#"CREATE TABLE risk_acceptance (
        tenant_id {id} NOT NULL REFERENCES tenant (id),
        id {id} NOT NULL,
        status text NOT NULL CHECK (status IN ('requested', 'approved', 'refused', 'expired', 'revoked')),
        reason text NOT NULL CHECK (reason <> ''),
        finding_count integer NOT NULL CHECK (finding_count BETWEEN 1 AND 1000),
        accepted_count integer NOT NULL CHECK (accepted_count >= 0),
        skipped_count integer NOT NULL CHECK (skipped_count >= 0),
        standstill_days integer NOT NULL CHECK (standstill_days BETWEEN 0 AND 3650),
        cost_per_day bigint NOT NULL CHECK (cost_per_day >= 0),
        fix_cost bigint NOT NULL CHECK (fix_cost >= 0),
        currency text NOT NULL CHECK (length(currency) = 3),
        services {json} NOT NULL,
        days_by_service boolean NOT NULL,
        cost_by_service boolean NOT NULL,
        requested_by {id} NOT NULL,
        requested_at {time} NOT NULL,
        expires_at {time} NOT NULL CHECK (expires_at > requested_at),
        decided_by {id},
        decided_at {time},
        decision_reason text,
        revoked_by {id},
        revocation_reason text,
        ended_at {time},
        review_needed boolean NOT NULL,
        review_reason text,
        updated_at {time} NOT NULL,
        seq bigint NOT NULL CHECK (seq > 0),
        PRIMARY KEY (tenant_id, id),
        CHECK (accepted_count + skipped_count <= finding_count),
        CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
        CHECK (status <> 'requested' OR decided_by IS NULL),
        CHECK (status NOT IN ('approved', 'revoked') OR (decided_by IS NOT NULL AND decided_by <> requested_by)),
        CHECK (status <> 'refused' OR (decided_by IS NOT NULL AND decision_reason IS NOT NULL)),
        CHECK ((status = 'revoked') = (revoked_by IS NOT NULL) AND (status = 'revoked') = (revocation_reason IS NOT NULL)),
        CHECK ((status IN ('expired', 'revoked')) = (ended_at IS NOT NULL))
    )"#,
    // Those whose end is to come, for the job that ends them.
    r#"CREATE INDEX risk_acceptance_live ON risk_acceptance (tenant_id, expires_at)
        WHERE status IN ('requested', 'approved')"#,
    r#"CREATE TABLE risk_acceptance_finding (
        tenant_id {id} NOT NULL,
        acceptance_id {id} NOT NULL,
        finding_id {id} NOT NULL,
        outcome text NOT NULL
            CHECK (outcome IN ('requested', 'accepted', 'skipped', 'returned', 'closed', 'dropped')),
        found_status text,
        PRIMARY KEY (tenant_id, acceptance_id, finding_id),
        FOREIGN KEY (tenant_id, acceptance_id) REFERENCES risk_acceptance (tenant_id, id),
        FOREIGN KEY (tenant_id, finding_id) REFERENCES finding (tenant_id, id),
        CHECK ((outcome IN ('skipped', 'closed')) = (found_status IS NOT NULL))
    )"#,
    r#"CREATE INDEX risk_acceptance_finding_finding ON risk_acceptance_finding (tenant_id, finding_id)"#,
    // A finding is in one acceptance at a time.
    r#"CREATE UNIQUE INDEX risk_acceptance_finding_live ON risk_acceptance_finding (tenant_id, finding_id)
        WHERE outcome IN ('requested', 'accepted')"#,
    // How far the due dates follow the settings: the policy they are counted by, and the last finding that was.
    r#"CREATE TABLE sla_progress (
        tenant_id {id} NOT NULL PRIMARY KEY REFERENCES tenant (id),
        policy text NOT NULL,
        last_id {id}
    )"#,
    "ALTER TABLE finding ADD COLUMN due_soon boolean NOT NULL DEFAULT FALSE",
    // What has no due date sorts behind everything that has one; a page cannot go on from a null.
    "ALTER TABLE finding ADD COLUMN due_order {time} NOT NULL DEFAULT '9999-12-31T23:59:59+00:00'",
    "ALTER TABLE finding_version ADD COLUMN due_soon boolean NOT NULL DEFAULT FALSE",
    "ALTER TABLE finding_version ADD COLUMN due_order {time} NOT NULL DEFAULT '9999-12-31T23:59:59+00:00'",
    "CREATE INDEX finding_due ON finding (tenant_id, due_order, id)",
    // What may be told to be due soon or overdue; the jobs ask for it in these very words.
    "CREATE INDEX finding_due_open ON finding (tenant_id, due_order)
        WHERE NOT overdue AND status IN ('new', 'confirmed', 'in_progress', 'fix_claimed')",
];

const DOWN: &[&str] = &[
    "DROP INDEX finding_due_open",
    "DROP INDEX finding_due",
    "ALTER TABLE finding_version DROP COLUMN due_order",
    "ALTER TABLE finding_version DROP COLUMN due_soon",
    "ALTER TABLE finding DROP COLUMN due_order",
    "ALTER TABLE finding DROP COLUMN due_soon",
    "ALTER TABLE tenant DROP COLUMN sla_due_soon_days",
    "ALTER TABLE tenant DROP COLUMN sla_internet_percent",
    "ALTER TABLE tenant DROP COLUMN sla_kev_days",
];

/// A risk is accepted through an acceptance of the same municipality.
const ACCEPTANCE: &str = "CONSTRAINT finding_acceptance FOREIGN KEY (tenant_id, acceptance_id) \
                          REFERENCES risk_acceptance (tenant_id, id)";
/// The first constraint of the table as it was made.
const KEY: &str = "PRIMARY KEY (tenant_id, id)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// Rebuilding a table on SQLite must happen whole or not at all.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await?;
        dialect::wall(manager, TABLES).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            let add = format!("ALTER TABLE finding ADD {ACCEPTANCE}");
            manager.get_connection().execute_unprepared(&add).await?;
            return Ok(());
        }
        dialect::rebuild(manager, "finding", KEY, &format!("{KEY}, {ACCEPTANCE}")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            let drop = "ALTER TABLE finding DROP CONSTRAINT finding_acceptance";
            manager.get_connection().execute_unprepared(drop).await?;
        } else {
            dialect::rebuild(manager, "finding", &format!("{KEY}, {ACCEPTANCE}"), KEY).await?;
        }
        dialect::run(manager, DOWN).await?;
        dialect::drop_tables(manager, TABLES).await
    }
}
