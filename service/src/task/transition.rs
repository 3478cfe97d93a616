//! Moving a task, and its findings with it.

use super::{
    answer, is_unfinished,
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
use std::collections::{BTreeMap, HashSet, VecDeque};
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
    let mut taken = taken(command, &moves).await?;
    let mut outcomes = Vec::with_capacity(moves.len());
    let (mut edits, mut followed) = (Vec::new(), Vec::new());
    for moved in moves {
        let place = returns_to(&moved);
        let is_taken = place.as_ref().is_some_and(|place| taken.contains(place));
        let Move { before, wish, external_actor, extra } = moved;
        let checked = wish.check(before.status).and_then(|()| match is_taken {
            true => Err(domain::Error::new(Code::TransitionRefused, "another task has taken its place")),
            false => Ok(wish.to),
        });
        if checked.is_ok() {
            // Of two that come back with one report, the first takes the place.
            taken.extend(place);
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
    move_findings(command, &followed).await?;
    Ok(outcomes)
}

/// What the findings of a task have in common: a group has one unfinished task.
type Place = (TaskGroup, Option<Uuid>, Option<String>, Option<Uuid>);

fn place(row: &task::Model) -> Place {
    (row.grouped_by, row.source_id, row.rule_key.clone(), row.group_id)
}

/// The place that a task to be taken up again wants back.
fn returns_to(moved: &Move) -> Option<Place> {
    let returns = moved.before.status.is_finished() && !moved.wish.to.is_finished();
    (returns && moved.before.grouped_by != TaskGroup::Hand).then(|| place(&moved.before))
}

/// Those of the places that other unfinished tasks have taken by now.
async fn taken(command: &Command, moves: &[Move]) -> Result<HashSet<Place>> {
    use task::Column as C;
    let returning: Vec<Place> = moves.iter().filter_map(returns_to).collect();
    let mut taken = HashSet::new();
    for some in returning.chunks(AT_ONCE) {
        let of_rules = Condition::all()
            .add(C::SourceId.is_in(some.iter().filter_map(|(_, source, ..)| *source)))
            .add(C::RuleKey.is_in(some.iter().filter_map(|(_, _, rule, _)| rule.as_deref())));
        let of_groups = C::GroupId.is_in(some.iter().filter_map(|(.., group)| *group));
        let of_same = Condition::all().add(is_unfinished()).add(Condition::any().add(of_rules).add(of_groups));
        let others = command.scope().find::<task::Entity>().filter(of_same).all().await?;
        taken.extend(others.iter().map(place));
    }
    Ok(taken)
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

/// A finding on its way: the steps that are left of the task that it follows, and the tasks that it follows then.
struct Way<'m> {
    row: finding::Model,
    moved: &'m Followed,
    steps: &'static [Status],
    then: VecDeque<&'m Followed>,
}

impl<'m> Way<'m> {
    fn new(row: finding::Model, mut then: VecDeque<&'m Followed>) -> Option<Self> {
        while let Some(moved) = then.pop_front() {
            let steps = moved.steps(row.status);
            if !steps.is_empty() {
                return Some(Self { row, moved, steps, then });
            }
        }
        None
    }

    /// What is left once a step has been taken.
    fn on(self, row: finding::Model) -> Option<Self> {
        match self.steps.get(1..) {
            Some(steps) if !steps.is_empty() => Some(Self { row, steps, ..self }),
            _ => Self::new(row, self.then),
        }
    }
}

/// Lets the findings of tasks follow them, in the order of their ids, as many in one go as a statement takes.
async fn move_findings(command: &mut Command, moved: &[Followed]) -> Result<()> {
    use sea_orm::Iterable;
    let follows = |status: &Status| moved.iter().any(|one| !one.steps(*status).is_empty());
    let concerned: Vec<Status> = Status::iter().filter(follows).collect();
    if concerned.is_empty() {
        return Ok(());
    }
    let mut after = Uuid::nil();
    loop {
        let rows = some_findings(command, moved, &concerned, after).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.id;
        let mut ways = ways(command, moved, rows).await?;
        while !ways.is_empty() {
            let edits = ways.values().filter_map(|way| Some(step(command, way.moved, &way.row, *way.steps.first()?)));
            let saved = findings::save(command, edits.collect()).await?;
            let on = |saved: findings::Saved| Some((saved.row.id, ways.remove(&saved.row.id)?.on(saved.row)?));
            ways = saved.into_iter().filter_map(on).collect();
        }
    }
}

/// The ways of the findings, each of which may be in several of the tasks.
async fn ways<'m>(
    command: &Command,
    moved: &'m [Followed],
    rows: Vec<finding::Model>,
) -> Result<BTreeMap<Uuid, Way<'m>>> {
    use task_finding::Column as C;
    let links = Condition::all()
        .add(C::FindingId.is_in(rows.iter().map(|row| row.id)))
        .add(C::TaskId.is_in(moved.iter().map(|one| one.task)));
    let links = command.scope().find::<task_finding::Entity>().filter(links).all().await?;
    let links: HashSet<(Uuid, Uuid)> = links.into_iter().map(|link| (link.task_id, link.finding_id)).collect();
    let way = |row: finding::Model| {
        let then = moved.iter().filter(|one| links.contains(&(one.task, row.id))).collect();
        Some((row.id, Way::new(row, then)?))
    };
    Ok(rows.into_iter().filter_map(way).collect())
}

async fn some_findings(
    command: &Command,
    moved: &[Followed],
    of: &[Status],
    after: Uuid,
) -> Result<Vec<finding::Model>> {
    use finding::Column as C;
    let mut linked = Query::select();
    linked
        .column(task_finding::Column::FindingId)
        .from(task_finding::Entity)
        .and_where(Expr::col(task_finding::Column::TenantId).eq(command.tenant()))
        .and_where(Expr::col(task_finding::Column::TaskId).is_in(moved.iter().map(|one| one.task)));
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
