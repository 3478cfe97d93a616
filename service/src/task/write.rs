//! The one way in which tasks are written, whoever changes them: what differs is numbered, and tasks that wait for
//! others are held or let go. A few statements, whatever the number of tasks.

use crate::{
    Result,
    tenancy::{Change, Command},
};
use domain::EventKind;
use entity::{task, task_dependency, task_finding};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, Condition, IntoActiveModel, Iterable, QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict, Query},
};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// Most values asked for in one statement.
pub(crate) const AT_ONCE: usize = 10_000;

/// A task that a command makes or changes.
pub(crate) struct TaskEdit {
    /// As it is stored, read behind the tenant's clock; none if it is new.
    pub(crate) before: Option<task::Model>,
    /// As it is to be. `seq` and `updated_at` are filled in.
    pub(crate) after: task::Model,
    /// What happened, where the fields do not say it.
    pub(crate) kind: Option<EventKind>,
    /// What changed beside the row, for the event.
    pub(crate) extra: Change,
}

impl TaskEdit {
    /// A change of a known task.
    pub(crate) fn of(before: task::Model, after: task::Model) -> Self {
        Self { before: Some(before), after, kind: None, extra: Change::default() }
    }

    /// Something that happened to a task beside its row.
    pub(crate) fn about(row: task::Model, kind: EventKind, extra: Change) -> Self {
        Self { before: Some(row.clone()), after: row, kind: Some(kind), extra }
    }

    fn is_finished_otherwise(&self) -> bool {
        self.before.as_ref().is_some_and(|before| before.status.is_finished() != self.after.status.is_finished())
    }
}

/// Stores the edits, in their order, and gives the tasks as they then are. No two of them are of the same task.
pub(crate) async fn save(command: &mut Command, edits: Vec<TaskEdit>) -> Result<Vec<task::Model>> {
    let moved: Vec<Uuid> = edits.iter().filter(|e| e.is_finished_otherwise()).map(|e| e.after.id).collect();
    let saved = store(command, edits).await?;
    let waiting = waiting_for(command, &moved).await?;
    hold(command, &waiting).await?;
    Ok(saved)
}

/// Holds or lets go each of the tasks, by what they wait for.
pub(crate) async fn hold(command: &mut Command, tasks: &[Uuid]) -> Result<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    use task_dependency::Column as C;
    let scope = command.scope();
    let edges = scope.find::<task_dependency::Entity>().filter(C::TaskId.is_in(tasks.iter().copied())).all().await?;
    let wanted: BTreeSet<Uuid> = edges.iter().map(|edge| edge.blocked_by).chain(tasks.iter().copied()).collect();
    let rows = by_ids(command, wanted).await?;
    let unfinished: HashSet<Uuid> = rows.values().filter(|row| !row.status.is_finished()).map(|row| row.id).collect();
    let held: HashSet<Uuid> =
        edges.iter().filter(|edge| unfinished.contains(&edge.blocked_by)).map(|edge| edge.task_id).collect();
    let edit = |id: &Uuid| {
        let before = rows.get(id)?.clone();
        let after = task::Model { held: held.contains(id), ..before.clone() };
        Some(TaskEdit::of(before, after))
    };
    store(command, tasks.iter().filter_map(edit).collect()).await?;
    Ok(())
}

async fn waiting_for(command: &Command, blockers: &[Uuid]) -> Result<Vec<Uuid>> {
    if blockers.is_empty() {
        return Ok(Vec::new());
    }
    let of_blockers = task_dependency::Column::BlockedBy.is_in(blockers.iter().copied());
    let edges = command.scope().find::<task_dependency::Entity>().filter(of_blockers).all().await?;
    let waiting: BTreeSet<Uuid> = edges.into_iter().map(|edge| edge.task_id).collect();
    Ok(waiting.into_iter().collect())
}

/// Tasks as they stand behind the clock.
pub(crate) async fn by_ids(command: &Command, ids: BTreeSet<Uuid>) -> Result<HashMap<Uuid, task::Model>> {
    let mut rows = HashMap::with_capacity(ids.len());
    for some in ids.into_iter().collect::<Vec<_>>().chunks(AT_ONCE) {
        let of_ids = task::Column::Id.is_in(some.iter().copied());
        let found = command.scope().find::<task::Entity>().filter(of_ids).all().await?;
        rows.extend(found.into_iter().map(|row| (row.id, row)));
    }
    Ok(rows)
}

