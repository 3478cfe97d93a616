//! Lists of assets, and one.

use super::{
    filter,
    order::{Position, beyond, columns, position},
    row,
};
use crate::{
    Error, Etag, Fresh, Result,
    cursor::Bound,
    paging,
    tenancy::{Caller, Read},
};
use domain::{
    Asset, AssetId, Page, PageRequest, Permission,
    asset::{AssetFilter, AssetSort},
};
use entity::asset;
use sea_orm::{ColumnTrait, Order};
use serde::Serialize;

/// Which assets, in which order, which page of them.
#[derive(Clone, Debug)]
pub struct AssetQuery {
    /// Which.
    pub filter: AssetFilter,
    /// In which order; the filter's own if none is asked for.
    pub order: Option<AssetOrder>,
    /// Which page.
    pub page: PageRequest,
}

/// An order; ended by id in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AssetOrder {
    /// By what.
    pub by: AssetSort,
    /// From the greatest down.
    pub descending: bool,
}

/// A page of assets, unless the caller has it already.
///
/// # Errors
/// `invalid_parameter`, `forbidden`, `unknown_tenant`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(caller: &Caller, query: &AssetQuery, seen: Option<&str>) -> Result<Fresh<Page<Asset>>> {
    query.filter.check()?;
    let (by, descending) = query.filter.default_sort();
    let order = query.order.unwrap_or(AssetOrder { by, descending });
    let read = caller.begin_in(Permission::ReadAssets, &query.filter.tenant).await?;
    let scope = read.scope();
    let cursors = Bound::of(caller, &("assets", &query.filter, order))?;
    let after = query.page.cursor.as_deref().map(|cursor| cursors.open::<Position>(cursor)).transpose()?;
    let etag = Etag::of_page(&scope, &cursors, &query.page, "").await?;
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    let way = if order.descending { Order::Desc } else { Order::Asc };
    let mut find = scope.find::<asset::Entity>().filter(filter::condition(&query.filter));
    let count = paging::count(&find, &query.page).await?;
    if let Some(after) = after {
        find = find.filter(beyond(order, after));
    }
    let rows = find.first_by(columns(order.by), way, query.page.limit + 1).all().await?;
    let mut page = paging::cut(rows, &cursors, &query.page, |row| position(order, row))?;
    let rows = std::mem::take(&mut page.items);
    let items = row::shown(&scope, rows).await?;
    Ok(Fresh::Changed(etag, Page { count, ..page.of(items) }))
}

/// One asset, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `not_found`.
pub async fn get(caller: &Caller, id: AssetId, seen: Option<&str>) -> Result<Fresh<Asset>> {
    let read = caller.begin(Permission::ReadAssets).await?;
    let asset = by_ids(&read, &[id]).await?.pop().ok_or_else(Error::not_found)?;
    let etag = row::etag(caller, &asset);
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, asset) })
}

/// Assets by id; those that the caller may not see are missing.
pub async fn by_ids(read: &Read, ids: &[AssetId]) -> Result<Vec<Asset>> {
    let scope = read.narrow(Permission::ReadAssets);
    let of_ids = asset::Column::Id.is_in(ids.iter().map(|id| id.0));
    let rows = scope.find::<asset::Entity>().filter(of_ids).all().await?;
    row::shown(&scope, rows).await
}
