//! Tickets: which stand for which tasks, what their trackers report, and both lists side by side.

mod link;
mod mapping;
mod reconcile;
mod report;

use crate::{Etag, Fresh, Result, cursor::Bound, paging, task::ticket_of, tenancy::Caller};
use domain::{
    Page, PageRequest, Permission, TaskStatus,
    ticket::{LinkedTicket, TicketFilter},
};
use entity::{task, ticket};
pub use link::{link, unlink};
pub use mapping::{get_mapping, preview, put_mapping};
pub use reconcile::reconcile;
pub use report::report;
use sea_orm::{
    ColumnTrait, Condition, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use std::collections::HashMap;
use uuid::Uuid;

/// A page of tickets by their tasks, unless the caller has it already.
///
/// # Errors
/// `forbidden`, `unknown_tenant`, `cursor_invalid`, `cursor_filter_mismatch`.
pub async fn list(
    caller: &Caller,
    filter: &TicketFilter,
    page: &PageRequest,
    seen: Option<&str>,
) -> Result<Fresh<Page<LinkedTicket>>> {
    use ticket::Column as C;
    filter.check()?;
    let read = caller.begin_in(Permission::ReadTasks, &filter.tenant).await?;
    let scope = read.scope();
    let cursors = Bound::of(caller, &("tickets", filter))?;
    let etag = Etag::of_page(&scope, &cursors, page, "").await?;
    if etag.matches(seen) {
        return Ok(Fresh::Unchanged(etag));
    }
    let after = page.cursor.as_deref().map(|cursor| cursors.open::<(Uuid, String)>(cursor)).transpose()?;
    let later = after.map(|(task, system)| {
        let same = Condition::all().add(C::TaskId.eq(task)).add(C::System.gt(system));
        Condition::any().add(C::TaskId.gt(task)).add(same)
    });
    let of_system = Condition::all().add_option(filter.system.as_ref().map(|system| C::System.eq(system)));
    let find = scope.find::<ticket::Entity>().filter(of_system);
    let count = paging::count(&find, page).await?;
    let find = find.filter(Condition::all().add_option(later));
    let first = |select: sea_orm::Select<ticket::Entity>| {
        select.order_by_asc(C::TaskId).order_by_asc(C::System).limit(page.limit + 1)
    };
    let rows = find.with(first).all().await?;
    let mut page = paging::cut(rows, &cursors, page, |row| (row.task_id, row.system.clone()))?;
    let rows = std::mem::take(&mut page.items);
    let of_tasks = task::Column::Id.is_in(rows.iter().map(|row| row.task_id));
    let columns = [task::Column::Id, task::Column::Status];
    let tasks = scope.find::<task::Entity>().filter(of_tasks).with(|select| select.select_only().columns(columns));
    let statuses: HashMap<Uuid, TaskStatus> =
        tasks.rows::<Standing>().await?.into_iter().map(|row| (row.id, row.status)).collect();
    let linked = |row: ticket::Model| {
        let (tenant_id, task_id) = (row.tenant_id.into(), row.task_id.into());
        let task_status = *statuses.get(&row.task_id)?;
        Some(LinkedTicket { tenant_id, task_id, task_status, ticket: ticket_of(row) })
    };
    let items = rows.into_iter().filter_map(linked).collect();
    Ok(Fresh::Changed(etag, Page { count, ..page.of(items) }))
}

/// How far a task is.
#[derive(sea_orm::FromQueryResult)]
struct Standing {
    id: Uuid,
    status: TaskStatus,
}

/// The tickets of one system with one of the keys, or of one of the tasks.
fn of_keys_or_tasks<'k>(
    system: &str,
    keys: impl Iterator<Item = &'k str>,
    tasks: impl Iterator<Item = Uuid>,
) -> Condition {
    use ticket::Column as C;
    let any = Condition::any().add(C::Key.is_in(keys)).add(C::TaskId.is_in(tasks));
    Condition::all().add(Expr::col((ticket::Entity, C::System)).eq(system)).add(any)
}
