//! `/v1/findings`.

use super::{
    As, Body, Problem,
    extract::{Id, IfMatch, Seen},
    listing::list,
    params::{CountedParams, NoParams, present},
    problem::ProblemDetails,
    query::{Filtered, Params},
    respond::{Answer, Fields, changed, one, whole},
};
use actix_web::{HttpRequest, get, http::StatusCode, patch, post};
use domain::{
    CountWish, DateTime, Evidence, Finding, FindingCounts, FindingFacet, FindingFilter, FindingId, FindingSightings,
    FindingSort, Page, Severity, Tlp, Transition, finding::FindingPatch, included::FindingInclude,
};
use serde::Deserialize;
use service::finding::{FindingOrder, FindingQuery};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(list_findings)
        .service(count_findings)
        .service(get_finding)
        .service(get_evidence)
        .service(get_sightings)
        .service(patch_finding)
        .service(transition_finding);
}

/// In which order, which page of them, and what to show.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// `id`, `severity`, `priority`, `first_seen`, `updated_at` or `due_at`; a leading `-` turns the order round.
    #[param(example = "-severity")]
    sort: Option<String>,
    /// Most items, 1–500.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Fields to show; all if left out. The answer is then of fewer fields than its schema requires.
    #[param(style = Form, explode = false, example = json!(["id", "title", "severity"]))]
    fields: Option<Vec<String>>,
    /// Whether `count` tells how many items there are on all pages: `exact`, or `bounded` to 10,000.
    count: Option<CountWish>,
    /// What to bring along in `included`, each once: at most 1,000 nodes with the page itself.
    #[param(style = Form, explode = false, example = json!(["assets", "tasks"]))]
    include: Vec<FindingInclude>,
}

/// By what to count.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CountParams {
    /// What to count by.
    #[param(style = Form, explode = false, example = json!(["severity", "status"]))]
    by: Vec<FindingFacet>,
}

fn order(sort: Option<&str>) -> Result<FindingOrder, Problem> {
    let Some(sort) = sort else { return Ok(FindingOrder::default()) };
    let (name, descending) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
    let by = serde_json::from_value::<FindingSort>(name.into())
        .map_err(|error| domain::Error::parameter("sort", error.to_string()))?;
    Ok(FindingOrder { by, descending })
}

