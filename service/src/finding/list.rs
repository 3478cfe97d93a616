//! Lists of findings, one finding, and what the tool saw of it.

use super::{
    as_of::{self, Past},
    filter::{self, FindingTable},
    row,
};
use crate::{
    Error, Etag, Fresh, Result, asset, audit,
    cursor::Bound,
    paging, source, task,
    tenancy::{Caller, Find, Read, Scope},
};
use domain::{
    DateTime, Evidence, Finding, FindingFilter, FindingId, FindingSort, Page, PageRequest, Permission, Timestamp,
    included::{FindingInclude, Included, check_nodes},
};
use entity::{finding, finding_evidence, finding_version};
use sea_orm::{
    ColumnTrait, Condition, Order, QueryOrder, QuerySelect, Select, Value,
    sea_query::{Expr, ExprTrait},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Which findings, in which order, which page of them.
#[derive(Clone, Debug)]
pub struct FindingQuery {
    /// Which.
    pub filter: FindingFilter,
    /// In which order.
    pub order: FindingOrder,
    /// Which page.
    pub page: PageRequest,
    /// What to bring along.
    pub include: Vec<FindingInclude>,
}

/// An order; ended by id in the same direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FindingOrder {
    /// By what.
    pub by: FindingSort,
    /// From the greatest down.
    pub descending: bool,
}

impl FindingOrder {
    const fn way(self) -> Order {
        if self.descending { Order::Desc } else { Order::Asc }
    }
}

/// Where a page ends: the sort key and id of its last item.
#[derive(Serialize, Deserialize)]
struct Position {
    key: Key,
    id: Uuid,
}

#[derive(Serialize, Deserialize)]
enum Key {
    Id,
    Severity(i16),
    Priority(i16),
    Time(Timestamp),
}

/// A page of findings, unless the caller has it already.
///
/// # Errors
/// `invalid_parameter`, `forbidden`, `unknown_tenant`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(caller: &Caller, query: &FindingQuery, seen: Option<&str>) -> Result<Fresh<Page<Finding>>> {
    query.filter.check()?;
    as_of::check(caller, query.filter.as_of)?;
    let beside = [("count", query.page.count.is_some()), ("include", !query.include.is_empty())];
    if let Some((name, _)) = beside.into_iter().find(|(_, is_asked)| query.filter.as_of.is_some() && *is_asked) {
        return Err(domain::Error::parameter(name, "does not go with `as_of`").into());
    }
    let read = caller.begin_in(Permission::ReadFindings, &query.filter.tenant).await?;
    let scope = read.scope();
    let cursors = cursors(caller, query)?;
    let after = query.page.cursor.as_deref().map(|cursor| cursors.open::<Position>(cursor)).transpose()?;
    let etag = Etag::of_page(&scope, &cursors, &query.page, "").await?;
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    let items = match query.filter.as_of {
        None => {
            let find =
                scope.find::<finding::Entity>().filter(filter::condition::<finding::Entity>(&scope, &query.filter)?);
            let count = paging::count(&find, &query.page).await?;
            let rows = present(find, query, after).await?;
            let mut page = paging::cut(rows, &cursors, &query.page, |row| position(query.order, row))?;
            let rows = std::mem::take(&mut page.items);
            let items = row::read(&scope, rows).await?;
            let included = included(&read, &items, &query.include).await?;
            Page { count, included, ..page.of(items) }
        }
        Some(moment) => {
            let rows = past(&scope, query, moment.0, after).await?;
            let mut page = paging::cut(rows, &cursors, &query.page, |past| position(query.order, &past.row))?;
            let rows = std::mem::take(&mut page.items);
            page.of(as_of::read(&scope, rows, moment.0).await?)
        }
    };
    Ok(Fresh::Changed(etag, items))
}

/// What findings lead to, each once.
async fn included(read: &Read, findings: &[Finding], include: &[FindingInclude]) -> Result<Option<Included>> {
    if include.is_empty() {
        return Ok(None);
    }
    let mut included = Included::default();
    let mut nodes = findings.len();
    if include.contains(&FindingInclude::Assets) {
        let assets = asset::by_ids(read, &distinct(findings.iter().filter_map(|finding| finding.asset_id))).await?;
        nodes += assets.len();
        included.assets = Some(assets);
    }
    if include.contains(&FindingInclude::Sources) {
        let sources = source::by_ids(read, &distinct(findings.iter().map(|finding| finding.source_id))).await?;
        nodes += sources.len();
        included.sources = Some(sources);
    }
    if include.contains(&FindingInclude::Tasks) {
        let ids: Vec<FindingId> = findings.iter().map(|finding| finding.id).collect();
        let tasks = task::of_findings(read, &ids).await?.into_iter().map(|(_, task)| (task.id, task));
        let tasks: Vec<_> = tasks.collect::<BTreeMap<_, _>>().into_values().collect();
        nodes += tasks.len();
        included.tasks = Some(tasks);
    }
    check_nodes(nodes)?;
    Ok(Some(included))
}

fn distinct<T: Ord>(ids: impl Iterator<Item = T>) -> Vec<T> {
    ids.collect::<BTreeSet<_>>().into_iter().collect()
}

/// One row more than the page, as findings are.
async fn present(
    find: Find<'_, finding::Entity>,
    query: &FindingQuery,
    after: Option<Position>,
) -> Result<Vec<finding::Model>> {
    let beyond = after.map(|after| beyond::<finding::Entity>(query.order, after));
    let find = find.filter(Condition::all().add_option(beyond));
    find.first(column(query.order.by), query.order.way(), query.page.limit + 1).all().await
}

