//! `POST /v1/findings/bulk`.

use super::{As, Body, finding::PatchBody, params::NoParams, problem::ProblemDetails, query::Params, respond::Answer};
use actix_web::{HttpResponse, post};
use domain::{
    FindingFilter, FindingId, Transition,
    finding_bulk::{BulkReport, BulkWish, FindingVersion},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(bulk_findings);
}

/// Which findings, by one of `ids`, `items` and `filter`; and what happens to each, by one of `transition` and `patch`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BulkBody {
    /// 1–1,000 findings as they stand.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 1000)]
    ids: Option<Vec<FindingId>>,
    /// 1–1,000 findings in the versions read.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 1000)]
    items: Option<Vec<FindingVersion>>,
    /// All findings that the filter holds, at most 1,000; needs `findings:read` as well.
    #[serde(default)]
    filter: Option<FindingFilter>,
    /// Moves each to another status.
    #[serde(default)]
    transition: Option<Transition>,
    /// Changes what people say of each.
    #[serde(default)]
    patch: Option<PatchBody>,
    /// Only tells what would happen to how many.
    #[serde(default)]
    dry_run: bool,
    /// With a filter: the `count` of its dry run.
    #[serde(default)]
    expected_count: Option<i64>,
}

/// Moves or changes up to 1,000 findings.
///
/// Each is judged by the rules of the command of its own and has an outcome of its own; what one is refused stops no
/// other. With a filter, a dry run comes first, and `expected_count` repeats its `count`: 409 `count_mismatch` if
/// there are by now more or fewer. A filter that holds more than 1,000 is a 400 `too_many` that names how many.
#[utoipa::path(tag = "findings", operation_id = "bulkFindings", request_body = BulkBody,
    security(("bearer" = ["findings:write"]), ("bearer" = ["findings:verify"])), responses(
        (status = 200, description = "What became of each", body = BulkReport),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/findings/bulk")]
async fn bulk_findings(caller: As, _: Params<NoParams>, body: Body<BulkBody>) -> Answer {
    let BulkBody { ids, items, filter, transition, patch, dry_run, expected_count } = body.0;
    let patch = patch.map(PatchBody::wish);
    let wish = BulkWish { ids, items, filter, transition, patch, dry_run, expected_count };
    Ok(HttpResponse::Ok().json(service::finding::bulk(&caller.0, wish).await?))
}
