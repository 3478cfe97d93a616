//! Tasks and their findings, and who claims them.

use crate::{
    comment::{Comments, comments},
    connection::{caller, connection, cost, found, loaders, page, times},
    error::refused,
    finding::{FindingNode, version, wish},
    idempotency::acting,
    loaders::MAX_RELATED,
};
use async_graphql::{
    ComplexObject, Context, InputObject, MaybeUndefined, Object, Result, SimpleObject,
    connection::{Connection, EmptyFields},
};
use domain::{
    CommentTarget, DateTime, FindingId, Task, TaskId,
    task::{Claim, ClaimedTask, LeaseProof, TaskDraft, TaskFilter, TaskPatch, TaskTransition},
};
use uuid::Uuid;

/// Remediation work over the findings of one weakness.
#[derive(SimpleObject)]
#[graphql(name = "Task", complex)]
pub(crate) struct TaskNode {
    #[graphql(flatten)]
    pub(crate) task: Task,
}

impl From<Task> for TaskNode {
    fn from(task: Task) -> Self {
        Self { task }
    }
}

#[ComplexObject]
impl TaskNode {
    /// Its first 100 findings, if the caller may read findings; `findings(filter: {task: …})` lists all.
    #[graphql(complexity = "times(MAX_RELATED, child_complexity)")]
    async fn findings(&self, ctx: &Context<'_>) -> Result<Vec<FindingNode>> {
        let mut found =
            loaders(ctx)?.findings.load_many(self.task.finding_ids.iter().copied()).await.map_err(refused)?;
        Ok(self.task.finding_ids.iter().filter_map(|id| found.remove(id)).map(Into::into).collect())
    }

    /// What people say about it, in the order of the conversation.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn comments(&self, ctx: &Context<'_>, first: Option<i64>, after: Option<String>) -> Result<Comments> {
        comments(ctx, CommentTarget::Task(self.task.id), first, after).await
    }
}

#[derive(Default)]
pub(crate) struct TaskQueries;

#[Object]
impl TaskQueries {
    /// Tasks by id.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        filter: Option<TaskFilter>,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<Connection<String, TaskNode, EmptyFields, EmptyFields>> {
        let page = page(first, after)?;
        connection(service::task::list(caller(ctx)?, &filter.unwrap_or_default(), &page, &[], None).await, Into::into)
    }

    /// One task; null if there is none, or none for the caller's eyes.
    async fn task(&self, ctx: &Context<'_>, id: TaskId) -> Result<Option<TaskNode>> {
        Ok(found(ctx, service::task::get(caller(ctx)?, id, None).await)?.map(Into::into))
    }
}

/// A change of a task. A field left out stays as it is; null empties it, and lets the due date be its findings' again.
#[derive(InputObject)]
pub(crate) struct TaskPatchInput {
    /// One line.
    title: Option<String>,
    /// How it is to be done.
    plan: MaybeUndefined<String>,
    /// When it is to be done.
    due_at: MaybeUndefined<DateTime>,
    /// Who works on it.
    assignee: MaybeUndefined<String>,
    /// The work that it takes, in hours.
    effort_hours: MaybeUndefined<f64>,
    /// What it costs.
    cost: MaybeUndefined<i64>,
    /// Tasks that must be finished first, in place of those that were.
    blocked_by: Option<Vec<TaskId>>,
    /// Findings that join it.
    #[graphql(default)]
    add_findings: Vec<FindingId>,
    /// Findings that leave it.
    #[graphql(default)]
    remove_findings: Vec<FindingId>,
}

impl From<TaskPatchInput> for TaskPatch {
    fn from(input: TaskPatchInput) -> Self {
        Self {
            title: input.title,
            plan: wish(input.plan),
            due_at: wish(input.due_at),
            assignee: wish(input.assignee),
            effort_hours: wish(input.effort_hours),
            cost: wish(input.cost),
            blocked_by: input.blocked_by,
            add_findings: input.add_findings,
            remove_findings: input.remove_findings,
        }
    }
}

/// A task with the lease that was given with it.
#[derive(SimpleObject)]
#[graphql(name = "ClaimedTask")]
pub(crate) struct ClaimedTaskNode {
    /// What to show when linking the ticket, renewing or releasing.
    lease: Uuid,
    /// Until when nobody else is given the task.
    expires_at: DateTime,
    /// The task.
    task: TaskNode,
}

#[derive(Default)]
pub(crate) struct TaskMutations;

#[Object]
impl TaskMutations {
    /// Makes a task by hand. `tenant` is needed if the token spans several municipalities.
    async fn create_task(
        &self,
        ctx: &Context<'_>,
        tenant: Option<String>,
        input: TaskDraft,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<TaskNode> {
        let made = service::task::create(acting(ctx, idempotency_key)?, tenant.as_deref(), input).await;
        Ok(made.map_err(refused)?.1.into())
    }

    /// Changes what people say about a task, its findings and what it waits for. `ifMatch` is the `seq` that it was read
    /// with.
    async fn update_task(
        &self,
        ctx: &Context<'_>,
        id: TaskId,
        if_match: Option<i64>,
        input: TaskPatchInput,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<TaskNode> {
        let patched = service::task::patch(acting(ctx, idempotency_key)?, id, version(if_match)?, input.into()).await;
        Ok(patched.map_err(refused)?.1.into())
    }

    /// Moves a task to another status. `ifMatch` is the `seq` that it was read with.
    async fn transition_task(
        &self,
        ctx: &Context<'_>,
        id: TaskId,
        if_match: Option<i64>,
        input: TaskTransition,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<TaskNode> {
        let moved = service::task::transition(acting(ctx, idempotency_key)?, id, version(if_match)?, input).await;
        Ok(moved.map_err(refused)?.1.into())
    }

    /// Claims tasks for a ticketing system, the most pressing first, each with a lease.
    #[graphql(complexity = "cost(input.limit.or(Some(10)), child_complexity)")]
    async fn claim_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(default)] tenant: Vec<String>,
        input: Claim,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<Vec<ClaimedTaskNode>> {
        let claimed = service::task::claim(acting(ctx, idempotency_key)?, &tenant, &input).await.map_err(refused)?;
        let node =
            |one: ClaimedTask| ClaimedTaskNode { lease: one.lease, expires_at: one.expires_at, task: one.task.into() };
        Ok(claimed.items.into_iter().map(node).collect())
    }

    /// Lets a lease go on that still holds.
    async fn renew_lease(
        &self,
        ctx: &Context<'_>,
        task_id: TaskId,
        input: LeaseProof,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<TaskNode> {
        Ok(service::task::renew(acting(ctx, idempotency_key)?, task_id, input).await.map_err(refused)?.1.into())
    }

    /// Gives a task back before its lease ends.
    async fn release_lease(
        &self,
        ctx: &Context<'_>,
        task_id: TaskId,
        input: LeaseProof,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<TaskNode> {
        Ok(service::task::release(acting(ctx, idempotency_key)?, task_id, input).await.map_err(refused)?.1.into())
    }
}
