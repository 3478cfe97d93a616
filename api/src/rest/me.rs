//! `GET /v1/me`.

use super::{
    As,
    extract::Seen,
    params::NoParams,
    problem::ProblemDetails,
    query::Params,
    respond::{Answer, whole},
};
use actix_web::get;
use domain::Me;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(get_me);
}

/// Who am I, and what may I do where.
#[utoipa::path(tag = "me", operation_id = "getMe", security(("bearer" = [])), responses(
    (status = 200, description = "The caller", body = Me),
    (status = 304, description = "It has not changed since the `ETag` in `If-None-Match`"),
    (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
))]
#[get("/me")]
async fn get_me(caller: As, _: Params<NoParams>, seen: Seen) -> Answer {
    whole(&service::me::me(&caller.0), &seen)
}