/// A page of findings.
///
/// In the order of `sort` (by default by id, which is by the time Fynd first
/// heard of them). An unchanged list is a 304 for its `ETag`.
#[utoipa::path(tag = "findings", operation_id = "listFindings", params(FindingFilter, ListParams),
    security(("bearer" = ["findings:read"])), responses(
        (status = 200, description = "A page", body = Page<Finding>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/findings")]
async fn list_findings(
    caller: As,
    request: HttpRequest,
    params: Filtered<FindingFilter, ListParams>,
    seen: Seen,
) -> Answer {
    let Filtered(filter, ListParams { sort, limit, cursor, fields, count, include }) = params;
    let (order, wish) = (order(sort.as_deref())?, CountedParams { limit, cursor, fields, count });
    list(caller, &request, &seen, wish, Finding::FIELDS, async move |caller, page, seen| {
        let query = FindingQuery { filter: filter.clone(), order, page: page.clone(), include: include.clone() };
        service::finding::list(caller, &query, seen).await
    })
    .await
}

/// Counts of findings as flat rows, under the same filters as the list.
#[utoipa::path(tag = "findings", operation_id = "countFindings", params(FindingFilter, CountParams),
    security(("bearer" = ["findings:read"])), responses(
        (status = 200, description = "The counts", body = FindingCounts),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/findings/facets")]
async fn count_findings(caller: As, params: Filtered<FindingFilter, CountParams>, seen: Seen) -> Answer {
    let Filtered(filter, CountParams { by }) = params;
    let fields = Fields::all();
    one(service::finding::counts(&caller.0, &filter, &by, seen.tags(&fields).as_deref()).await?, &fields)
}

/// What to show, and of when.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct GetParams {
    /// Fields to show; all if left out.
    #[param(style = Form, explode = false)]
    fields: Option<Vec<String>>,
    /// The finding as it was at this moment, RFC 3339, instead of as it is; not in the future.
    as_of: Option<DateTime>,
}

/// One finding, as it is or as it was.
#[utoipa::path(tag = "findings", operation_id = "getFinding", params(("id" = FindingId, Path), GetParams),
    security(("bearer" = ["findings:read"])), responses(
        (status = 200, description = "The finding", body = Finding),
        (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/findings/{id}")]
async fn get_finding(caller: As, id: Id<FindingId>, params: Params<GetParams>, seen: Seen) -> Answer {
    let GetParams { fields, as_of } = params.0;
    let fields = Fields::parse(fields, Finding::FIELDS)?;
    one(service::finding::get(&caller.0, id.0, as_of, seen.tags(&fields).as_deref()).await?, &fields)
}

/// What the tool saw of a finding.
#[utoipa::path(tag = "findings", operation_id = "getFindingEvidence", params(("id" = FindingId, Path)),
    security(("bearer" = ["findings:read", "evidence:read"])), responses(
        (status = 200, description = "The evidence", body = Evidence),
        (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/findings/{id}/evidence")]
async fn get_evidence(caller: As, id: Id<FindingId>, _: Params<NoParams>, seen: Seen) -> Answer {
    whole(&service::finding::evidence(&caller.0, id.0).await?, &seen)
}

/// Where a finding was seen, and where it no longer is.
///
/// All reports of its source together first, then each of its named scans. `gone_at` is the time of the first complete
/// report since `last_seen` that did not hold it, whatever the order in which reports came in.
#[utoipa::path(tag = "findings", operation_id = "getFindingSightings", params(("id" = FindingId, Path)),
    security(("bearer" = ["findings:read"])), responses(
        (status = 200, description = "The sightings", body = FindingSightings),
        (status = 304, description = "They have not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/findings/{id}/sightings")]
async fn get_sightings(caller: As, id: Id<FindingId>, _: Params<NoParams>, seen: Seen) -> Answer {
    whole(&service::finding::sightings(&caller.0, id.0).await?, &seen)
}

/// A change of a finding. A field left out stays as it is; null goes back to
/// what the source says (severity, tags), to what it came in with (tlp), to the
/// municipality's rule (due_at) or to nobody (assignee) (RFC 7396).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PatchBody {
    /// The severity that people give it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Severity>)]
    severity: Option<Option<Severity>>,
    /// Why it is not the source's: 1–1,000 characters. Needed with a severity that differs from the source's.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1000)]
    severity_reason: Option<Option<String>>,
    /// Who works on it: 1–200 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    assignee: Option<Option<String>>,
    /// At most 50 labels of 1–200 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>, max_items = 50)]
    tags: Option<Option<Vec<String>>>,
    /// The marking (FIRST TLP 2.0). Taking `red` away needs `evidence:read`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Tlp>)]
    tlp: Option<Option<Tlp>>,
    /// When it is due, RFC 3339; of open findings only. Null goes back to the municipality's rule.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<DateTime>)]
    due_at: Option<Option<DateTime>>,
}

impl PatchBody {
    /// What is wished for.
    pub(super) fn wish(self) -> FindingPatch {
        let Self { severity, severity_reason, assignee, tags, tlp, due_at } = self;
        FindingPatch { severity, severity_reason, assignee, tags, tlp, due_at }
    }
}

/// Changes severity, assignee, tags, marking and due date.
///
/// Of a finding marked TLP:RED, callers without `evidence:read` get `withheld` instead of its restricted
/// fields. Who may write may set the mark; taking it away also needs `evidence:read`.
#[utoipa::path(tag = "findings", operation_id = "patchFinding", request_body = PatchBody,
    params(("id" = FindingId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["findings:write"])), responses(
        (status = 200, description = "The finding as it now is", body = Finding),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[patch("/findings/{id}")]
async fn patch_finding(
    caller: As,
    id: Id<FindingId>,
    _: Params<NoParams>,
    version: IfMatch,
    body: Body<PatchBody>,
) -> Answer {
    changed(StatusCode::OK, service::finding::patch(&caller.0, id.0, version.0, body.0.wish()).await?)
}

/// Moves a finding to another status.
///
/// new → confirmed, in progress ↔ confirmed, fix claimed, and the dismissals
/// need `findings:write`; what follows a claimed fix needs `findings:verify`
/// and another person than the claimant. A dismissal needs a justification.
/// A risk is accepted only through an approved acceptance.
#[utoipa::path(tag = "findings", operation_id = "transitionFinding", request_body = Transition,
    params(("id" = FindingId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["findings:write"]), ("bearer" = ["findings:verify"])), responses(
        (status = 200, description = "The finding as it now is", body = Finding),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/findings/{id}/transition")]
async fn transition_finding(
    caller: As,
    id: Id<FindingId>,
    _: Params<NoParams>,
    version: IfMatch,
    wish: Body<Transition>,
) -> Answer {
    changed(StatusCode::OK, service::finding::transition(&caller.0, id.0, version.0, wish.0).await?)
}
