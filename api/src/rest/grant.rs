//! `/v1/grants`.

use super::{
    As, Body,
    extract::{Id, IfMatch, Seen},
    listing::list,
    params::{NoParams, PageParams, TenantParam},
    problem::ProblemDetails,
    query::{Filtered, Params},
    respond::{Answer, Fields, changed, created, one},
};
use actix_web::{HttpRequest, delete, get, http::StatusCode, patch, post};
use domain::{
    Grant, GrantId, Page,
    grant::{GrantFilter, GrantPatch, NewGrant},
};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(list_grants).service(post_grant).service(get_grant).service(patch_grant).service(delete_grant);
}

/// A page of grants by id, revoked and past ones included: who may do what in the municipality, and since when.
#[utoipa::path(tag = "grants", operation_id = "listGrants", params(GrantFilter, PageParams),
    security(("bearer" = ["grants:manage"])), responses(
        (status = 200, description = "A page", body = Page<Grant>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/grants")]
async fn list_grants(
    caller: As,
    request: HttpRequest,
    params: Filtered<GrantFilter, PageParams>,
    seen: Seen,
) -> Answer {
    let Filtered(filter, page_params) = params;
    list(caller, &request, &seen, page_params, Grant::FIELDS, async move |caller, page, seen| {
        service::grant::list(caller, &filter, page, seen).await
    })
    .await
}

/// Gives a right in a municipality: no more than the giver holds.
///
/// A provider's people and clients need it twice: a grant of their own, and one of the municipality to the provider.
#[utoipa::path(tag = "grants", operation_id = "postGrant", request_body = NewGrant, params(TenantParam),
    security(("bearer" = ["grants:manage"])), responses(
        (status = 201, description = "It holds", body = Grant),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/grants")]
async fn post_grant(caller: As, params: Params<TenantParam>, body: Body<NewGrant>) -> Answer {
    created("grants", service::grant::create(&caller.0, params.0.tenant.as_deref(), body.0).await?)
}

/// One grant.
#[utoipa::path(tag = "grants", operation_id = "getGrant", params(("id" = GrantId, Path)),
    security(("bearer" = ["grants:manage"])), responses(
        (status = 200, description = "The grant", body = Grant),
        (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/grants/{id}")]
async fn get_grant(caller: As, id: Id<GrantId>, _: Params<NoParams>, seen: Seen) -> Answer {
    let fields = Fields::all();
    one(service::grant::get(&caller.0, id.0, seen.tags(&fields).as_deref()).await?, &fields)
}

/// Shortens or narrows a grant. To make one larger, give a new one.
#[utoipa::path(tag = "grants", operation_id = "patchGrant", request_body = GrantPatch,
    params(("id" = GrantId, Path), ("If-Match" = String, Header, description = "The `ETag` that it was read with")),
    security(("bearer" = ["grants:manage"])), responses(
        (status = 200, description = "The grant as it now is", body = Grant),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[patch("/grants/{id}")]
async fn patch_grant(
    caller: As,
    id: Id<GrantId>,
    version: IfMatch,
    _: Params<NoParams>,
    body: Body<GrantPatch>,
) -> Answer {
    changed(StatusCode::OK, service::grant::patch(&caller.0, id.0, version.0, body.0).await?)
}

/// Revokes a grant: what it allows ends within five seconds, open cursors included. It stays in the list.
#[utoipa::path(tag = "grants", operation_id = "deleteGrant", params(("id" = GrantId, Path)),
    security(("bearer" = ["grants:manage"])), responses(
        (status = 200, description = "The revoked grant", body = Grant),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[delete("/grants/{id}")]
async fn delete_grant(caller: As, id: Id<GrantId>, _: Params<NoParams>) -> Answer {
    changed(StatusCode::OK, service::grant::revoke(&caller.0, id.0).await?)
}
