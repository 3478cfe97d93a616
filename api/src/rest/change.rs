//! `/v1/changes`: the feed.

use super::{
    As,
    extract::Seen,
    problem::ProblemDetails,
    query::Filtered,
    respond::{Answer, Fields, next_link, tagged, unchanged},
};
use actix_web::{
    HttpRequest, get,
    http::{StatusCode, header},
};
use domain::{
    PageRequest,
    change::{ChangeFilter, ChangePage},
};
use serde::Deserialize;
use service::Fresh;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(list_changes);
}

/// Which page of the feed.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FeedParams {
    /// Most items, 1–1,000.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before; without one from the beginning.
    cursor: Option<String>,
}

/// What has changed since a cursor.
///
/// Every page has a `next_cursor`, an empty one too (also as `X-Next-Cursor`):
/// keep it and come back with it. Deleted resources are tombstones
/// (`deleted: true`). Changes of a type need that type's own `:read` as well.
#[utoipa::path(tag = "changes", operation_id = "listChanges", params(ChangeFilter, FeedParams),
    security(("bearer" = ["feed:read"])), responses(
        (status = 200, description = "A page", body = ChangePage),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/changes")]
async fn list_changes(
    caller: As,
    request: HttpRequest,
    params: Filtered<ChangeFilter, FeedParams>,
    seen: Seen,
) -> Answer {
    let Filtered(filter, FeedParams { limit, cursor }) = params;
    let page = PageRequest::new("limit", limit, PageRequest::MAX_FEED, cursor)?;
    let fields = Fields::all();
    let changes =
        service::change::list(&caller.0, &filter, page.cursor.as_deref(), page.limit, seen.tags(&fields).as_deref())
            .await?;
    let (etag, page) = match changes {
        Fresh::Unchanged(etag) => return Ok(unchanged(&etag, &fields)),
        Fresh::Changed(etag, page) => (etag, page),
    };
    let mut response = tagged(StatusCode::OK, fields.tag(&etag));
    response.insert_header(("x-next-cursor", page.next_cursor.as_str()));
    if page.has_more {
        response.insert_header((header::LINK, next_link(&request, &page.next_cursor)));
    }
    Ok(response.json(page))
}
