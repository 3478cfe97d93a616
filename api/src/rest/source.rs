//! `/v1/sources` and `/v1/coverage`: who reports, and what is watched.

use super::{
    As, Body,
    extract::{Id, IfMatch, Seen},
    listing::list,
    params::{CountedParams, FieldParams, NoParams, PageParams, present},
    problem::ProblemDetails,
    query::{Filtered, Params},
    respond::{Answer, Fields, changed, one},
};
use actix_web::{HttpRequest, get, http::StatusCode, patch};
use domain::{
    AssetWatch, Page, Source, SourceId, SourceKind,
    source::{SourceFilter, SourcePatch},
    watch::WatchFilter,
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(list_sources).service(get_source).service(patch_source).service(list_coverage);
}

/// A page of sources by id.
#[utoipa::path(tag = "sources", operation_id = "listSources", params(SourceFilter, CountedParams),
    security(("bearer" = ["findings:read"])), responses(
        (status = 200, description = "A page", body = Page<Source>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/sources")]
async fn list_sources(
    caller: As,
    request: HttpRequest,
    params: Filtered<SourceFilter, CountedParams>,
    seen: Seen,
) -> Answer {
    let Filtered(filter, page_params) = params;
    list(caller, &request, &seen, page_params, Source::FIELDS, async move |caller, page, seen| {
        service::source::list(caller, &filter, page, seen).await
    })
    .await
}

/// One source.
#[utoipa::path(tag = "sources", operation_id = "getSource", params(("id" = SourceId, Path), FieldParams),
    security(("bearer" = ["findings:read"])), responses(
        (status = 200, description = "The source", body = Source),
        (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/sources/{id}")]
async fn get_source(caller: As, id: Id<SourceId>, params: Params<FieldParams>, seen: Seen) -> Answer {
    let fields = Fields::parse(params.0.fields, Source::FIELDS)?;
    one(service::source::get(&caller.0, id.0, seen.tags(&fields).as_deref()).await?, &fields)
}

/// A change of a source. A field left out stays as it is; null empties it (RFC 7396).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SourceBody {
    /// What it is.
    #[serde(default)]
    kind: Option<SourceKind>,
    /// The tool that it reports with: 1–100 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    tool: Option<String>,
    /// Who answers for it: 1–200 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    owner: Option<Option<String>>,
    /// Hours within which a report is expected; without one, `source.silent` is told.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 87600)]
    expected_interval_hours: Option<Option<i32>>,
}

/// Changes what is known of a source and expected of it. Its name stays: its reports are known by it.
#[utoipa::path(tag = "sources", operation_id = "patchSource", request_body = SourceBody,
    params(("id" = SourceId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["findings:write"])), responses(
        (status = 200, description = "The source as it now is", body = Source),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[patch("/sources/{id}")]
async fn patch_source(
    caller: As,
    id: Id<SourceId>,
    _: Params<NoParams>,
    version: IfMatch,
    body: Body<SourceBody>,
) -> Answer {
    let SourceBody { kind, tool, owner, expected_interval_hours } = body.0;
    let patch = SourcePatch { kind, tool, owner, expected_interval_hours };
    changed(StatusCode::OK, service::source::patch(&caller.0, id.0, version.0, patch).await?)
}

/// A page of inventoried assets by id, with what last saw each of them.
///
/// `unwatched_days=30` is which of them no EDR and no scanner has reported for 30 days.
#[utoipa::path(tag = "sources", operation_id = "listCoverage", params(WatchFilter, PageParams),
    security(("bearer" = ["assets:read"])), responses(
        (status = 200, description = "A page", body = Page<AssetWatch>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/coverage")]
async fn list_coverage(
    caller: As,
    request: HttpRequest,
    params: Filtered<WatchFilter, PageParams>,
    seen: Seen,
) -> Answer {
    let Filtered(filter, page_params) = params;
    list(caller, &request, &seen, page_params, AssetWatch::FIELDS, async move |caller, page, seen| {
        service::watch::list(caller, &filter, page, seen).await
    })
    .await
}
