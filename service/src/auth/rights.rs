//! What a token gets: what it asks for, cut to what its client may, to live grants, tenant by tenant.

use super::snapshot::{Reason, Snapshot};
use crate::{
    platform::{self, ClientRow, To},
    tenancy::{Membership, Right},
};
use domain::{RightReason, Scopes, TenantId, Timestamp, grant::HolderKind};
use std::collections::BTreeMap;

/// What a token asks for.
pub(super) struct Asked<'t> {
    pub(super) scopes: Scopes,
    pub(super) tenants: &'t [String],
    pub(super) roles: &'t [String],
}

/// What is asked for and granted, tenant by tenant: never put together over tenants.
pub(super) fn rights(
    snapshot: &Snapshot,
    who: &platform::Principal,
    asked: &Asked<'_>,
    now: Timestamp,
) -> BTreeMap<TenantId, Right> {
    let client = snapshot.client_of(who.id);
    let most = client.map_or(asked.scopes, |client| asked.scopes.intersection(client.scopes));
    let mut rights = BTreeMap::new();
    for tenant in asked.tenants.iter().filter_map(|named| snapshot.tenant(named)) {
        if client.is_some_and(|client| !client.tenants.contains(&tenant.id)) {
            continue;
        }
        let because: Vec<_> = snapshot
            .rights(who, asked.roles, tenant.id, now)
            .into_iter()
            .map(|reason| Reason { scopes: reason.scopes.intersection(most), ..reason })
            .filter(|reason| !reason.scopes.is_empty())
            .collect();
        let scopes = because.iter().fold(Scopes::NONE, |sum, reason| sum.union(reason.scopes));
        if !scopes.is_empty() {
            let because = because.iter().map(shown).collect();
            rights.insert(tenant.id, Right { tenant: tenant.clone(), scopes, because });
        }
    }
    rights
}

fn shown(reason: &Reason<'_>) -> RightReason {
    RightReason {
        grant_id: reason.grant.id,
        holder: match reason.grant.to {
            To::Principal(_) => HolderKind::Principal,
            To::Organisation(_) => HolderKind::Organisation,
            To::Role { .. } => HolderKind::Role,
        },
        origin: reason.grant.origin.clone(),
        scopes: reason.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        valid_to: reason.grant.valid_to.map(Into::into),
    }
}

pub(super) fn membership(who: &platform::Principal) -> Option<Membership> {
    who.organisation.map(|id| Membership { id, is_provider: who.of_provider })
}

/// What ends a client's tokens before their time.
pub(super) fn check_client(client: &ClientRow, issued: i64, now: Timestamp) -> std::result::Result<(), &'static str> {
    if client.disabled {
        return Err("client disabled");
    }
    if client.expires_at.is_some_and(|end| end <= now) {
        return Err("client expired");
    }
    if issued < client.tokens_from.timestamp() {
        return Err("tokens of the client revoked");
    }
    Ok(())
}
