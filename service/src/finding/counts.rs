//! Counts of findings, the same for REST and GraphQL.

use super::{
    as_of,
    filter::{self, FindingTable},
};
use crate::{
    Etag, Fresh, Result,
    tenancy::{Caller, Find, Scope},
};
use domain::{
    FindingCount, FindingCounts, FindingFacet, FindingFilter, FindingKind, Permission, Priority, Severity, Status,
    TenantId, Tlp, text,
};
use entity::{TenantOwned, finding, finding_version, source};
use sea_orm::{
    ActiveEnum, Condition, QuerySelect, Select,
    sea_query::{Expr, ExprTrait},
};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// How many findings the filter holds, and how many of each value of the
/// facets, unless the caller has it already. One statement for all facets.
///
/// # Errors
/// `invalid_parameter`, `forbidden`, `unknown_tenant`.
pub async fn counts(
    caller: &Caller,
    filter: &FindingFilter,
    by: &[FindingFacet],
    seen: Option<&str>,
) -> Result<Fresh<FindingCounts>> {
    filter.check()?;
    as_of::check(caller, filter.as_of)?;
    FindingFacet::check(by)?;
    let read = caller.begin_in(Permission::ReadFindings, &filter.tenant).await?;
    let scope = read.scope();
    let etag = Etag::of_list(&scope, &[&caller.rights_digest(), &format!("{filter:?}{by:?}")]).await?;
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    let groups = groups(&scope, filter, by).await?;
    let names = if by.contains(&FindingFacet::Source) { sources(&scope).await? } else { HashMap::new() };
    let total = groups.iter().map(|group| group.count).sum();
    let items = by.iter().flat_map(|facet| of_facet(caller, *facet, &groups, &names)).collect();
    Ok(Fresh::Changed(etag, FindingCounts { total, items }))
}

#[derive(sea_orm::FromQueryResult)]
struct Group {
    tenant_id: Uuid,
    severity: Option<i16>,
    status: Option<String>,
    kind: Option<String>,
    tlp: Option<String>,
    priority: Option<i16>,
    kev: Option<bool>,
    overdue: Option<bool>,
    source_id: Option<Uuid>,
    count: i64,
}

async fn groups(scope: &Scope<'_>, filter: &FindingFilter, by: &[FindingFacet]) -> Result<Vec<Group>> {
    match filter.as_of {
        None => {
            groups_of(scope.find::<finding::Entity>(), filter::condition::<finding::Entity>(scope, filter)?, by).await
        }
        Some(moment) => {
            let condition = filter::condition::<finding_version::Entity>(scope, filter)?.add(filter::at(moment.0));
            groups_of(scope.find::<finding_version::Entity>(), condition, by).await
        }
    }
}

/// One row per combination that occurs: a handful, whatever the number of findings.
async fn groups_of<T: FindingTable + TenantOwned>(
    find: Find<'_, T>,
    condition: Condition,
    by: &[FindingFacet],
) -> Result<Vec<Group>> {
    use finding::Column as C;
    let column = |facet, column: C, name: &str, select: Select<T>| {
        if by.contains(&facet) {
            select.expr_as(T::col(column), name).group_by(T::col(column))
        } else {
            // The row type has the column all the same.
            select.expr_as(Expr::cust("NULL"), name)
        }
    };
    find.filter(condition)
        .with(|select| {
            let select = select.select_only().expr_as(T::col(C::TenantId), "tenant_id").group_by(T::col(C::TenantId));
            let select = column(FindingFacet::Severity, C::Severity, "severity", select);
            let select = column(FindingFacet::Status, C::Status, "status", select);
            let select = column(FindingFacet::Kind, C::Kind, "kind", select);
            let select = column(FindingFacet::Tlp, C::Tlp, "tlp", select);
            let select = column(FindingFacet::Priority, C::Priority, "priority", select);
            let select = column(FindingFacet::Kev, C::Kev, "kev", select);
            let select = column(FindingFacet::Overdue, C::Overdue, "overdue", select);
            let select = if by.contains(&FindingFacet::Source) {
                select.expr_as(T::col(C::SourceId), "source_id").group_by(T::col(C::SourceId))
            } else {
                select
            };
            select.expr_as(T::col(C::Id).count(), "count")
        })
        .rows::<Group>()
        .await
}

async fn sources(scope: &Scope<'_>) -> Result<HashMap<Uuid, String>> {
    let rows = scope.find::<source::Entity>().all().await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

fn of_facet(caller: &Caller, by: FindingFacet, groups: &[Group], sources: &HashMap<Uuid, String>) -> Vec<FindingCount> {
    // The number in front puts severities and statuses in their own order.
    let mut counts: BTreeMap<(i64, String), i64> = BTreeMap::new();
    for group in groups {
        if let Some(key) = key(caller, by, group, sources) {
            *counts.entry(key).or_default() += group.count;
        }
    }
    counts.into_iter().map(|((_, value), count)| FindingCount { by, value, count }).collect()
}

fn key(caller: &Caller, by: FindingFacet, group: &Group, sources: &HashMap<Uuid, String>) -> Option<(i64, String)> {
    match by {
        FindingFacet::Severity => {
            let severity = Severity::try_from_value(&group.severity?).ok()?;
            Some((i64::from(group.severity?), text::word(&severity)))
        }
        FindingFacet::Status => {
            let status = Status::try_from_value(group.status.as_ref()?).ok()?;
            Some((status as i64, text::word(&status)))
        }
        FindingFacet::Kind => {
            let kind = FindingKind::try_from_value(group.kind.as_ref()?).ok()?;
            Some((kind as i64, text::word(&kind)))
        }
        FindingFacet::Tlp => {
            let tlp = Tlp::try_from_value(group.tlp.as_ref()?).ok()?;
            Some((tlp as i64, text::word(&tlp)))
        }
        FindingFacet::Priority => {
            let priority = Priority::try_from_value(&group.priority?).ok()?;
            Some((i64::from(group.priority?), text::word(&priority)))
        }
        FindingFacet::Kev => Some((i64::from(group.kev?), group.kev?.to_string())),
        FindingFacet::Overdue => Some((i64::from(group.overdue?), group.overdue?.to_string())),
        FindingFacet::Source => Some((0, sources.get(&group.source_id?)?.clone())),
        FindingFacet::Tenant => Some((0, caller.rights().get(&TenantId(group.tenant_id))?.tenant.slug.clone())),
    }
}
