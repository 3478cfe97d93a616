//! What trackers report of their tickets: tasks move by it, and their findings with them.

use super::{mapping, of_keys_or_tasks};
use crate::{
    Result,
    task::{
        Move, move_all,
        write::{AT_ONCE, TaskEdit, by_ids, save},
    },
    tenancy::{Caller, Change, Command, Scope},
};
use domain::{
    EventKind, Permission, TaskStatus, Timestamp,
    ticket::{
        mapping::{States, normal},
        report::{
            KnownTicket, Said, Step, TicketOutcome, TicketState, TicketStateOutcome, TicketStates, TicketStatesOutcome,
            step, transition,
        },
    },
};
use entity::{task, ticket};
use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, QuerySelect, sea_query::OnConflict};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Takes over the states of tickets, item by item, municipality by municipality.
///
/// # Errors
/// `forbidden`, `unknown_tenant`, `invalid_body`.
pub async fn report(caller: &Caller, tenants: &[String], report: &TicketStates) -> Result<TicketStatesOutcome> {
    report.check()?;
    let read = caller.begin_in(Permission::ClaimTasks, tenants).await?;
    let known = tickets_of(&read.scope(), &report.system, &report.items).await?;
    drop(read);
    let mut items: Vec<TicketStateOutcome> = report.items.iter().map(unknown).collect();
    let mut by_tenant: BTreeMap<Uuid, Vec<(usize, Uuid)>> = BTreeMap::new();
    for (at, item) in report.items.iter().enumerate() {
        match known.find(item).as_slice() {
            [] => {}
            [one] => by_tenant.entry(one.tenant_id).or_default().push((at, one.task_id)),
            _ => items[at].detail = Some("several municipalities have this ticket: add `tenant`".to_owned()),
        }
    }
    for (tenant, places) in by_tenant {
        let wanted: Vec<_> = places.iter().map(|(at, task)| (*task, &report.items[*at])).collect();
        let outcomes = take_all(None, caller, tenant, &report.system, "ticket.report", &wanted).await?;
        for ((at, _), outcome) in places.into_iter().zip(outcomes) {
            items[at] = outcome;
        }
    }
    Ok(TicketStatesOutcome { items })
}

fn unknown(item: &TicketState) -> TicketStateOutcome {
    let (task_id, key) = (item.task_id, item.key.clone());
    TicketStateOutcome { outcome: TicketOutcome::UnknownTicket, task_id, key, status: None, detail: None }
}

/// Tickets by what a tracker says of them.
struct Tickets(Vec<ticket::Model>, HashMap<String, Vec<usize>>, HashMap<Uuid, Vec<usize>>);

impl Tickets {
    fn find(&self, item: &TicketState) -> Vec<&ticket::Model> {
        let none = Vec::new();
        let places = match (&item.key, item.task_id) {
            (Some(key), _) => self.1.get(key).unwrap_or(&none),
            (None, Some(task)) => self.2.get(&task.0).unwrap_or(&none),
            (None, None) => &none,
        };
        let is_of_task = |row: &&ticket::Model| item.task_id.is_none_or(|task| task.0 == row.task_id);
        places.iter().filter_map(|at| self.0.get(*at)).filter(is_of_task).collect()
    }
}

async fn tickets_of(scope: &Scope<'_>, system: &str, items: &[TicketState]) -> Result<Tickets> {
    let (keys, tasks) = (items.iter().filter_map(|i| i.key.as_deref()), items.iter().filter_map(|i| i.task_id));
    let asked = of_keys_or_tasks(system, keys, tasks.map(|id| id.0));
    let rows = scope.find::<ticket::Entity>().filter(asked).all().await?;
    let (mut by_key, mut by_task): (HashMap<String, Vec<usize>>, HashMap<Uuid, Vec<usize>>) = Default::default();
    for (at, row) in rows.iter().enumerate() {
        by_key.entry(row.key.clone()).or_default().push(at);
        by_task.entry(row.task_id).or_default().push(at);
    }
    Ok(Tickets(rows, by_key, by_task))
}

/// Most tickets whose states are taken over in one step.
const TICKETS_AT_ONCE: usize = 100;
/// How many findings of their tasks a step moves at most, unless one task has more.
const FINDINGS_AT_ONCE: usize = 1_000;

