//! Which ticket stands for a task in a system: linked, and taken off again.

use crate::{
    Error, Etag, Result,
    task::{
        answer, held,
        write::{AT_ONCE, TaskEdit, save},
    },
    tenancy::{Caller, Change, Command},
};
use domain::{
    Code, EventKind, Permission, ResourceType, Task, TaskId,
    task::{HeldLease, is_system},
    ticket::TicketLink,
};
use entity::{task, task_lease, ticket};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, ExprTrait};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Links a ticket to a task. Repeating it changes nothing but the ticket's page, if it says another one. Says whether the
/// link is new.
///
/// # Errors
/// `forbidden`, `not_found`; `ticket_already_linked` if the task has another
/// ticket in that system; `ticket_taken` if the ticket is another task's; `lease_held` if somebody else has
/// claimed the task for that system.
pub async fn link(caller: &Caller, id: TaskId, link: TicketLink) -> Result<(Etag, Task, bool)> {
    let write = caller.begin_write(Permission::ClaimTasks).await?;
    let tenant = write.get::<task::Entity>(id.0).await?.tenant_id;
    let mut command = write.command(tenant).await?;
    // Read behind the clock: an import may have let the task grow while this waited for its turn,
    // and who sends no version means the task as it stands.
    let before = command.get::<task::Entity>(id.0).await?;
    if let Some(linked) = linked(&command, id.0, &link).await? {
        let is_moved = link.url.is_some() && link.url != linked.url;
        if is_moved {
            turn_to(&mut command, before, &linked, link.url).await?;
        }
        let (etag, task) = answer(&command, caller, id.0).await?;
        if is_moved {
            command.commit("task.link_ticket", Some((ResourceType::Task, id.0))).await?;
        }
        return Ok((etag, task, false));
    }
    let lease = held(&command, id.0, &link.system).await?;
    HeldLease::check_link(lease.as_ref(), link.lease, command.recorded_at()).map_err(Error::from)?;
    add(&mut command, vec![(before, link)]).await?;
    let (etag, task) = answer(&command, caller, id.0).await?;
    command.commit("task.link_ticket", Some((ResourceType::Task, id.0))).await?;
    Ok((etag, task, true))
}

/// Gives a linked ticket another page.
async fn turn_to(command: &mut Command, task: task::Model, linked: &ticket::Model, url: Option<String>) -> Result<()> {
    let told = |url: &Option<String>| (linked.system.clone(), linked.key.clone(), url.clone());
    let change = Change::default().field("tickets", &told(&linked.url), &told(&url));
    let row = ticket::ActiveModel { url: Set(url), ..Default::default() };
    command.update_where::<ticket::Entity>(at(task.id, &linked.system), row).await?;
    save(command, vec![TaskEdit::about(task, EventKind::TaskTicketLinked, change)]).await?;
    Ok(())
}

/// Links tickets to tasks that have none in their systems; the leases for them have served.
pub(super) async fn add(command: &mut Command, links: Vec<(task::Model, TicketLink)>) -> Result<()> {
    let mut rows = Vec::with_capacity(links.len());
    let mut edits = Vec::with_capacity(links.len());
    for (system, tasks) in by_system(links.iter().map(|(task, link)| (link.system.as_str(), task.id))) {
        for some in tasks.chunks(AT_ONCE) {
            use task_lease::Column as C;
            let served = C::System.eq(system).and(C::TaskId.is_in(some.iter().copied()));
            command.delete::<task_lease::Entity>(served).await?;
        }
    }
    for (task, link) in links {
        let change = Change::default().field("tickets", &None, &Some((&link.system, &link.key)));
        rows.push(ticket::ActiveModel {
            tenant_id: Set(task.tenant_id),
            task_id: Set(task.id),
            system: Set(link.system),
            key: Set(link.key),
            url: Set(link.url),
            linked_at: Set(command.recorded_at()),
            linked_by: Set(command.caller().principal().0),
            state: Set(None),
            state_at: Set(None),
            external_actor: Set(None),
            state_understood: Set(true),
        });
        edits.push(TaskEdit::about(task, EventKind::TaskTicketLinked, change));
    }
    command.insert::<ticket::Entity>(rows).await?;
    save(command, edits).await?;
    Ok(())
}

