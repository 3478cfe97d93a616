//! What time does to due dates: findings become due soon and overdue, and follow the settings. Each job takes a
//! bounded number of findings at a time behind the tenant's clock, so that people get in between.

use crate::{
    Result,
    finding::write::{self, Edit},
    tenancy::{Caller, Command, Service},
};
use domain::{EventKind, Permission, TenantId, sla::Sla};
use entity::{finding, sla_progress};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use std::time::Duration;

/// Most findings of one command: what it holds the clock for stays below a tenth of a second.
const AT_ONCE: u64 = 200;
/// Most commands of a job in one go; the rest waits for the next time.
const STEPS: usize = 25;
/// What people who wait for the clock get between two commands.
const PAUSE: Duration = Duration::from_millis(20);

/// What the jobs may do: the right under which they open a tenant.
const AS: Permission = Permission::WriteFindings;

/// Open findings of which it has not been told that they are overdue, in the words of their index.
fn waiting() -> Condition {
    let open = "NOT overdue AND status IN ('new', 'confirmed', 'in_progress', 'fix_claimed')";
    Condition::all().add(Expr::cust(open))
}

/// Tells of findings whose due date has passed; says of how many.
///
/// # Errors
/// If the store fails.
pub(crate) async fn tell_overdue(service: &Service, tenant: TenantId) -> Result<u64> {
    let now = service.clock.now();
    let past = waiting().add(finding::Column::DueOrder.lt(now));
    tell(service, tenant, &past, EventKind::FindingOverdue).await
}

/// Tells of findings that are due within the working days that the municipality calls soon; says of how many.
///
/// # Errors
/// If the store fails.
pub(crate) async fn tell_due_soon(service: &Service, tenant: TenantId) -> Result<u64> {
    let now = service.clock.now();
    let caller = Caller::system(service.clone(), tenant, AS);
    let settings = caller.begin(AS).await?.platform().settings().await?;
    use finding::Column as C;
    let soon = C::DueOrder.between(now, Sla::new(settings).soon(now));
    tell(service, tenant, &waiting().add(soon).add(C::DueSoon.eq(false)), EventKind::FindingDueSoon).await
}

async fn tell(service: &Service, tenant: TenantId, whom: &Condition, kind: EventKind) -> Result<u64> {
    let caller = Caller::system(service.clone(), tenant, AS);
    let mut told = 0;
    for _ in 0..STEPS {
        let some = caller.begin(AS).await?.scope().find::<finding::Entity>().filter(whom.clone()).one().await?;
        if some.is_none() {
            break;
        }
        let mut command = caller.begin_write(AS).await?.command(tenant.0).await?;
        let edits: Vec<Edit> = first(&command, whom).await?.into_iter().map(|row| noted(row, kind)).collect();
        told += edits.len() as u64;
        write::save(&mut command, edits).await?;
        command.commit_step().await?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(told)
}

/// The first of them by due date, as they stand behind the clock.
async fn first(command: &Command, whom: &Condition) -> Result<Vec<finding::Model>> {
    let find = command.scope().find::<finding::Entity>().filter(whom.clone());
    find.with(|select| select.order_by_asc(finding::Column::DueOrder).limit(AT_ONCE)).all().await
}

fn noted(row: finding::Model, kind: EventKind) -> Edit {
    let overdue = kind == EventKind::FindingOverdue;
    let after = finding::Model { overdue, due_soon: !overdue, ..row.clone() };
    Edit { kind: Some(kind), ..Edit::of(row, after) }
}

/// Counts the due dates of open findings again where the settings have changed; says how many findings it looked at.
///
/// Its place is stored, so that it goes on after a restart and is done once, whatever the number of replicas.
///
/// # Errors
/// If the store fails.
pub(crate) async fn recount(service: &Service, tenant: TenantId) -> Result<u64> {
    let caller = Caller::system(service.clone(), tenant, AS);
    let mut looked_at = 0;
    for _ in 0..STEPS {
        let read = caller.begin(AS).await?;
        let policy = Sla::new(read.platform().settings().await?).policy();
        let reached = read.scope().find::<sla_progress::Entity>().one().await?;
        drop(read);
        if reached.is_some_and(|reached| reached.policy == policy && reached.last_id.is_none()) {
            break;
        }
        looked_at += recount_some(&caller, tenant).await?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(looked_at)
}

async fn recount_some(caller: &Caller, tenant: TenantId) -> Result<u64> {
    use finding::Column as C;
    let mut command = caller.begin_write(AS).await?.command(tenant.0).await?;
    let policy = Sla::new(command.settings().clone()).policy();
    let reached = command.scope().find::<sla_progress::Entity>().one().await?;
    // Another policy than the one that it got through with begins at the first finding again.
    let after = reached.filter(|reached| reached.policy == policy).map(|reached| reached.last_id);
    if after == Some(None) {
        return Ok(0);
    }
    let open = Expr::cust("status IN ('new', 'confirmed', 'in_progress', 'fix_claimed')");
    let beyond = Condition::all().add(open).add_option(after.flatten().map(|id| C::Id.gt(id)));
    let find = command.scope().find::<finding::Entity>().filter(beyond);
    let rows = find.with(|select| select.order_by_asc(C::Id).limit(AT_ONCE)).all().await?;
    let (count, last) = (rows.len() as u64, rows.last().map(|row| row.id));
    write::save(&mut command, rows.into_iter().map(|row| Edit::of(row.clone(), row)).collect()).await?;
    let place = sla_progress::ActiveModel {
        tenant_id: Set(tenant.0),
        policy: Set(policy),
        last_id: Set(last.filter(|_| count == AT_ONCE)),
    };
    use sla_progress::Column as P;
    let again = OnConflict::column(P::TenantId).update_columns([P::Policy, P::LastId]).to_owned();
    command.upsert::<sla_progress::Entity>(vec![place], again).await?;
    command.commit_step().await?;
    Ok(count)
}
