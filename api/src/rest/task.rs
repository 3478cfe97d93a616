//! `/v1/tasks`.

use super::{
    As, Body,
    extract::{Id, IfMatch, Seen},
    listing::list,
    params::{CountedParams, FieldParams, NoParams, TenantParam, TenantsParam, present},
    problem::ProblemDetails,
    query::{Filtered, Params},
    respond::{Answer, Fields, changed, created, one, uncached},
};
use actix_web::{HttpRequest, get, http::StatusCode, patch, post};
use domain::{
    CountWish, DateTime, FindingId, Page, Task, TaskId,
    included::TaskInclude,
    task::{Claim, ClaimedTasks, LeaseProof, TaskDraft, TaskFilter, TaskPatch, TaskTransition},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(list_tasks)
        .service(post_task)
        .service(claim_tasks)
        .service(get_task)
        .service(patch_task)
        .service(transition_task)
        .service(renew_lease)
        .service(release_lease);
}

/// Which page of tasks, and what to show.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Most items, 1–500.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Fields to show; all if left out. The answer is then of fewer fields than its schema requires.
    #[param(style = Form, explode = false)]
    fields: Option<Vec<String>>,
    /// Whether `count` tells how many items there are on all pages: `exact`, or `bounded` to 10,000.
    count: Option<CountWish>,
    /// What to bring along in `included`, each once: at most 1,000 nodes with the page itself.
    #[param(style = Form, explode = false, example = json!(["findings"]))]
    include: Vec<TaskInclude>,
}

