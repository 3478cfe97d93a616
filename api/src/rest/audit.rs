//! `/v1/audit`: who did what.

use super::{
    As, extract::Seen, listing::list, params::PageParams, problem::ProblemDetails, query::Filtered, respond::Answer,
};
use actix_web::{HttpRequest, get};
use domain::{AuditFilter, AuditRecord, Page};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(list_audit);
}

/// Who did what, newest first: commands, refusals, and reads of what is restricted.
#[utoipa::path(tag = "audit", operation_id = "listAudit", params(AuditFilter, PageParams),
    security(("bearer" = ["audit:read"])), responses(
        (status = 200, description = "A page", body = Page<AuditRecord>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/audit")]
async fn list_audit(caller: As, request: HttpRequest, params: Filtered<AuditFilter, PageParams>, seen: Seen) -> Answer {
    let Filtered(filter, page_params) = params;
    list(caller, &request, &seen, page_params, AuditRecord::FIELDS, async move |caller, page, seen| {
        service::audit::list(caller, &filter, page, seen).await
    })
    .await
}
