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
        mapping::States,
        reconcile::{
            Difference, DifferenceKind, MAX_COMPARED, OwnTicket, Reconcile, Reconciled, ToldDifference, compare,
        },
        report::{TicketOutcome, TicketState},
    },
};
use entity::{task, ticket};
use sea_orm::{ColumnTrait, QuerySelect};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// Compares the tracker's list with ours in one municipality, and repairs what differs if that is asked for.
///
/// # Errors
/// `forbidden`, `tenant_required`, `unknown_tenant`, `invalid_body`; `payload_too_large` if we link more tickets there
/// than a complete list can hold.
pub async fn reconcile(caller: &Caller, tenant: Option<&str>, wish: &Reconcile) -> Result<Reconciled> {
    wish.check()?;
    let tenant = caller.one_tenant(Permission::ClaimTasks, tenant)?;
    if !wish.apply {
        let read = caller.begin_in(Permission::ClaimTasks, &[tenant.to_string()]).await?;
        let (matched, found, _) = differences(&read.scope(), wish, caller.now()).await?;
        let told = found.into_iter().map(|difference| told(difference, &wish.system, Err(None))).collect();
        return Ok(Reconciled { matched, differences: told });
    }
    let mut command = caller.begin_write(Permission::ClaimTasks).await?.command(tenant.0).await?;
    let (matched, found, states) = differences(&command.scope(), wish, command.recorded_at()).await?;
    let repaired = repair(&mut command, &wish.system, &states, &found).await?;
    if command.has_events() {
        command.commit("ticket.reconcile", None).await?;
    }
    let told = found.into_iter().zip(repaired).map(|(found, repaired)| told(found, &wish.system, repaired));
    Ok(Reconciled { matched, differences: told.collect() })
}

/// Whether a difference was repaired, and why not.
type Repaired = std::result::Result<(), Option<String>>;

fn told(difference: Difference, system: &str, repaired: Repaired) -> ToldDifference {
    ToldDifference {
        repair: difference.repair(system),
        kind: difference.kind,
        key: difference.key,
        task_id: difference.task_id,
        keep: difference.keep,
        repaired: repaired.is_ok(),
        detail: repaired.err().flatten(),
    }
}

async fn differences(scope: &Scope<'_>, wish: &Reconcile, now: Timestamp) -> Result<(i64, Vec<Difference>, States)> {
    let tickets = tickets(scope, wish).await?;
    let named: BTreeSet<Uuid> = wish.items.iter().filter_map(|item| item.task_id).map(|id| id.0).collect();
    let wanted: BTreeSet<Uuid> = tickets.iter().map(|row| row.task_id).chain(named).collect();
    let mut tasks: HashMap<Uuid, task::Model> = HashMap::new();
    for some in wanted.into_iter().collect::<Vec<_>>().chunks(AT_ONCE) {
        let of_ids = task::Column::Id.is_in(some.iter().copied());
        tasks.extend(scope.find::<task::Entity>().filter(of_ids).all().await?.into_iter().map(|row| (row.id, row)));
    }
    let own = |row: ticket::Model| {
        let status = tasks.get(&row.task_id)?.status;
        let state = row.state.filter(|_| row.state_understood);
        Some(OwnTicket { task_id: row.task_id.into(), status, key: row.key, state, state_at: row.state_at })
    };
    let ours: Vec<OwnTicket> = tickets.into_iter().filter_map(own).collect();
    let linked: HashSet<TaskId> = ours.iter().map(|own| own.task_id).collect();
    let free = tasks.keys().map(|id| TaskId(*id)).filter(|id| !linked.contains(id)).collect();
    let states = mapping::states(scope, &wish.system).await?;
    let (matched, found) = compare(&ours, &free, &wish.items, wish.complete, &states, now);
    Ok((matched, found, states))
}

/// Our tickets in the system: all of them, or those that a part of the tracker's list is about.
async fn tickets(scope: &Scope<'_>, wish: &Reconcile) -> Result<Vec<ticket::Model>> {
    if wish.complete {
        let of_system = scope.find::<ticket::Entity>().filter(ticket::Column::System.eq(wish.system.as_str()));
        let rows = of_system.with(|select| select.limit(MAX_COMPARED as u64 + 1)).all().await?;
        if rows.len() > MAX_COMPARED {
            let detail = "more than 10,000 tickets are linked in that system: compare part by part, without `complete`";
            return Err(Error::refused(Code::PayloadTooLarge, detail));
        }
        return Ok(rows);
    }
    let mut found: HashMap<Uuid, ticket::Model> = HashMap::new();
    for some in wish.items.chunks(AT_ONCE) {
        let keys = some.iter().map(|item| item.key.as_str());
        let tasks = some.iter().filter_map(|item| item.task_id).map(|id| id.0);
        let rows = scope.find::<ticket::Entity>().filter(of_keys_or_tasks(&wish.system, keys, tasks)).all().await?;
        found.extend(rows.into_iter().map(|row| (row.task_id, row)));
    }
    Ok(found.into_values().collect())
}

/// Repairs what can be repaired here, in the order in which the differences are told: first what is gone goes.
async fn repair(command: &mut Command, system: &str, states: &States, found: &[Difference]) -> Result<Vec<Repaired>> {
    let in_tracker = || Err(Some("this is for somebody in the tracker".to_owned()));
    let of_kind = |kind| found.iter().filter(move |difference| difference.kind == kind);
    let mut repaired: Vec<Repaired> = found
        .iter()
        .map(|difference| match difference.kind {
            DifferenceKind::Duplicate | DifferenceKind::UnknownTask => in_tracker(),
            _ => Ok(()),
        })
        .collect();
    unlink(command, system, of_kind(DifferenceKind::Missing)).await?;
    link_all(command, system, of_kind(DifferenceKind::Orphaned)).await?;
    // What was just linked has a state as well.
    let stated: Vec<(usize, Uuid, TicketState)> = found
        .iter()
        .enumerate()
        .filter(|(_, difference)| matches!(difference.kind, DifferenceKind::Orphaned | DifferenceKind::Drifted))
        .filter_map(|(at, difference)| {
            let state = difference.state.clone()?;
            let key = Some(difference.key.clone());
            Some((at, difference.task_id?.0, TicketState { key, state, at: difference.at, ..Default::default() }))
        })
        .collect();
    let items = stated.iter().map(|(_, task, item)| (*task, item)).collect();
    for ((at, ..), outcome) in stated.iter().zip(report::take(command, system, states, items).await?) {
        let is_drifted = found.get(*at).is_some_and(|difference| difference.kind == DifferenceKind::Drifted);
        if let Some(place) = repaired.get_mut(*at).filter(|_| is_drifted && outcome.outcome != TicketOutcome::Applied) {
            *place = Err(outcome.detail.or_else(|| Some("it changes nothing".to_owned())));
        }
    }
    Ok(repaired)
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
    let keys: HashMap<Uuid, &str> =
        orphans.filter_map(|orphan| Some((orphan.task_id?.0, orphan.key.as_str()))).collect();
    let tasks = by_ids(command, keys.keys().copied().collect()).await?;
    let ticket = |key: &str| TicketLink { system: system.to_owned(), key: key.to_owned(), url: None, lease: None };
    let mut links: Vec<_> =
        tasks.into_values().filter_map(|row| keys.get(&row.id).map(|key| (row.clone(), ticket(key)))).collect();
    links.sort_by_key(|(row, _)| row.id);
    link::add(command, links).await
}
