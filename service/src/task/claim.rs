//! Claims: for a while, one puller alone makes the ticket of a task in one system.
//!
//! A claim holds the tenant's clock, so that no two are given the same task, and a lease that has passed is none:
//! that is seen by its time, so nothing has to tidy up after a puller that died.

use super::{
    answer, awaits_ticket, shown,
    write::{TaskEdit, save},
};
use crate::{
    Error, Etag, Result,
    tenancy::{Caller, Change, Command},
};
use chrono::TimeDelta;
use domain::{
    EventKind, Permission, ResourceType, Task, TaskId, Timestamp,
    task::{Claim, ClaimedTask, ClaimedTasks, HeldLease, LeaseProof},
};
use entity::{task, task_lease};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, QueryOrder, QuerySelect, sea_query::OnConflict};
use std::collections::HashMap;
use uuid::Uuid;

/// Gives unfinished tasks that wait for nothing, have no ticket in the system and are not claimed for it, the most
/// pressing first, each with a lease. Over several municipalities, one after another.
///
/// # Errors
/// `forbidden`, `unknown_tenant`, `invalid_body`.
pub async fn claim(caller: &Caller, tenants: &[String], wish: &Claim) -> Result<ClaimedTasks> {
    wish.check()?;
    let mut items = Vec::new();
    for tenant in waiting(caller, tenants, wish).await? {
        let room = wish.limit() - items.len() as u64;
        if room == 0 {
            break;
        }
        match claim_in(caller, tenant, wish, room).await {
            Ok(claimed) => items.extend(claimed),
            // What has been claimed already is committed: whoever asked for it must hear of it, whatever comes after.
            Err(error) if !items.is_empty() => {
                tracing::warn!(%error, "a claim over several municipalities ended early");
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(ClaimedTasks { items })
}

#[derive(sea_orm::FromQueryResult)]
struct Waiting {
    tenant_id: Uuid,
}

/// The municipalities where something can be claimed, so that a puller that finds nothing writes nothing.
async fn waiting(caller: &Caller, tenants: &[String], wish: &Claim) -> Result<Vec<Uuid>> {
    let read = caller.begin_in(Permission::ClaimTasks, tenants).await?;
    let find = read.scope().find::<task::Entity>().filter(claimable(wish, caller.now()));
    let distinct = find.with(|select| select.select_only().column(task::Column::TenantId).distinct());
    let mut tenants: Vec<Uuid> = distinct.rows::<Waiting>().await?.into_iter().map(|row| row.tenant_id).collect();
    tenants.sort_unstable();
    Ok(tenants)
}

fn claimable(wish: &Claim, now: Timestamp) -> Condition {
    use task::Column as C;
    let filter = wish.filter.clone().unwrap_or_default();
    let mut all = awaits_ticket(&wish.system, now).add_option(filter.assignee.map(|assignee| C::Assignee.eq(assignee)));
    if !filter.status.is_empty() {
        all = all.add(C::Status.is_in(filter.status));
    }
    if !filter.severity.is_empty() {
        all = all.add(C::Severity.is_in(filter.severity));
    }
    all
}

async fn claim_in(caller: &Caller, tenant: Uuid, wish: &Claim, room: u64) -> Result<Vec<ClaimedTask>> {
    use task::Column as C;
    let mut command = caller.begin_write(Permission::ClaimTasks).await?.command(tenant).await?;
    let now = command.recorded_at();
    let expires_at = now + TimeDelta::seconds(wish.seconds());
    let find = command.scope().find::<task::Entity>().filter(claimable(wish, now));
    let first = find
        .with(|select| select.order_by_desc(C::Priority).order_by_desc(C::Severity).order_by_asc(C::Id).limit(room));
    let rows = first.all().await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let tokens: HashMap<Uuid, Uuid> = rows.iter().map(|row| (row.id, Uuid::new_v4())).collect();
    let leases =
        rows.iter().filter_map(|row| Some(lease(&command, row.id, &wish.system, *tokens.get(&row.id)?, expires_at)));
    write_leases(&command, leases.collect()).await?;
    let told = |row: task::Model| TaskEdit::about(row, EventKind::TaskClaimed, until(&wish.system, Some(expires_at)));
    let saved = save(&mut command, rows.into_iter().map(told).collect()).await?;
    let tasks = shown(&command.scope(), saved).await?;
    command.commit("task.claim", None).await?;
    let claimed = |task: Task| {
        let lease = *tokens.get(&task.id.0)?;
        Some(ClaimedTask { lease, expires_at: expires_at.into(), task })
    };
    Ok(tasks.into_iter().filter_map(claimed).collect())
}

/// What a claim changes, for the event. The token is its holder's alone.
fn until(system: &str, expires_at: Option<Timestamp>) -> Change {
    let told = expires_at.map(|at| (system.to_owned(), at));
    Change::default().field("lease", &None, &told)
}

fn lease(command: &Command, task: Uuid, system: &str, token: Uuid, expires_at: Timestamp) -> task_lease::ActiveModel {
    task_lease::ActiveModel {
        tenant_id: Set(command.tenant()),
        task_id: Set(task),
        system: Set(system.to_owned()),
        token: Set(token),
        claimed_by: Set(command.caller().principal().0),
        expires_at: Set(expires_at),
    }
}

async fn write_leases(command: &Command, leases: Vec<task_lease::ActiveModel>) -> Result<()> {
    use task_lease::Column as C;
    let again = OnConflict::columns([C::TenantId, C::TaskId, C::System])
        .update_columns([C::Token, C::ClaimedBy, C::ExpiresAt])
        .to_owned();
    command.upsert::<task_lease::Entity>(leases, again).await
}

/// The lease of a task in a system, whether it still holds or not.
pub(crate) async fn held(command: &Command, task: Uuid, system: &str) -> Result<Option<HeldLease>> {
    let row = command.scope().find::<task_lease::Entity>().filter(in_system(task, system)).one().await?;
    Ok(row.map(|row| HeldLease { token: row.token, expires_at: row.expires_at }))
}

/// The lease's place.
fn in_system(task: Uuid, system: &str) -> Condition {
    use task_lease::Column as C;
    Condition::all().add(C::TaskId.eq(task)).add(C::System.eq(system))
}

/// Lets a lease that still holds go on.
///
/// # Errors
/// `forbidden`, `not_found`, `invalid_body`, `lease_lost`.
pub async fn renew(caller: &Caller, id: TaskId, proof: LeaseProof) -> Result<(Etag, Task)> {
    let seconds = proof.seconds()?;
    let (mut command, row) = held_by(caller, id, &proof).await?;
    let expires_at = command.recorded_at() + TimeDelta::seconds(seconds);
    write_leases(&command, vec![lease(&command, id.0, &proof.system, proof.lease, expires_at)]).await?;
    let told = TaskEdit::about(row, EventKind::TaskClaimed, until(&proof.system, Some(expires_at)));
    save(&mut command, vec![told]).await?;
    let answer = answer(&command, caller, id.0).await?;
    command.commit("task.renew_lease", Some((ResourceType::Task, id.0))).await?;
    Ok(answer)
}

/// Gives a task back before its lease ends.
///
/// # Errors
/// `forbidden`, `not_found`, `invalid_body`, `lease_lost`.
pub async fn release(caller: &Caller, id: TaskId, proof: LeaseProof) -> Result<(Etag, Task)> {
    proof.check()?;
    let (mut command, row) = held_by(caller, id, &proof).await?;
    command.delete::<task_lease::Entity>(in_system(id.0, &proof.system)).await?;
    let told = TaskEdit::about(row, EventKind::TaskReleased, Change::default());
    save(&mut command, vec![told]).await?;
    let answer = answer(&command, caller, id.0).await?;
    command.commit("task.release_lease", Some((ResourceType::Task, id.0))).await?;
    Ok(answer)
}

/// The command over a task that the caller holds a lease of.
async fn held_by(caller: &Caller, id: TaskId, proof: &LeaseProof) -> Result<(Command, task::Model)> {
    let write = caller.begin_write(Permission::ClaimTasks).await?;
    let tenant = write.get::<task::Entity>(id.0).await?.tenant_id;
    let command = write.command(tenant).await?;
    let row = command.get::<task::Entity>(id.0).await?;
    let lease = held(&command, id.0, &proof.system).await?;
    HeldLease::check_holder(lease.as_ref(), proof.lease, command.recorded_at()).map_err(Error::from)?;
    Ok((command, row))
}
