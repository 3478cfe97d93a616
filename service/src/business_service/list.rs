//! Lists of business services, and one.

use super::row;
use crate::{
    Error, Etag, Fresh, Result,
    cursor::Bound,
    paging,
    tenancy::{Caller, Read},
};
use domain::{
    AssetId, BusinessService, BusinessServiceId, Page, PageRequest, Permission, business_service::BusinessServiceFilter,
};
use entity::{business_service, business_service_asset};
use sea_orm::{
    ColumnTrait, Condition,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};

/// A page of business services by id, unless the caller has it already.
///
/// # Errors
/// `invalid_parameter`, `forbidden`, `unknown_tenant`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(
    caller: &Caller,
    filter: &BusinessServiceFilter,
    page: &PageRequest,
    seen: Option<&str>,
) -> Result<Fresh<Page<BusinessService>>> {
    filter.check()?;
    let read = caller.begin_in(Permission::ReadAssets, &filter.tenant).await?;
    let scope = read.scope();
    let cursors = Bound::of(caller, &("services", filter))?;
    let etag = Etag::of_page(&scope, &cursors, page, "").await?;
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    let find = scope.find::<business_service::Entity>().filter(condition(filter));
    let mut page = paging::by_id(find, &cursors, page, |row| row.id).await?;
    let rows = std::mem::take(&mut page.items);
    let items = row::shown(&scope, rows).await?;
    Ok(Fresh::Changed(etag, page.of(items)))
}

fn condition(filter: &BusinessServiceFilter) -> Condition {
    use business_service::Column as C;
    let mut all = Condition::all();
    if !filter.criticality.is_empty() {
        all = all.add(C::Criticality.is_in(filter.criticality.iter().copied()));
    }
    all.add_option(filter.owner_unit.as_ref().map(|unit| C::OwnerUnit.eq(unit)))
        .add_option(filter.asset.map(|asset| Expr::exists(needs(asset))))
}

/// A sub-select joined by both parts of the key, so that it stays within the row's own tenant.
fn needs(asset: AssetId) -> SelectStatement {
    use business_service::{Column as S, Entity as Services};
    use business_service_asset::{Column as C, Entity as E};
    let mut select = Query::select();
    select
        .expr(Expr::val(1))
        .from(E)
        .and_where(Expr::col((E, C::TenantId)).equals((Services, S::TenantId)))
        .and_where(Expr::col((E, C::ServiceId)).equals((Services, S::Id)))
        .and_where(C::AssetId.eq(asset.0));
    select
}

/// One business service, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `not_found`.
pub async fn get(caller: &Caller, id: BusinessServiceId, seen: Option<&str>) -> Result<Fresh<BusinessService>> {
    let read = caller.begin(Permission::ReadAssets).await?;
    let service = by_ids(&read, &[id]).await?.pop().ok_or_else(Error::not_found)?;
    let etag = row::etag(caller, &service);
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, service) })
}

/// Business services by id; those that the caller may not see are missing.
pub async fn by_ids(read: &Read, ids: &[BusinessServiceId]) -> Result<Vec<BusinessService>> {
    let scope = read.narrow(Permission::ReadAssets);
    let of_ids = business_service::Column::Id.is_in(ids.iter().map(|id| id.0));
    let rows = scope.find::<business_service::Entity>().filter(of_ids).all().await?;
    row::shown(&scope, rows).await
}
