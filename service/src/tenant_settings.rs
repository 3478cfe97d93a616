//! The settings of a municipality.

use crate::{Etag, Fresh, Result, grant::stale, tenancy::Caller};
use domain::{
    Permission,
    tenant_settings::{TenantSettings, TenantSettingsPatch},
};

/// The settings of one of the caller's municipalities, unless the caller has them already. Any right there will do.
///
/// # Errors
/// `forbidden`, `unknown_tenant`.
pub async fn get(caller: &Caller, tenant: &str, seen: Option<&str>) -> Result<Fresh<TenantSettings>> {
    let read = caller.begin_any_in(Permission::ALL, &[tenant.to_owned()]).await?;
    let settings = read.platform().settings().await?;
    let etag = etag(caller, &settings);
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, settings) })
}

fn etag(caller: &Caller, settings: &TenantSettings) -> Etag {
    Etag::of_resource(settings.version, &[&caller.rights_digest()])
}

/// Changes the settings in the version read.
///
/// # Errors
/// `forbidden`, `unknown_tenant`, `stale`, `invalid_body`.
pub async fn patch(
    caller: &Caller,
    tenant: &str,
    version: i64,
    patch: TenantSettingsPatch,
) -> Result<(Etag, TenantSettings)> {
    let work = caller.administer(Permission::ManageTenants, &[tenant.to_owned()]).await?;
    let before = work.platform().settings().await?;
    if before.version != version {
        return Err(stale());
    }
    let mut after = patch.apply(&before)?;
    if after == before {
        return Ok((etag(caller, &after), after));
    }
    after.version += 1;
    if !work.platform().change_settings(&after, version).await? {
        return Err(stale());
    }
    let id = after.tenant_id.0;
    work.commit("tenant.update", ("tenant", id), &[id], caller.now()).await?;
    Ok((etag(caller, &after), after))
}
