//! The tracker's list of tickets against ours.

use super::{link, mapping, of_keys_or_tasks, report};
use crate::{
    Error, Result,
    task::write::{AT_ONCE, by_ids},
    tenancy::{Caller, Command, Scope},
};
use domain::{
    Code, Permission, TaskId, Timestamp,
    ticket::{
        TicketLink,
        reconcile::{
            Compared, Difference, DifferenceKind, MAX_COMPARED, OwnTicket, Reconcile, Reconciled, ToldDifference,
            compare, plausible,
        },
        report::{TicketOutcome, TicketState},
    },
};
use entity::{task, ticket};
use sea_orm::{ColumnTrait, QuerySelect};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// Compares the tracker's list with ours in one municipality, and repairs what differs if that is asked for: links, all
/// of them or none, with the first step of states; then further states, step by step.
///
/// # Errors
/// `forbidden`, `tenant_required`, `unknown_tenant`, `invalid_body`; `payload_too_large` if we link more tickets there
/// than one list can hold; `reconcile_implausible`, before anything is repaired.
pub async fn reconcile(caller: &Caller, tenant: Option<&str>, wish: &Reconcile) -> Result<Reconciled> {
    wish.check(caller.now())?;
    let tenant = caller.one_tenant(Permission::ClaimTasks, tenant)?;
    if !wish.apply {
        let read = caller.begin_in(Permission::ClaimTasks, &[tenant.to_string()]).await?;
        let found = compared(&read.scope(), wish, caller.now()).await?;
        let none = BTreeMap::new();
        let told = |found: Difference| told(found, &wish.system, &none, false);
        return Ok(Reconciled {
            matched: found.matched,
            differences: found.differences.into_iter().map(told).collect(),
        });
    }
    let mut command = caller.begin_write(Permission::ClaimTasks).await?.command(tenant.0).await?;
    let found = compared(&command.scope(), wish, command.recorded_at()).await?;
    plausible(found.counts, wish.confirm_missing).map_err(Error::ImplausiblyMissing)?;
    let of_kind = |kind| found.differences.iter().filter(move |difference| difference.kind == kind);
    unlink(&mut command, &wish.system, of_kind(DifferenceKind::Missing)).await?;
    link_all(&mut command, &wish.system, of_kind(DifferenceKind::Orphaned)).await?;
    let failed = take_states(command, caller, wish, &found).await?;
    let told = |found: Difference| told(found, &wish.system, &failed, true);
    Ok(Reconciled { matched: found.matched, differences: found.differences.into_iter().map(told).collect() })
}

/// A difference as it is told, with what has become of it.
fn told(
    difference: Difference,
    system: &str,
    failed: &BTreeMap<TaskId, Option<String>>,
    is_applied: bool,
) -> ToldDifference {
    let repair = difference.repair(system);
    let is_drifted = difference.kind == DifferenceKind::Drifted;
    let failed = difference.task_id.filter(|_| is_drifted).and_then(|task| failed.get(&task));
    ToldDifference {
        by_hand: difference.by_hand(system),
        repaired: is_applied && repair.is_some() && failed.is_none(),
        detail: failed.filter(|_| repair.is_some()).cloned().flatten(),
        repair,
        kind: difference.kind,
        key: difference.key,
        task_id: difference.task_id,
        keep: difference.keep,
    }
}

async fn compared(scope: &Scope<'_>, wish: &Reconcile, now: Timestamp) -> Result<Compared> {
    let tickets = tickets(scope, wish).await?;
    let named: BTreeSet<Uuid> = wish.items.iter().filter_map(|item| item.task_id).map(|id| id.0).collect();
    let wanted: BTreeSet<Uuid> = tickets.keys().copied().chain(named).collect();
    let mut tasks: HashMap<Uuid, task::Model> = HashMap::new();
    for some in wanted.into_iter().collect::<Vec<_>>().chunks(AT_ONCE) {
        let of_ids = task::Column::Id.is_in(some.iter().copied());
        tasks.extend(scope.find::<task::Entity>().filter(of_ids).all().await?.into_iter().map(|row| (row.id, row)));
    }
    let own = |row: ticket::Model| {
        let task = tasks.get(&row.task_id)?;
        Some(OwnTicket {
            task_id: row.task_id.into(),
            status: task.status,
            moved_at: report::moved_at(task),
            key: row.key,
            state: row.state.filter(|_| row.state_understood),
            state_at: row.state_at,
            linked_at: row.linked_at,
        })
    };
    let ours: Vec<OwnTicket> = tickets.into_values().filter_map(own).collect();
    let linked: HashSet<TaskId> = ours.iter().map(|own| own.task_id).collect();
    let free = tasks.keys().map(|id| TaskId(*id)).filter(|id| !linked.contains(id)).collect();
    let states = mapping::states(scope, &wish.system).await?;
    Ok(compare(&ours, &free, wish, &states, now))
}

