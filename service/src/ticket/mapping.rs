//! What a tracker's states mean in a municipality.

use crate::{
    Etag, Fresh, Result,
    grant::stale,
    task::write::AT_ONCE,
    tenancy::{Caller, Command, Scope},
};
use domain::{
    Permission, TaskStatus, TenantId,
    task::is_system,
    ticket::mapping::{
        MAX_STATES, MappedState, MappingPreview, PreviewedState, PreviewedTask, States, TicketMapping, TicketMeaning,
        normal,
    },
};
use entity::{json::StoredStates, task, ticket, ticket_mapping};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, JoinType, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use std::collections::BTreeMap;
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

/// Says what the states of a system mean, over what was said in the version read. It counts from the next report on, also
/// of a word that was reported before.
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
        let old = before.map(|row| row.states.0).unwrap_or_default();
        look_again(&command, system, &old, &row.states.0).await?;
        save(&command, row).await?;
        command.commit_about("ticket_mapping.update", ("tenant", tenant.0)).await?;
    }
    Ok((etag(caller, &mapping), mapping))
}

/// Lets the tickets whose word means something else now be looked at again when their tracker repeats it.
async fn look_again(command: &Command, system: &str, old: &States, new: &States) -> Result<()> {
    use ticket::Column as C;
    let of_system = Condition::all().add(C::System.eq(system)).add(C::State.is_not_null());
    let find = command.scope().find::<ticket::Entity>().filter(of_system);
    let words = find.with(|select| select.select_only().column(C::State).distinct()).rows::<Word>().await?;
    let is_other = |word: &String| old.meaning(word) != new.meaning(word);
    let changed: Vec<String> = words.into_iter().map(|word| word.state).filter(is_other).collect();
    for some in changed.chunks(AT_ONCE) {
        let said = Condition::all().add(C::System.eq(system)).add(C::State.is_in(some.iter().map(String::as_str)));
        let again = ticket::ActiveModel { state_understood: Set(false), ..Default::default() };
        command.update_where::<ticket::Entity>(said, again).await?;
    }
    Ok(())
}

#[derive(sea_orm::FromQueryResult)]
struct Word {
    state: String,
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

/// What a mapping would do if the tracker reported again what it reported last, state by state: those asked for, and the
/// most frequent of those reported. What a state means already it has done.
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
    let new = States::parse(given)?;
    let read = caller.begin_in(Permission::ReadTasks, &[tenant.to_string()]).await?;
    let scope = read.scope();
    let old = states(&scope, system).await?;
    let mut found: BTreeMap<String, PreviewedState> = given.iter().map(|g| empty(&g.state, &new)).collect();
    let mut words: BTreeMap<TaskStatus, Words> = BTreeMap::new();
    for Counted { state, tickets } in counted(&scope, system).await? {
        let (key, blank) = empty(&state, &new);
        found.entry(key).or_insert(blank).tickets += tickets;
        let meaning = new.meaning(&state);
        let Some(to) = meaning.and_then(TicketMeaning::status) else { continue };
        let words = words.entry(to).or_default();
        if meaning == old.meaning(&state) { words.kept.push(state) } else { words.changed.push(state) }
    }
    for (to, words) in words {
        for row in would_move(&scope, system, to, words).await? {
            let task = PreviewedTask { task_id: row.task_id.into(), key: row.key, from: row.status, to };
            if let Some(state) = found.get_mut(&normal(&row.state)).filter(|state| state.tasks.len() < MAX_PREVIEWED) {
                state.tasks.push(task);
            }
        }
    }
    Ok(MappingPreview { states: found.into_values().collect() })
}

fn empty(state: &str, states: &States) -> (String, PreviewedState) {
    let meaning = states.meaning(state);
    (normal(state), PreviewedState { state: state.to_owned(), meaning, tickets: 0, tasks: Vec::new() })
}

/// The tracker's words that move tasks to one status: those that mean something else than before, and those that go on
/// meaning it, which count only for tickets whose word nobody had explained.
#[derive(Default)]
struct Words {
    changed: Vec<String>,
    kept: Vec<String>,
}

#[derive(sea_orm::FromQueryResult)]
struct Counted {
    state: String,
    tickets: i64,
}

/// How many tickets were last reported in each state.
async fn counted(scope: &Scope<'_>, system: &str) -> Result<Vec<Counted>> {
    use ticket::Column as C;
    let of_system = Condition::all().add(C::System.eq(system)).add(C::State.is_not_null());
    let find = scope.find::<ticket::Entity>().filter(of_system).with(|select| {
        let count = || C::TaskId.count();
        let counts = select.select_only().column(C::State).expr_as(count(), "tickets").group_by(C::State);
        counts.order_by_desc(count()).order_by_asc(C::State).limit(MAX_STATES as u64)
    });
    find.rows().await
}

#[derive(sea_orm::FromQueryResult)]
struct WouldMove {
    task_id: Uuid,
    key: String,
    state: String,
    status: TaskStatus,
}

/// The first tasks that would move to a status, for each of the words.
async fn would_move(scope: &Scope<'_>, system: &str, to: TaskStatus, words: Words) -> Result<Vec<WouldMove>> {
    use sea_orm::Iterable;
    use ticket::{Column as C, Entity as E};
    let unexplained = Condition::all().add(C::State.is_in(words.kept)).add(C::StateUnderstood.eq(false));
    let said = Condition::any().add(C::State.is_in(words.changed)).add(unexplained);
    let from = task::Column::Status.is_in(TaskStatus::iter().filter(|from| from.may_become(to)));
    let find = scope.find::<E>().filter(C::System.eq(system)).filter(said).filter(from).with(|select| {
        let of_task = Expr::col((task::Entity, task::Column::TenantId))
            .equals((E, C::TenantId))
            .and(Expr::col((task::Entity, task::Column::Id)).equals((E, C::TaskId)));
        let place = r#"ROW_NUMBER() OVER (PARTITION BY "ticket"."state" ORDER BY "ticket"."task_id")"#;
        let mut select = select
            .select_only()
            .columns([C::TaskId, C::Key, C::State])
            .expr_as(Expr::col((task::Entity, task::Column::Status)), "status")
            .expr_as(Expr::cust(place), "place");
        QueryTrait::query(&mut select).join(JoinType::InnerJoin, task::Entity, of_task);
        select
    });
    find.placed(MAX_PREVIEWED as u64).await
}
