//! `/v1/services`.

use super::{
    As, Body,
    extract::{Id, IfMatch, Seen},
    listing::list,
    params::{CountedParams, FieldParams, NoParams, TenantParam},
    problem::ProblemDetails,
    query::{Filtered, Params},
    respond::{Answer, Fields, changed, created, one},
};
use actix_web::{HttpRequest, delete, get, http::StatusCode, patch, post};
use domain::{
    BusinessService, BusinessServiceId, Page,
    business_service::BusinessServiceFilter,
    business_service_change::{BusinessServicePatch, NewBusinessService},
};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(list_services)
        .service(post_service)
        .service(get_service)
        .service(patch_service)
        .service(delete_service);
}

/// A page of business services by id.
#[utoipa::path(tag = "services", operation_id = "listServices", params(BusinessServiceFilter, CountedParams),
    security(("bearer" = ["assets:read"])), responses(
        (status = 200, description = "A page", body = Page<BusinessService>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/services")]
async fn list_services(
    caller: As,
    request: HttpRequest,
    params: Filtered<BusinessServiceFilter, CountedParams>,
    seen: Seen,
) -> Answer {
    let Filtered(filter, page_params) = params;
    list(caller, &request, &seen, page_params, BusinessService::FIELDS, async move |caller, page, seen| {
        service::business_service::list(caller, &filter, page, seen).await
    })
    .await
}

/// Enters a business service.
#[utoipa::path(tag = "services", operation_id = "postService", params(TenantParam), request_body = NewBusinessService,
    security(("bearer" = ["assets:write"])), responses(
        (status = 201, description = "It is entered", body = BusinessService),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/services")]
async fn post_service(caller: As, params: Params<TenantParam>, new: Body<NewBusinessService>) -> Answer {
    created("services", service::business_service::create(&caller.0, params.0.tenant.as_deref(), new.0).await?)
}

/// One business service, with what is open on the assets that it needs.
#[utoipa::path(tag = "services", operation_id = "getService", params(("id" = BusinessServiceId, Path), FieldParams),
    security(("bearer" = ["assets:read"])), responses(
        (status = 200, description = "The business service", body = BusinessService),
        (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/services/{id}")]
async fn get_service(caller: As, id: Id<BusinessServiceId>, params: Params<FieldParams>, seen: Seen) -> Answer {
    let fields = Fields::parse(params.0.fields, BusinessService::FIELDS)?;
    one(service::business_service::get(&caller.0, id.0, seen.tags(&fields).as_deref()).await?, &fields)
}

/// Changes a business service.
#[utoipa::path(tag = "services", operation_id = "patchService", request_body = BusinessServicePatch,
    params(("id" = BusinessServiceId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["assets:write"])), responses(
        (status = 200, description = "The business service as it now is", body = BusinessService),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[patch("/services/{id}")]
async fn patch_service(
    caller: As,
    id: Id<BusinessServiceId>,
    _: Params<NoParams>,
    version: IfMatch,
    body: Body<BusinessServicePatch>,
) -> Answer {
    changed(StatusCode::OK, service::business_service::patch(&caller.0, id.0, version.0, body.0).await?)
}

/// Deletes a business service. Its assets stay.
#[utoipa::path(tag = "services", operation_id = "deleteService",
    params(("id" = BusinessServiceId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["assets:write"])), responses(
        (status = 200, description = "The business service as it was", body = BusinessService),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[delete("/services/{id}")]
async fn delete_service(caller: As, id: Id<BusinessServiceId>, _: Params<NoParams>, version: IfMatch) -> Answer {
    changed(StatusCode::OK, service::business_service::delete(&caller.0, id.0, version.0).await?)
}