/// Takes over states of one municipality's tickets, given with their tasks, in steps that each hold the clock for a
/// moment: what a step has committed stays, so that a report too large for one request is done by repeating it. Of
/// several states of one ticket the latest counts; of those of one time, the last. A command that is open already is the
/// first step.
pub(super) async fn take_all(
    mut open: Option<Command>,
    caller: &Caller,
    tenant: Uuid,
    system: &str,
    action: &str,
    items: &[(Uuid, &TicketState)],
) -> Result<Vec<TicketStateOutcome>> {
    let now = caller.now();
    let mut latest: HashMap<Uuid, usize> = HashMap::new();
    for (place, (task, item)) in items.iter().enumerate() {
        let last = latest.entry(*task).or_insert(place);
        if items.get(*last).is_some_and(|(_, last)| at_of(last, now) <= at_of(item, now)) {
            *last = place;
        }
    }
    let mut places: Vec<usize> = latest.values().copied().collect();
    places.sort_unstable();
    let tasks: Vec<Uuid> = latest.keys().copied().collect();
    let weights = match &open {
        // A second transaction would wait for this one's connection.
        Some(command) => weights(&command.scope(), &tasks).await?,
        None => {
            let read = caller.begin_in(Permission::ClaimTasks, &[tenant.to_string()]).await?;
            weights(&read.scope(), &tasks).await?
        }
    };
    let mut outcomes: Vec<TicketStateOutcome> = items.iter().map(|(_, item)| superseded(item)).collect();
    for step in steps(&places, |place| items.get(place).and_then(|(task, _)| weights.get(task)).copied().unwrap_or(0)) {
        let wanted = step.iter().filter_map(|at| items.get(*at).map(|(task, item)| (*at, *task, *item))).collect();
        let mut command = match open.take() {
            Some(command) => command,
            None => caller.begin_write(Permission::ClaimTasks).await?.command(tenant).await?,
        };
        let states = mapping::states(&command.scope(), system).await?;
        for (at, outcome) in take(&mut command, system, &states, wanted).await? {
            if let Some(place) = outcomes.get_mut(at) {
                *place = outcome;
            }
        }
        if command.has_events() {
            command.commit(action, None).await?;
        }
    }
    if let Some(command) = open.filter(Command::has_events) {
        command.commit(action, None).await?;
    }
    for (at, (task, _)) in items.iter().enumerate() {
        let Some(last) = latest.get(task).filter(|last| **last != at).and_then(|last| outcomes.get(*last)).cloned()
        else {
            continue;
        };
        if let Some(place) = outcomes.get_mut(at) {
            (place.task_id, place.key, place.status) = (last.task_id, last.key, last.status);
        }
    }
    Ok(outcomes)
}

fn superseded(item: &TicketState) -> TicketStateOutcome {
    let detail = Some("another item says something newer of this ticket".to_owned());
    TicketStateOutcome { outcome: TicketOutcome::Stale, detail, ..unknown(item) }
}

/// How many findings each of the tasks has.
async fn weights(scope: &Scope<'_>, tasks: &[Uuid]) -> Result<HashMap<Uuid, usize>> {
    use task::Column as C;
    let mut weights = HashMap::new();
    for some in tasks.chunks(AT_ONCE) {
        let find = scope.find::<task::Entity>().filter(C::Id.is_in(some.iter().copied()));
        let rows = find.with(|select| select.select_only().columns([C::Id, C::FindingCount])).rows::<Weight>().await?;
        weights.extend(rows.into_iter().map(|row| (row.id, usize::try_from(row.finding_count).unwrap_or(0))));
    }
    Ok(weights)
}

#[derive(sea_orm::FromQueryResult)]
struct Weight {
    id: Uuid,
    finding_count: i32,
}

/// The places, in their order, cut into steps.
fn steps(places: &[usize], weight: impl Fn(usize) -> usize) -> Vec<Vec<usize>> {
    let mut steps: Vec<Vec<usize>> = Vec::new();
    let mut room = 0;
    for place in places {
        let weight = weight(*place);
        match steps.last_mut().filter(|step| step.len() < TICKETS_AT_ONCE && weight <= room) {
            Some(step) => step.push(*place),
            None => {
                steps.push(vec![*place]);
                room = FINDINGS_AT_ONCE;
            }
        }
        room = room.saturating_sub(weight);
    }
    steps
}

/// When the ticket was put in the state. What is said to be later than now is now, or nothing would be newer again.
fn at_of(item: &TicketState, now: Timestamp) -> Timestamp {
    item.at.map_or(now, |at| crate::clock::milliseconds(at.0).min(now))
}

/// Takes over one state of each ticket.
async fn take(
    command: &mut Command,
    system: &str,
    states: &States,
    items: Vec<(usize, Uuid, &TicketState)>,
) -> Result<Vec<(usize, TicketStateOutcome)>> {
    let now = command.recorded_at();
    let ids: BTreeSet<Uuid> = items.iter().map(|(_, task, _)| *task).collect();
    let mut tickets = by_tasks(command, system, &ids).await?;
    let tasks = by_ids(command, ids).await?;
    let (mut rows, mut kept, mut moves, mut moving) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut outcomes = Vec::with_capacity(items.len());
    for (place, task, item) in items {
        // Behind the clock it may be another ticket by now that stands for the task.
        let ticket = tickets.remove(&task).filter(|ticket| item.key.as_ref().is_none_or(|key| *key == ticket.key));
        let (Some(ticket), Some(task)) = (ticket, tasks.get(&task)) else {
            outcomes.push((place, unknown(item)));
            continue;
        };
        let at = at_of(item, now);
        let said = Said { state: &item.state, at, is_dated: item.at.is_some() };
        let found = step(known(task, &ticket), said, states);
        let (outcome, after) = follow(found, task, &ticket, item, at);
        outcomes.push((place, outcome));
        let Some(after) = after else { continue };
        let extra = told(&ticket, &after);
        if let Step::Move(to) = found {
            let wish = transition(to, item, system);
            moves.push(Move { before: task.clone(), wish, external_actor: item.external_actor.clone(), extra });
            moving.push((outcomes.len() - 1, after));
        } else {
            kept.push(keep(task, item, extra));
            rows.push(after);
        }
    }
    save(command, kept).await?;
    for ((at, after), moved) in moving.into_iter().zip(move_all(command, moves).await?) {
        let Some((_, outcome)) = outcomes.get_mut(at) else { continue };
        match moved {
            Ok(status) => {
                outcome.status = Some(status);
                rows.push(after);
            }
            Err(refused) => (outcome.outcome, outcome.detail) = (TicketOutcome::Refused, Some(refused.detail)),
        }
    }
    write_states(command, rows).await?;
    Ok(outcomes)
}