/// Links the findings of a task to another one instead.
pub(crate) async fn hand_over_findings(command: &Command, from: Uuid, into: Uuid) -> Result<()> {
    use task_finding::Column as C;
    let mut held = Query::select();
    held.column(C::FindingId)
        .from(task_finding::Entity)
        .and_where(Expr::col(C::TenantId).eq(command.tenant()))
        .and_where(Expr::col(C::TaskId).eq(into));
    let lacking =
        Condition::all().add(Expr::col(C::TaskId).eq(from)).add(Expr::col(C::FindingId).not_in_subquery(held));
    let change = task_finding::ActiveModel { task_id: Set(into), ..Default::default() };
    command.update_where::<task_finding::Entity>(lacking, change).await?;
    command.delete::<task_finding::Entity>(Expr::col(C::TaskId).eq(from)).await
}

/// How many findings are linked to a task.
pub(crate) async fn finding_count(command: &Command, task: Uuid) -> Result<i32> {
    let of_task = task_finding::Column::TaskId.eq(task);
    let find = command.scope().find::<task_finding::Entity>().filter(of_task);
    let counted = |select: sea_orm::Select<task_finding::Entity>| {
        select.select_only().expr_as(Expr::col(task_finding::Column::FindingId).count(), "count")
    };
    let rows = find.with(counted).rows::<Count>().await?;
    Ok(rows.first().map_or(0, |row| i32::try_from(row.count).unwrap_or(i32::MAX)))
}

#[derive(sea_orm::FromQueryResult)]
struct Count {
    count: i64,
}

async fn store(command: &mut Command, edits: Vec<TaskEdit>) -> Result<Vec<task::Model>> {
    use task::Column as C;
    let mut saved = Vec::with_capacity(edits.len());
    let mut rows = Vec::new();
    for edit in edits {
        let (row, is_numbered) = number(command, edit);
        if is_numbered {
            rows.push(row.clone().into_active_model().reset_all());
        }
        saved.push(row);
    }
    let columns = C::iter().filter(|c| !matches!(c, C::TenantId | C::Id));
    let again = OnConflict::columns([C::TenantId, C::Id]).update_columns(columns).to_owned();
    command.upsert::<task::Entity>(rows, again).await?;
    Ok(saved)
}

fn number(command: &mut Command, edit: TaskEdit) -> (task::Model, bool) {
    let TaskEdit { before, mut after, kind, extra } = edit;
    let change = before.as_ref().map_or(Change::default(), |before| difference(before, &after, extra));
    if before.is_some() && change.is_empty() && kind.is_none() {
        return (after, false);
    }
    let kind = kind.unwrap_or(match &before {
        None => EventKind::TaskCreated,
        Some(before) if before.status != after.status => EventKind::TaskStatusChanged,
        Some(_) => EventKind::TaskUpdated,
    });
    after.updated_at = command.recorded_at();
    if before.as_ref().is_none_or(|before| before.status != after.status) {
        after.status_at = Some(command.recorded_at());
    }
    after.seq = command.record(kind, after.id, change);
    (after, true)
}

fn difference(before: &task::Model, after: &task::Model, extra: Change) -> Change {
    extra
        .field("title", &before.title, &after.title)
        .field("plan", &before.plan, &after.plan)
        .field("recommendation", &before.recommendation, &after.recommendation)
        .field("status", &before.status, &after.status)
        .field("status_reason", &before.status_reason, &after.status_reason)
        .field("external_actor", &before.external_actor, &after.external_actor)
        .field("severity", &before.severity, &after.severity)
        .field("priority", &before.priority, &after.priority)
        .field("due_at", &before.due_at, &after.due_at)
        .field("assignee", &before.assignee, &after.assignee)
        .field("effort_hours", &before.effort_hours, &after.effort_hours)
        .field("cost", &before.cost, &after.cost)
        .field("held", &before.held, &after.held)
        .field("finding_count", &before.finding_count, &after.finding_count)
        .field("open_finding_count", &before.open_finding_count, &after.open_finding_count)
}
