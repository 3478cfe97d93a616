//! Tasks: lists, one, and the tickets that stand for them.

use crate::{
    Error, Etag, Fresh, Result,
    cursor::Bound,
    paging,
    tenancy::{Caller, Change, Command, Read, Scope},
};
use domain::{
    Code, EventKind, FindingId, Page, PageRequest, Permission, ResourceType, Task, TaskId, Ticket,
    task::{TaskFilter, TicketLink},
};
use entity::{task, task_finding, ticket};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, QueryOrder,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};
use std::collections::HashMap;
use uuid::Uuid;

/// Most findings that are named in a task itself.
const MAX_FINDINGS: u64 = 100;

/// A page of tasks by id, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `unknown_tenant`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(
    caller: &Caller,
    filter: &TaskFilter,
    page: &PageRequest,
    seen: Option<&str>,
) -> Result<Fresh<Page<Task>>> {
    filter.check()?;
    let read = caller.begin_in(Permission::ReadTasks, &filter.tenant).await?;
    let scope = read.scope();
    let cursors = Bound::of(caller, &("tasks", filter))?;
    let etag = Etag::of_page(&scope, &cursors, page).await?;
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    let find = scope.find::<task::Entity>().filter(condition(filter));
    let mut page = paging::by_id(find, &cursors, page, |row| row.id).await?;
    let rows = std::mem::take(&mut page.items);
    let items = shown_rows(&scope, rows).await?;
    Ok(Fresh::Changed(etag, page.of(items)))
}

fn condition(filter: &TaskFilter) -> Condition {
    use task::Column as C;
    let mut all = Condition::all();
    if !filter.status.is_empty() {
        all = all.add(C::Status.is_in(filter.status.iter().copied()));
    }
    if !filter.severity.is_empty() {
        all = all.add(C::Severity.is_in(filter.severity.iter().copied()));
    }
    all.add_option(filter.without_ticket.as_ref().map(|system| Expr::exists(ticket_in(system)).not()))
}

fn ticket_in(system: &str) -> SelectStatement {
    use ticket::{Column as C, Entity as E};
    let mut select = Query::select();
    select
        .expr(Expr::val(1))
        .from(E)
        .and_where(Expr::col((E, C::TenantId)).equals((task::Entity, task::Column::TenantId)))
        .and_where(Expr::col((E, C::TaskId)).equals((task::Entity, task::Column::Id)))
        .and_where(C::System.eq(system));
    select
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
    Etag::of_resource(task.seq, &[&caller.rights_digest()])
}