/// Our tickets in the system that the list is about, by their tasks: those that it names, by key or by task, and those
/// that it is complete over.
async fn tickets(scope: &Scope<'_>, wish: &Reconcile) -> Result<BTreeMap<Uuid, ticket::Model>> {
    let mut found = BTreeMap::new();
    for some in covered(scope, wish).await?.chunks(AT_ONCE) {
        let asked = of_keys_or_tasks(&wish.system, std::iter::empty(), some.iter().copied());
        let rows = scope.find::<ticket::Entity>().filter(asked).all().await?;
        found.extend(rows.into_iter().map(|row| (row.task_id, row)));
    }
    for some in wish.items.chunks(AT_ONCE) {
        let keys = some.iter().map(|item| item.key.as_str());
        let tasks = some.iter().filter_map(|item| item.task_id).map(|id| id.0);
        let rows = scope.find::<ticket::Entity>().filter(of_keys_or_tasks(&wish.system, keys, tasks)).all().await?;
        found.extend(rows.into_iter().map(|row| (row.task_id, row)));
    }
    Ok(found)
}

#[derive(sea_orm::FromQueryResult)]
struct Key {
    task_id: Uuid,
    key: String,
}

/// The tasks whose tickets lie in the range that the list is complete over. The keys are compared here, since the stores
/// order texts in ways of their own.
async fn covered(scope: &Scope<'_>, wish: &Reconcile) -> Result<Vec<Uuid>> {
    use ticket::Column as C;
    if !wish.complete {
        return Ok(Vec::new());
    }
    let of_system = scope.find::<ticket::Entity>().filter(C::System.eq(wish.system.as_str()));
    let keys = of_system.with(|select| select.select_only().columns([C::TaskId, C::Key])).rows::<Key>().await?;
    let tasks: Vec<Uuid> = keys.into_iter().filter(|row| wish.holds(&row.key)).map(|row| row.task_id).collect();
    if tasks.len() > MAX_COMPARED {
        let detail = format!(
            "{} tickets are linked there: compare range by range, with `keys_from` and `keys_before`, at most 10,000 each",
            tasks.len()
        );
        return Err(Error::refused(Code::PayloadTooLarge, detail));
    }
    Ok(tasks)
}

/// Takes over what the tracker says that we did not know: the states of what was just linked, of what has drifted, and
/// words that change nothing now. Says which tasks of those that drifted stay where they are, and why.
async fn take_states(
    command: Command,
    caller: &Caller,
    wish: &Reconcile,
    found: &Compared,
) -> Result<BTreeMap<TaskId, Option<String>>> {
    let orphaned = found.differences.iter().filter(|difference| difference.kind == DifferenceKind::Orphaned);
    let states = orphaned.filter_map(|one| Some((one.task_id?, one.key.clone(), one.state.clone()?, one.at)));
    let said = found.said.iter().filter_map(|(task, at)| Some((*task, wish.items.get(*at)?)));
    let said = said.map(|(task, item)| (task, item.key.clone(), item.state.clone(), wish.time_of(item)));
    let items: Vec<(TaskId, TicketState)> = states
        .chain(said)
        .map(|(task, key, state, at)| (task, TicketState { key: Some(key), state, at, ..Default::default() }))
        .collect();
    let wanted: Vec<_> = items.iter().map(|(task, item)| (task.0, item)).collect();
    let tenant = command.tenant();
    let outcomes = report::take_all(Some(command), caller, tenant, &wish.system, "ticket.reconcile", &wanted).await?;
    let failed = outcomes.into_iter().filter(|outcome| outcome.outcome != TicketOutcome::Applied);
    let nothing = || Some("it changes nothing".to_owned());
    Ok(failed.filter_map(|outcome| Some((outcome.task_id?, outcome.detail.or_else(nothing)))).collect())
}

async fn unlink(command: &mut Command, system: &str, gone: impl Iterator<Item = &Difference>) -> Result<()> {
    let ids: BTreeSet<Uuid> = gone.filter_map(|difference| difference.task_id).map(|id| id.0).collect();
    let mut tasks = by_ids(command, ids.clone()).await?;
    let mut links = Vec::with_capacity(ids.len());
    for some in ids.into_iter().collect::<Vec<_>>().chunks(AT_ONCE) {
        let asked = of_keys_or_tasks(system, std::iter::empty(), some.iter().copied());
        let rows = command.scope().find::<ticket::Entity>().filter(asked).all().await?;
        links.extend(rows.into_iter().filter_map(|row| Some((tasks.remove(&row.task_id)?, row))));
    }
    link::remove(command, links).await
}

async fn link_all(command: &mut Command, system: &str, orphans: impl Iterator<Item = &Difference>) -> Result<()> {
    let orphans: HashMap<Uuid, &Difference> = orphans.filter_map(|orphan| Some((orphan.task_id?.0, orphan))).collect();
    let tasks = by_ids(command, orphans.keys().copied().collect()).await?;
    let ticket = |orphan: &Difference| {
        let (key, url) = (orphan.key.clone(), orphan.url.clone());
        TicketLink { system: system.to_owned(), key, url, lease: None }
    };
    let mut links: Vec<_> =
        tasks.into_values().filter_map(|row| orphans.get(&row.id).map(|one| (row.clone(), ticket(one)))).collect();
    links.sort_by_key(|(row, _)| row.id);
    link::add(command, links).await
}
