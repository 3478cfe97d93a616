//! Tasks: lists, one, what people make and say of them, how far they are, and who claims them.

mod assets;
mod claim;
mod draft;
mod shown;
pub(crate) mod tally;
mod transition;
pub(crate) mod write;

use crate::{
    Error, Etag, Fresh, Result, asset,
    cursor::Bound,
    finding, paging,
    tenancy::{Caller, Command, Read},
};
pub(crate) use claim::held;
pub use claim::{claim, release, renew};
use domain::{
    AssetId, FindingId, Page, PageRequest, Permission, Task, TaskId, Timestamp,
    included::{Included, TaskInclude, check_nodes},
    task::TaskFilter,
};
pub use draft::{create, patch};
use entity::{task, task_finding, task_lease, ticket};
use sea_orm::{
    ColumnTrait, Condition,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};
pub(crate) use shown::{shown, ticket_of};
use std::collections::{BTreeMap, BTreeSet, HashMap};
pub use transition::transition;
pub(crate) use transition::{Move, move_all};
use uuid::Uuid;

/// A page of tasks by id, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `unknown_tenant`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(
    caller: &Caller,
    filter: &TaskFilter,
    page: &PageRequest,
    include: &[TaskInclude],
    seen: Option<&str>,
) -> Result<Fresh<Page<Task>>> {
    filter.check()?;
    let read = caller.begin_in(Permission::ReadTasks, &filter.tenant).await?;
    let scope = read.scope();
    let cursors = Bound::of(caller, &("tasks", filter, include))?;
    // Tickets are written in the municipality's language, which it changes without its clock.
    let language = format!("{:?}", scope.letterheads().await?.into_iter().collect::<BTreeMap<_, _>>());
    let etag = Etag::of_page(&scope, &cursors, page, &language).await?;
    // A lease that ends puts a task on the list of those without a ticket, and no clock says so.
    if filter.without_ticket.is_none() && etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    let find = scope.find::<task::Entity>().filter(condition(filter, caller.now()));
    let mut page = paging::by_id(find, &cursors, page, |row| row.id).await?;
    let rows = std::mem::take(&mut page.items);
    let items = shown(&scope, rows).await?;
    let included = included(&read, &items, include).await?;
    Ok(Fresh::Changed(etag, Page { included, ..page.of(items) }))
}

/// What tasks lead to, each once.
async fn included(read: &Read, tasks: &[Task], include: &[TaskInclude]) -> Result<Option<Included>> {
    if include.is_empty() {
        return Ok(None);
    }
    let ids: BTreeSet<FindingId> = tasks.iter().flat_map(|task| task.finding_ids.iter().copied()).collect();
    check_nodes(tasks.len() + ids.len())?;
    let findings = finding::by_ids(read, &Vec::from_iter(ids)).await?;
    let mut included = Included::default();
    if include.contains(&TaskInclude::Assets) {
        let ids: BTreeSet<AssetId> = findings.iter().filter_map(|finding| finding.asset_id).collect();
        check_nodes(tasks.len() + findings.len() + ids.len())?;
        included.assets = Some(asset::by_ids(read, &Vec::from_iter(ids)).await?);
    }
    included.findings = include.contains(&TaskInclude::Findings).then_some(findings);
    Ok(Some(included))
}

fn condition(filter: &TaskFilter, now: Timestamp) -> Condition {
    use task::Column as C;
    let mut all = Condition::all();
    if !filter.status.is_empty() {
        all = all.add(C::Status.is_in(filter.status.iter().copied()));
    }
    if !filter.severity.is_empty() {
        all = all.add(C::Severity.is_in(filter.severity.iter().copied()));
    }
    if !filter.priority.is_empty() {
        all = all.add(C::Priority.is_in(filter.priority.iter().copied()));
    }
    all.add_option(filter.assignee.as_ref().map(|assignee| C::Assignee.eq(assignee)))
        .add_option(filter.held.map(|held| C::Held.eq(held)))
        .add_option(filter.without_ticket.as_ref().map(|system| awaits_ticket(system, now)))
}

