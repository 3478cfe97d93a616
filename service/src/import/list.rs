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
use std::collections::HashMap;
use uuid::Uuid;

/// Either right opens imports: all of them, or the caller's own.
const EITHER: &[Permission] = &[Permission::ReadFindings, Permission::WriteImports];

/// Who may not read findings sees its own imports alone.
fn visible(caller: &Caller, scope: &Scope<'_>) -> Condition {
    let readable = scope.tenants().iter().filter(|id| caller.may(Permission::ReadFindings, TenantId(**id)));
    Condition::any()
        .add(import::Column::TenantId.is_in(readable.copied()))
        .add(import::Column::PrincipalId.eq(caller.principal().0))
}

/// A page of imports by id, unless the caller has it already.
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
    let query = serde_json::to_string(&("imports", tenant)).map_err(Error::internal)?;
    let cursors = Bound { vault: &caller.service().vault, principal: caller.principal(), query };
    let find = scope.find::<import::Entity>().filter(visible(caller, &scope));
    let mut found = paging::by_id(find, &cursors, page, |row| row.id).await?;
    let rows = std::mem::take(&mut found.items);
    // A running import moves without a number, so its progress is part of the tag.
    let progress: String = rows.iter().map(|row| format!("{}:{:?}:{};", row.id, row.status, row.position)).collect();
    let etag =
        Etag::of_list(&scope, &[&caller.rights_digest(), &cursors.query, &format!("{page:?}"), &progress]).await?;
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    let items = shown_rows(&scope, rows).await?;
    Ok(Fresh::Changed(etag, found.of(items)))
}

/// One import, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `not_found`.
pub async fn get(caller: &Caller, id: ImportId, seen: Option<&str>) -> Result<Fresh<Import>> {
    let read = caller.begin_any_in(EITHER, &[]).await?;
    let scope = read.scope();
    let condition = Condition::all().add(visible(caller, &scope)).add(import::Column::Id.eq(id.0));
    let rows = scope.find::<import::Entity>().filter(condition).all().await?;
    let import = shown_rows(&scope, rows).await?.pop().ok_or_else(Error::not_found)?;
    let done = import.created + import.updated + import.unchanged;
    let etag = Etag::of_resource(import.seq, &[&caller.rights_digest(), &format!("{:?}{done}", import.status)]);
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, import) })
}

/// Imports by id; those that the caller may not see are missing.
pub async fn by_ids(read: &Read, ids: &[ImportId]) -> Result<Vec<Import>> {
    let scope = read.narrow(Permission::ReadFindings);
    let of_ids = import::Column::Id.is_in(ids.iter().map(|id| id.0));
    let rows = scope.find::<import::Entity>().filter(of_ids).all().await?;
    shown_rows(&scope, rows).await
}

/// Imports as they are shown: rows with their rejected records, in one more statement.
pub(super) async fn shown_rows(scope: &Scope<'_>, rows: Vec<import::Model>) -> Result<Vec<Import>> {
    use import_rejection::Column as C;
    let mut rejections: HashMap<Uuid, Vec<RejectedRecord>> = HashMap::new();
    let with_rejections: Vec<Uuid> = rows.iter().filter(|row| row.rejected > 0).map(|row| row.id).collect();
    if !with_rejections.is_empty() {
        let find = scope.find::<import_rejection::Entity>().filter(C::ImportId.is_in(with_rejections));
        for row in find.with(|select| select.order_by_asc(C::Position)).all().await? {
            let record = RejectedRecord { place: row.place, reason: row.reason };
            rejections.entry(row.import_id).or_default().push(record);
        }
    }
    let shown = |row: import::Model| {
        let rejected = rejections.remove(&row.id).unwrap_or_default();
        of(row, rejected)
    };
    Ok(rows.into_iter().map(shown).collect())
}

fn of(row: import::Model, rejected_records: Vec<RejectedRecord>) -> Import {
    Import {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        format: row.format,
        status: row.status,
        source: row.source,
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
