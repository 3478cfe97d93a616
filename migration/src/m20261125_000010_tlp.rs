//! How widely a finding may be passed on, and what a task says to do.

use crate::dialect;
use sea_orm_migration::prelude::*;

/// See the module.
#[derive(DeriveMigrationName)]
pub struct Migration;

/// The default lets a server of the version before go on writing beside this one.
const UP: &[&str] = &[
    r#"ALTER TABLE finding ADD COLUMN tlp text NOT NULL DEFAULT 'amber'
        CHECK (tlp IN ('clear', 'green', 'amber', 'amber_strict', 'red'))"#,
    r#"ALTER TABLE finding ADD COLUMN reported_tlp text NOT NULL DEFAULT 'amber'
        CHECK (reported_tlp IN ('clear', 'green', 'amber', 'amber_strict', 'red'))"#,
    r#"ALTER TABLE import ADD COLUMN tlp text CHECK (tlp IN ('clear', 'green', 'amber', 'amber_strict', 'red'))"#,
    "ALTER TABLE task ADD COLUMN recommendation text",
];

/// Tasks made before say what the first of their findings does.
const FILL: &str = "UPDATE task SET recommendation = (
    SELECT f.recommendation FROM task_finding l
    JOIN finding f ON f.tenant_id = l.tenant_id AND f.id = l.finding_id
    WHERE l.tenant_id = task.tenant_id AND l.task_id = task.id AND f.recommendation IS NOT NULL
    ORDER BY l.finding_id LIMIT 1)";

const DOWN: &[&str] = &[
    "ALTER TABLE task DROP COLUMN recommendation",
    "ALTER TABLE import DROP COLUMN tlp",
    "ALTER TABLE finding DROP COLUMN reported_tlp",
    "ALTER TABLE finding DROP COLUMN tlp",
];

/// The tables that [`FILL`] reads and writes over all tenants, behind the wall of each.
const WALLED: &[&str] = &["task", "task_finding", "finding"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// The wall is lowered for the owner while tasks are filled: whole, or not at all.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await?;
        dialect::lower_wall(manager, WALLED).await?;
        dialect::run(manager, &[FILL]).await?;
        dialect::raise_wall(manager, WALLED).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await
    }
}
