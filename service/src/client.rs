//! API clients: made, changed, rotated and ended by those who manage them.

use crate::{
    Error, Etag, Fresh, Result,
    auth::{ClientKeys, Secret},
    cursor::Bound,
    grant, paging,
    tenancy::{Administration, Caller},
};
use domain::{
    Client, ClientCredentials, ClientId, Code, Page, PageRequest, Permission, Scopes, TenantId, Timestamp, Violation,
    client::{ClientFilter, ClientPatch, NewClient},
};
use std::time::Duration;
use uuid::Uuid;

const RESOURCE: &str = "client";

/// How long the secret before goes on after a rotation, at most.
pub const MAX_OVERLAP: Duration = Duration::from_secs(30 * 24 * 3600);

/// A page of clients by id, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `unknown_tenant`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(
    caller: &Caller,
    filter: &ClientFilter,
    page: &PageRequest,
    seen: Option<&str>,
) -> Result<Fresh<Page<Client>>> {
    let read = caller.begin_in(Permission::ManageClients, &filter.tenant).await?;
    let cursors = Bound::of(caller, &("clients", filter))?;
    let after = page.cursor.as_deref().map(|cursor| cursors.open::<Uuid>(cursor)).transpose()?;
    let rows = read.platform().clients(after, page.limit + 1, caller.now()).await?;
    paging::whole(paging::cut(rows, &cursors, page, |client| client.id.0)?, caller, seen)
}

/// One client, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `not_found`.
pub async fn get(caller: &Caller, id: ClientId, seen: Option<&str>) -> Result<Fresh<Client>> {
    let client = caller.begin(Permission::ManageClients).await?.platform().client(id, caller.now()).await?;
    let etag = etag(caller, &client);
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, client) })
}

/// Clients by id; those that the caller does not manage are missing.
///
/// # Errors
/// `forbidden`.
pub async fn by_ids(caller: &Caller, ids: &[ClientId]) -> Result<Vec<Client>> {
    caller.begin(Permission::ManageClients).await?.platform().clients_by_ids(ids, caller.now()).await
}

fn etag(caller: &Caller, client: &Client) -> Etag {
    // When it was last used moves without a version.
    let used = client.last_used_at.map(|at| at.0.to_rfc3339()).unwrap_or_default();
    Etag::of_resource(client.version, &[&caller.rights_digest(), &used])
}

/// Makes a client with a secret that is shown this once, or with its public keys. It
/// belongs to its maker's organisation, and its maker answers for it.
///
/// # Errors
/// `forbidden`, `tenant_required`, `unknown_tenant`, `invalid_body`, `exceeds_own_rights`.
pub async fn create(caller: &Caller, tenant: Option<&str>, new: NewClient) -> Result<(Etag, ClientCredentials)> {
    let now = caller.now();
    let scopes = new.check(now)?;
    check_keys(new.public_jwks.as_ref())?;
    let named = match (new.tenants.is_empty(), tenant) {
        (true, tenant) => vec![caller.one_tenant(Permission::ManageClients, tenant)?.to_string()],
        (false, None) => new.tenants.clone(),
        (false, Some(_)) => {
            let violation = Violation::new("/tenants", "name the municipalities here or in `tenant`, not in both");
            return Err(domain::Error::invalid(vec![violation]).into());
        }
    };
    let work = caller.administer(Permission::ManageClients, &named).await?;
    let tenants: Vec<TenantId> = work.tenants().iter().copied().map(TenantId).collect();
    tenants.iter().try_for_each(|tenant| caller.require_all(scopes, *tenant))?;
    let secret = if new.public_jwks.is_none() { Some(Secret::new()?) } else { None };
    let by = (caller.service().issuer.as_ref(), Some(caller.principal()));
    let organisation = caller.organisation().map(|organisation| organisation.id);
    let (id, principal) = work.platform().add_client(&new, scopes, by, organisation, now).await?;
    let end = new.expires_at.map(|end| end.0);
    work.platform().add_grants(grant::of_client(principal, &tenants, scopes, caller, end), now).await?;
    if let Some(secret) = &secret {
        let digest = caller.service().vault.digest_secret(secret.as_str());
        work.platform().add_secret(id, &digest, now, now).await?;
    }
    let client = work.platform().client(id, now).await?;
    let places: Vec<Uuid> = work.tenants().to_vec();
    work.commit("client.create", (RESOURCE, id.0), &places, now).await?;
    Ok((etag(caller, &client), ClientCredentials { client, secret: secret.map(Secret::into_string) }))
}

fn check_keys(jwks: Option<&serde_json::Value>) -> Result<()> {
    let refused = |reason: String| domain::Error::invalid(vec![Violation::new("/public_jwks", reason)]).into();
    jwks.map_or(Ok(()), |jwks| ClientKeys::parse(&jwks.to_string()).map(|_| ()).map_err(refused))
}

