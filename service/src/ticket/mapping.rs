//! What a tracker's states mean in a municipality.

use crate::{
    Etag, Fresh, Result,
    grant::stale,
    tenancy::{Caller, Command, Scope},
};
use domain::{
    Permission, TenantId,
    task::is_system,
    ticket::{
        mapping::{MappedState, MappingPreview, PreviewedState, PreviewedTask, States, TicketMapping, normal},
        report::{KnownTicket, Step, step},
    },
};
use entity::{json::StoredStates, task, ticket, ticket_mapping};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition,
    sea_query::{OnConflict, Query},
};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Most tasks that a preview names for a state.
const MAX_PREVIEWED: usize = 100;

/// What the states of a system mean, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `tenant_required`, `unknown_tenant`, `not_found` for what can name no system.
pub async fn get_mapping(
    caller: &Caller,
    tenant: Option<&str>,
    system: &str,
    seen: Option<&str>,
) -> Result<Fresh<TicketMapping>> {
    let tenant = caller.one_tenant(Permission::ReadTasks, tenant)?;
    named(system)?;
    let read = caller.begin_in(Permission::ReadTasks, &[tenant.to_string()]).await?;
    let mapping = shown(tenant, system, stored(&read.scope(), system).await?);
    let etag = etag(caller, &mapping);
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, mapping) })
}

fn named(system: &str) -> Result<()> {
    if is_system(system) { Ok(()) } else { Err(crate::Error::not_found()) }
}

fn etag(caller: &Caller, mapping: &TicketMapping) -> Etag {
    Etag::of_resource(mapping.version, &[&caller.rights_digest()])
}

async fn stored(scope: &Scope<'_>, system: &str) -> Result<Option<ticket_mapping::Model>> {
    scope.find::<ticket_mapping::Entity>().filter(ticket_mapping::Column::System.eq(system)).one().await
}

fn shown(tenant: TenantId, system: &str, row: Option<ticket_mapping::Model>) -> TicketMapping {
    let version = row.as_ref().map_or(0, |row| row.version);
    let states = row.map(|row| row.states.0.listed()).unwrap_or_default();
    TicketMapping { tenant_id: tenant, system: system.to_owned(), states, version }
}

/// What a command goes by: a municipality's words for a system.
pub(super) async fn states(scope: &Scope<'_>, system: &str) -> Result<States> {
    Ok(stored(scope, system).await?.map(|row| row.states.0).unwrap_or_default())
}

/// Says what the states of a system mean, over what was said in the version read. It counts from the next report on.
///
/// # Errors
/// `forbidden`, `tenant_required`, `unknown_tenant`, `not_found`, `stale`, `invalid_body`.
pub async fn put_mapping(
    caller: &Caller,
    tenant: Option<&str>,
    system: &str,
    version: i64,
    given: &[MappedState],
) -> Result<(Etag, TicketMapping)> {
    let tenant = caller.one_tenant(Permission::ManageTenants, tenant)?;
    named(system)?;
    let states = States::parse(given)?;
    let command = caller.begin_write(Permission::ManageTenants).await?.command(tenant.0).await?;
    let before = stored(&command.scope(), system).await?;
    let current = before.as_ref().map_or(0, |row| row.version);
    if current != version {
        return Err(stale());
    }
    let is_same = before.as_ref().is_some_and(|row| row.states.0 == states);
    let row = ticket_mapping::Model {
        tenant_id: tenant.0,
        system: system.to_owned(),
        states: StoredStates(states),
        version: if is_same { current } else { current + 1 },
    };
    let mapping = shown(tenant, system, Some(row.clone()));
    if !is_same {
        save(&command, row).await?;
        command.commit_about("ticket_mapping.update", ("tenant", tenant.0)).await?;
    }
    Ok((etag(caller, &mapping), mapping))
}

async fn save(command: &Command, row: ticket_mapping::Model) -> Result<()> {
    use ticket_mapping::Column as C;
    let again = OnConflict::columns([C::TenantId, C::System]).update_columns([C::States, C::Version]).to_owned();
    let row = ticket_mapping::ActiveModel {
        tenant_id: Set(row.tenant_id),
        system: Set(row.system),
        states: Set(row.states),
        version: Set(row.version),
    };
    command.upsert::<ticket_mapping::Entity>(vec![row], again).await
}

/// What a mapping would do if the tracker reported again what it reported last: state by state, first those asked for.
///
/// # Errors
/// `forbidden`, `tenant_required`, `unknown_tenant`, `not_found`, `invalid_body`.
pub async fn preview(
    caller: &Caller,
    tenant: Option<&str>,
    system: &str,
    given: &[MappedState],
) -> Result<MappingPreview> {
    let tenant = caller.one_tenant(Permission::ReadTasks, tenant)?;
    named(system)?;
    let states = States::parse(given)?;
    let read = caller.begin_in(Permission::ReadTasks, &[tenant.to_string()]).await?;
    let scope = read.scope();
    let of_system = Condition::all().add(ticket::Column::System.eq(system)).add(ticket::Column::State.is_not_null());
    let tickets = scope.find::<ticket::Entity>().filter(of_system.clone()).all().await?;
    let mut linked = Query::select();
    linked.column(ticket::Column::TaskId).from(ticket::Entity).cond_where(of_system);
    let tasks = scope.find::<task::Entity>().filter(task::Column::Id.in_subquery(linked)).all().await?;
    let tasks: HashMap<Uuid, task::Model> = tasks.into_iter().map(|row| (row.id, row)).collect();
    let mut found: BTreeMap<String, PreviewedState> = given.iter().map(|g| empty(&g.state, &states)).collect();
    for ticket in tickets {
        let Some(state) = ticket.state.as_deref() else { continue };
        let (key, new) = empty(state, &states);
        let entry = found.entry(key).or_insert(new);
        entry.tickets += 1;
        if let Some(task) = tasks.get(&ticket.task_id).filter(|_| entry.tasks.len() < MAX_PREVIEWED) {
            entry.tasks.extend(would_move(task, &ticket, &states));
        }
    }
    Ok(MappingPreview { states: found.into_values().collect() })
}

fn empty(state: &str, states: &States) -> (String, PreviewedState) {
    let meaning = states.meaning(state);
    (normal(state), PreviewedState { state: state.to_owned(), meaning, tickets: 0, tasks: Vec::new() })
}

fn would_move(task: &task::Model, ticket: &ticket::Model, states: &States) -> Option<PreviewedTask> {
    // As if it were the first word of the ticket: what is known already would change nothing.
    let known = KnownTicket { status: task.status, state: None, state_at: None };
    let Step::Move(to) = step(known, ticket.state.as_deref()?, ticket.state_at?, states) else { return None };
    Some(PreviewedTask { task_id: task.id.into(), key: ticket.key.clone(), from: task.status, to })
}
