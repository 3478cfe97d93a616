//! The life of a task: made by hand or by the municipality's rule, claimed, linked, moved by its tracker.

use crate::dialect;
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &["task_dependency", "task_lease", "ticket_mapping"];

/// The defaults let a server of the version before go on writing beside this one.
const UP: &[&str] = &[
    "ALTER TABLE task ADD COLUMN plan text",
    "ALTER TABLE task ADD COLUMN assignee text",
    "ALTER TABLE task ADD COLUMN due_at {time}",
    "ALTER TABLE task ADD COLUMN due_set boolean NOT NULL DEFAULT false",
    "ALTER TABLE task ADD COLUMN effort_hours double precision CHECK (effort_hours BETWEEN 0 AND 1000000)",
    "ALTER TABLE task ADD COLUMN cost bigint CHECK (cost BETWEEN 0 AND 1000000000000)",
    "ALTER TABLE task ADD COLUMN status_reason text CHECK (status <> 'cancelled' OR status_reason IS NOT NULL)",
    "ALTER TABLE task ADD COLUMN external_actor text",
    "ALTER TABLE task ADD COLUMN priority smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 3)",
    "ALTER TABLE task ADD COLUMN open_finding_count integer NOT NULL DEFAULT 0 CHECK (open_finding_count >= 0)",
    "ALTER TABLE task ADD COLUMN held boolean NOT NULL DEFAULT false",
    r#"ALTER TABLE task ADD COLUMN grouped_by text NOT NULL DEFAULT 'rule_key'
        CHECK (grouped_by IN ('rule_key', 'asset', 'finding', 'hand'))"#,
    r#"ALTER TABLE task ADD COLUMN group_id {id}
        CHECK ((grouped_by IN ('asset', 'finding')) = (group_id IS NOT NULL))"#,
    // When it came to its status; none where a server of the version before has written it.
    "ALTER TABLE task ADD COLUMN status_at {time}",
    "CREATE INDEX task_claimable ON task (tenant_id, priority DESC, severity DESC, id) WHERE status NOT IN ('done', 'cancelled') AND NOT held",
    "CREATE UNIQUE INDEX task_open_group ON task (tenant_id, grouped_by, group_id) WHERE status NOT IN ('done', 'cancelled')",
    "ALTER TABLE ticket ADD COLUMN state text CHECK (state <> '')",
    "ALTER TABLE ticket ADD COLUMN state_at {time} CHECK ((state IS NULL) = (state_at IS NULL))",
    "ALTER TABLE ticket ADD COLUMN external_actor text",
    "ALTER TABLE ticket ADD COLUMN state_understood boolean NOT NULL DEFAULT true",
    "ALTER TABLE finding ADD COLUMN claimed_by_external text CHECK (claimed_by_external IS NULL OR claimed_by IS NOT NULL)",
    r#"ALTER TABLE tenant ADD COLUMN task_group text NOT NULL DEFAULT 'rule_key'
        CHECK (task_group IN ('rule_key', 'asset', 'finding', 'hand'))"#,
    "ALTER TABLE tenant ADD COLUMN task_threshold smallint NOT NULL DEFAULT 2 CHECK (task_threshold BETWEEN 0 AND 4)",
    r#"CREATE TABLE task_dependency (
        tenant_id {id} NOT NULL,
        task_id {id} NOT NULL,
        blocked_by {id} NOT NULL CHECK (blocked_by <> task_id),
        PRIMARY KEY (tenant_id, task_id, blocked_by),
        FOREIGN KEY (tenant_id, task_id) REFERENCES task (tenant_id, id),
        FOREIGN KEY (tenant_id, blocked_by) REFERENCES task (tenant_id, id)
    )"#,
    "CREATE INDEX task_dependency_blocker ON task_dependency (tenant_id, blocked_by)",
    r#"CREATE TABLE task_lease (
        tenant_id {id} NOT NULL,
        task_id {id} NOT NULL,
        system text NOT NULL CHECK (system <> ''),
        token {id} NOT NULL,
        claimed_by {id} NOT NULL,
        expires_at {time} NOT NULL,
        PRIMARY KEY (tenant_id, task_id, system),
        FOREIGN KEY (tenant_id, task_id) REFERENCES task (tenant_id, id)
    )"#,
    r#"CREATE TABLE ticket_mapping (
        tenant_id {id} NOT NULL REFERENCES tenant (id),
        system text NOT NULL CHECK (system <> ''),
        states {json} NOT NULL,
        version bigint NOT NULL CHECK (version > 0),
        PRIMARY KEY (tenant_id, system)
    )"#,
];

