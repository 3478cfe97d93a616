//! Who am I, and what may I do where.

use crate::tenancy::Caller;
use domain::{Me, TenantRights};

/// The caller, as Fynd sees it.
pub fn me(caller: &Caller) -> Me {
    let tenants = caller.rights().iter().map(|(id, right)| TenantRights {
        id: *id,
        slug: right.tenant.slug.clone(),
        name: right.tenant.name.clone(),
        scopes: right.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        because: right.because.clone(),
    });
    Me {
        principal_id: caller.principal(),
        issuer: caller.issuer().to_owned(),
        subject: caller.subject().to_owned(),
        expires_at: caller.expires_at().into(),
        tenants: tenants.collect(),
    }
}
