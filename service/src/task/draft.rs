//! Tasks that people make, and what they say about any task.

use super::{
    answer,
    tally::{apply, count, tally_of},
    write::{self, AT_ONCE, TaskEdit},
};
use crate::{
    Etag, Result,
    tenancy::{Caller, Change, Command},
};
use domain::{
    FindingId, Permission, Priority, ResourceType, Severity, Task, TaskGroup, TaskId, TaskStatus, Violation,
    task::{MAX_FINDINGS, Share, Tally, TaskDraft, TaskPatch, would_wait_for_itself},
};
use entity::{finding, task, task_dependency, task_finding};
use sea_orm::{ActiveValue::Set, ColumnTrait, ExprTrait, QuerySelect};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// Makes a task by hand.
///
/// # Errors
/// `forbidden`, `tenant_required`, `unknown_tenant`, `invalid_body`.
pub async fn create(caller: &Caller, tenant: Option<&str>, draft: TaskDraft) -> Result<(Etag, Task)> {
    let draft = draft.normalise()?;
    let tenant = caller.one_tenant(Permission::WriteTasks, tenant)?;
    let mut command = caller.begin_write(Permission::WriteTasks).await?.command(tenant.0).await?;
    let id = Uuid::now_v7();
    let found = findings(&command, "/findings", &draft.findings).await?;
    let mut after = blank(&command, id, &draft);
    after.finding_count = i32::try_from(found.len()).unwrap_or(i32::MAX);
    let mut tally = tally_of(&after);
    for row in &found {
        // Nothing is taken away, so that no extreme can be lost.
        let _ = tally.take(None, share(row));
    }
    apply(&mut after, &tally);
    write::save(&mut command, vec![TaskEdit { before: None, after, kind: None, extra: Change::default() }]).await?;
    link(&command, id, found.iter().map(|row| row.id)).await?;
    if wait_for(&command, id, &[], &draft.blocked_by).await? {
        write::hold(&mut command, &[id]).await?;
    }
    let answer = answer(&command, caller, id).await?;
    command.commit("task.create", Some((ResourceType::Task, id))).await?;
    Ok(answer)
}

fn blank(command: &Command, id: Uuid, draft: &TaskDraft) -> task::Model {
    task::Model {
        tenant_id: command.tenant(),
        id,
        title: draft.title.clone(),
        status: TaskStatus::Open,
        severity: draft.severity.unwrap_or(Severity::Medium),
        source_id: None,
        rule_key: None,
        finding_count: 0,
        created_at: command.recorded_at(),
        updated_at: command.recorded_at(),
        seq: 0,
        recommendation: None,
        plan: draft.plan.clone(),
        assignee: draft.assignee.clone(),
        due_at: draft.due_at.map(|due| crate::clock::milliseconds(due.0)),
        due_set: draft.due_at.is_some(),
        effort_hours: draft.effort_hours,
        cost: draft.cost,
        status_reason: None,
        external_actor: None,
        priority: Priority::Track,
        open_finding_count: 0,
        held: false,
        grouped_by: TaskGroup::Hand,
        group_id: None,
        status_at: None,
    }
}

/// Changes what people say about a task in the version read, the findings that it holds and the tasks that it waits for.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `invalid_body`.
pub async fn patch(caller: &Caller, id: TaskId, version: i64, patch: TaskPatch) -> Result<(Etag, Task)> {
    let patch = patch.normalise()?;
    let write = caller.begin_write(Permission::WriteTasks).await?;
    let tenant = write.get_version::<task::Entity>(id.0, version).await?.tenant_id;
    let mut command = write.command(tenant).await?;
    let before = command.get_version::<task::Entity>(id.0, version).await?;
    let mut after = said(before.clone(), &patch);
    let (joined, left) = exchange(&command, &before, &patch).await?;
    after.finding_count += i32::try_from(joined.len()).unwrap_or(0) - i32::try_from(left.len()).unwrap_or(0);
    if after.finding_count > i32::try_from(MAX_FINDINGS).unwrap_or(i32::MAX) && !joined.is_empty() {
        return Err(wrong("/add_findings", "a task holds at most 5,000 findings"));
    }
    // Counted once the links are as they will be; what a person no longer says is said by its findings again.
    if !joined.is_empty() || !left.is_empty() || (before.due_set && !after.due_set) {
        let tally = count(&command, &[id.0]).await?.remove(&id.0);
        let none = Tally { open: 0, ..tally_of(&after) };
        apply(&mut after, &tally.unwrap_or(Tally { due_at: None, ..none }));
    }
    let mut extra = Change::default();
    let asked = patch.blocked_by.as_ref();
    let old = blockers(&command, id.0).await?;
    let waits = match asked {
        Some(new) => wait_for(&command, id.0, &old, new).await?,
        None => false,
    };
    if let Some(new) = asked.filter(|_| waits) {
        let new: Vec<Uuid> = new.iter().map(|id| id.0).collect();
        extra = extra.field("blocked_by", &old, &new);
    }
    let joins: Vec<Uuid> = joined.into_iter().collect();
    let change = extra.field("added_findings", &Vec::new(), &joins).field("removed_findings", &Vec::new(), &left);
    if change.is_empty() && after == before {
        return answer(&command, caller, id.0).await;
    }
    write::save(&mut command, vec![TaskEdit { before: Some(before), after, kind: None, extra: change }]).await?;
    if waits {
        write::hold(&mut command, &[id.0]).await?;
    }
    let answer = answer(&command, caller, id.0).await?;
    command.commit("task.patch", Some((ResourceType::Task, id.0))).await?;
    Ok(answer)
}

