//! What time asks for: small jobs, tenant by tenant, each a command of the
//! service itself. Every job finds its work by what is stored, so that nothing
//! is lost while the server is down and nothing is done twice on two replicas.

use crate::{
    Result, asset, attachment, change, finding, fingerprint_rule,
    import::{self, ImportOptions},
    platform::Platform,
    risk_acceptance, search, sla, source,
    tenancy::{Service, forget_old},
};
use domain::TenantId;

/// How the jobs are done.
#[derive(Clone, Copy, Debug)]
pub struct HousekeepingOptions {
    /// When an import counts as interrupted.
    pub imports: ImportOptions,
}

/// Does what is due, once: [`on_time`], then [`catch_up`].
///
/// # Errors
/// If the tenants cannot be read.
pub async fn run(service: &Service, options: HousekeepingOptions) -> Result<()> {
    on_time(service, options).await?;
    catch_up(service).await
}

/// The jobs that are done in a moment and wait for no other. A suspended tenant waits until it is resumed, and what
/// fails in one tenant keeps no other waiting: it is logged, and tried again next time.
///
/// # Errors
/// If the tenants cannot be read.
pub async fn on_time(service: &Service, options: HousekeepingOptions) -> Result<()> {
    for tenant in Platform::new(service.store.clone()).open_tenants().await? {
        let interrupted = import::mark_interrupted(service, tenant.id, options.imports).await;
        told("imports without a sign of life are interrupted", tenant.id, interrupted);
        let expired = risk_acceptance::expire(service, tenant.id).await;
        told("risk acceptances have expired", tenant.id, expired);
    }
    Ok(())
}

/// The jobs that go through many findings or files, which takes seconds.
///
/// # Errors
/// If the tenants cannot be read.
pub async fn catch_up(service: &Service) -> Result<()> {
    for tenant in Platform::new(service.store.clone()).open_tenants().await? {
        let counted = sla::recount(service, tenant.id).await;
        told("findings were held against changed deadlines", tenant.id, counted);
        told("findings are overdue", tenant.id, sla::tell_overdue(service, tenant.id).await);
        told("findings are due soon", tenant.id, sla::tell_due_soon(service, tenant.id).await);
        let prioritised = finding::priority::of_waiting_assets(service, tenant.id).await;
        told("findings of assets that people rated are prioritised anew", tenant.id, prioritised);
        let swept = attachment::sweep(service, tenant.id).await;
        told("objects of no attachment are removed", tenant.id, swept);
        let silent = source::tell_silent(service, tenant.id).await;
        told("sources have fallen silent", tenant.id, silent);
        let reruns = fingerprint_rule::go_on(service, tenant.id).await;
        told("steps of fingerprint rules are done", tenant.id, reruns);
        let told_words = search::catch_up(service, tenant.id).await;
        told("rows of before can be searched for", tenant.id, told_words);
        let moved = asset::move_findings(service, tenant.id).await;
        told("findings of merged assets have moved", tenant.id, moved);
    }
    for tenant in Platform::new(service.store.clone()).tenants().await? {
        let forgotten = forget_old(service, tenant.id).await;
        told("answers to requests of more than a day ago are forgotten", tenant.id, forgotten);
        told("events are no longer kept", tenant.id, change::prune(service, tenant.id).await);
    }
    Ok(())
}

/// Wakes those who wait for something to happen, for as long as it is polled.
pub async fn follow_clocks(service: Service) {
    service.apart.follow_clocks().await;
}

/// Logs what a job did, where it did something.
fn told(job: &str, tenant: TenantId, done: Result<u64>) {
    match done {
        Ok(0) => {}
        Ok(count) => tracing::info!(%tenant, count, "{job}"),
        Err(error) => tracing::warn!(%tenant, %error, "not done, and tried again: {job}"),
    }
}
