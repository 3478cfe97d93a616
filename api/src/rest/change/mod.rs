//! `/v1/changes`: the feed.

mod stream;

use super::{
    As, Problem,
    extract::{Authorization, Seen, authorization},
    listing::preferred,
    problem::ProblemDetails,
    query::Filtered,
    respond::{Answer, Fields, next_link, tagged, unchanged},
};
use crate::{
    application::{State, Worker},
    limits::Visit,
};
use actix_web::{
    HttpRequest, get,
    http::{StatusCode, header},
    web::Data,
};
use domain::{
    Change, Code, DateTime, Error, PageRequest,
    change::{ChangeFilter, ChangePage, FeedRequest, Start},
};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use service::{Caller, Fresh, export::ndjson};
use std::time::Duration;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(list_changes);
}

const LINES: &str = "application/x-ndjson";
const EVENTS: &str = "text/event-stream";

/// The longest wait for something to happen.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(30);

/// Which page of the feed.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FeedParams {
    /// Most items, 1–1,000.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before. Without one from the beginning: the state as it stands, or (`mode=events`) the
    /// oldest change that is kept. `latest`: what happens from now on.
    cursor: Option<String>,
    /// In place of a cursor: what happened at or after this moment, RFC 3339.
    since: Option<DateTime>,
    /// Seconds to wait for something to happen where nothing has, 0–30.
    #[param(minimum = 0, maximum = 30, default = 0)]
    wait: Option<i64>,
}

impl FeedParams {
    fn wait(&self) -> Result<Duration, Problem> {
        let wait = u64::try_from(self.wait.unwrap_or(0)).ok().map(Duration::from_secs);
        let refused = || Error::parameter("wait", format!("takes 0 to {} seconds", MAX_WAIT.as_secs())).into();
        wait.filter(|wait| *wait <= MAX_WAIT).ok_or_else(refused)
    }

    fn request(self) -> Result<FeedRequest, Problem> {
        let limit = PageRequest::new("limit", self.limit, PageRequest::MAX_FEED, None)?.limit;
        Ok(FeedRequest { limit, start: Start::of(self.cursor, self.since)?, each: false })
    }
}

/// Who reads on: the token is looked at again for every step.
struct Reader {
    state: Data<State>,
    worker: Data<Worker>,
    given: Authorization,
}

impl Reader {
    fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let state = request.app_data::<Data<State>>().cloned().ok_or_else(|| Problem::of(Code::Internal))?;
        let worker = request.app_data::<Data<Worker>>().cloned().ok_or_else(|| Problem::of(Code::Internal))?;
        let given = authorization(request).ok_or_else(|| Problem::of(Code::Unauthenticated))?;
        Ok(Self { state, worker, given })
    }
}

impl service::change::Reader for Reader {
    fn caller(&self) -> BoxFuture<'_, service::Result<Caller>> {
        Box::pin(self.given.caller(&self.state.auth, &self.worker.0))
    }
}

/// What has changed since a cursor.
///
/// Every page has a `next_cursor`, an empty one too (also as `X-Next-Cursor`):
/// keep it and come back with it. Deleted resources are tombstones
/// (`deleted: true`); what is no longer in the filter comes once more with
/// `left_filter: true`; a municipality that you have lost ends with one
/// `access_lost`. Changes of a type need that type's own `:read` as well.
///
/// With `Accept: text/event-stream` the answer goes on: each item is an event whose
/// id is a cursor (`Last-Event-ID` goes on from there); it ends with an event
/// `end` that says why, or when its reader takes nothing for a minute.
#[utoipa::path(tag = "changes", operation_id = "listChanges", params(ChangeFilter, FeedParams),
    security(("bearer" = ["feed:read"])), responses(
        (status = 200, description = "A page", content((ChangePage = "application/json"),
            (String = "application/x-ndjson"), (String = "text/event-stream"))),
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
    let Filtered(filter, params) = params;
    let (form, _) = preferred(&request, &["application/json", LINES, EVENTS])?;
    let (wait, asked) = (params.wait()?, params.request()?);
    let (reader, visit) = (Reader::of(&request)?, Visit::of(&request));
    // Who waits takes no place from those who work.
    let place = if form == EVENTS || !wait.is_zero() {
        let place = reader.state.limits.stream(&caller.0).inspect_err(|_| visit.come_back_in(1))?;
        visit.rests();
        Some(place)
    } else {
        None
    };
    if form == EVENTS {
        return stream::answer(reader, place, &request, filter, asked).await;
    }
    let is_lines = form == LINES;
    let fields = Fields::all().shown_as(if is_lines { "n" } else { "" });
    let tags = seen.tags(&fields);
    let changes = service::change::follow(&reader, &filter, &asked, tags.as_deref(), wait).await?;
    let (etag, page) = match changes {
        Fresh::Unchanged(etag) => return Ok(unchanged(&etag, &fields)),
        Fresh::Changed(etag, page) => (etag, page),
    };
    let mut response = tagged(StatusCode::OK, fields.tag(&etag));
    response.insert_header(("x-next-cursor", page.next_cursor.as_str()));
    if page.has_more {
        response.insert_header((header::LINK, next_link(&request, &page.next_cursor)));
    }
    if is_lines {
        return Ok(response.content_type(form).body(lines(&page.items)?));
    }
    drop(place);
    Ok(response.json(page))
}

fn lines(items: &[Change]) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::new();
    for item in items {
        ndjson::line(&mut out, item).map_err(|_| Problem::of(Code::Internal))?;
    }
    Ok(out)
}
