//! Which events a filter passes: those whose finding passes before or after.

use super::Found;
use crate::{
    Result, comment,
    tenancy::{Caller, Read},
};
use domain::{ChangeMode, ResourceType, TenantId, change::ChangeFilter};
use entity::{event, finding_version as version};
use sea_orm::{
    ColumnTrait, Condition, FromQueryResult, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};
use std::collections::HashSet;
use uuid::Uuid;

/// The part of a tenant's events that is read.
pub(super) struct Part {
    pub(super) tenant: Uuid,
    /// After this number.
    pub(super) after: i64,
    /// Since when its reader may know what is no longer so.
    pub(super) since: i64,
    pub(super) limit: u64,
}

/// The next events of one tenant that the filter passes, of those types that the caller may see there.
pub(super) async fn of_tenant(read: &Read, filter: &ChangeFilter, part: &Part) -> Result<Vec<Found>> {
    use event::Column as C;
    let types = visible(read.caller(), filter, part.tenant);
    if types.is_empty() {
        return Ok(Vec::new());
    }
    let mut condition =
        Condition::all().add(C::TenantId.eq(part.tenant)).add(C::Seq.gt(part.after)).add(C::ResourceType.is_in(types));
    if filter.mode == ChangeMode::State {
        condition = condition.add(Expr::exists(later_event()).not());
    }
    if filter.is_about_findings() {
        condition = condition.add(Expr::exists(passing_version(filter, part.since)));
    }
    condition = condition
        .add_option(filter.recorded_from.map(|from| C::RecordedAt.gte(from.0)))
        .add_option(filter.recorded_to.map(|to| C::RecordedAt.lt(to.0)))
        .add_option(comment::known_in_feed(read.caller(), part.tenant));
    let find = read.scope().find::<event::Entity>().filter(condition);
    let events = find.with(|select| select.order_by_asc(C::Seq).limit(part.limit)).all().await?;
    let matching = matching(read, filter, part.tenant, &events).await?;
    let found = |event: event::Model| {
        let matches = matching.as_ref().is_none_or(|matching| matching.contains(&event.seq));
        Found { event, matches }
    };
    Ok(events.into_iter().map(found).collect())
}

fn visible(caller: &Caller, filter: &ChangeFilter, tenant: Uuid) -> Vec<ResourceType> {
    use sea_orm::Iterable;
    let holds = |permission| caller.may(permission, TenantId(tenant));
    ResourceType::iter()
        .filter(|kind| filter.is_of(*kind))
        .filter(|kind| holds(kind.permission()) || kind.task_permission().is_some_and(holds))
        .collect()
}

/// A later event of the same resource: then this one is not its last state.
fn later_event() -> SelectStatement {
    use event::{Column as C, Entity as E};
    let mut select = Query::select();
    select
        .expr(Expr::val(1))
        .from_as(E, "later")
        .and_where(Expr::col(("later", C::TenantId)).equals((E, C::TenantId)))
        .and_where(Expr::col(("later", C::ResourceId)).equals((E, C::ResourceId)))
        .and_where(Expr::col(("later", C::Seq)).gt(Expr::col((E, C::Seq))));
    select
}

/// A version of the event's finding that passes. Of single changes, the one before or the one after; of states, any that
/// the reader may have been told of: what passed only in between has to be told as left, or who read a page of it would
/// keep it.
fn passing_version(filter: &ChangeFilter, since: i64) -> SelectStatement {
    use event::{Column as V, Entity as E};
    use version::{Column as C, Entity as F};
    let lasts = Expr::col((F, C::ToSeq));
    let lasts = match filter.mode {
        ChangeMode::State => lasts.gt(since),
        ChangeMode::Events => lasts.gte(Expr::col((E, V::Seq))),
    };
    let mut select = Query::select();
    select
        .expr(Expr::val(1))
        .from(F)
        .and_where(Expr::col((F, C::TenantId)).equals((E, V::TenantId)))
        .and_where(Expr::col((F, C::FindingId)).equals((E, V::ResourceId)))
        .and_where(Expr::col((F, C::FromSeq)).lte(Expr::col((E, V::Seq))))
        .and_where(Expr::col((F, C::ToSeq)).is_null().or(lasts))
        .cond_where(passes(filter));
    select
}

fn passes(filter: &ChangeFilter) -> Condition {
    use version::Column as C;
    let severity = (!filter.severity.is_empty()).then(|| C::Severity.is_in(filter.severity.iter().copied()));
    let status = (!filter.status.is_empty()).then(|| C::Status.is_in(filter.status.iter().copied()));
    Condition::all().add_option(severity).add_option(status)
}

/// A version by the number of the event that began it.
#[derive(FromQueryResult)]
struct Began {
    from_seq: i64,
}

/// The numbers of those events that left their finding so that it passes; none where everything passes.
async fn matching(
    read: &Read,
    filter: &ChangeFilter,
    tenant: Uuid,
    events: &[event::Model],
) -> Result<Option<HashSet<i64>>> {
    use version::Column as C;
    if !filter.is_about_findings() {
        return Ok(None);
    }
    let began = Condition::all()
        .add(C::TenantId.eq(tenant))
        .add(C::FindingId.is_in(events.iter().map(|event| event.resource_id)))
        .add(C::FromSeq.is_in(events.iter().map(|event| event.seq)))
        .add(passes(filter));
    let find = read.scope().find::<version::Entity>().filter(began);
    let rows: Vec<Began> = find.with(|select| select.select_only().column(C::FromSeq)).rows().await?;
    Ok(Some(rows.into_iter().map(|row| row.from_seq).collect()))
}
