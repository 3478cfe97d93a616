//! `/v1/tasks`.

use super::{
    As, Body,
    extract::{Id, Seen},
    params::{FieldParams, NoParams, PageParams},
    problem::ProblemDetails,
    query::{Filtered, Params},
    respond::{Answer, Fields, changed, one, page},
};
use actix_web::{HttpRequest, get, http::StatusCode, put, web::Path};
use domain::{
    Page, Task, TaskId,
    task::{TaskFilter, TicketLink},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(list_tasks).service(get_task).service(link_ticket);
}

/// A page of tasks by id.
#[utoipa::path(tag = "tasks", operation_id = "listTasks", params(TaskFilter, PageParams),
    security(("bearer" = ["tasks:read"])), responses(
        (status = 200, description = "A page", body = Page<Task>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/tasks")]
async fn list_tasks(caller: As, request: HttpRequest, params: Filtered<TaskFilter, PageParams>, seen: Seen) -> Answer {
    let Filtered(filter, page_params) = params;
    let (page_request, fields) = page_params.read(Task::FIELDS)?;
    page(
        &request,
        service::task::list(&caller.0, &filter, &page_request, seen.tags(&fields).as_deref()).await?,
        &fields,
    )
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

/// A ticket to link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TicketBody {
    /// The ticket's key in its system: 1–100 characters on one line.
    #[schema(min_length = 1, max_length = 100, example = "IT-1042")]
    key: String,
    /// Its page there: http or https, at most 2,000 characters.
    #[serde(default)]
    #[schema(max_length = 2000, example = "https://jira.norrvik.example/browse/IT-1042")]
    url: Option<String>,
}

/// Links a ticket to a task.
///
/// Repeating it changes nothing. A task has one ticket per system, and a ticket belongs to one task.
#[utoipa::path(tag = "tasks", operation_id = "linkTicket", request_body = TicketBody,
    params(("id" = TaskId, Path), ("system" = String, Path, description = "The ticketing system", example = "jira")),
    security(("bearer" = ["tasks:claim"])), responses(
        (status = 200, description = "It was linked already", body = Task),
        (status = 201, description = "It is linked", body = Task),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[put("/tasks/{id}/tickets/{system}")]
async fn link_ticket(
    caller: As,
    id: Id<TaskId>,
    path: Path<(String, String)>,
    _: Params<NoParams>,
    body: Body<TicketBody>,
) -> Answer {
    let link = TicketLink::parse(&path.1, &body.0.key, body.0.url.as_deref())?;
    let (etag, task, is_new) = service::task::link_ticket(&caller.0, id.0, link).await?;
    changed(if is_new { StatusCode::CREATED } else { StatusCode::OK }, (etag, task))
}
