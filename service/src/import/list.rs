//! What became of imports.

use crate::{
    Error, Etag, Fresh, Result,
    cursor::Bound,
    paging,
    tenancy::{Caller, Read, Scope},
};
use domain::{Import, ImportId, Page, PageRequest, Permission, RejectedRecord, TenantId};
use entity::{import, import_rejection};
use sea_orm::{ColumnTrait, Condition, QueryOrder};

/// Either right opens imports: all of them, or the caller's own.
pub const EITHER: &[Permission] = &[Permission::ReadFindings, Permission::WriteImports];

/// Who may not read findings sees its own imports alone.
fn visible(caller: &Caller, scope: &Scope<'_>) -> Condition {
    let readable = scope.tenants().iter().filter(|id| caller.may(Permission::ReadFindings, TenantId(**id)));
    Condition::any()
        .add(import::Column::TenantId.is_in(readable.copied()))
        .add(import::Column::PrincipalId.eq(caller.principal().0))
}

/// A page of imports by id without their rejected records, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `unknown_tenant`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(
    caller: &Caller,
    tenant: &[String],
    page: &PageRequest,
    seen: Option<&str>,
) -> Result<Fresh<Page<Import>>> {
    let read = caller.begin_any_in(EITHER, tenant).await?;
    let scope = read.scope();
    let cursors = Bound::of(caller, &("imports", tenant))?;
    let find = scope.find::<import::Entity>().filter(visible(caller, &scope));
    let mut found = paging::by_id(find, &cursors, page, |row| row.id).await?;
    let rows = std::mem::take(&mut found.items);
    // A running import moves without a number, so its progress is part of the tag.
    let progress: String = rows.iter().map(|row| format!("{}:{:?}:{};", row.id, row.status, row.position)).collect();
    let etag = Etag::of_page(&scope, &cursors, page, &progress).await?;
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    let items = rows.into_iter().map(without_rejections).collect();
    Ok(Fresh::Changed(etag, found.of(items)))
}

/// One import with its rejected records, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `not_found`.
pub async fn get(caller: &Caller, id: ImportId, seen: Option<&str>) -> Result<Fresh<Import>> {
    let read = caller.begin_any_in(EITHER, &[]).await?;
    let scope = read.scope();
    let condition = Condition::all().add(visible(caller, &scope)).add(import::Column::Id.eq(id.0));
    let row = scope.find::<import::Entity>().filter(condition).one().await?.ok_or_else(Error::not_found)?;
    // A running import moves without a number, so all of its row is part of the tag.
    let etag = Etag::of_resource(row.seq, &[&caller.rights_digest(), &format!("{row:?}")]);
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    Ok(Fresh::Changed(etag, whole(&scope, row).await?))
}

/// Imports by id, each as [`get`] shows it; those that the caller may not see are missing.
///
/// # Errors
/// `forbidden`.
pub async fn several(caller: &Caller, ids: &[ImportId]) -> Result<Vec<Import>> {
    let read = caller.begin_any_in(EITHER, &[]).await?;
    let scope = read.scope();
    let of_ids = import::Column::Id.is_in(ids.iter().map(|id| id.0));
    let rows = scope.find::<import::Entity>().filter(visible(caller, &scope)).filter(of_ids).all().await?;
    let mut imports = Vec::with_capacity(rows.len());
    for row in rows {
        imports.push(whole(&scope, row).await?);
    }
    Ok(imports)
}

/// Imports by id, without their rejected records; those that the caller may not see are missing.
pub async fn by_ids(read: &Read, ids: &[ImportId]) -> Result<Vec<Import>> {
    let scope = read.narrow(Permission::ReadFindings);
    let of_ids = import::Column::Id.is_in(ids.iter().map(|id| id.0));
    let rows = scope.find::<import::Entity>().filter(of_ids).all().await?;
    Ok(rows.into_iter().map(without_rejections).collect())
}

/// An import with all of its rejected records that are kept. They quote the report: where that is marked
/// TLP:RED, they are for its sender, who wrote them, and for those who may read evidence.
pub(super) async fn whole(scope: &Scope<'_>, row: import::Model) -> Result<Import> {
    use import_rejection::Column as C;
    let is_restricted = row.tlp.is_some_and(domain::Tlp::is_restricted);
    let is_sender = row.principal_id == scope.caller().principal().0;
    if is_restricted && !is_sender && !scope.may(Permission::ReadEvidence, row.tenant_id) {
        return Ok(without_rejections(row));
    }
    let find = scope.find::<import_rejection::Entity>().filter(C::ImportId.eq(row.id));
    let rejected = find.with(|select| select.order_by_asc(C::Position)).all().await?;
    let shown = |row: import_rejection::Model| RejectedRecord { place: row.place, reason: row.reason };
    Ok(of(row, rejected.into_iter().map(shown).collect()))
}

/// An import among many: a page of the largest could otherwise name half a million records.
fn without_rejections(row: import::Model) -> Import {
    of(row, Vec::new())
}

fn of(row: import::Model, rejected_records: Vec<RejectedRecord>) -> Import {
    Import {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        format: row.format,
        status: row.status,
        source: row.source,
        tlp: row.tlp,
        coverage: row.coverage,
        scope: row.scope.map(|scope| scope.0),
        gone: row.gone,
        verified: row.verified,
        gone_withheld: row.gone_withheld,
        sha256: row.sha256,
        bytes: row.bytes,
        read: row.read,
        created: row.created,
        updated: row.updated,
        unchanged: row.unchanged,
        rejected: row.rejected,
        reopened: row.reopened,
        merged: row.merged,
        assets_created: row.assets_created,
        started_at: row.started_at.into(),
        finished_at: row.finished_at.map(Into::into),
        seq: row.seq,
        rejected_records,
    }
}
