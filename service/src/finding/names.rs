//! The other fingerprints under which reports reach a finding.

use super::alias::sources;
use crate::{
    Error, Etag, Fresh, Result,
    cursor::Bound,
    paging,
    tenancy::{Caller, Scope},
};
use domain::{FindingId, Page, PageRequest, Permission, identity::FindingAlias};
use entity::{finding, finding_alias as stored};
use sea_orm::{
    ColumnTrait, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// A page of the names of a finding, in the order of their sources and digits, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `not_found`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn aliases(
    caller: &Caller,
    id: FindingId,
    page: &PageRequest,
    seen: Option<&str>,
) -> Result<Fresh<Page<FindingAlias>>> {
    let read = caller.begin(Permission::ReadFindings).await?;
    let scope = read.scope();
    let survivor = scope.find::<finding::Entity>().filter(finding::Column::Id.eq(id.0)).one().await?;
    let survivor = survivor.ok_or_else(Error::not_found)?;
    let cursors = Bound::of(caller, &("aliases", id))?;
    let etag = Etag::of_page(&scope, &cursors, page, "").await?;
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    let mut find = scope.find::<stored::Entity>().filter(stored::Column::FindingId.eq(id.0));
    if let Some(cursor) = page.cursor.as_deref() {
        let (source, text): (Uuid, String) = cursors.open(cursor)?;
        let key =
            [stored::Column::SourceId, stored::Column::Fingerprint].map(|column| Expr::col((stored::Entity, column)));
        find = find.filter(Expr::tuple(key).gt(Expr::tuple([Expr::val(source), Expr::val(text)])));
    }
    let ordered = find.with(|select| {
        let select = select.order_by_asc(stored::Column::SourceId).order_by_asc(stored::Column::Fingerprint);
        select.limit(page.limit + 1)
    });
    let rows = ordered.all().await?;
    let mut page = paging::cut(rows, &cursors, page, |row| (row.source_id, row.fingerprint.clone()))?;
    let rows = std::mem::take(&mut page.items);
    let items = shown(&scope, &survivor, rows).await?;
    Ok(Fresh::Changed(etag, page.of(items)))
}

async fn shown(scope: &Scope<'_>, survivor: &finding::Model, rows: Vec<stored::Model>) -> Result<Vec<FindingAlias>> {
    let names = sources(scope, rows.iter().map(|row| row.source_id).collect()).await?;
    let merged: BTreeSet<Uuid> = rows.iter().filter_map(|row| row.merged_id).collect();
    let merged = scope.find::<finding::Entity>().filter(finding::Column::Id.is_in(merged)).all().await?;
    let is_red: HashMap<Uuid, bool> = merged.into_iter().map(|row| (row.id, row.tlp.is_restricted())).collect();
    let may = scope.may(Permission::ReadEvidence, survivor.tenant_id);
    let shown = |row: stored::Model| {
        let restricted = survivor.tlp.is_restricted() || row.merged_id.is_some_and(|id| is_red.get(&id) == Some(&true));
        let withheld = restricted && !may;
        FindingAlias {
            source_id: row.source_id.into(),
            source: names.get(&row.source_id).cloned().unwrap_or_default(),
            fingerprint: (!withheld).then_some(row.fingerprint),
            merged: row.merged_id.map(Into::into),
            since: row.created_at.into(),
            withheld,
        }
    };
    Ok(rows.into_iter().map(shown).collect())
}
