//! Tasks, their findings and tickets.

use crate::{
    comment::{Comments, comments},
    connection::{caller, connection, cost, found, loaders, page},
    error::{refused, refused_by_rule},
    finding::FindingNode,
    loaders::MAX_RELATED,
};
use async_graphql::{
    ComplexObject, Context, Object, Result, SimpleObject,
    connection::{Connection, EmptyFields},
};
use domain::{
    CommentTarget, Task, TaskId,
    task::{TaskFilter, TicketLink},
};

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
    #[graphql(complexity = "MAX_RELATED.saturating_mul(child_complexity)")]
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
        connection(service::task::list(caller(ctx)?, &filter.unwrap_or_default(), &page, None).await, Into::into)
    }

    /// One task; null if there is none, or none for the caller's eyes.
    async fn task(&self, ctx: &Context<'_>, id: TaskId) -> Result<Option<TaskNode>> {
        Ok(found(ctx, service::task::get(caller(ctx)?, id, None).await)?.map(Into::into))
    }
}

#[derive(Default)]
pub(crate) struct TaskMutations;

#[Object]
impl TaskMutations {
    /// Links a ticket to a task. Repeating it changes nothing.
    async fn link_ticket(
        &self,
        ctx: &Context<'_>,
        task_id: TaskId,
        system: String,
        key: String,
        url: Option<String>,
    ) -> Result<TaskNode> {
        let link = TicketLink::parse(&system, &key, url.as_deref()).map_err(refused_by_rule)?;
        let (_, task, _) = service::task::link_ticket(caller(ctx)?, task_id, link).await.map_err(refused)?;
        Ok(task.into())
    }
}
