//! `GET /v1/me`.

use super::{As, Problem, problem::ProblemDetails};
use actix_web::{get, web::Json};
use domain::Me;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(get_me);
}

/// Who am I, and what may I do where.
#[utoipa::path(tag = "me", operation_id = "getMe", security(("bearer" = [])), responses(
    (status = 200, description = "The caller", body = Me),
    (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
))]
#[get("/me")]
async fn get_me(caller: As) -> Result<Json<Me>, Problem> {
    Ok(Json(service::me::me(&caller.0)))
}
