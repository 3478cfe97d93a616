//! What every answer has: an id, a line in the log, and errors of one form.

use super::{
    language,
    problem::{Problem, code_of},
};
use crate::{application::State, edges::Edges, limits::Visit};
use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use domain::{Code, tenant_settings::Language};
use service::Caller;
use std::{rc::Rc, time::Instant};
use tracing::Instrument;
use uuid::Uuid;

/// The request's id, in and out.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id, logs its end, and brings every error to problem+json.
///
/// # Errors
/// Only a whole answer of its own, for a request that was given up.
pub async fn answer<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let began = Instant::now();
    let id = request_id(&request);
    // Everything that is logged on the way carries the request's id.
    let span = tracing::info_span!("request", request_id = %id, method = %request.method(), path = path(&request));
    let (last, language) = (Last::of(&request, &id), language::of(request.headers()));
    let response = next.call(request).instrument(span.clone()).await;
    let told = response.map(|response| {
        tell(&response);
        as_problem(response, &id, language)
    });
    let mut response = told.map_err(|error| {
        let problem = error.as_error::<Problem>().cloned().unwrap_or_else(|| Problem::of(Code::Internal));
        problem.response(Some(id), language)
    });
    let status = match &mut response {
        Ok(response) => last.word(response.status(), response.headers_mut()),
        Err(response) => last.word(response.status(), response.headers_mut()),
    };
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::info!(status, milliseconds, "answered"));
    // A request that was given up is no longer there for an answer to be about: its answer goes out as an error.
    response.map_err(|response| InternalError::from_response("given up", response).into())
}

/// What is added to an answer at the very end, whatever became of the request.
struct Last {
    id: Option<HeaderValue>,
    visit: Rc<Visit>,
    state: Option<Data<State>>,
    edges: Option<Edges>,
}

impl Last {
    fn of(request: &ServiceRequest, id: &str) -> Self {
        let state = request.app_data::<Data<State>>().cloned();
        let edges = state.as_ref().map(|state| Edges::of(request, &state.config));
        Self { id: HeaderValue::from_str(id).ok(), visit: Visit::of(request.request()), state, edges }
    }

    fn word(&self, status: StatusCode, headers: &mut HeaderMap) -> u16 {
        if let Some(edges) = &self.edges {
            edges.finish(headers);
        }
        if let Some(state) = &self.state {
            self.visit.tell(headers, state.auth.service().clock.now().timestamp());
        }
        if let Some(id) = &self.id {
            headers.insert(REQUEST_ID, id.clone());
        }
        status.as_u16()
    }
}

/// The path as it may be logged: whatever stands in the place of a parameter is shown only if it is an id,
/// since people paste secrets into the wrong place.
fn path(request: &ServiceRequest) -> String {
    let Some(pattern) = request.match_pattern() else { return "(unknown)".to_owned() };
    let shown = pattern.split('/').zip(request.path().split('/')).map(|(pattern, part)| {
        let is_fixed = !pattern.starts_with('{') || part.parse::<Uuid>().is_ok();
        if is_fixed { part } else { pattern }
    });
    shown.collect::<Vec<_>>().join("/")
}

/// Tells the audit of a refusal: of a known caller, or of a token that proves nothing.
fn tell<B>(response: &ServiceResponse<B>) {
    let code = response.response().error().and_then(|error| error.as_error::<Problem>()).map(|problem| problem.code);
    let request = response.request();
    let (Some(code), Some(state)) = (code, request.app_data::<Data<State>>()) else { return };
    let service = state.auth.service();
    match request.extensions().get::<Caller>() {
        Some(caller) => service::audit::refused(service, Some(caller), &operation(request), code, about(request)),
        None if code == Code::Unauthenticated => service::audit::refused(service, None, "authenticate", code, None),
        None => {}
    }
}

/// The operation's name, which holds nothing of what the client wrote.
fn operation(request: &HttpRequest) -> String {
    format!("{} {}", request.method(), request.match_pattern().unwrap_or_default())
}

fn about(request: &HttpRequest) -> Option<Uuid> {
    request.match_info().get("id")?.parse().ok()
}

/// The client's id if it is one that can be logged as it is, else a new one.
fn request_id(request: &ServiceRequest) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let fits = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    given.filter(fits).map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}

fn as_problem<B: MessageBody + 'static>(
    response: ServiceResponse<B>,
    id: &str,
    language: Language,
) -> ServiceResponse<actix_web::body::EitherBody<B>> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response.map_into_left_body();
    }
    let known = response.response().error().and_then(|error| error.as_error::<Problem>()).cloned();
    let allow = response.headers().get(header::ALLOW).cloned();
    let problem = match known {
        Some(problem) => problem,
        None if is_told(&response) => return response.map_into_left_body(),
        None => Problem::of(code_of(status)),
    };
    let (request, _) = response.into_parts();
    let mut answer = problem.response(Some(id.to_owned()), language);
    if let Some(allow) = allow {
        answer.headers_mut().insert(header::ALLOW, allow);
    }
    ServiceResponse::new(request, answer).map_into_right_body()
}

/// Answers that say for themselves what went wrong; OAuth has its own words for it.
fn is_told<B>(response: &ServiceResponse<B>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_oauth = response.request().path().starts_with("/oauth/");
    kind == Some("application/problem+json") || (is_oauth && kind == Some("application/json"))
}
