//! Retests: `/v1/findings/{id}/retests`, `/v1/retests/{id}`.

use super::{
    As, Body,
    extract::{Id, IfMatch, Seen},
    listing::list,
    params::{CountedParams, FieldParams, NoParams},
    problem::ProblemDetails,
    query::Params,
    respond::{Answer, Fields, created, one},
};
use actix_web::{HttpRequest, get, post};
use domain::{FindingId, Page, Retest, RetestId, retest::NewRetest};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(list_retests).service(post_retest).service(get_retest);
}

/// A page of the retests of a finding, in the order of their rounds.
#[utoipa::path(tag = "findings", operation_id = "listRetests", params(("id" = FindingId, Path), CountedParams),
    security(("bearer" = ["findings:read"])), responses(
        (status = 200, description = "A page", body = Page<Retest>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/findings/{id}/retests")]
async fn list_retests(
    caller: As,
    request: HttpRequest,
    id: Id<FindingId>,
    params: Params<CountedParams>,
    seen: Seen,
) -> Answer {
    list(caller, &request, &seen, params.0, Retest::FIELDS, async move |caller, page, seen| {
        service::retest::list(caller, id.0, page, seen).await
    })
    .await
}

/// Records what you saw of a finding.
///
/// Of a claimed fix, `fixed` makes it verified, `partly` and `not_fixed` confirm the finding again. What was verified
/// and is `partly` or `not_fixed` is reopened. `not_testable`, and what says nothing new, changes no status. Who
/// claimed the fix does not retest it. Retests are never changed; a finding that a person dismissed has none.
#[utoipa::path(tag = "findings", operation_id = "postRetest", request_body = NewRetest,
    params(("id" = FindingId, Path),
        ("If-Match" = String, Header, description = "The `ETag` that the finding was read with")),
    security(("bearer" = ["findings:verify"])), responses(
        (status = 201, description = "The retest", body = Retest),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/findings/{id}/retests")]
async fn post_retest(
    caller: As,
    id: Id<FindingId>,
    _: Params<NoParams>,
    version: IfMatch,
    body: Body<NewRetest>,
) -> Answer {
    created("retests", service::retest::record(&caller.0, id.0, version.0, body.0).await?)
}

/// One retest.
#[utoipa::path(tag = "findings", operation_id = "getRetest", params(("id" = RetestId, Path), FieldParams),
    security(("bearer" = ["findings:read"])), responses(
        (status = 200, description = "The retest", body = Retest),
        (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/retests/{id}")]
async fn get_retest(caller: As, id: Id<RetestId>, params: Params<FieldParams>, seen: Seen) -> Answer {
    let fields = Fields::parse(params.0.fields, Retest::FIELDS)?;
    one(service::retest::get(&caller.0, id.0, seen.tags(&fields).as_deref()).await?, &fields)
}