/// What a state changes of a ticket, for the event of its task.
fn told(before: &ticket::Model, after: &ticket::Model) -> Change {
    let shown = |row: &ticket::Model| (row.system.clone(), row.key.clone(), row.state.clone());
    Change::default().field("tickets", &shown(before), &shown(after))
}

/// When a task was last moved; none if it is where it was made.
pub(super) fn moved_at(task: &task::Model) -> Option<Timestamp> {
    task.status_at.filter(|at| *at > task.created_at)
}

fn known<'t>(task: &task::Model, ticket: &'t ticket::Model) -> KnownTicket<'t> {
    // A word that nobody had explained is looked at again: somebody may have by now.
    let state = ticket.state.as_deref().filter(|_| ticket.state_understood);
    KnownTicket { status: task.status, moved_at: moved_at(task), state, state_at: ticket.state_at }
}

/// What becomes of the item, and of its ticket where it changes.
fn follow(
    found: Step,
    task: &task::Model,
    ticket: &ticket::Model,
    item: &TicketState,
    at: Timestamp,
) -> (TicketStateOutcome, Option<ticket::Model>) {
    let outcome = match found {
        Step::Move(_) => TicketOutcome::Applied,
        Step::Keep => TicketOutcome::Unchanged,
        Step::Nothing(outcome) => outcome,
    };
    let detail = match outcome {
        TicketOutcome::UnknownState => Some(format!("nobody has explained `{}`", item.state.trim())),
        TicketOutcome::Refused => Some("the task cannot go there from where it is".to_owned()),
        _ => None,
    };
    let told = TicketStateOutcome {
        outcome,
        task_id: Some(task.id.into()),
        key: Some(ticket.key.clone()),
        status: Some(task.status),
        detail,
    };
    let is_same = ticket.state.as_deref().is_some_and(|state| normal(state) == normal(&item.state));
    let keeps = match found {
        Step::Move(_) | Step::Keep => true,
        // Kept for when somebody explains it.
        Step::Nothing(TicketOutcome::UnknownState) => !is_same,
        Step::Nothing(_) => false,
    };
    let after = ticket::Model {
        state: Some(item.state.trim().to_owned()),
        state_at: Some(at),
        external_actor: item.external_actor.clone(),
        state_understood: outcome != TicketOutcome::UnknownState,
        ..ticket.clone()
    };
    (told, keeps.then_some(after))
}

/// A task that stays where it is: what was said about it is still kept.
fn keep(task: &task::Model, item: &TicketState, extra: Change) -> TaskEdit {
    let reason = item.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    let mut after = task.clone();
    if let Some(reason) = reason.filter(|_| matches!(task.status, TaskStatus::Open | TaskStatus::Blocked)) {
        after.status_reason = Some(reason.to_owned());
    }
    TaskEdit { before: Some(task.clone()), after, kind: Some(EventKind::TaskUpdated), extra }
}

async fn by_tasks(command: &Command, system: &str, tasks: &BTreeSet<Uuid>) -> Result<HashMap<Uuid, ticket::Model>> {
    let mut found = HashMap::with_capacity(tasks.len());
    for some in tasks.iter().copied().collect::<Vec<_>>().chunks(AT_ONCE) {
        let asked = of_keys_or_tasks(system, std::iter::empty(), some.iter().copied());
        let rows = command.scope().find::<ticket::Entity>().filter(asked).all().await?;
        found.extend(rows.into_iter().map(|row| (row.task_id, row)));
    }
    Ok(found)
}

async fn write_states(command: &Command, rows: Vec<ticket::Model>) -> Result<()> {
    use ticket::Column as C;
    let again = OnConflict::columns([C::TenantId, C::TaskId, C::System])
        .update_columns([C::State, C::StateAt, C::ExternalActor, C::StateUnderstood])
        .to_owned();
    let rows = rows.into_iter().map(|row| row.into_active_model().reset_all()).collect();
    command.upsert::<ticket::Entity>(rows, again).await
}
