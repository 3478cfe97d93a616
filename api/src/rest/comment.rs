//! Comments: `/v1/findings/{id}/comments`, `/v1/tasks/{id}/comments`, `/v1/comments/{id}`.

use super::{
    As, Body,
    extract::{Id, IfMatch, Seen},
    listing::list,
    params::{CountedParams, FieldParams, NoParams},
    problem::ProblemDetails,
    query::Params,
    respond::{Answer, Fields, changed, created, one},
};
use actix_web::{HttpRequest, delete, get, http::StatusCode, patch, post};
use domain::{
    Comment, CommentId, CommentTarget, FindingId, Page, TaskId,
    comment::{CommentPatch, NewComment},
};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(list_finding_comments)
        .service(post_finding_comment)
        .service(list_task_comments)
        .service(post_task_comment)
        .service(get_comment)
        .service(patch_comment)
        .service(delete_comment);
}

/// A page of the comments on a finding, in the order of the conversation.
///
/// Deleted ones are there without their text. On a finding marked TLP:RED there are none for callers without
/// `evidence:read`, neither here nor in the change feed.
#[utoipa::path(tag = "comments", operation_id = "listFindingComments", params(("id" = FindingId, Path), CountedParams),
    security(("bearer" = ["findings:read"])), responses(
        (status = 200, description = "A page", body = Page<Comment>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/findings/{id}/comments")]
async fn list_finding_comments(
    caller: As,
    request: HttpRequest,
    id: Id<FindingId>,
    params: Params<CountedParams>,
    seen: Seen,
) -> Answer {
    of_target(caller, request, CommentTarget::Finding(id.0), params, seen).await
}

/// A page of the comments on a task, in the order of the conversation. Deleted ones are there without their text.
#[utoipa::path(tag = "comments", operation_id = "listTaskComments", params(("id" = TaskId, Path), CountedParams),
    security(("bearer" = ["tasks:read"])), responses(
        (status = 200, description = "A page", body = Page<Comment>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/tasks/{id}/comments")]
async fn list_task_comments(
    caller: As,
    request: HttpRequest,
    id: Id<TaskId>,
    params: Params<CountedParams>,
    seen: Seen,
) -> Answer {
    of_target(caller, request, CommentTarget::Task(id.0), params, seen).await
}

async fn of_target(
    caller: As,
    request: HttpRequest,
    target: CommentTarget,
    params: Params<CountedParams>,
    seen: Seen,
) -> Answer {
    list(caller, &request, &seen, params.0, Comment::FIELDS, async move |caller, page, seen| {
        service::comment::list(caller, target, page, seen).await
    })
    .await
}

/// Comments on a finding.
///
/// On one marked TLP:RED this also needs `evidence:read`: nobody writes into a conversation that they may not read.
#[utoipa::path(tag = "comments", operation_id = "postFindingComment", request_body = NewComment,
    params(("id" = FindingId, Path)), security(("bearer" = ["findings:write"])), responses(
        (status = 201, description = "The comment", body = Comment),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/findings/{id}/comments")]
async fn post_finding_comment(caller: As, id: Id<FindingId>, _: Params<NoParams>, body: Body<NewComment>) -> Answer {
    let target = CommentTarget::Finding(id.0);
    created("comments", service::comment::create(&caller.0, target, body.0).await?)
}

/// Comments on a task. A connector names in `external_actor` whom it speaks for.
#[utoipa::path(tag = "comments", operation_id = "postTaskComment", request_body = NewComment,
    params(("id" = TaskId, Path)), security(("bearer" = ["tasks:write"]), ("bearer" = ["tasks:claim"])), responses(
        (status = 201, description = "The comment", body = Comment),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/tasks/{id}/comments")]
async fn post_task_comment(caller: As, id: Id<TaskId>, _: Params<NoParams>, body: Body<NewComment>) -> Answer {
    let target = CommentTarget::Task(id.0);
    created("comments", service::comment::create(&caller.0, target, body.0).await?)
}

/// One comment: on a finding with `findings:read`, on a task with `tasks:read`.
#[utoipa::path(tag = "comments", operation_id = "getComment", params(("id" = CommentId, Path), FieldParams),
    security(("bearer" = ["findings:read"]), ("bearer" = ["tasks:read"])), responses(
        (status = 200, description = "The comment", body = Comment),
        (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/comments/{id}")]
async fn get_comment(caller: As, id: Id<CommentId>, params: Params<FieldParams>, seen: Seen) -> Answer {
    let fields = Fields::parse(params.0.fields, Comment::FIELDS)?;
    one(service::comment::get(&caller.0, id.0, seen.tags(&fields).as_deref()).await?, &fields)
}

/// Gives an own comment other words. Only its author may, by whatever login or client.
#[utoipa::path(tag = "comments", operation_id = "patchComment", request_body = CommentPatch,
    params(("id" = CommentId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["findings:write"]), ("bearer" = ["tasks:write"]), ("bearer" = ["tasks:claim"])),
    responses(
        (status = 200, description = "The comment as it now is", body = Comment),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[patch("/comments/{id}")]
async fn patch_comment(
    caller: As,
    id: Id<CommentId>,
    _: Params<NoParams>,
    version: IfMatch,
    body: Body<CommentPatch>,
) -> Answer {
    changed(StatusCode::OK, service::comment::patch(&caller.0, id.0, version.0, body.0).await?)
}

/// Deletes an own comment. Its text is gone for good; that there was a comment stays.
#[utoipa::path(tag = "comments", operation_id = "deleteComment",
    params(("id" = CommentId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["findings:write"]), ("bearer" = ["tasks:write"]), ("bearer" = ["tasks:claim"])),
    responses(
        (status = 200, description = "What is left of it", body = Comment),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[delete("/comments/{id}")]
async fn delete_comment(caller: As, id: Id<CommentId>, _: Params<NoParams>, version: IfMatch) -> Answer {
    changed(StatusCode::OK, service::comment::delete(&caller.0, id.0, version.0).await?)
}