/// This very ticket, if it is linked already; refuses what would give a task two or a ticket two owners.
async fn linked(command: &Command, task: Uuid, link: &TicketLink) -> Result<Option<ticket::Model>> {
    let asked = super::of_keys_or_tasks(&link.system, [link.key.as_str()].into_iter(), [task].into_iter());
    let known = command.scope().find::<ticket::Entity>().filter(asked).all().await?;
    if let Some(other) = known.iter().find(|t| t.task_id == task && t.key != link.key) {
        return Err(Error::refused(
            Code::TicketAlreadyLinked,
            format!("the task has {} in {}", other.key, other.system),
        ));
    }
    if let Some(other) = known.iter().find(|t| t.task_id != task) {
        return Err(Error::refused(Code::TicketTaken, format!("{} belongs to task {}", other.key, other.task_id)));
    }
    Ok(known.into_iter().next())
}

/// Takes the ticket of a system off a task, which can then be claimed again. Without one it changes nothing. With a key,
/// only the ticket of that key.
///
/// # Errors
/// `forbidden`, `not_found`, `invalid_parameter` for what can name no system; `ticket_already_linked` if the task has a
/// ticket of another key.
pub async fn unlink(caller: &Caller, id: TaskId, system: &str, key: Option<&str>) -> Result<(Etag, Task)> {
    if !is_system(system) {
        return Err(domain::Error::parameter("system", "takes 1–40 of a–z, 0–9, `-` and `_`").into());
    }
    let write = caller.begin_write(Permission::ClaimTasks).await?;
    let tenant = write.get::<task::Entity>(id.0).await?.tenant_id;
    let mut command = write.command(tenant).await?;
    let task = command.get::<task::Entity>(id.0).await?;
    let linked = command.scope().find::<ticket::Entity>().filter(at(id.0, system)).one().await?;
    let Some(linked) = linked else { return answer(&command, caller, id.0).await };
    if key.is_some_and(|key| key != linked.key) {
        return Err(Error::refused(Code::TicketAlreadyLinked, format!("the task has {} in {system}", linked.key)));
    }
    remove(&mut command, vec![(task, linked)]).await?;
    let answer = answer(&command, caller, id.0).await?;
    command.commit("task.unlink_ticket", Some((ResourceType::Task, id.0))).await?;
    Ok(answer)
}

/// Takes tickets off their tasks.
pub(super) async fn remove(command: &mut Command, links: Vec<(task::Model, ticket::Model)>) -> Result<()> {
    for (system, tasks) in by_system(links.iter().map(|(task, ticket)| (ticket.system.as_str(), task.id))) {
        for some in tasks.chunks(AT_ONCE) {
            use ticket::Column as C;
            let gone = C::System.eq(system).and(C::TaskId.is_in(some.iter().copied()));
            command.delete::<ticket::Entity>(gone).await?;
        }
    }
    let mut edits = Vec::with_capacity(links.len());
    for (task, ticket) in links {
        let change = Change::default().field("tickets", &Some((&ticket.system, &ticket.key)), &None);
        edits.push(TaskEdit::about(task, EventKind::TaskTicketUnlinked, change));
    }
    save(command, edits).await?;
    Ok(())
}

/// The tasks of each system.
fn by_system<'s>(places: impl Iterator<Item = (&'s str, Uuid)>) -> BTreeMap<&'s str, Vec<Uuid>> {
    let mut of_systems: BTreeMap<&str, Vec<Uuid>> = BTreeMap::new();
    for (system, task) in places {
        of_systems.entry(system).or_default().push(task);
    }
    of_systems
}

fn at(task: Uuid, system: &str) -> Condition {
    use ticket::Column as C;
    Condition::all().add(C::TaskId.eq(task)).add(C::System.eq(system))
}
