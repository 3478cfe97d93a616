//! What every answer has: an id, a line in the log, and errors of one form.

use super::problem::{Problem, code_of};
use crate::application::State;
use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderName, HeaderValue},
    middleware::Next,
    web::Data,
};
use domain::Code;
use service::Caller;
use std::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

/// The request's id, in and out.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id, logs its end, and brings every error to problem+json.
///
/// # Errors
/// None of its own: every error becomes an answer here.
pub async fn answer<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let began = Instant::now();
    let id = request_id(&request);
    // Everything that is logged on the way carries the request's id.
    let span = tracing::info_span!("request", request_id = %id, method = %request.method(), path = path(&request));
    let response = next.call(request).instrument(span.clone()).await?;
    tell(&response);
    let mut response = as_problem(response, &id);
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::VARY, HeaderValue::from_static("Authorization, Accept, Accept-Encoding"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    let status = response.status().as_u16();
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::info!(status, milliseconds, "answered"));
    Ok(response)
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
    let mut answer = problem.response(Some(id.to_owned()));
    if let Some(allow) = allow {
        answer.headers_mut().insert(header::ALLOW, allow);
    }
    ServiceResponse::new(request, answer).map_into_right_body()
}

/// Answers that say for themselves what went wrong.
fn is_told<B>(response: &ServiceResponse<B>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind == Some("application/problem+json")
}