/// In the words of the partial indexes over unfinished tasks: bound values would hide from a store that the index holds
/// every row that is asked for.
pub(crate) fn is_unfinished() -> Expr {
    Expr::cust(r#""task"."status" NOT IN ('done', 'cancelled')"#)
}

/// The tasks that somebody is to make a ticket for in a system: unfinished, waiting for nothing, without a ticket there,
/// and claimed by nobody at that time. The first two in the words of the index `task_claimable`.
fn awaits_ticket(system: &str, now: Timestamp) -> Condition {
    Condition::all()
        .add(is_unfinished())
        .add(Expr::cust(r#"NOT "task"."held""#))
        .add(Expr::exists(ticket_in(system)).not())
        .add(Expr::exists(live_lease_in(system, now)).not())
}

/// The lease of the task at hand in a system that holds at a time.
fn live_lease_in(system: &str, now: Timestamp) -> SelectStatement {
    use task_lease::{Column as C, Entity as E};
    of_task::<E>(C::TenantId, C::TaskId).and_where(C::System.eq(system)).and_where(C::ExpiresAt.gt(now)).to_owned()
}

/// The ticket of the task at hand in a system.
fn ticket_in(system: &str) -> SelectStatement {
    use ticket::{Column as C, Entity as E};
    of_task::<E>(C::TenantId, C::TaskId).and_where(C::System.eq(system)).to_owned()
}

/// The rows of the task at hand, by their columns of tenant and task.
fn of_task<E: sea_orm::EntityTrait>(tenant: E::Column, task: E::Column) -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(E::default())
        .and_where(Expr::col((E::default(), tenant)).equals((task::Entity, task::Column::TenantId)))
        .and_where(Expr::col((E::default(), task)).equals((task::Entity, task::Column::Id)))
        .to_owned()
}

/// One task, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `not_found`.
pub async fn get(caller: &Caller, id: TaskId, seen: Option<&str>) -> Result<Fresh<Task>> {
    let read = caller.begin(Permission::ReadTasks).await?;
    let task = by_ids(&read, &[id]).await?.pop().ok_or_else(Error::not_found)?;
    let etag = etag(caller, &task);
    Ok(if etag.matches(seen) { Fresh::Unchanged(etag) } else { Fresh::Changed(etag, task) })
}

fn etag(caller: &Caller, task: &Task) -> Etag {
    // What its ticket says changes without a number of the task: with an asset's name, or the language.
    let ticket = &task.ticket;
    Etag::of_resource(task.seq, &[&caller.rights_digest(), &ticket.body_text, &ticket.assets.join("\n"), &ticket.link])
}

/// What a command answers: the task as it now is, with its tag.
pub(crate) async fn answer(command: &Command, caller: &Caller, id: Uuid) -> Result<(Etag, Task)> {
    let row = command.get::<task::Entity>(id).await?;
    let task = shown(&command.scope(), vec![row]).await?.pop().ok_or_else(Error::not_found)?;
    Ok((etag(caller, &task), task))
}

/// Tasks by id; those that the caller may not see are missing.
pub async fn by_ids(read: &Read, ids: &[TaskId]) -> Result<Vec<Task>> {
    let scope = read.narrow(Permission::ReadTasks);
    let of_ids = task::Column::Id.is_in(ids.iter().map(|id| id.0));
    let rows = scope.find::<task::Entity>().filter(of_ids).all().await?;
    shown(&scope, rows).await
}

/// Which tasks each finding belongs to, for those that the caller may see.
pub async fn of_findings(read: &Read, ids: &[FindingId]) -> Result<Vec<(FindingId, Task)>> {
    let scope = read.narrow(Permission::ReadTasks);
    let of_ids = task_finding::Column::FindingId.is_in(ids.iter().map(|id| id.0));
    let links = scope.find::<task_finding::Entity>().filter(of_ids).all().await?;
    let mut task_ids: Vec<TaskId> = links.iter().map(|link| link.task_id.into()).collect();
    task_ids.sort_unstable();
    task_ids.dedup();
    let tasks: HashMap<Uuid, Task> = by_ids(read, &task_ids).await?.into_iter().map(|t| (t.id.0, t)).collect();
    let linked = |link: task_finding::Model| Some((link.finding_id.into(), tasks.get(&link.task_id)?.clone()));
    Ok(links.into_iter().filter_map(linked).collect())
}
