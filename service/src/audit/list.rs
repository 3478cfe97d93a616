//! The audit as an auditor reads it: newest first.

use crate::{Etag, Fresh, Result, cursor::Bound, paging, tenancy::Caller};
use domain::{AuditFilter, AuditRecord, Page, PageRequest, Permission, Timestamp};
use entity::audit;
use sea_orm::{
    ColumnTrait, Condition, Order,
    sea_query::{Expr, ExprTrait},
};
use std::fmt::Write;
use uuid::Uuid;

/// Where a page ended: rows never change, so this is exact however much is recorded meanwhile.
type Position = (Timestamp, Uuid);

/// A page of the audit, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `unknown_tenant`, `invalid_parameter`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(
    caller: &Caller,
    filter: &AuditFilter,
    page: &PageRequest,
    seen: Option<&str>,
) -> Result<Fresh<Page<AuditRecord>>> {
    filter.check()?;
    let read = caller.begin_in(Permission::ReadAudit, &filter.tenant).await?;
    let cursors = Bound::of(caller, &("audit", filter))?;
    let mut condition = condition(filter);
    if let Some(cursor) = &page.cursor {
        condition = condition.add(before(cursors.open(cursor)?));
    }
    // Narrowed, since a transaction of many reads is open over more than this one may see.
    let find = read.scope().find::<audit::Entity>().filter(condition);
    let rows = find.first(Some(audit::Column::RecordedAt), Order::Desc, page.limit + 1).all().await?;
    let mut found = paging::cut(rows, &cursors, page, |row| -> Position { (row.recorded_at, row.id) })?;
    // Rows are not numbered by the clock, but they never change either: their ids are the tag.
    let mut content = format!("{}{}{}", caller.rights_digest(), cursors.query, found.has_more);
    for row in &found.items {
        // Writing to a String does not fail.
        let _ = write!(content, "{}", row.id);
    }
    let etag = Etag::of_content(content.as_bytes());
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    let items = std::mem::take(&mut found.items).into_iter().map(shown).collect();
    Ok(Fresh::Changed(etag, found.of(items)))
}

fn condition(filter: &AuditFilter) -> Condition {
    use audit::Column as C;
    let mut all = Condition::all()
        .add_option(filter.recorded_from.map(|from| C::RecordedAt.gte(from.0)))
        .add_option(filter.recorded_to.map(|to| C::RecordedAt.lt(to.0)));
    if !filter.principal.is_empty() {
        all = all.add(C::PrincipalId.is_in(filter.principal.iter().map(|id| id.0)));
    }
    if !filter.action.is_empty() {
        all = all.add(C::Action.is_in(filter.action.iter().map(String::as_str)));
    }
    if !filter.outcome.is_empty() {
        all = all.add(C::Outcome.is_in(filter.outcome.iter().copied()));
    }
    all
}

/// A row comparison, which the index on both columns serves.
fn before((recorded_at, id): Position) -> Expr {
    let col = |column: audit::Column| Expr::col((audit::Entity, column));
    Expr::tuple([col(audit::Column::RecordedAt), col(audit::Column::Id)])
        .lt(Expr::tuple([Expr::val(recorded_at), Expr::val(id)]))
}

fn shown(row: audit::Model) -> AuditRecord {
    AuditRecord {
        id: row.id,
        tenant_id: row.tenant_id.into(),
        recorded_at: row.recorded_at.into(),
        principal_id: row.principal_id.into(),
        action: row.action,
        outcome: row.outcome,
        code: row.code,
        count: row.count,
        resource_type: row.resource_type,
        resource_id: row.resource_id,
        first_seq: row.first_seq,
        last_seq: row.last_seq,
        detail: row.detail.and_then(|detail| serde_json::from_str(&detail).ok()),
    }
}
