//! What makes records one finding: rules of sources, merging and splitting by hand, other names of findings.

use super::{
    As, Body,
    extract::{Id, IfMatch, Seen},
    listing::list,
    params::{NoParams, PageParams},
    problem::ProblemDetails,
    query::Params,
    respond::{Answer, Fields, changed, one, whole},
};
use actix_web::{HttpRequest, HttpResponse, get, http::StatusCode, post, put};
use domain::{
    Finding, FindingId, Page, SourceId,
    identity::{Explanation, FindingAlias, FingerprintRule, Merge, RulePreview, SourceRule, Split},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(merge_finding)
        .service(split_finding)
        .service(list_aliases)
        .service(list_related)
        .service(explain_finding)
        .service(get_rule)
        .service(put_rule)
        .service(preview_rule)
        .service(rerun_rule);
}

/// Merges a finding into another one by hand.
///
/// It becomes a duplicate of the other, which may be of another source, and later reports of it reach that: they move
/// `last_seen` there, and no field. The survivor keeps its own decision. Both findings stay with their history,
/// comments and evidence.
#[utoipa::path(tag = "findings", operation_id = "mergeFinding", request_body = Merge,
    params(("id" = FindingId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["findings:write"])), responses(
        (status = 200, description = "The merged finding as it now is", body = Finding),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/findings/{id}/merge")]
async fn merge_finding(
    caller: As,
    id: Id<FindingId>,
    _: Params<NoParams>,
    version: IfMatch,
    wish: Body<Merge>,
) -> Answer {
    changed(StatusCode::OK, service::finding::merge(&caller.0, id.0, version.0, wish.0).await?)
}

/// Takes merged findings out of a finding again.
///
/// They are confirmed again and get their fingerprints back, so that later reports reach them. What the fingerprint
/// rule of their source makes one cannot be split.
#[utoipa::path(tag = "findings", operation_id = "splitFinding", request_body = Split,
    params(("id" = FindingId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["findings:write"])), responses(
        (status = 200, description = "The finding that they were merged into, as it now is", body = Finding),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/findings/{id}/split")]
async fn split_finding(
    caller: As,
    id: Id<FindingId>,
    _: Params<NoParams>,
    version: IfMatch,
    wish: Body<Split>,
) -> Answer {
    changed(StatusCode::OK, service::finding::split(&caller.0, id.0, version.0, wish.0).await?)
}

/// A page of the other fingerprints under which reports reach a finding: those of findings merged into it, and its own
/// former ones.
#[utoipa::path(tag = "findings", operation_id = "listFindingAliases", params(("id" = FindingId, Path), PageParams),
    security(("bearer" = ["findings:read"])), responses(
        (status = 200, description = "A page", body = Page<FindingAlias>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/findings/{id}/aliases")]
async fn list_aliases(
    caller: As,
    request: HttpRequest,
    id: Id<FindingId>,
    params: Params<PageParams>,
    seen: Seen,
) -> Answer {
    list(caller, &request, &seen, params.0, FindingAlias::FIELDS, async move |caller, page, seen| {
        service::finding::aliases(caller, id.0, page, seen).await
    })
    .await
}

/// A page of the findings of other sources that name the same CVE on the same asset, by id.
#[utoipa::path(tag = "findings", operation_id = "listRelatedFindings", params(("id" = FindingId, Path), PageParams),
    security(("bearer" = ["findings:read"])), responses(
        (status = 200, description = "A page", body = Page<Finding>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/findings/{id}/related")]
async fn list_related(
    caller: As,
    request: HttpRequest,
    id: Id<FindingId>,
    params: Params<PageParams>,
    seen: Seen,
) -> Answer {
    list(caller, &request, &seen, params.0, Finding::FIELDS, async move |caller, page, seen| {
        service::finding::related(caller, id.0, page, seen).await
    })
    .await
}

/// With which finding to compare.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExplainParams {
    /// The other finding, of the same municipality.
    other: String,
}

/// Explains why two findings are one, or are not: their parts side by side, and the reasons in words.
#[utoipa::path(tag = "findings", operation_id = "explainFinding", params(("id" = FindingId, Path), ExplainParams),
    security(("bearer" = ["findings:read"])), responses(
        (status = 200, description = "The explanation", body = Explanation),
        (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/findings/{id}/explain")]
async fn explain_finding(caller: As, id: Id<FindingId>, params: Params<ExplainParams>, seen: Seen) -> Answer {
    // What is no id is the id of nothing.
    let other = params.0.other.parse().map_err(|_| domain::Error::not_found())?;
    whole(&service::finding::explain(&caller.0, id.0, other).await?, &seen)
}

/// The fingerprint rule of a source: which parts tell its findings apart.
#[utoipa::path(tag = "sources", operation_id = "getFingerprintRule", params(("id" = SourceId, Path)),
    security(("bearer" = ["findings:read"])), responses(
        (status = 200, description = "The rule wanted and the rule in force", body = SourceRule),
        (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/sources/{id}/fingerprint-rule")]
async fn get_rule(caller: As, id: Id<SourceId>, _: Params<NoParams>, seen: Seen) -> Answer {
    let fields = Fields::all();
    one(service::fingerprint_rule::get(&caller.0, id.0, seen.tags(&fields).as_deref()).await?, &fields)
}

/// Says which fingerprint rule is wanted.
///
/// It comes into force at the end of its rerun; until then reports are read by the rule before. Needs both
/// `findings:write` and `tenants:manage`, since it decides what counts as one finding from then on.
#[utoipa::path(tag = "sources", operation_id = "putFingerprintRule", request_body = FingerprintRule,
    params(("id" = SourceId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["findings:write", "tenants:manage"])), responses(
        (status = 200, description = "The rule as it now is", body = SourceRule),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[put("/sources/{id}/fingerprint-rule")]
async fn put_rule(
    caller: As,
    id: Id<SourceId>,
    _: Params<NoParams>,
    version: IfMatch,
    rule: Body<FingerprintRule>,
) -> Answer {
    changed(StatusCode::OK, service::fingerprint_rule::put(&caller.0, id.0, version.0, rule.0).await?)
}

/// A rule to be tried.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PreviewBody {
    /// The rule.
    rule: FingerprintRule,
}

/// Says what a fingerprint rule would make of the stored findings of a source. Changes nothing.
#[utoipa::path(tag = "sources", operation_id = "previewFingerprintRule", request_body = PreviewBody,
    params(("id" = SourceId, Path)), security(("bearer" = ["findings:read"])), responses(
        (status = 200, description = "How many findings there would be, and which would become one", body = RulePreview),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/sources/{id}/fingerprint-rule/preview")]
async fn preview_rule(caller: As, id: Id<SourceId>, _: Params<NoParams>, body: Body<PreviewBody>) -> Answer {
    Ok(HttpResponse::Ok().json(service::fingerprint_rule::preview(&caller.0, id.0, body.0.rule).await?))
}

/// Applies the fingerprint rule wanted to the stored findings.
///
/// Findings that become the same are merged into the oldest of them. Answers when that is done, or after ten seconds
/// with `rerun` = `running`: the service goes on by itself, also after a restart.
#[utoipa::path(tag = "sources", operation_id = "rerunFingerprintRule",
    params(("id" = SourceId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["findings:write", "tenants:manage"])), responses(
        (status = 200, description = "The rule, in force or on its way", body = SourceRule),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/sources/{id}/fingerprint-rule/rerun")]
async fn rerun_rule(caller: As, id: Id<SourceId>, _: Params<NoParams>, version: IfMatch) -> Answer {
    changed(StatusCode::OK, service::fingerprint_rule::rerun(&caller.0, id.0, version.0).await?)
}