/// Changes a client in the version read. Its grants follow its scopes and its end,
/// but for those that a municipality has revoked.
///
/// # Errors
/// `forbidden` (also for a client that reaches a municipality whose clients the caller
/// does not manage), `not_found`, `stale`, `invalid_body`, `exceeds_own_rights`.
pub async fn patch(caller: &Caller, id: ClientId, version: i64, patch: ClientPatch) -> Result<(Etag, Client)> {
    let (scopes, now) = (patch.check()?, caller.now());
    check_keys(patch.public_jwks.as_ref())?;
    let (work, before, tenants) = managed(caller, id, Some(version)).await?;
    let held = Scopes::parse_known(&before.scopes.join(" "));
    let wanted = scopes.unwrap_or(held);
    tenants.iter().try_for_each(|tenant| caller.require_all(given(&patch, held, wanted), *tenant))?;
    if !work.platform().change_client(&before, &patch, scopes, now).await? {
        return Err(grant::stale());
    }
    if scopes.is_some() || patch.expires_at.is_some() {
        let live = work.platform().revoke_client_grants(before.principal_id, now).await?;
        let end = patch.expires_at.or(before.expires_at).map(|end| end.0);
        work.platform().add_grants(grant::of_client(before.principal_id, &live, wanted, caller, end), now).await?;
    }
    let client = answer(work, id, &tenants, "client.patch", now).await?;
    Ok((etag(caller, &client), client))
}

/// What a change gives away: what it adds, or all of it where it opens the client anew or to other credentials.
/// Disabling and narrowing give nothing, so that whoever manages a client can always stop it.
fn given(patch: &ClientPatch, held: Scopes, wanted: Scopes) -> Scopes {
    let opens = patch.disabled == Some(false)
        || patch.basic_allowed == Some(true)
        || patch.public_jwks.is_some()
        || patch.expires_at.is_some();
    if opens { wanted } else { wanted.difference(held) }
}

/// Gives a client a new secret; the one before goes on for `overlap`. At most two count at once.
///
/// # Errors
/// As [`patch`], and `invalid_body` for a client with a key or an overlap over 30 days.
pub async fn rotate_secret(
    caller: &Caller,
    id: ClientId,
    version: i64,
    overlap: Duration,
) -> Result<(Etag, ClientCredentials)> {
    let now = caller.now();
    if overlap > MAX_OVERLAP {
        let violation = Violation::new("/overlap_seconds", "takes 0 to 2,592,000: 30 days");
        return Err(domain::Error::invalid(vec![violation]).into());
    }
    let (work, before, tenants) = managed(caller, id, Some(version)).await?;
    if before.public_jwks.is_some() {
        let violation = Violation::new("", "the client signs with its own key and has no secret");
        return Err(domain::Error::invalid(vec![violation]).into());
    }
    tenants.iter().try_for_each(|t| caller.require_all(Scopes::parse_known(&before.scopes.join(" ")), *t))?;
    let secret = Secret::new()?;
    let digest = caller.service().vault.digest_secret(secret.as_str());
    work.platform().add_secret(id, &digest, now + overlap, now).await?;
    if !work.platform().change_client(&before, &ClientPatch::default(), None, now).await? {
        return Err(grant::stale());
    }
    let client = answer(work, id, &tenants, "client.rotate_secret", now).await?;
    Ok((etag(caller, &client), ClientCredentials { client, secret: Some(secret.into_string()) }))
}

/// Ends every token that the client has, within five seconds and on every replica. It may ask for new
/// ones. It takes no version, since it must not fail.
///
/// # Errors
/// `forbidden`, `not_found`.
pub async fn revoke_tokens(caller: &Caller, id: ClientId) -> Result<(Etag, Client)> {
    let now = caller.now();
    let (work, _, tenants) = managed(caller, id, None).await?;
    work.platform().end_tokens(id, next_second(now)).await?;
    let client = answer(work, id, &tenants, "client.revoke_tokens", now).await?;
    Ok((etag(caller, &client), client))
}

/// Tokens say when they were issued in whole seconds: those of the second that runs end as well.
fn next_second(now: Timestamp) -> Timestamp {
    chrono::DateTime::from_timestamp(now.timestamp() + 1, 0).unwrap_or(now)
}

/// A client all of whose municipalities' clients the caller manages: its credentials open all of them.
async fn managed(
    caller: &Caller,
    id: ClientId,
    version: Option<i64>,
) -> Result<(Administration, Client, Vec<TenantId>)> {
    let work = caller.administer(Permission::ManageClients, &[]).await?;
    let client = work.platform().client(id, caller.now()).await?;
    if version.is_some_and(|version| version != client.version) {
        return Err(grant::stale());
    }
    let all = work.platform().all_tenants_of(id).await?;
    if !all.iter().all(|tenant| caller.may(Permission::ManageClients, *tenant)) {
        let detail = "the client reaches other municipalities as well; revoke its grant in yours";
        return Err(Error::refused(Code::Forbidden, detail));
    }
    Ok((work, client, all))
}

async fn answer(
    work: Administration,
    id: ClientId,
    tenants: &[TenantId],
    action: &str,
    now: Timestamp,
) -> Result<Client> {
    let client = work.platform().client(id, now).await?;
    let places: Vec<Uuid> = tenants.iter().map(|tenant| tenant.0).collect();
    work.commit(action, (RESOURCE, id.0), &places, now).await?;
    Ok(client)
}
