//! The feed as server-sent events (WHATWG HTML, section 9.2).
//!
//! A page is read when the one before has been taken, so that a slow reader
//! costs one page and no more; one that takes nothing at all loses its connection
//! (see `application`). Whatever it has read, the id of its last event is
//! the cursor to go on with.

use super::Reader;
use crate::{
    limits::StreamPlace,
    rest::{Problem, respond::Answer},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, ContentEncoding},
    web::Bytes,
};
use domain::{
    Code,
    change::{ChangeFilter, ChangePage, FeedRequest, Start},
};
use futures_util::stream::{self, StreamExt};
use serde_json::json;
use service::Fresh;
use std::{fmt::Write, time::Duration};

/// How often something is sent where nothing happens, so that proxies keep the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Most items of one step.
const STEP: u64 = 100;
/// How soon a browser comes back, in milliseconds.
const RETRY: u32 = 2000;

/// A stream on its way out.
struct Feed {
    reader: Reader,
    filter: ChangeFilter,
    request: FeedRequest,
    place: Option<StreamPlace>,
}

/// Answers with the feed for as long as its reader may read it. What is wrong from the beginning is told as ever.
pub(super) async fn answer(
    reader: Reader,
    place: Option<StreamPlace>,
    request: &HttpRequest,
    filter: ChangeFilter,
    asked: FeedRequest,
) -> Answer {
    let last = request.headers().get("last-event-id").and_then(|id| id.to_str().ok());
    let start = last.filter(|id| !id.is_empty()).map_or(asked.start, |id| Start::Cursor(id.to_owned()));
    let request = FeedRequest { limit: asked.limit.min(STEP), start, each: true };
    let mut feed = Feed { reader, filter, request, place };
    let first = feed.step(Duration::ZERO).await?;
    let head = Bytes::from(format!("retry: {RETRY}\n\n{first}"));
    let rest = stream::unfold(feed, async |mut feed| {
        feed.place.as_ref()?;
        let ending = feed.reader.state.ending.subscribe();
        let sent = tokio::select! {
            sent = feed.step(HEARTBEAT) => sent.unwrap_or_else(|problem| feed.end(&problem)),
            () = ended(ending) => feed.end(&Problem::new(Code::Unavailable, "the service is stopping; come back with the cursor")),
        };
        Some((Ok::<_, Problem>(Bytes::from(sent)), feed))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // A packer would keep the last event back until the next one fills it.
        .insert_header(ContentEncoding::Identity)
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream::once(async { Ok(head) }).chain(rest)))
}

async fn ended(mut ending: tokio::sync::watch::Receiver<bool>) {
    // Without its sender there is no server either.
    let _ = ending.wait_for(|ends| *ends).await;
}

impl Feed {
    /// What happened, or a sign of life.
    async fn step(&mut self, wait: Duration) -> Result<String, Problem> {
        let page = service::change::follow(&self.reader, &self.filter, &self.request, None, wait).await?;
        let Fresh::Changed(_, page) = page else { return Err(Problem::of(Code::Internal)) };
        let sent = events(&page)?;
        self.request.start = Start::Cursor(page.next_cursor);
        Ok(sent)
    }

    /// The last event, which says why and where to go on.
    fn end(&mut self, problem: &Problem) -> String {
        self.place = None;
        let cursor = match &self.request.start {
            Start::Cursor(cursor) => Some(cursor),
            _ => None,
        };
        let told = json!({"code": problem.code.as_str(), "detail": problem.detail, "cursor": cursor});
        format!("event: end\ndata: {told}\n\n")
    }
}

/// A page, item by item. JSON as it is written here has no line breaks.
fn events(page: &ChangePage) -> Result<String, Problem> {
    let mut out = String::new();
    for (item, cursor) in page.items.iter().zip(&page.cursors) {
        let item = serde_json::to_string(item).map_err(|_| Problem::of(Code::Internal))?;
        // Writing to a String does not fail.
        let _ = write!(out, "id: {cursor}\ndata: {item}\n\n");
    }
    if out.is_empty() {
        // What the filter kept back has been read all the same.
        let _ = write!(out, ": nothing new\nid: {}\n\n", page.next_cursor);
    }
    Ok(out)
}
