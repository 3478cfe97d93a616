//! Grants: who may do what in a municipality, as it sees, gives, shortens and revokes it.

use crate::{
    Error, Etag, Fresh, Result,
    cursor::Bound,
    paging,
    platform::{NewRow, To},
    tenancy::{Administration, Caller},
};
use domain::{
    Code, Grant, GrantId, Page, PageRequest, Permission, PrincipalId, Scopes, TenantId, Violation,
    grant::{GrantFilter, GrantPatch, Named, NewGrant, parse_scopes},
};
use uuid::Uuid;

const RESOURCE: &str = "grant";

/// A page of grants by id, revoked and past ones included, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `unknown_tenant`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(
    caller: &Caller,
    filter: &GrantFilter,
    page: &PageRequest,
    seen: Option<&str>,
) -> Result<Fresh<Page<Grant>>> {
    let read = caller.begin_in(Permission::ManageGrants, &filter.tenant).await?;
    let cursors = Bound::of(caller, &("grants", filter))?;
    let after = page.cursor.as_deref().map(|cursor| cursors.open::<Uuid>(cursor)).transpose()?;
    let rows = read.platform().grants(filter, after, page.limit + 1, caller.now()).await?;
    paging::whole(paging::cut(rows, &cursors, page, |grant| grant.id.0)?, caller, seen)
}

/// One grant, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `not_found`.
pub async fn get(caller: &Caller, id: GrantId, seen: Option<&str>) -> Result<Fresh<Grant>> {
    let grant = caller.begin(Permission::ManageGrants).await?.platform().grant(id).await?;
    let etag = etag(caller, &grant);
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, grant) })
}

/// Grants by id; those that the caller does not manage are missing.
///
/// # Errors
/// `forbidden`.
pub async fn by_ids(caller: &Caller, ids: &[GrantId]) -> Result<Vec<Grant>> {
    caller.begin(Permission::ManageGrants).await?.platform().grants_by_ids(ids).await
}

fn etag(caller: &Caller, grant: &Grant) -> Etag {
    Etag::of_resource(grant.version, &[&caller.rights_digest()])
}

/// Gives a right in one municipality. Only the municipality gives: who acts for a
/// provider may not, whatever it holds.
///
/// # Errors
/// `forbidden`, `tenant_required`, `unknown_tenant`, `invalid_body`, `exceeds_own_rights`.
pub async fn create(caller: &Caller, tenant: Option<&str>, new: NewGrant) -> Result<(Etag, Grant)> {
    let tenant = caller.one_tenant(Permission::ManageGrants, tenant)?;
    let (named, scopes) = (new.holder()?, parse_scopes(&new.scopes)?);
    let now = caller.now();
    let window = new.window(now)?;
    if caller.organisation().is_some_and(|organisation| organisation.is_provider) {
        return Err(Error::refused(Code::Forbidden, "a provider gives no grants; the municipality does"));
    }
    caller.require_all(scopes, tenant)?;
    let work = caller.administer(Permission::ManageGrants, &[tenant.to_string()]).await?;
    let to = holder(&work, named, caller).await?;
    if matches!(to, To::Organisation(_)) && window.1.is_none() {
        let violation = Violation::new("/valid_to", "an organisation's grant must have an end");
        return Err(domain::Error::invalid(vec![violation]).into());
    }
    let row = NewRow { to, tenant, scopes, origin: "api", granted_by: Some(caller.principal()), window };
    let id = work.platform().add_grants(vec![row], now).await?.pop().ok_or_else(Error::not_found)?;
    let grant = work.platform().grant(id).await?;
    work.commit("grant.create", (RESOURCE, id.0), &[tenant.0], now).await?;
    Ok((etag(caller, &grant), grant))
}

async fn holder(work: &Administration, named: Named, caller: &Caller) -> Result<To> {
    let unknown = |pointer: &str, what: &str| Error::from(domain::Error::invalid(vec![Violation::new(pointer, what)]));
    match named {
        Named::Principal(id) if work.platform().knows(id).await? => Ok(To::Principal(id)),
        Named::Principal(_) => Err(unknown("/principal_id", "there is no such principal")),
        Named::Subject(issuer, subject) => {
            Ok(To::Principal(work.platform().principal(&issuer, &subject, caller.now()).await?))
        }
        Named::Role(issuer, role) => Ok(To::Role { issuer, role }),
        Named::Organisation(name) => match work.platform().organisation(&name).await? {
            Some(id) => Ok(To::Organisation(id)),
            None => Err(unknown("/organisation", "there is no such organisation")),
        },
    }
}

/// Shortens or narrows a grant in the version read.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `invalid_body` for anything that would make it larger.
pub async fn patch(caller: &Caller, id: GrantId, version: i64, patch: GrantPatch) -> Result<(Etag, Grant)> {
    let work = caller.administer(Permission::ManageGrants, &[]).await?;
    let before = work.platform().grant(id).await?;
    if before.version != version {
        return Err(stale());
    }
    let (end, scopes) = patch.apply(before.valid_to.map(|end| end.0), Scopes::parse_known(&before.scopes.join(" ")))?;
    if !work.platform().change_grant(id, version, end, scopes).await? {
        return Err(stale());
    }
    answer(caller, work, &before, "grant.patch").await
}

/// Revokes a grant: what it allows ends within five seconds, open cursors and streams
/// included. Repeating it changes nothing; it takes no version, since it must not fail.
///
/// # Errors
/// `forbidden`, `not_found`.
pub async fn revoke(caller: &Caller, id: GrantId) -> Result<(Etag, Grant)> {
    let work = caller.administer(Permission::ManageGrants, &[]).await?;
    let before = work.platform().grant(id).await?;
    if !work.platform().revoke_grant(id, caller.now()).await? {
        return Ok((etag(caller, &before), before));
    }
    answer(caller, work, &before, "grant.revoke").await
}

async fn answer(caller: &Caller, work: Administration, before: &Grant, action: &str) -> Result<(Etag, Grant)> {
    let after = work.platform().grant(before.id).await?;
    work.commit(action, (RESOURCE, before.id.0), &[before.tenant_id.0], caller.now()).await?;
    Ok((etag(caller, &after), after))
}

pub(crate) fn stale() -> Error {
    Error::refused(Code::Stale, Code::Stale.title())
}

/// The grants that a client gets when it is made or changed: its scopes, in each of its municipalities.
pub(crate) fn of_client(
    principal: PrincipalId,
    tenants: &[TenantId],
    scopes: Scopes,
    by: &Caller,
    end: Option<domain::Timestamp>,
) -> Vec<NewRow> {
    let grant = |tenant: &TenantId| NewRow {
        to: To::Principal(principal),
        tenant: *tenant,
        scopes,
        origin: "client",
        granted_by: Some(by.principal()),
        window: (by.now(), end),
    };
    tenants.iter().map(grant).collect()
}
