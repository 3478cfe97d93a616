//! The municipalities that a caller has rights in.

use crate::{Error, Result, platform::Platform, tenancy::Caller};
use domain::Tenant;
use uuid::Uuid;

/// The caller's tenants, by slug.
pub async fn list(caller: &Caller) -> Result<Vec<Tenant>> {
    let ids: Vec<Uuid> = caller.rights().keys().map(|id| id.0).collect();
    Platform::new(caller.service().store.clone()).tenants_of(&ids).await
}

/// One of the caller's tenants, by slug or id.
///
/// # Errors
/// `not_found`.
pub async fn get(caller: &Caller, named: &str) -> Result<Tenant> {
    let is_named = |tenant: &Tenant| tenant.slug == named || tenant.id.to_string() == named.to_ascii_lowercase();
    list(caller).await?.into_iter().find(is_named).ok_or_else(Error::not_found)
}