/// A page of tasks by id.
#[utoipa::path(tag = "tasks", operation_id = "listTasks", params(TaskFilter, ListParams),
    security(("bearer" = ["tasks:read"])), responses(
        (status = 200, description = "A page", body = Page<Task>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/tasks")]
async fn list_tasks(caller: As, request: HttpRequest, params: Filtered<TaskFilter, ListParams>, seen: Seen) -> Answer {
    let Filtered(filter, ListParams { limit, cursor, fields, count, include }) = params;
    let page_params = CountedParams { limit, cursor, fields, count };
    list(caller, &request, &seen, page_params, Task::FIELDS, async move |caller, page, seen| {
        service::task::list(caller, &filter, page, &include, seen).await
    })
    .await
}

/// One task.
#[utoipa::path(tag = "tasks", operation_id = "getTask", params(("id" = TaskId, Path), FieldParams),
    security(("bearer" = ["tasks:read"])), responses(
        (status = 200, description = "The task", body = Task),
        (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/tasks/{id}")]
async fn get_task(caller: As, id: Id<TaskId>, params: Params<FieldParams>, seen: Seen) -> Answer {
    let fields = Fields::parse(params.0.fields, Task::FIELDS)?;
    one(service::task::get(&caller.0, id.0, seen.tags(&fields).as_deref()).await?, &fields)
}

/// Makes a task by hand.
///
/// Other tasks are made by the municipality's rule; see its settings.
#[utoipa::path(tag = "tasks", operation_id = "postTask", request_body = TaskDraft, params(TenantParam),
    security(("bearer" = ["tasks:write"])), responses(
        (status = 201, description = "The task", body = Task),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/tasks")]
async fn post_task(caller: As, params: Params<TenantParam>, draft: Body<TaskDraft>) -> Answer {
    created("tasks", service::task::create(&caller.0, params.0.tenant.as_deref(), draft.0).await?)
}

/// A change of a task. A field left out stays as it is; null empties it, and lets the due date be its findings' again
/// (RFC 7396).
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct TaskPatchBody {
    /// One line of at most 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    title: Option<String>,
    /// How it is to be done; at most 20,000 characters.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 20000)]
    plan: Option<Option<String>>,
    /// When it is to be done.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<DateTime>)]
    due_at: Option<Option<DateTime>>,
    /// Who works on it: 1–200 characters.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    assignee: Option<Option<String>>,
    /// The work that it takes, in hours.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1000000)]
    effort_hours: Option<Option<f64>>,
    /// What it costs beside the work, in whole units of the municipality's currency.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<i64>, minimum = 0)]
    cost: Option<Option<i64>>,
    /// Tasks that must be finished first, in place of those that were; at most 100.
    #[schema(max_items = 100)]
    blocked_by: Option<Vec<TaskId>>,
    /// Findings that join it, at most 5,000.
    #[schema(max_items = 5000)]
    add_findings: Vec<FindingId>,
    /// Findings that leave it, at most 5,000.
    #[schema(max_items = 5000)]
    remove_findings: Vec<FindingId>,
}

/// Changes what people say about a task, the findings that it holds and the tasks that it waits for.
#[utoipa::path(tag = "tasks", operation_id = "patchTask", request_body = TaskPatchBody,
    params(("id" = TaskId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["tasks:write"])), responses(
        (status = 200, description = "The task as it now is", body = Task),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[patch("/tasks/{id}")]
async fn patch_task(
    caller: As,
    id: Id<TaskId>,
    _: Params<NoParams>,
    version: IfMatch,
    body: Body<TaskPatchBody>,
) -> Answer {
    let TaskPatchBody { title, plan, due_at, assignee, effort_hours, cost, blocked_by, add_findings, remove_findings } =
        body.0;
    let patch =
        TaskPatch { title, plan, due_at, assignee, effort_hours, cost, blocked_by, add_findings, remove_findings };
    changed(StatusCode::OK, service::task::patch(&caller.0, id.0, version.0, patch).await?)
}

/// Moves a task to another status.
///
/// open, in progress and blocked go to each other, to done and to cancelled; done goes back to open or in progress,
/// cancelled to open. `blocked` and `cancelled` need a reason. Done makes the open findings of the task `fix_claimed`, in
/// progress takes them up; a done task that is taken up again takes the claims back.
#[utoipa::path(tag = "tasks", operation_id = "transitionTask", request_body = TaskTransition,
    params(("id" = TaskId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["tasks:write"])), responses(
        (status = 200, description = "The task as it now is", body = Task),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/tasks/{id}/transition")]
async fn transition_task(
    caller: As,
    id: Id<TaskId>,
    _: Params<NoParams>,
    version: IfMatch,
    wish: Body<TaskTransition>,
) -> Answer {
    changed(StatusCode::OK, service::task::transition(&caller.0, id.0, version.0, wish.0).await?)
}

/// Claims tasks for a ticketing system.
///
/// Gives unfinished tasks that wait for no other, have no ticket in the system and are claimed by nobody, the most
/// pressing first, each with a lease. Make the ticket, then link it with the lease's token; the task's id is the external
/// key to search the tracker for. A task whose lease passes without a ticket is given to the next who claims.
#[utoipa::path(tag = "tasks", operation_id = "claimTasks", request_body = Claim, params(TenantsParam),
    security(("bearer" = ["tasks:claim"])), responses(
        (status = 200, description = "The tasks; none if there is nothing to claim right now", body = ClaimedTasks),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/tasks/claim")]
async fn claim_tasks(caller: As, params: Params<TenantsParam>, wish: Body<Claim>) -> Answer {
    uncached(&service::task::claim(&caller.0, &params.0.tenant, &wish.0).await?)
}

/// Lets a lease go on that still holds.
#[utoipa::path(tag = "tasks", operation_id = "renewLease", request_body = LeaseProof, params(("id" = TaskId, Path)),
    security(("bearer" = ["tasks:claim"])), responses(
        (status = 200, description = "The task", body = Task),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/tasks/{id}/lease/renew")]
async fn renew_lease(caller: As, id: Id<TaskId>, _: Params<NoParams>, proof: Body<LeaseProof>) -> Answer {
    changed(StatusCode::OK, service::task::renew(&caller.0, id.0, proof.0).await?)
}

/// Gives a task back before its lease ends.
#[utoipa::path(tag = "tasks", operation_id = "releaseLease", request_body = LeaseProof, params(("id" = TaskId, Path)),
    security(("bearer" = ["tasks:claim"])), responses(
        (status = 200, description = "The task", body = Task),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/tasks/{id}/lease/release")]
async fn release_lease(caller: As, id: Id<TaskId>, _: Params<NoParams>, proof: Body<LeaseProof>) -> Answer {
    changed(StatusCode::OK, service::task::release(&caller.0, id.0, proof.0).await?)
}