/// One row more than the page, as findings were.
async fn past(
    scope: &Scope<'_>,
    query: &FindingQuery,
    moment: Timestamp,
    after: Option<Position>,
) -> Result<Vec<Past>> {
    type Version = finding_version::Entity;
    let condition = filter::condition::<Version>(scope, &query.filter)?.add(filter::at(moment));
    let beyond = after.map(|after| beyond::<Version>(query.order, after));
    let by = column(query.order.by).into_iter().chain([finding::Column::Id]);
    let ordered = |select| {
        by.fold(select, |select: Select<Version>, by| select.order_by(Version::col(by), query.order.way()))
            .limit(query.page.limit + 1)
    };
    let versions = scope.find::<Version>().filter(condition.add_option(beyond)).with(ordered).all().await?;
    as_of::of_versions(scope, versions).await
}

fn cursors<'a>(caller: &'a Caller, query: &FindingQuery) -> Result<Bound<'a>> {
    let about = ("findings", &query.filter, query.order, &query.include);
    Bound::of(caller, &about)
}

/// The stored column of an order; ids need none, since every order ends with them.
const fn column(by: FindingSort) -> Option<finding::Column> {
    match by {
        FindingSort::Id => None,
        FindingSort::Severity => Some(finding::Column::Severity),
        FindingSort::Priority => Some(finding::Column::Priority),
        FindingSort::FirstSeen => Some(finding::Column::FirstSeen),
        FindingSort::UpdatedAt => Some(finding::Column::UpdatedAt),
        FindingSort::DueAt => Some(finding::Column::DueOrder),
    }
}

fn position(order: FindingOrder, row: &finding::Model) -> Position {
    let key = match order.by {
        FindingSort::Id => Key::Id,
        FindingSort::Severity => Key::Severity(sea_orm::ActiveEnum::to_value(&row.severity)),
        FindingSort::Priority => Key::Priority(sea_orm::ActiveEnum::to_value(&row.priority)),
        FindingSort::FirstSeen => Key::Time(row.first_seen),
        FindingSort::UpdatedAt => Key::Time(row.updated_at),
        FindingSort::DueAt => Key::Time(row.due_order),
    };
    Position { key, id: row.id }
}

/// Rows after the position: a row comparison, which an index on both columns serves.
fn beyond<T: FindingTable>(order: FindingOrder, after: Position) -> Expr {
    let col = T::col;
    let key: Option<Value> = match after.key {
        Key::Id => None,
        Key::Severity(rank) | Key::Priority(rank) => Some(rank.into()),
        Key::Time(time) => Some(time.into()),
    };
    let (left, right) = match column(order.by).zip(key) {
        None => (col(finding::Column::Id), Expr::val(after.id)),
        Some((column, key)) => {
            (Expr::tuple([col(column), col(finding::Column::Id)]), Expr::tuple([Expr::val(key), Expr::val(after.id)]))
        }
    };
    if order.descending { left.lt(right) } else { left.gt(right) }
}

/// One finding, unless the caller has it already.
///
/// # Errors
/// `forbidden`; `not_found`, also where it was not known at the moment asked for; `invalid_parameter`.
pub async fn get(
    caller: &Caller,
    id: FindingId,
    moment: Option<DateTime>,
    seen: Option<&str>,
) -> Result<Fresh<Finding>> {
    as_of::check(caller, moment)?;
    let read = caller.begin(Permission::ReadFindings).await?;
    let mut found = match moment {
        None => by_ids(&read, &[id]).await?,
        Some(moment) => as_of::by_id(&read.scope(), id, moment.0).await?,
    };
    let finding = found.pop().ok_or_else(Error::not_found)?;
    let etag = etag(caller, &finding);
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, finding) })
}

/// The tag of a finding: its number, and what changes without one.
pub(super) fn etag(caller: &Caller, finding: &Finding) -> Etag {
    let epss = finding.epss.map(|epss| epss.to_string()).unwrap_or_default();
    Etag::of_resource(finding.seq, &[&caller.rights_digest(), &finding.last_seen.0.to_rfc3339(), &epss])
}

/// Findings by id; those that the caller may not see are missing.
pub async fn by_ids(read: &Read, ids: &[FindingId]) -> Result<Vec<Finding>> {
    let scope = read.narrow(Permission::ReadFindings);
    let of_ids = finding::Column::Id.is_in(ids.iter().map(|id| id.0));
    let rows = scope.find::<finding::Entity>().filter(of_ids).all().await?;
    row::read(&scope, rows).await
}

/// The first findings of each asset, by id: at most `each` of every one.
pub async fn of_assets(read: &Read, assets: &[domain::AssetId], each: u64) -> Result<Vec<Finding>> {
    use finding::{Column as C, Entity as E};
    let scope = read.narrow(Permission::ReadFindings);
    let find = scope.find::<E>().filter(C::AssetId.is_in(assets.iter().map(|id| id.0)));
    let first = find.first_of_each(&[C::AssetId], "id", each, &[C::Id]);
    let rows = first.with(|select| select.order_by_asc(C::Id)).all().await?;
    row::read(&scope, rows).await
}

/// What the tool saw. That the caller reads it is recorded first.
///
/// # Errors
/// `forbidden`, `not_found` for a missing finding and for one without evidence.
pub async fn evidence(caller: &Caller, id: FindingId) -> Result<Evidence> {
    let read = caller.begin(Permission::ReadEvidence).await?;
    let scope = read.narrow(Permission::ReadFindings);
    let of_finding = finding_evidence::Column::FindingId.eq(id.0);
    let row = scope.find::<finding_evidence::Entity>().filter(of_finding).one().await?;
    drop(read);
    let row = row.ok_or_else(Error::not_found)?;
    audit::read(caller, "finding.evidence", "finding", &[(row.tenant_id, id.0)]).await?;
    Ok(Evidence { finding_id: id, text: row.text })
}