fn said(before: task::Model, patch: &TaskPatch) -> task::Model {
    let mut after = before;
    if let Some(title) = &patch.title {
        after.title.clone_from(title);
    }
    if let Some(plan) = &patch.plan {
        after.plan.clone_from(plan);
    }
    if let Some(assignee) = &patch.assignee {
        after.assignee.clone_from(assignee);
    }
    if let Some(due) = patch.due_at {
        after.due_set = due.is_some();
        after.due_at = due.map(|due| crate::clock::milliseconds(due.0));
    }
    after.effort_hours = patch.effort_hours.unwrap_or(after.effort_hours);
    after.cost = patch.cost.unwrap_or(after.cost);
    after
}

/// Links the findings that join and unlinks those that leave; says which really do.
async fn exchange(command: &Command, task: &task::Model, patch: &TaskPatch) -> Result<(BTreeSet<Uuid>, Vec<Uuid>)> {
    use task_finding::Column as C;
    if patch.add_findings.is_empty() && patch.remove_findings.is_empty() {
        return Ok(Default::default());
    }
    let links = command.scope().find::<task_finding::Entity>().filter(C::TaskId.eq(task.id)).all().await?;
    let held: HashSet<Uuid> = links.into_iter().map(|link| link.finding_id).collect();
    let found = findings(command, "/add_findings", &patch.add_findings).await?;
    let joined: BTreeSet<Uuid> = found.iter().map(|row| row.id).filter(|id| !held.contains(id)).collect();
    let left: Vec<Uuid> = patch.remove_findings.iter().map(|id| id.0).filter(|id| held.contains(id)).collect();
    link(command, task.id, joined.iter().copied()).await?;
    if !left.is_empty() {
        let of_left = C::TaskId.eq(task.id).and(C::FindingId.is_in(left.iter().copied()));
        command.delete::<task_finding::Entity>(of_left).await?;
    }
    Ok((joined, left))
}

/// What a ticket's findings bring, in a few columns.
#[derive(sea_orm::FromQueryResult)]
struct Found {
    id: Uuid,
    status: domain::Status,
    severity: Severity,
    priority: Priority,
    due_at: Option<sea_orm::prelude::DateTimeUtc>,
}

fn share(row: &Found) -> Option<Share> {
    Share::of(row.status, row.severity, row.priority, row.due_at)
}

/// The findings with these ids, each of which must be one of the municipality.
async fn findings(command: &Command, pointer: &str, ids: &[FindingId]) -> Result<Vec<Found>> {
    use finding::Column as C;
    let mut found = HashMap::with_capacity(ids.len());
    for some in ids.chunks(AT_ONCE) {
        let find = command.scope().find::<finding::Entity>().filter(C::Id.is_in(some.iter().map(|id| id.0)));
        let columns = [C::Id, C::Status, C::Severity, C::Priority, C::DueAt];
        let rows = find.with(|select| select.select_only().columns(columns)).rows::<Found>().await?;
        found.extend(rows.into_iter().map(|row| (row.id, row)));
    }
    let place = |(at, id): (usize, &FindingId)| {
        found.remove(&id.0).ok_or_else(|| wrong(&format!("{pointer}/{at}"), "is no finding of this municipality"))
    };
    ids.iter().enumerate().map(place).collect()
}

async fn link(command: &Command, task: Uuid, findings: impl Iterator<Item = Uuid>) -> Result<()> {
    let row = |finding| task_finding::ActiveModel {
        tenant_id: Set(command.tenant()),
        task_id: Set(task),
        finding_id: Set(finding),
    };
    command.insert::<task_finding::Entity>(findings.map(row).collect()).await
}

async fn blockers(command: &Command, task: Uuid) -> Result<Vec<Uuid>> {
    let of_task = task_dependency::Column::TaskId.eq(task);
    let edges = command.scope().find::<task_dependency::Entity>().filter(of_task).all().await?;
    let mut blockers: Vec<Uuid> = edges.into_iter().map(|edge| edge.blocked_by).collect();
    blockers.sort_unstable();
    Ok(blockers)
}

/// Lets a task wait for others in place of those that it waited for; says whether that is any different.
async fn wait_for(command: &Command, task: Uuid, old: &[Uuid], new: &[TaskId]) -> Result<bool> {
    use task_dependency::Column as C;
    if new.iter().map(|id| id.0).eq(old.iter().copied()) {
        return Ok(false);
    }
    let known = write::by_ids(command, new.iter().map(|id| id.0).collect()).await?;
    if let Some(at) = new.iter().position(|id| !known.contains_key(&id.0)) {
        return Err(wrong(&format!("/blocked_by/{at}"), "is no task of this municipality"));
    }
    if !new.is_empty() {
        // Only tasks that wait have edges: few, beside the tasks.
        let mut edges: BTreeMap<TaskId, Vec<TaskId>> = BTreeMap::new();
        for edge in command.scope().find::<task_dependency::Entity>().all().await? {
            edges.entry(edge.task_id.into()).or_default().push(edge.blocked_by.into());
        }
        if let Some(circle) = would_wait_for_itself(task.into(), new, &edges) {
            let at = new.iter().position(|id| *id == circle).unwrap_or_default();
            return Err(wrong(&format!("/blocked_by/{at}"), "waits for this task itself"));
        }
    }
    command.delete::<task_dependency::Entity>(C::TaskId.eq(task)).await?;
    let row = |blocker: &TaskId| task_dependency::ActiveModel {
        tenant_id: Set(command.tenant()),
        task_id: Set(task),
        blocked_by: Set(blocker.0),
    };
    command.insert::<task_dependency::Entity>(new.iter().map(row).collect()).await?;
    Ok(true)
}

fn wrong(pointer: &str, detail: &str) -> crate::Error {
    crate::Error::Refused(domain::Error::invalid(vec![Violation::new(pointer, detail)]))
}
