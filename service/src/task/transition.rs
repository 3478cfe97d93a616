//! Moving a task, and its findings with it.

use super::{
    answer,
    write::{AT_ONCE, TaskEdit, save},
};
use crate::{
    Etag, Result,
    finding::write as findings,
    tenancy::{Caller, Change, Command},
};
use domain::{
    Code, Permission, ResourceType, Status, Task, TaskGroup, TaskId, TaskStatus,
    task::{TaskTransition, steps_of_finding},
};
use entity::{finding, task, task_finding};
use sea_orm::{
    ColumnTrait, Condition, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Query},
};
use std::collections::{BTreeMap, HashSet};
use uuid::Uuid;

/// Most findings that are moved in one go.
const FINDINGS_AT_ONCE: u64 = 1_000;

/// Moves a task in the version read to another status. Done makes its open findings `fix_claimed` in the caller's name,
/// in progress takes them up; a done task that is taken up again takes the claims back.
///
/// # Errors
/// `forbidden`, `not_found`, `stale`, `transition_refused`, `invalid_body`.
pub async fn transition(caller: &Caller, id: TaskId, version: i64, wish: TaskTransition) -> Result<(Etag, Task)> {
    let write = caller.begin_write(Permission::WriteTasks).await?;
    let tenant = write.get_version::<task::Entity>(id.0, version).await?.tenant_id;
    let mut command = write.command(tenant).await?;
    let before = command.get_version::<task::Entity>(id.0, version).await?;
    let wanted = Move { before, wish, external_actor: None, extra: Change::default() };
    for moved in move_all(&mut command, vec![wanted]).await? {
        moved?;
    }
    let answer = answer(&command, caller, id.0).await?;
    command.commit("task.transition", Some((ResourceType::Task, id.0))).await?;
    Ok(answer)
}

/// A task to move.
pub(crate) struct Move {
    /// As it stands behind the clock.
    pub(crate) before: task::Model,
    /// Where to, and why.
    pub(crate) wish: TaskTransition,
    /// Who moved it in a tracker, in the tracker's words: the claimant of a fix.
    pub(crate) external_actor: Option<String>,
    /// What changed beside the row, for the event.
    pub(crate) extra: Change,
}

/// Moves the tasks, no two of which are the same, and says for each whether it could be.
pub(crate) async fn move_all(command: &mut Command, moves: Vec<Move>) -> Result<Vec<domain::Result<TaskStatus>>> {
    let replaced = replaced(command, &moves).await?;
    let mut outcomes = Vec::with_capacity(moves.len());
    let (mut edits, mut followed) = (Vec::new(), Vec::new());
    for Move { before, wish, external_actor, extra } in moves {
        let checked = wish.check(before.status).and_then(|()| match replaced.contains(&before.id) {
            true => Err(domain::Error::new(Code::TransitionRefused, "another task has taken its place")),
            false => Ok(wish.to),
        });
        if checked.is_ok() {
            let reason = wish.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
            let after = task::Model {
                status: wish.to,
                status_reason: reason.map(str::to_owned),
                external_actor: external_actor.clone(),
                ..before.clone()
            };
            followed.push(Followed { task: before.id, from: before.status, to: wish.to, external_actor });
            edits.push(TaskEdit { before: Some(before), after, kind: None, extra });
        }
        outcomes.push(checked);
    }
    save(command, edits).await?;
    for moved in followed {
        move_findings(command, &moved).await?;
    }
    Ok(outcomes)
}

