//! `/v1/ticket-mappings`.

use super::{
    As, Body,
    extract::{IfMatch, Seen},
    params::TenantParam,
    problem::ProblemDetails,
    query::Params,
    respond::{Answer, Fields, changed, one, uncached},
};
use actix_web::{get, http::StatusCode, post, put, web::Path};
use domain::ticket::mapping::{MappedState, MappingPreview, TicketMapping};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(get_ticket_mapping).service(put_ticket_mapping).service(preview_ticket_mapping);
}

/// What a tracker's states mean.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MappingBody {
    /// State by state, at most 200. Those left out have their usual meaning.
    #[schema(max_items = 200)]
    states: Vec<MappedState>,
}

/// What the states of a tracker mean in a municipality.
#[utoipa::path(tag = "tickets", operation_id = "getTicketMapping",
    params(("system" = String, Path, description = "The ticketing system", example = "jira"), TenantParam),
    security(("bearer" = ["tasks:read"])), responses(
        (status = 200, description = "The mapping; empty if nothing was ever said", body = TicketMapping),
        (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/ticket-mappings/{system}")]
async fn get_ticket_mapping(caller: As, system: Path<String>, params: Params<TenantParam>, seen: Seen) -> Answer {
    let (fields, tenant) = (Fields::all(), params.0.tenant);
    let tags = seen.tags(&fields);
    one(service::ticket::get_mapping(&caller.0, tenant.as_deref(), &system, tags.as_deref()).await?, &fields)
}

/// Says what they mean, in place of what was said.
///
/// It counts from the next report on: a word that means something else now is looked at again when it is repeated.
#[utoipa::path(tag = "tickets", operation_id = "putTicketMapping", request_body = MappingBody,
    params(("system" = String, Path, description = "The ticketing system", example = "jira"), TenantParam,
        ("If-Match" = String, Header, description = "The `ETag` that it was read with")),
    security(("bearer" = ["tenants:manage"])), responses(
        (status = 200, description = "The mapping as it now is", body = TicketMapping),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[put("/ticket-mappings/{system}")]
async fn put_ticket_mapping(
    caller: As,
    system: Path<String>,
    params: Params<TenantParam>,
    version: IfMatch,
    body: Body<MappingBody>,
) -> Answer {
    let tenant = params.0.tenant;
    let stored = service::ticket::put_mapping(&caller.0, tenant.as_deref(), &system, version.0, &body.0.states).await?;
    changed(StatusCode::OK, stored)
}

/// What a mapping would do, if the tracker reported again what it reported last.
///
/// Changes nothing. The states given are the mapping to try.
#[utoipa::path(tag = "tickets", operation_id = "previewTicketMapping", request_body = MappingBody,
    params(("system" = String, Path, description = "The ticketing system", example = "jira"), TenantParam),
    security(("bearer" = ["tasks:read"])), responses(
        (status = 200, description = "State by state", body = MappingPreview),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/ticket-mappings/{system}/preview")]
async fn preview_ticket_mapping(
    caller: As,
    system: Path<String>,
    params: Params<TenantParam>,
    body: Body<MappingBody>,
) -> Answer {
    let tenant = params.0.tenant;
    uncached(&service::ticket::preview(&caller.0, tenant.as_deref(), &system, &body.0.states).await?)
}
