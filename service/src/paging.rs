//! Pages: one more row than asked for tells whether there is another page.

use crate::{
    Error, Etag, Fresh, Result,
    cursor::Bound,
    tenancy::{Caller, Find},
};
use domain::{ListCount, Page, PageRequest};
use entity::{Numbered, TenantOwned};
use sea_orm::{ColumnTrait, Order};
use serde::Serialize;
use uuid::Uuid;

/// A page of rows in the order of their ids, which is that of their making.
pub(crate) async fn by_id<E: Numbered>(
    find: Find<'_, E>,
    cursors: &Bound<'_>,
    page: &PageRequest,
    id: impl Fn(&E::Model) -> Uuid,
) -> Result<Page<E::Model>> {
    let after = page.cursor.as_deref().map(|cursor| cursors.open::<Uuid>(cursor)).transpose()?;
    let count = count(&find, page).await?;
    let find = match after {
        Some(after) => find.filter(E::id().gt(after)),
        None => find,
    };
    let rows = find.first(None, Order::Asc, page.limit + 1).all().await?;
    Ok(Page { count, ..cut(rows, cursors, page, id)? })
}

/// How many rows there are, if that is asked for.
pub(crate) async fn count<E: TenantOwned>(find: &Find<'_, E>, page: &PageRequest) -> Result<Option<ListCount>> {
    let Some(wish) = page.count else { return Ok(None) };
    Ok(Some(wish.counted(find.clone().count(wish.most()).await?)))
}

/// Cuts the rows to the page and seals its cursors.
pub(crate) fn cut<M, P: Serialize>(
    mut rows: Vec<M>,
    cursors: &Bound<'_>,
    page: &PageRequest,
    position: impl Fn(&M) -> P,
) -> Result<Page<M>> {
    let has_more = rows.len() as u64 > page.limit;
    rows.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    let seal = |row: &M| cursors.seal(&position(row));
    let next_cursor = rows.last().filter(|_| has_more).map(seal).transpose()?;
    let cursors = if page.each { rows.iter().map(seal).collect::<Result<_>>()? } else { Vec::new() };
    Ok(Page { items: rows, next_cursor, has_more, count: None, included: None, cursors })
}

/// A page of rows without numbers: its tag is a digest of what it shows.
pub(crate) fn whole<T: Serialize>(page: Page<T>, caller: &Caller, seen: Option<&str>) -> Result<Fresh<Page<T>>> {
    let shown = serde_json::to_string(&page).map_err(Error::internal)?;
    let etag = Etag::of_content(format!("{}{shown}", caller.rights_digest()).as_bytes());
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, page) })
}
