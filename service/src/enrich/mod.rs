//! What others know about CVEs comes in: CISA's catalogue and FIRST's scores, from a file or
//! from an address once a day. Then the findings that it changes are prioritised anew.

mod follow;
mod load;

pub use follow::{FeedOptions, Feeds};
pub use load::{Feed, Loaded, epss, kev};

use crate::{Result, finding, platform::Platform, tenancy::Service};

/// Brings the findings of every municipality in line with what is known about their CVEs; says how many changed.
/// Those of one that cannot be written to are left for the next time.
///
/// # Errors
/// Store errors of looking for municipalities.
pub async fn prioritise(service: &Service) -> Result<u64> {
    let mut changed = 0;
    for tenant in Platform::new(service.store.clone()).open_tenants().await? {
        match finding::priority::by_cves(service, tenant.id).await {
            Ok(findings) => changed += findings,
            Err(error) => tracing::warn!(tenant = %tenant.id, %error, "findings could not be prioritised yet"),
        }
    }
    Ok(changed)
}