/// Tasks by id; those that the caller may not see are missing.
pub async fn by_ids(read: &Read, ids: &[TaskId]) -> Result<Vec<Task>> {
    let scope = read.narrow(Permission::ReadTasks);
    let of_ids = task::Column::Id.is_in(ids.iter().map(|id| id.0));
    let rows = scope.find::<task::Entity>().filter(of_ids).all().await?;
    shown_rows(&scope, rows).await
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

/// Tasks as they are shown: rows with their tickets and first findings, in two more statements.
async fn shown_rows(scope: &Scope<'_>, rows: Vec<task::Model>) -> Result<Vec<Task>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut tickets: HashMap<Uuid, Vec<Ticket>> = HashMap::new();
    let of_tasks = ticket::Column::TaskId.is_in(ids.iter().copied());
    let found = scope.find::<ticket::Entity>().filter(of_tasks);
    for row in found.with(|select| select.order_by_asc(ticket::Column::System)).all().await? {
        tickets.entry(row.task_id).or_default().push(ticket_of(row));
    }
    let mut findings: HashMap<Uuid, Vec<FindingId>> = HashMap::new();
    for row in first_findings(scope, &ids).await? {
        findings.entry(row.task_id).or_default().push(row.finding_id.into());
    }
    let shown = |row: task::Model| {
        let (tickets, findings) = (tickets.remove(&row.id), findings.remove(&row.id));
        of(row, tickets.unwrap_or_default(), findings.unwrap_or_default())
    };
    Ok(rows.into_iter().map(shown).collect())
}

async fn first_findings(scope: &Scope<'_>, tasks: &[Uuid]) -> Result<Vec<task_finding::Model>> {
    use task_finding::{Column as C, Entity as E};
    let find = scope.find::<E>().filter(C::TaskId.is_in(tasks.iter().copied()));
    let first = find.first_of_each(&[C::TaskId], "finding_id", MAX_FINDINGS, &[C::TaskId, C::FindingId]);
    first.with(|select| select.order_by_asc(C::FindingId)).all().await
}

fn ticket_of(row: ticket::Model) -> Ticket {
    Ticket {
        system: row.system,
        key: row.key,
        url: row.url,
        linked_at: row.linked_at.into(),
        linked_by: row.linked_by.into(),
    }
}

fn of(row: task::Model, tickets: Vec<Ticket>, finding_ids: Vec<FindingId>) -> Task {
    Task {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        title: row.title,
        recommendation: row.recommendation,
        status: row.status,
        severity: row.severity,
        rule_key: row.rule_key,
        finding_count: row.finding_count,
        finding_ids,
        tickets,
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
        seq: row.seq,
    }
}

/// Links a ticket to a task. Repeating it changes nothing. Says whether the link is new.
///
/// # Errors
/// `forbidden`, `not_found`; `ticket_already_linked` if the task has another
/// ticket in that system; `ticket_taken` if the ticket is another task's.
pub async fn link_ticket(caller: &Caller, id: TaskId, link: TicketLink) -> Result<(Etag, Task, bool)> {
    let write = caller.begin_write(Permission::ClaimTasks).await?;
    let tenant = write.get::<task::Entity>(id.0).await?.tenant_id;
    let mut command = write.command(tenant).await?;
    // Read again behind the clock: an import may have let the task grow while this waited for its turn,
    // and who sends no version means the task as it stands.
    let find = command.scope().find::<task::Entity>().filter(task::Column::Id.eq(id.0));
    let before = find.one().await?.ok_or_else(Error::not_found)?;
    let linked = ticket_state(&command, &before, &link).await?;
    let mut after = before.clone();
    if !linked {
        let change = Change::default().field("tickets", &None, &Some((&link.system, &link.key)));
        after.updated_at = command.recorded_at();
        after.seq = command.record(EventKind::TaskTicketLinked, id.0, change);
        let row = ticket::ActiveModel {
            tenant_id: Set(before.tenant_id),
            task_id: Set(id.0),
            system: Set(link.system),
            key: Set(link.key),
            url: Set(link.url),
            linked_at: Set(command.recorded_at()),
            linked_by: Set(caller.principal().0),
        };
        command.insert::<ticket::Entity>(vec![row]).await?;
        let row = task::ActiveModel { updated_at: Set(after.updated_at), seq: Set(after.seq), ..Default::default() };
        command.update::<task::Entity>(id.0, before.seq, row).await?;
    }
    let task = shown_rows(&command.scope(), vec![after]).await?.pop().ok_or_else(Error::not_found)?;
    if !linked {
        command.commit("task.link_ticket", Some((ResourceType::Task, id.0))).await?;
    }
    Ok((etag(caller, &task), task, !linked))
}

/// Whether this very ticket is linked already; refuses what would give a task two or a ticket two owners.
async fn ticket_state(command: &Command, task: &task::Model, link: &TicketLink) -> Result<bool> {
    use ticket::Column as C;
    let of_task = Condition::all().add(C::TaskId.eq(task.id)).add(C::System.eq(link.system.as_str()));
    let of_key = Condition::all().add(C::Key.eq(link.key.as_str())).add(C::System.eq(link.system.as_str()));
    let known =
        command.scope().find::<ticket::Entity>().filter(Condition::any().add(of_task).add(of_key)).all().await?;
    if let Some(other) = known.iter().find(|t| t.task_id == task.id && t.key != link.key) {
        return Err(Error::refused(
            Code::TicketAlreadyLinked,
            format!("the task has {} in {}", other.key, other.system),
        ));
    }
    if let Some(other) = known.iter().find(|t| t.task_id != task.id) {
        return Err(Error::refused(Code::TicketTaken, format!("{} belongs to task {}", other.key, other.task_id)));
    }
    Ok(!known.is_empty())
}
