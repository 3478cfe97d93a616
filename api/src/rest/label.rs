//! `/v1/labels`: the vocabulary in the reader's language.

use super::{
    As,
    extract::Seen,
    language,
    params::NoParams,
    query::Params,
    respond::{Answer, whole},
};
use actix_web::{HttpRequest, get, http::header};
use domain::{
    Page,
    vocabulary::{Label, labels},
};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(list_labels);
}

/// What the values of severities, statuses and the like are called.
///
/// In Swedish or English, as `Accept-Language` prefers.
#[utoipa::path(tag = "me", operation_id = "listLabels", security(("bearer" = [])), responses(
        (status = 200, description = "All of them", body = Page<Label>),
        (status = 304, description = "They have not changed since the `ETag` in `If-None-Match`"),
    ))]
#[get("/labels")]
async fn list_labels(_: As, request: HttpRequest, _: Params<NoParams>, seen: Seen) -> Answer {
    let language = language::of(request.headers());
    let items: Vec<Label> = labels(language).collect();
    let page = Page { items, next_cursor: None, has_more: false, count: None, included: None, cursors: Vec::new() };
    let mut answer = whole(&page, &seen)?;
    answer.headers_mut().insert(header::CONTENT_LANGUAGE, language::name(language));
    Ok(answer)
}
