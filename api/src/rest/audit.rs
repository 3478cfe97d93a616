//! `/v1/audit`: who did what.

use super::{
    As, Problem,
    extract::{Authorization, Seen, authorization},
    params::PageParams,
    problem::ProblemDetails,
    query::Filtered,
    respond::{Answer, Fields, page},
};
use crate::application::{State, Worker};
use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header,
    web::{Bytes, Data},
};
use domain::{AuditFilter, AuditRecord, Code, Page, PageRequest};
use futures_util::stream;
use service::{Caller, Fresh};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(list_audit);
}

const NDJSON: &str = "application/x-ndjson";

/// Who did what, newest first: commands, refusals, and reads of what is restricted.
///
/// With `Accept: application/x-ndjson` all records that the filter holds come in one answer, one JSON
/// object a line, from `cursor` on if there is one; `limit` does not bound it. It ends early where the
/// token or its grant does: a connection that ends without its last chunk was not the whole.
#[utoipa::path(tag = "audit", operation_id = "listAudit", params(AuditFilter, PageParams),
    security(("bearer" = ["audit:read"])), responses(
        (status = 200, description = "A page, or all of them line by line",
            content((Page<AuditRecord> = "application/json"), (String = "application/x-ndjson"))),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = "default", description = "Any error", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
#[get("/audit")]
async fn list_audit(
    caller: As,
    request: HttpRequest,
    params: Filtered<AuditFilter, PageParams>,
    state: Data<State>,
    worker: Data<Worker>,
    seen: Seen,
) -> Answer {
    let Filtered(filter, page_params) = params;
    let (wish, fields) = page_params.read(AuditRecord::FIELDS)?;
    if !wants_lines(&request) {
        let tags = seen.tags(&fields);
        return page(&request, service::audit::list(&caller.0, &filter, &wish, tags.as_deref()).await?, &fields);
    }
    let given = authorization(&request).ok_or_else(|| Problem::of(Code::Unauthenticated))?;
    let mut lines = Lines { state, worker, given, filter, fields, next: Some(wish.cursor) };
    // What is wrong with the request is said before the first line.
    let first = lines.page(&caller.0).await?;
    let rest = stream::try_unfold(lines, async |mut lines| {
        if lines.next.is_none() {
            return Ok(None);
        }
        let caller = lines.caller().await?;
        Ok::<_, Problem>(Some((lines.page(&caller).await?, lines)))
    });
    let body = stream::StreamExt::chain(stream::once(async { Ok::<_, Problem>(first) }), rest);
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).content_type(NDJSON).streaming(body))
}

fn wants_lines(request: &HttpRequest) -> bool {
    let accepted = request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| kind.split(';').next().map(str::trim) == Some(NDJSON))
}

/// The rest of a list, read page by page as the client takes it.
struct Lines {
    state: Data<State>,
    worker: Data<Worker>,
    given: Authorization,
    filter: AuditFilter,
    fields: Fields,
    /// The cursor of the next page; nothing after the last one.
    next: Option<Option<String>>,
}

impl Lines {
    /// The caller as it stands now: its token may have ended and its grant been revoked since the last page.
    async fn caller(&self) -> Result<Caller, Problem> {
        self.given.caller(&self.state, &self.worker).await
    }

    async fn page(&mut self, caller: &Caller) -> Result<Bytes, Problem> {
        let cursor = self.next.take().flatten();
        let wish = PageRequest { limit: PageRequest::MAX, cursor, each: false };
        let Fresh::Changed(_, page) = service::audit::list(caller, &self.filter, &wish, None).await? else {
            return Err(Problem::of(Code::Internal));
        };
        let mut lines = Vec::new();
        for record in &page.items {
            serde_json::to_writer(&mut lines, &self.fields.of(record)?).map_err(|_| Problem::of(Code::Internal))?;
            lines.push(b'\n');
        }
        self.next = page.next_cursor.map(Some);
        Ok(lines.into())
    }
}