/// Those of the tasks to be taken up again whose group has another unfinished task by now.
async fn replaced(command: &Command, moves: &[Move]) -> Result<HashSet<Uuid>> {
    use task::Column as C;
    let returns =
        |m: &&Move| m.before.status.is_finished() && !m.wish.to.is_finished() && m.before.grouped_by != TaskGroup::Hand;
    let returning: Vec<&task::Model> = moves.iter().filter(returns).map(|m| &m.before).collect();
    let mut replaced = HashSet::new();
    for some in returning.chunks(AT_ONCE) {
        let of_rules = Condition::all()
            .add(C::SourceId.is_in(some.iter().filter_map(|row| row.source_id)))
            .add(C::RuleKey.is_in(some.iter().filter_map(|row| row.rule_key.as_deref())));
        let of_groups = C::GroupId.is_in(some.iter().filter_map(|row| row.group_id));
        let unfinished = C::Status.is_not_in([TaskStatus::Done, TaskStatus::Cancelled]);
        let of_same = Condition::all().add(unfinished).add(Condition::any().add(of_rules).add(of_groups));
        let others = command.scope().find::<task::Entity>().filter(of_same).all().await?;
        let group = |row: &task::Model| (row.grouped_by, row.source_id, row.rule_key.clone(), row.group_id);
        let taken: HashSet<_> = others.iter().map(group).collect();
        replaced.extend(some.iter().filter(|row| taken.contains(&group(row))).map(|row| row.id));
    }
    Ok(replaced)
}

/// A task that moved.
struct Followed {
    task: Uuid,
    from: TaskStatus,
    to: TaskStatus,
    external_actor: Option<String>,
}

impl Followed {
    fn steps(&self, finding: Status) -> &'static [Status] {
        steps_of_finding(self.from == TaskStatus::Done, self.to, finding)
    }
}

/// Lets the findings of a task follow it, in the order of their ids, as many in one go as a statement takes.
async fn move_findings(command: &mut Command, moved: &Followed) -> Result<()> {
    use sea_orm::Iterable;
    let concerned: Vec<Status> = Status::iter().filter(|status| !moved.steps(*status).is_empty()).collect();
    if concerned.is_empty() {
        return Ok(());
    }
    let mut after = Uuid::nil();
    loop {
        let rows = some_findings(command, moved.task, &concerned, after).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.id;
        let mut ahead: BTreeMap<Uuid, (finding::Model, &'static [Status])> =
            rows.into_iter().map(|row| (row.id, (row.clone(), moved.steps(row.status)))).collect();
        while !ahead.is_empty() {
            let edits = ahead.values().filter_map(|(row, steps)| Some(step(command, moved, row, *steps.first()?)));
            let saved = findings::save(command, edits.collect()).await?;
            ahead = saved
                .into_iter()
                .filter_map(|saved| {
                    let (_, steps) = ahead.get(&saved.row.id)?;
                    let rest = steps.get(1..).filter(|rest| !rest.is_empty())?;
                    Some((saved.row.id, (saved.row, rest)))
                })
                .collect();
        }
    }
}

async fn some_findings(command: &Command, task: Uuid, of: &[Status], after: Uuid) -> Result<Vec<finding::Model>> {
    use finding::Column as C;
    let mut linked = Query::select();
    linked
        .column(task_finding::Column::FindingId)
        .from(task_finding::Entity)
        .and_where(Expr::col(task_finding::Column::TenantId).eq(command.tenant()))
        .and_where(Expr::col(task_finding::Column::TaskId).eq(task));
    let condition = Condition::all().add(C::Id.in_subquery(linked)).add(C::Status.is_in(of.iter().copied()));
    let find = command.scope().find::<finding::Entity>().filter(condition).filter(C::Id.gt(after));
    find.with(|select| select.order_by_asc(C::Id).limit(FINDINGS_AT_ONCE)).all().await
}

/// One step of a finding that follows its task.
fn step(command: &Command, moved: &Followed, row: &finding::Model, to: Status) -> findings::Edit {
    let claims = to == Status::FixClaimed;
    let after = finding::Model {
        status: to,
        decided_at: Some(command.recorded_at()),
        claimed_by: claims.then(|| command.caller().principal().0),
        claimed_by_external: moved.external_actor.clone().filter(|_| claims),
        ..row.clone()
    };
    let mut edit = findings::Edit::of(row.clone(), after);
    edit.extra = Change::default().field("task_id", &None, &Some(moved.task));
    // Nobody has said so, but who works on it or claims that it is fixed takes it for real.
    edit.extra = edit.extra.field("implied_confirmation", &false, &(row.status == Status::New));
    edit
}
