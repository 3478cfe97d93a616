//! `/v1/tenants/{id}/settings`.

use super::{
    As, Body,
    extract::{IfMatch, Seen},
    params::NoParams,
    problem::ProblemDetails,
    query::Params,
    respond::{Answer, Fields, changed, one},
};
use actix_web::{get, http::StatusCode, patch, web::Path};
use domain::tenant_settings::{TenantSettings, TenantSettingsPatch};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(get_tenant_settings).service(patch_tenant_settings);
}

/// A municipality's deadlines, calendar and language.
#[utoipa::path(tag = "tenants", operation_id = "getTenantSettings", security(("bearer" = [])),
    params(("id" = String, Path, description = "Slug or id", example = "norrvik")), responses(
        (status = 200, description = "The settings", body = TenantSettings),
        (status = 304, description = "They have not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/tenants/{id}/settings")]
async fn get_tenant_settings(caller: As, named: Path<String>, _: Params<NoParams>, seen: Seen) -> Answer {
    let fields = Fields::all();
    one(service::tenant_settings::get(&caller.0, &named, seen.tags(&fields).as_deref()).await?, &fields)
}

/// Changes them. What is left out stays.
#[utoipa::path(tag = "tenants", operation_id = "patchTenantSettings", request_body = TenantSettingsPatch,
    params(("id" = String, Path, description = "Slug or id", example = "norrvik"),
        ("If-Match" = String, Header, description = "The `ETag` that they were read with")),
    security(("bearer" = ["tenants:manage"])), responses(
        (status = 200, description = "The settings as they now are", body = TenantSettings),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[patch("/tenants/{id}/settings")]
async fn patch_tenant_settings(
    caller: As,
    named: Path<String>,
    version: IfMatch,
    _: Params<NoParams>,
    body: Body<TenantSettingsPatch>,
) -> Answer {
    changed(StatusCode::OK, service::tenant_settings::patch(&caller.0, &named, version.0, body.0).await?)
}
