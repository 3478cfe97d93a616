//! How the tables came to be: append-only, reversible, one set for both stores.
//!
//! Tables are written as SQL, since CHECKs, composite keys and policies read
//! best there; `dialect` fills in the few types that the stores name
//! differently. A landed migration is never edited, and none imports `entity`:
//! that room shows the tables as they are, this one as they were.

mod dialect;
mod m20261124_000001_platform;
mod m20261124_000002_spine;
mod m20261124_000003_findings;
mod m20261124_000004_tasks;
mod m20261124_000005_imports;
mod m20261124_000006_statistics;
mod m20261124_000007_open_vocabulary;
mod m20261125_000008_identity;
mod m20261125_000009_audit;
mod m20261125_000010_tlp;
mod m20261125_000011_tenant_settings;
mod m20261125_000012_finding_life;
mod m20261125_000013_cve;
mod m20261125_000014_assets;
mod m20261125_000015_task_life;
mod m20261125_000016_risk_acceptance;
mod m20261125_000017_notes;
mod m20261125_000018_sightings;
mod m20261125_000019_finding_identity;
mod m20261125_000020_idempotency;
mod m20261125_000021_search;
mod m20261130_000022_feed;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

/// All migrations, in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261124_000001_platform::Migration),
            Box::new(m20261124_000002_spine::Migration),
            Box::new(m20261124_000003_findings::Migration),
            Box::new(m20261124_000004_tasks::Migration),
            Box::new(m20261124_000005_imports::Migration),
            Box::new(m20261124_000006_statistics::Migration),
            Box::new(m20261124_000007_open_vocabulary::Migration),
            Box::new(m20261125_000008_identity::Migration),
            Box::new(m20261125_000009_audit::Migration),
            Box::new(m20261125_000010_tlp::Migration),
            Box::new(m20261125_000011_tenant_settings::Migration),
            Box::new(m20261125_000012_finding_life::Migration),
            Box::new(m20261125_000013_cve::Migration),
            Box::new(m20261125_000014_assets::Migration),
            Box::new(m20261125_000015_task_life::Migration),
            Box::new(m20261125_000016_risk_acceptance::Migration),
            Box::new(m20261125_000017_notes::Migration),
            Box::new(m20261125_000018_sightings::Migration),
            Box::new(m20261125_000019_finding_identity::Migration),
            Box::new(m20261125_000020_idempotency::Migration),
            Box::new(m20261125_000021_search::Migration),
            Box::new(m20261130_000022_feed::Migration),
        ]
    }
}
