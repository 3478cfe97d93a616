//! The change feed: what happened since a cursor, tenant by tenant, in the
//! order in which it was committed.

use crate::{
    Etag, Fresh, Result, asset, attachment, business_service, comment,
    cursor::Bound,
    finding, import, retest, risk_acceptance, source, task,
    tenancy::{Caller, Read},
};
use domain::{
    Change, ChangeMode, Permission, ResourceType, RestrictedField, TenantId,
    change::{ChangeFilter, ChangePage, Resource},
};
use entity::event;
use sea_orm::{
    ColumnTrait, Condition, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// How far each tenant has been read.
type Position = BTreeMap<Uuid, i64>;

/// A page of the feed, unless nothing has happened since the caller last looked.
///
/// # Errors
/// `forbidden`, `unknown_tenant`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(
    caller: &Caller,
    filter: &ChangeFilter,
    cursor: Option<&str>,
    limit: u64,
    seen: Option<&str>,
) -> Result<Fresh<ChangePage>> {
    let read = caller.begin_in(Permission::ReadFeed, &filter.tenant).await?;
    let cursors = Bound::of(caller, &("changes", filter))?;
    let mut position: Position = cursor.map(|cursor| cursors.open(cursor)).transpose()?.unwrap_or_default();
    let page = format!("{limit}|{cursor:?}");
    let etag = Etag::of_list(&read.scope(), &[&caller.rights_digest(), &cursors.query, &page]).await?;
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    let mut events = Vec::new();
    let mut has_more = false;
    for (tenant, clock) in read.scope().clocks().await? {
        let read_to = position.get(&tenant).copied().unwrap_or(0);
        if read_to >= clock {
            continue;
        }
        let room = limit - events.len() as u64;
        let mut found = of_tenant(&read, filter, tenant, read_to, room + 1).await?;
        let complete = found.len() as u64 <= room;
        found.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        let reached = if complete { clock } else { found.last().map_or(read_to, |event| event.seq) };
        position.insert(tenant, reached);
        events.append(&mut found);
        has_more |= !complete;
        if has_more {
            break;
        }
    }
    let items = shown(&read, events).await?;
    let next_cursor = cursors.seal(&position)?;
    Ok(Fresh::Changed(etag, ChangePage { items, next_cursor, has_more }))
}

/// The next events of one tenant, of those types that the caller may see there.
async fn of_tenant(
    read: &Read,
    filter: &ChangeFilter,
    tenant: Uuid,
    after: i64,
    limit: u64,
) -> Result<Vec<event::Model>> {
    use event::Column as C;
    let types = visible(read.caller(), filter, tenant);
    if types.is_empty() {
        return Ok(Vec::new());
    }
    let mut condition =
        Condition::all().add(C::TenantId.eq(tenant)).add(C::Seq.gt(after)).add(C::ResourceType.is_in(types));
    if filter.mode == ChangeMode::State {
        condition = condition.add(Expr::exists(later_event()).not());
    }
    condition = condition.add_option(comment::known_in_feed(read.caller(), tenant));
    let find = read.scope().find::<event::Entity>().filter(condition);
    find.with(|select| select.order_by_asc(C::Seq).limit(limit)).all().await
}

fn visible(caller: &Caller, filter: &ChangeFilter, tenant: Uuid) -> Vec<ResourceType> {
    use sea_orm::Iterable;
    ResourceType::iter()
        .filter(|kind| filter.types.is_empty() || filter.types.contains(kind))
        .filter(|kind| {
            let holds = |permission| caller.may(permission, TenantId(tenant));
            holds(kind.permission()) || kind.task_permission().is_some_and(holds)
        })
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

/// Events with their resources as they stand, a few statements per type that occurs.
async fn shown(read: &Read, events: Vec<event::Model>) -> Result<Vec<Change>> {
    let mut resources = resources(read, &events).await?;
    let mut last_use: HashMap<Uuid, usize> = HashMap::new();
    for (at, event) in events.iter().enumerate() {
        last_use.insert(event.resource_id, at);
    }
    let shown = |(at, event): (usize, event::Model)| {
        let id = event.resource_id;
        // Moved out at its last use, so that state mode copies nothing.
        let resource = if last_use.get(&id) == Some(&at) { resources.remove(&id) } else { resources.get(&id).cloned() };
        let deleted = resource.is_none();
        let changed = readable(read.caller(), &event, resource.as_ref());
        Change {
            event_id: event.id,
            tenant_id: event.tenant_id.into(),
            seq: event.seq,
            recorded_at: event.recorded_at.into(),
            event: event.kind,
            resource_type: event.resource_type,
            resource_id: id,
            deleted,
            changed,
            resource,
        }
    };
    Ok(events.into_iter().enumerate().map(shown).collect())
}

/// What changed, without what the caller does not get of the finding as it is marked now. One that
/// is gone says no more how it was marked, so that of it everything restricted is left out.
fn readable(caller: &Caller, event: &event::Model, resource: Option<&Resource>) -> Option<serde_json::Value> {
    let mut changed = event.changed.clone()?;
    let withheld = match resource {
        Some(Resource::Finding(finding)) => finding.withheld.as_slice(),
        None if !caller.may(Permission::ReadEvidence, TenantId(event.tenant_id)) => RestrictedField::ALL,
        _ => &[],
    };
    if let Some(fields) = changed.as_object_mut() {
        fields.retain(|name, _| !withheld.iter().any(|field| field.as_str() == name));
    }
    Some(changed)
}

async fn resources(read: &Read, events: &[event::Model]) -> Result<HashMap<Uuid, Resource>> {
    let mut ids: BTreeMap<ResourceType, Vec<Uuid>> = BTreeMap::new();
    for event in events {
        ids.entry(event.resource_type).or_default().push(event.resource_id);
    }
    let mut found = HashMap::new();
    for (kind, mut ids) in ids {
        ids.sort_unstable();
        ids.dedup();
        match kind {
            ResourceType::Finding => {
                let rows = finding::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::Finding(Box::new(row)))));
            }
            ResourceType::Asset => {
                let rows = asset::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::Asset(Box::new(row)))));
            }
            ResourceType::BusinessService => {
                let rows = business_service::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::BusinessService(Box::new(row)))));
            }
            ResourceType::Task => {
                let rows = task::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::Task(Box::new(row)))));
            }
            ResourceType::RiskAcceptance => {
                let rows = risk_acceptance::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::RiskAcceptance(Box::new(row)))));
            }
            ResourceType::Import => {
                let rows = import::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::Import(Box::new(row)))));
            }
            ResourceType::Comment => {
                let rows = comment::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::Comment(Box::new(row)))));
            }
            ResourceType::Attachment => {
                let rows = attachment::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::Attachment(Box::new(row)))));
            }
            ResourceType::Retest => {
                let rows = retest::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::Retest(Box::new(row)))));
            }
            ResourceType::Source => {
                let rows = source::by_ids(read, &typed(ids)).await?;
                found.extend(rows.into_iter().map(|row| (row.id.0, Resource::Source(Box::new(row)))));
            }
        }
    }
    Ok(found)
}

fn typed<Id: From<Uuid>>(ids: Vec<Uuid>) -> Vec<Id> {
    ids.into_iter().map(Into::into).collect()
}
