//! Comments: a connection on findings and tasks, and what their authors do.

use crate::{
    connection::{caller, found, loaders, page},
    error::refused,
    finding::version,
    idempotency::acting,
};
use async_graphql::{
    Context, Object, Result,
    connection::{Connection, Edge, EmptyFields},
};
use domain::{
    Comment, CommentId, CommentTarget, FindingId, TaskId,
    comment::{CommentPatch, NewComment},
};
use service::comment::CommentsOf;

pub(crate) type Comments = Connection<String, Comment, EmptyFields, EmptyFields>;

/// The comments on one of a page's nodes: those of the whole page take one statement.
pub(crate) async fn comments(
    ctx: &Context<'_>,
    target: CommentTarget,
    first: Option<i64>,
    after: Option<String>,
) -> Result<Comments> {
    let page = page(first, after)?;
    let wanted = CommentsOf { target, limit: page.limit, after: page.cursor };
    let found = loaders(ctx)?.comments.load_one(wanted).await.map_err(refused)?;
    let Some(found) = found else { return Ok(Connection::new(false, false)) };
    let mut connection = Connection::new(false, found.has_more);
    connection.edges.extend(found.cursors.into_iter().zip(found.items).map(|(cursor, item)| Edge::new(cursor, item)));
    Ok(connection)
}

#[derive(Default)]
pub(crate) struct CommentQueries;

#[Object]
impl CommentQueries {
    /// One comment; null if there is none, or none for the caller's eyes.
    async fn comment(&self, ctx: &Context<'_>, id: CommentId) -> Result<Option<Comment>> {
        found(ctx, service::comment::get(caller(ctx)?, id, None).await)
    }
}

#[derive(Default)]
pub(crate) struct CommentMutations;

#[Object]
impl CommentMutations {
    /// Comments on a finding. On one marked TLP:RED this also needs `evidence:read`.
    async fn comment_on_finding(
        &self,
        ctx: &Context<'_>,
        finding_id: FindingId,
        input: NewComment,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<Comment> {
        let target = CommentTarget::Finding(finding_id);
        Ok(service::comment::create(acting(ctx, idempotency_key)?, target, input).await.map_err(refused)?.1)
    }

    /// Comments on a task. A connector names in `externalActor` whom it speaks for.
    async fn comment_on_task(
        &self,
        ctx: &Context<'_>,
        task_id: TaskId,
        input: NewComment,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<Comment> {
        let target = CommentTarget::Task(task_id);
        Ok(service::comment::create(acting(ctx, idempotency_key)?, target, input).await.map_err(refused)?.1)
    }

    /// Gives an own comment other words. `ifMatch` is the `seq` that it was read with.
    async fn update_comment(
        &self,
        ctx: &Context<'_>,
        id: CommentId,
        if_match: Option<i64>,
        input: CommentPatch,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<Comment> {
        Ok(service::comment::patch(acting(ctx, idempotency_key)?, id, version(if_match)?, input)
            .await
            .map_err(refused)?
            .1)
    }

    /// Deletes an own comment; that there was one stays. `ifMatch` is the `seq` that it was read with.
    async fn delete_comment(
        &self,
        ctx: &Context<'_>,
        id: CommentId,
        if_match: Option<i64>,
        #[graphql(desc = "Repeated with the same key within 24 hours, it changes nothing more and answers the same.")]
        idempotency_key: Option<String>,
    ) -> Result<Comment> {
        Ok(service::comment::delete(acting(ctx, idempotency_key)?, id, version(if_match)?).await.map_err(refused)?.1)
    }
}
