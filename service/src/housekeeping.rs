//! What time asks for: small jobs, tenant by tenant, each a command of the
//! service itself. Every job finds its work by what is stored, so that nothing
//! is lost while the server is down and nothing is done twice on two replicas.

use crate::{
    Result, asset, attachment, finding,
    import::{self, ImportOptions},
    platform::Platform,
    risk_acceptance, sla,
    tenancy::Service,
};
use domain::TenantId;
use std::time::{Duration, Instant};

/// How the jobs are done.
#[derive(Clone, Copy, Debug)]
pub struct HousekeepingOptions {
    /// When an import counts as interrupted.
    pub imports: ImportOptions,
}

/// What deadlines that have changed may take of one go: after an upgrade that may be all findings of all tenants, and
/// the server does this before it serves.
const RECOUNTING: Duration = Duration::from_secs(5);

/// Does what is due, once. A suspended tenant waits until it is resumed, and what fails in one tenant keeps no other
/// waiting: it is logged, and tried again next time.
///
/// # Errors
/// If the tenants cannot be read.
pub async fn run(service: &Service, options: HousekeepingOptions) -> Result<()> {
    let began = Instant::now();
    for tenant in Platform::new(service.store.clone()).open_tenants().await? {
        let interrupted = import::mark_interrupted(service, tenant.id, options.imports).await;
        if began.elapsed() < RECOUNTING {
            let counted = sla::recount(service, tenant.id).await;
            told("findings were held against changed deadlines", tenant.id, counted);
        }
        told("findings are overdue", tenant.id, sla::tell_overdue(service, tenant.id).await);
        told("findings are due soon", tenant.id, sla::tell_due_soon(service, tenant.id).await);
        let expired = risk_acceptance::expire(service, tenant.id).await;
        told("risk acceptances have expired", tenant.id, expired);
        told("imports without a sign of life are interrupted", tenant.id, interrupted);
        let prioritised = finding::priority::of_waiting_assets(service, tenant.id).await;
        told("findings of assets that people rated are prioritised anew", tenant.id, prioritised);
        let swept = attachment::sweep(service, tenant.id).await;
        told("objects of no attachment are removed", tenant.id, swept);
        let moved = asset::move_findings(service, tenant.id).await;
        told("findings of merged assets have moved", tenant.id, moved);
    }
    Ok(())
}

/// Logs what a job did, where it did something.
fn told(job: &str, tenant: TenantId, done: Result<u64>) {
    match done {
        Ok(0) => {}
        Ok(count) => tracing::info!(%tenant, count, "{job}"),
        Err(error) => tracing::warn!(%tenant, %error, "not done, and tried again: {job}"),
    }
}
