//! Assets: lists and one.

use crate::{
    Error, Etag, Fresh, Result,
    cursor::Bound,
    paging,
    tenancy::{Caller, Read, Scope},
};
use domain::{Asset, AssetId, Identifier, Page, PageRequest, Permission, asset::AssetFilter};
use entity::{asset, asset_identifier};
use sea_orm::{
    ColumnTrait, Condition,
    sea_query::{Expr, ExprTrait, Query},
};
use std::collections::HashMap;
use uuid::Uuid;

/// A page of assets by id, unless the caller has it already.
///
/// # Errors
/// `invalid_parameter`, `forbidden`, `unknown_tenant`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(
    caller: &Caller,
    filter: &AssetFilter,
    page: &PageRequest,
    seen: Option<&str>,
) -> Result<Fresh<Page<Asset>>> {
    filter.check()?;
    let read = caller.begin_in(Permission::ReadAssets, &filter.tenant).await?;
    let scope = read.scope();
    let cursors = Bound::of(caller, &("assets", filter))?;
    let etag = Etag::of_page(&scope, &cursors, page, "").await?;
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    let find = scope.find::<asset::Entity>().filter(condition(filter));
    let mut page = paging::by_id(find, &cursors, page, |row| row.id).await?;
    let rows = std::mem::take(&mut page.items);
    let items = shown_rows(&scope, rows).await?;
    Ok(Fresh::Changed(etag, page.of(items)))
}

fn condition(filter: &AssetFilter) -> Condition {
    use asset::Column as C;
    let mut all = Condition::all();
    if !filter.kind.is_empty() {
        all = all.add(C::Kind.is_in(filter.kind.iter().copied()));
    }
    if !filter.provenance.is_empty() {
        all = all.add(C::Provenance.is_in(filter.provenance.iter().copied()));
    }
    all.add_option(filter.identifier.as_ref().map(|value| Expr::exists(identified_by(value))))
}

fn identified_by(value: &str) -> sea_orm::sea_query::SelectStatement {
    use asset_identifier::{Column as C, Entity as E};
    let mut select = Query::select();
    select
        .expr(Expr::val(1))
        .from(E)
        .and_where(Expr::col((E, C::TenantId)).equals((asset::Entity, asset::Column::TenantId)))
        .and_where(Expr::col((E, C::AssetId)).equals((asset::Entity, asset::Column::Id)))
        .and_where(C::Value.eq(value));
    select
}

/// One asset, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `not_found`.
pub async fn get(caller: &Caller, id: AssetId, seen: Option<&str>) -> Result<Fresh<Asset>> {
    let read = caller.begin(Permission::ReadAssets).await?;
    let asset = by_ids(&read, &[id]).await?.pop().ok_or_else(Error::not_found)?;
    let etag = Etag::of_resource(asset.seq, &[&caller.rights_digest()]);
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, asset) })
}

/// Assets by id; those that the caller may not see are missing.
pub async fn by_ids(read: &Read, ids: &[AssetId]) -> Result<Vec<Asset>> {
    let scope = read.narrow(Permission::ReadAssets);
    let of_ids = asset::Column::Id.is_in(ids.iter().map(|id| id.0));
    let rows = scope.find::<asset::Entity>().filter(of_ids).all().await?;
    shown_rows(&scope, rows).await
}

/// Assets as they are shown: rows with their identifiers, in one more statement.
async fn shown_rows(scope: &Scope<'_>, rows: Vec<asset::Model>) -> Result<Vec<Asset>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let of_assets = asset_identifier::Column::AssetId.is_in(rows.iter().map(|row| row.id));
    let mut identifiers: HashMap<Uuid, Vec<Identifier>> = HashMap::new();
    for row in scope.find::<asset_identifier::Entity>().filter(of_assets).all().await? {
        identifiers.entry(row.asset_id).or_default().push(Identifier { kind: row.kind, value: row.value });
    }
    let shown = |row: asset::Model| {
        let mut own = identifiers.remove(&row.id).unwrap_or_default();
        own.sort_unstable();
        of(row, own)
    };
    Ok(rows.into_iter().map(shown).collect())
}

fn of(row: asset::Model, identifiers: Vec<Identifier>) -> Asset {
    Asset {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        kind: row.kind,
        name: row.name,
        criticality: row.criticality,
        exposure: row.exposure,
        owner_unit: row.owner_unit,
        provenance: row.provenance,
        identifiers,
        first_known_at: row.first_known_at.into(),
        updated_at: row.updated_at.into(),
        seq: row.seq,
    }
}
