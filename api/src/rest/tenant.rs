//! `/v1/tenants`.

use super::{
    As,
    extract::Seen,
    params::NoParams,
    problem::ProblemDetails,
    query::Params,
    respond::{Answer, whole},
};
use actix_web::{get, web::Path};
use domain::{Page, Tenant};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(list_tenants).service(get_tenant);
}

/// The municipalities that the caller has rights in, by slug.
#[utoipa::path(tag = "tenants", operation_id = "listTenants", security(("bearer" = [])), responses(
    (status = 200, description = "All of them on one page", body = Page<Tenant>),
    (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
    (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
))]
#[get("/tenants")]
async fn list_tenants(caller: As, _: Params<NoParams>, seen: Seen) -> Answer {
    let items = service::tenant::list(&caller.0);
    whole(&Page { items, next_cursor: None, has_more: false, count: None, included: None, cursors: Vec::new() }, &seen)
}

/// One municipality, by slug or id.
#[utoipa::path(tag = "tenants", operation_id = "getTenant", security(("bearer" = [])),
    params(("id" = String, Path, description = "Slug or id", example = "norrvik")),
    responses(
        (status = 200, description = "The municipality", body = Tenant),
        (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/tenants/{id}")]
async fn get_tenant(caller: As, named: Path<String>, _: Params<NoParams>, seen: Seen) -> Answer {
    whole(&service::tenant::get(&caller.0, &named)?, &seen)
}
