//! Findings of other sources that say the same of one asset: they share a CVE.

use super::row;
use crate::{
    Error, Etag, Fresh, Result,
    cursor::Bound,
    paging,
    tenancy::{Caller, Read, Scope},
};
use domain::{Finding, FindingId, Page, PageRequest, Permission};
use entity::{finding, finding_term as term};
use sea_orm::{
    ColumnTrait, Condition, FromQueryResult, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Most findings looked at for the relations of a page.
const MAX_CANDIDATES: u64 = 5_000;

/// A page of the findings related to one, by id, unless the caller has it already. CVE ids are never withheld.
///
/// # Errors
/// `forbidden`, `not_found`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn related(
    caller: &Caller,
    id: FindingId,
    page: &PageRequest,
    seen: Option<&str>,
) -> Result<Fresh<Page<Finding>>> {
    let read = caller.begin(Permission::ReadFindings).await?;
    let scope = read.scope();
    let row = scope.find::<finding::Entity>().filter(finding::Column::Id.eq(id.0)).one().await?;
    let row = row.ok_or_else(Error::not_found)?;
    let cursors = Bound::of(caller, &("related", id))?;
    let etag = Etag::of_page(&scope, &cursors, page, "").await?;
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    use finding::Column as C;
    let related = Condition::all()
        .add(C::TenantId.eq(row.tenant_id))
        // Without an asset there is nothing to say the same of: one of none is nothing.
        .add(C::AssetId.is_in(row.asset_id))
        .add(C::SourceId.ne(row.source_id))
        .add(Expr::exists(naming(row.cves.0.iter())));
    let find = scope.find::<finding::Entity>().filter(related);
    let mut page = paging::by_id(find, &cursors, page, |row| row.id).await?;
    let rows = std::mem::take(&mut page.items);
    let items = row::read(&scope, rows).await?;
    Ok(Fresh::Changed(etag, page.of(items)))
}

/// A term of the outer finding that is one of these CVE ids.
fn naming<'a>(cves: impl Iterator<Item = &'a String>) -> SelectStatement {
    use term::{Column as C, Entity as E};
    let mut select = Query::select();
    select
        .expr(Expr::val(1))
        .from(E)
        .and_where(Expr::col((E, C::TenantId)).equals((finding::Entity, finding::Column::TenantId)))
        .and_where(C::Kind.eq("cve"))
        .and_where(C::Term.is_in(cves.map(String::as_str)))
        .and_where(Expr::col((E, C::FindingId)).equals((finding::Entity, finding::Column::Id)));
    select
}

#[derive(FromQueryResult)]
struct Place {
    id: Uuid,
    tenant_id: Uuid,
    asset_id: Option<Uuid>,
    source_id: Uuid,
}

/// The first findings related to each of some, at most `each` of every one; a page at a time, in five statements.
pub async fn of_findings(read: &Read, ids: &[FindingId], each: usize) -> Result<Vec<(FindingId, Finding)>> {
    use finding::Column as C;
    let scope = read.narrow(Permission::ReadFindings);
    let these = places(&scope, C::Id.is_in(ids.iter().map(|id| id.0)).into()).await?;
    let cves = terms(&scope, &these).await?;
    let named: BTreeSet<&String> = cves.values().flatten().collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let on_assets = C::AssetId.is_in(these.iter().filter_map(|place| place.asset_id));
    let others = places(&scope, Condition::all().add(on_assets).add(Expr::exists(naming(named.into_iter())))).await?;
    let theirs = terms(&scope, &others).await?;
    let shares = |one: &Place, other: &Place| {
        let same_place = one.tenant_id == other.tenant_id && one.asset_id.is_some() && one.asset_id == other.asset_id;
        let both = cves.get(&one.id).zip(theirs.get(&other.id));
        same_place && one.source_id != other.source_id && both.is_some_and(|(own, theirs)| !own.is_disjoint(theirs))
    };
    let related = |one: &Place| {
        let found: Vec<Uuid> =
            others.iter().filter(|other| shares(one, other)).map(|other| other.id).take(each).collect();
        found.into_iter().map(|other| (one.id, other)).collect::<Vec<_>>()
    };
    let pairs: Vec<(Uuid, Uuid)> = these.iter().flat_map(related).collect();
    let wanted: BTreeSet<Uuid> = pairs.iter().map(|(_, other)| *other).collect();
    let rows = scope.find::<finding::Entity>().filter(C::Id.is_in(wanted)).all().await?;
    let shown: HashMap<Uuid, Finding> = row::read(&scope, rows).await?.into_iter().map(|one| (one.id.0, one)).collect();
    Ok(pairs.into_iter().filter_map(|(one, other)| Some((one.into(), shown.get(&other)?.clone()))).collect())
}

async fn places(scope: &Scope<'_>, these: Condition) -> Result<Vec<Place>> {
    use finding::Column as C;
    let find = scope.find::<finding::Entity>().filter(these).with(|select| {
        let select = select.select_only().columns([C::Id, C::TenantId, C::AssetId, C::SourceId]);
        select.order_by_asc(C::Id).limit(MAX_CANDIDATES)
    });
    find.rows().await
}

/// The CVE ids of findings.
async fn terms(scope: &Scope<'_>, of: &[Place]) -> Result<HashMap<Uuid, BTreeSet<String>>> {
    let find = scope.find::<term::Entity>().filter(term::Column::Kind.eq("cve"));
    let rows = find.filter(term::Column::FindingId.is_in(of.iter().map(|place| place.id))).all().await?;
    let mut terms: HashMap<Uuid, BTreeSet<String>> = HashMap::new();
    for row in rows {
        terms.entry(row.finding_id).or_default().insert(row.term);
    }
    Ok(terms)
}
