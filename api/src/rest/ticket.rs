//! `/v1/tickets`, and the tickets of a task.

use super::{
    As, Body,
    extract::{Id, Seen},
    listing::list,
    params::{CountedParams, NoParams, TenantParam, TenantsParam},
    problem::ProblemDetails,
    query::{Filtered, Params},
    respond::{Answer, changed, uncached},
};
use actix_web::{HttpRequest, delete, get, http::StatusCode, post, put, web::Path};
use domain::{
    Page, Task, TaskId,
    ticket::{
        LinkedTicket, TicketFilter, TicketLink,
        reconcile::{Reconcile, Reconciled},
        report::{TicketStates, TicketStatesOutcome},
    },
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(list_tickets)
        .service(report_tickets)
        .service(reconcile_tickets)
        .service(link_ticket)
        .service(unlink_ticket);
}

/// A page of tickets by the ids of their tasks.
#[utoipa::path(tag = "tickets", operation_id = "listTickets", params(TicketFilter, CountedParams),
    security(("bearer" = ["tasks:read"])), responses(
        (status = 200, description = "A page", body = Page<LinkedTicket>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/tickets")]
async fn list_tickets(
    caller: As,
    request: HttpRequest,
    params: Filtered<TicketFilter, CountedParams>,
    seen: Seen,
) -> Answer {
    let Filtered(filter, page_params) = params;
    list(caller, &request, &seen, page_params, LinkedTicket::FIELDS, async move |caller, page, seen| {
        service::ticket::list(caller, &filter, page, seen).await
    })
    .await
}

/// Takes over the states of up to 1,000 tickets.
///
/// The municipality's mapping says what the tracker's words mean. Closed makes the task done and its open findings
/// `fix_claimed`, with `external_actor` as the claimant; refused puts it back to open with the reason. What is older than
/// what is known, or says the same again, changes nothing. Of several items about one ticket the latest counts. There is
/// an outcome for each item. It is done in steps: after an error, the same request again goes on where it ended.
#[utoipa::path(tag = "tickets", operation_id = "reportTickets", request_body = TicketStates, params(TenantsParam),
    security(("bearer" = ["tasks:claim"])), responses(
        (status = 200, description = "What became of each", body = TicketStatesOutcome),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/tickets/status")]
async fn report_tickets(caller: As, params: Params<TenantsParam>, report: Body<TicketStates>) -> Answer {
    uncached(&service::ticket::report(&caller.0, &params.0.tenant, &report.0).await?)
}

/// Compares a tracker's list of tickets with ours, and repairs what differs with `apply`.
///
/// Each difference comes with the request that repairs it, or with what somebody does by hand. Only a list that says
/// `complete` tells what is missing there; it says when it was begun (`listed_at`), since what was linked after that is
/// not on it. A list that lacks more than a fifth of our tickets repairs nothing and is answered 409
/// `reconcile_implausible` with `would_unlink` and `linked`, until it is repeated with `confirm_missing` = `would_unlink`.
/// A request takes 10,000 tickets and 8 MiB. More are compared range by range: sort the list by key, in the order of code
/// points, cut it, and name the bounds of each part in `keys_from` and `keys_before` (the first has no `keys_from`, the
/// last no `keys_before`). Then repeat all parts once: a ticket made anew in place of one of another range is linked by that.
#[utoipa::path(tag = "tickets", operation_id = "reconcileTickets", request_body = Reconcile, params(TenantParam),
    security(("bearer" = ["tasks:claim"])), responses(
        (status = 200, description = "What differs", body = Reconciled),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/tickets/reconcile")]
async fn reconcile_tickets(caller: As, params: Params<TenantParam>, wish: Body<Reconcile, 8>) -> Answer {
    uncached(&service::ticket::reconcile(&caller.0, params.0.tenant.as_deref(), &wish.0).await?)
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
    /// The token of the lease that the task was claimed with. Who knows nothing of leases leaves it out.
    #[serde(default)]
    lease: Option<Uuid>,
}

/// Links a ticket to a task.
///
/// Repeating it changes nothing but the ticket's page, if it says another one. A task has one ticket per system, and a ticket belongs to one task. While somebody else
/// has claimed the task for the system, it is refused with `lease_held`.
#[utoipa::path(tag = "tickets", operation_id = "linkTicket", request_body = TicketBody,
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
    let link = TicketLink::parse(&path.1, &body.0.key, body.0.url.as_deref(), body.0.lease)?;
    let (etag, task, is_new) = service::ticket::link(&caller.0, id.0, link).await?;
    changed(if is_new { StatusCode::CREATED } else { StatusCode::OK }, (etag, task))
}

/// Which ticket.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UnlinkParams {
    /// Only the ticket of this key; another one is refused with `ticket_already_linked`.
    #[param(example = "IT-1042")]
    key: Option<String>,
}

/// Takes the ticket of a system off a task, which can then be claimed again.
///
/// Without a ticket it changes nothing.
#[utoipa::path(tag = "tickets", operation_id = "unlinkTicket",
    params(("id" = TaskId, Path), ("system" = String, Path, description = "The ticketing system", example = "jira"),
        UnlinkParams),
    security(("bearer" = ["tasks:claim"])), responses(
        (status = 200, description = "The task", body = Task),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[delete("/tasks/{id}/tickets/{system}")]
async fn unlink_ticket(
    caller: As,
    id: Id<TaskId>,
    path: Path<(String, String)>,
    params: Params<UnlinkParams>,
) -> Answer {
    changed(StatusCode::OK, service::ticket::unlink(&caller.0, id.0, &path.1, params.0.key.as_deref()).await?)
}