const OPEN: &str = "IN ('new', 'confirmed', 'in_progress', 'fix_claimed')";

/// Each finding of a task, and whether work is left on it.
fn fill() -> String {
    format!(
        "UPDATE task SET status_at = updated_at, open_finding_count = (SELECT count(*) FROM task_finding l
            JOIN finding f ON f.tenant_id = l.tenant_id AND f.id = l.finding_id
            WHERE l.tenant_id = task.tenant_id AND l.task_id = task.id AND f.status {OPEN})"
    )
}

const DOWN: &[&str] = &[
    "DROP TABLE ticket_mapping",
    "DROP TABLE task_lease",
    "DROP TABLE task_dependency",
    "ALTER TABLE tenant DROP COLUMN task_threshold",
    "ALTER TABLE tenant DROP COLUMN task_group",
    "ALTER TABLE finding DROP COLUMN claimed_by_external",
    "ALTER TABLE ticket DROP COLUMN state_understood",
    "ALTER TABLE ticket DROP COLUMN external_actor",
    "ALTER TABLE ticket DROP COLUMN state_at",
    "ALTER TABLE ticket DROP COLUMN state",
    "DROP INDEX task_open_group",
    "DROP INDEX task_claimable",
    "ALTER TABLE task DROP COLUMN status_at",
    "ALTER TABLE task DROP COLUMN group_id",
    "ALTER TABLE task DROP COLUMN grouped_by",
    "ALTER TABLE task DROP COLUMN held",
    "ALTER TABLE task DROP COLUMN open_finding_count",
    "ALTER TABLE task DROP COLUMN priority",
    "ALTER TABLE task DROP COLUMN external_actor",
    "ALTER TABLE task DROP COLUMN status_reason",
    "ALTER TABLE task DROP COLUMN cost",
    "ALTER TABLE task DROP COLUMN effort_hours",
    "ALTER TABLE task DROP COLUMN due_set",
    "ALTER TABLE task DROP COLUMN due_at",
    "ALTER TABLE task DROP COLUMN assignee",
    "ALTER TABLE task DROP COLUMN plan",
];

/// The version before knows only tasks of a weakness.
const OTHERS_GO: &[&str] = &[
    "DELETE FROM ticket WHERE (tenant_id, task_id) IN (SELECT tenant_id, id FROM task WHERE source_id IS NULL)",
    "DELETE FROM task_finding WHERE (tenant_id, task_id) IN (SELECT tenant_id, id FROM task WHERE source_id IS NULL)",
    "DELETE FROM task WHERE source_id IS NULL",
];

/// The tables that are read and written over all tenants, behind the wall of each.
const WALLED: &[&str] = &["task", "task_finding", "ticket", "finding"];

/// The columns that only tasks of a weakness have.
const OF_WEAKNESS: &[(&str, &str)] = &[("source_id", "blob"), ("rule_key", "text")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// The wall is lowered for the owner while counts are filled: whole, or not at all.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await?;
        for (column, kind) in OF_WEAKNESS {
            if manager.get_database_backend() == DbBackend::Sqlite {
                let (old, new) = (format!("{column} {kind} NOT NULL"), format!("{column} {kind}"));
                dialect::rebuild(manager, "task", &old, &new).await?;
            } else {
                dialect::run(manager, &[&format!("ALTER TABLE task ALTER COLUMN {column} DROP NOT NULL")]).await?;
            }
        }
        dialect::lower_wall(manager, WALLED).await?;
        dialect::run(manager, &[&fill()]).await?;
        dialect::raise_wall(manager, WALLED).await?;
        dialect::wall(manager, TABLES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::lower_wall(manager, WALLED).await?;
        dialect::run(manager, DOWN.get(..3).unwrap_or_default()).await?;
        dialect::run(manager, OTHERS_GO).await?;
        dialect::raise_wall(manager, WALLED).await?;
        dialect::run(manager, DOWN.get(3..).unwrap_or_default()).await?;
        for (column, kind) in OF_WEAKNESS {
            if manager.get_database_backend() == DbBackend::Sqlite {
                let (old, new) = (format!("{column} {kind}"), format!("{column} {kind} NOT NULL"));
                dialect::rebuild(manager, "task", &old, &new).await?;
            } else {
                dialect::run(manager, &[&format!("ALTER TABLE task ALTER COLUMN {column} SET NOT NULL")]).await?;
            }
        }
        Ok(())
    }
}
