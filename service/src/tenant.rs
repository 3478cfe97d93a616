//! The municipalities that a caller has rights in.

use crate::{Error, Result, tenancy::Caller};
use domain::Tenant;

/// The caller's tenants, by slug. They come with its rights, without a look at the store.
pub fn list(caller: &Caller) -> Vec<Tenant> {
    let mut tenants: Vec<_> = caller.rights().values().map(|right| right.tenant.clone()).collect();
    tenants.sort_by(|a, b| a.slug.cmp(&b.slug));
    tenants
}

/// One of the caller's tenants, by slug or id.
///
/// # Errors
/// `not_found`.
pub fn get(caller: &Caller, named: &str) -> Result<Tenant> {
    list(caller).into_iter().find(|tenant| tenant.is_named(named)).ok_or_else(Error::not_found)
}
