//! `/v1/risk-acceptances`.

use super::{
    As, Body,
    extract::{Id, IfMatch, Seen},
    listing::list,
    params::{CountedParams, FieldParams, NoParams, TenantParam},
    problem::ProblemDetails,
    query::{Filtered, Params},
    respond::{Answer, Fields, changed, created, one},
};
use actix_web::{HttpRequest, get, http::StatusCode, post};
use domain::{
    AcceptanceId, Page, RiskAcceptance,
    risk_acceptance::{AcceptanceReason, NewRiskAcceptance, RiskAcceptanceFilter},
};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(list_risk_acceptances)
        .service(post_risk_acceptance)
        .service(get_risk_acceptance)
        .service(approve_risk_acceptance)
        .service(refuse_risk_acceptance)
        .service(revoke_risk_acceptance);
}

/// A page of risk acceptances by id, past ones included.
#[utoipa::path(tag = "risk", operation_id = "listRiskAcceptances", params(RiskAcceptanceFilter, CountedParams),
    security(("bearer" = ["findings:read"])), responses(
        (status = 200, description = "A page", body = Page<RiskAcceptance>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/risk-acceptances")]
async fn list_risk_acceptances(
    caller: As,
    request: HttpRequest,
    params: Filtered<RiskAcceptanceFilter, CountedParams>,
    seen: Seen,
) -> Answer {
    let Filtered(filter, page_params) = params;
    list(caller, &request, &seen, page_params, RiskAcceptance::FIELDS, async move |caller, page, seen| {
        service::risk_acceptance::list(caller, &filter, page, seen).await
    })
    .await
}

/// Asks to have risks accepted until a date, at a known price.
///
/// Another person than who asks decides, by whatever login or client. A finding is in one acceptance at a time.
#[utoipa::path(tag = "risk", operation_id = "postRiskAcceptance", request_body = NewRiskAcceptance,
    params(TenantParam), security(("bearer" = ["risk:request"])), responses(
        (status = 201, description = "It is asked for", body = RiskAcceptance),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/risk-acceptances")]
async fn post_risk_acceptance(caller: As, params: Params<TenantParam>, body: Body<NewRiskAcceptance>) -> Answer {
    let asked = service::risk_acceptance::request(&caller.0, params.0.tenant.as_deref(), body.0).await?;
    created("risk-acceptances", asked)
}

/// One risk acceptance.
#[utoipa::path(tag = "risk", operation_id = "getRiskAcceptance", params(("id" = AcceptanceId, Path), FieldParams),
    security(("bearer" = ["findings:read"])), responses(
        (status = 200, description = "The acceptance", body = RiskAcceptance),
        (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/risk-acceptances/{id}")]
async fn get_risk_acceptance(caller: As, id: Id<AcceptanceId>, params: Params<FieldParams>, seen: Seen) -> Answer {
    let fields = Fields::parse(params.0.fields, RiskAcceptance::FIELDS)?;
    one(service::risk_acceptance::get(&caller.0, id.0, seen.tags(&fields).as_deref()).await?, &fields)
}

/// Approves a requested acceptance.
///
/// Its findings that are new, confirmed or in progress become `risk_accepted` until it ends; what became of the
/// others stands in `findings`. Their due dates stand still meanwhile.
#[utoipa::path(tag = "risk", operation_id = "postRiskAcceptanceApproval",
    params(("id" = AcceptanceId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["risk:approve"])), responses(
        (status = 200, description = "The acceptance as it now is", body = RiskAcceptance),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/risk-acceptances/{id}/approve")]
async fn approve_risk_acceptance(caller: As, id: Id<AcceptanceId>, _: Params<NoParams>, version: IfMatch) -> Answer {
    changed(StatusCode::OK, service::risk_acceptance::approve(&caller.0, id.0, version.0).await?)
}

/// Refuses a requested acceptance.
#[utoipa::path(tag = "risk", operation_id = "postRiskAcceptanceRefusal", request_body = AcceptanceReason,
    params(("id" = AcceptanceId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["risk:approve"])), responses(
        (status = 200, description = "The acceptance as it now is", body = RiskAcceptance),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/risk-acceptances/{id}/refuse")]
async fn refuse_risk_acceptance(
    caller: As,
    id: Id<AcceptanceId>,
    _: Params<NoParams>,
    version: IfMatch,
    body: Body<AcceptanceReason>,
) -> Answer {
    changed(StatusCode::OK, service::risk_acceptance::refuse(&caller.0, id.0, version.0, body.0).await?)
}

/// Takes an approved acceptance back before its time: its findings are confirmed again.
#[utoipa::path(tag = "risk", operation_id = "postRiskAcceptanceRevocation", request_body = AcceptanceReason,
    params(("id" = AcceptanceId, Path), ("If-Match" = String, Header, description = "The `ETag` it was read with")),
    security(("bearer" = ["risk:approve"])), responses(
        (status = 200, description = "The acceptance as it now is", body = RiskAcceptance),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[post("/risk-acceptances/{id}/revoke")]
async fn revoke_risk_acceptance(
    caller: As,
    id: Id<AcceptanceId>,
    _: Params<NoParams>,
    version: IfMatch,
    body: Body<AcceptanceReason>,
) -> Answer {
    changed(StatusCode::OK, service::risk_acceptance::revoke(&caller.0, id.0, version.0, body.0).await?)
}
