//! `Idempotency-Key`: the first answer again for a POST that comes again
//! (draft-ietf-httpapi-idempotency-key-header).

use super::{Problem, respond::LeftOut};
use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{EitherBody, MessageBody, to_bytes},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
};
use domain::{Code, Violation, idempotency::IdempotencyKey};
use serde::{Deserialize, Serialize};
use service::Once;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is the one of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// What of an answer's head belongs to what was answered, and not to the moment.
const KEPT: &[HeaderName] = &[header::CONTENT_TYPE, header::ETAG, header::LOCATION, header::CACHE_CONTROL];

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    status: u16,
    head: Vec<(String, String)>,
    body: String,
}

/// Lets a POST under `/v1` that carries a key have its effect once.
///
/// # Errors
/// Those of what it wraps.
pub async fn once<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if request.method() != Method::POST || !request.path().starts_with("/v1/") || !request.headers().contains_key(KEY) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let once = match begun(&request) {
        Ok(once) => once,
        Err(problem) => {
            let refused = HttpResponse::from_error(problem);
            return Ok(ServiceResponse::new(request.into_parts().0, refused).map_into_right_body());
        }
    };
    request.extensions_mut().insert(once.clone());
    let answer = next.call(request).await?;
    if let Some(kept) = once.given() {
        let (request, _) = answer.into_parts();
        let again = again(&kept).unwrap_or_else(HttpResponse::from_error);
        return Ok(ServiceResponse::new(request, again).map_into_right_body());
    }
    if !once.has_changed() {
        return Ok(answer.map_into_left_body());
    }
    if !answer.status().is_success() {
        once.forget();
        return Ok(answer.map_into_left_body());
    }
    let (request, answer) = answer.into_parts();
    let sealed = sealed(&once, answer).await.unwrap_or_else(HttpResponse::from_error);
    Ok(ServiceResponse::new(request, sealed).map_into_right_body())
}

fn begun(request: &ServiceRequest) -> Result<Once, Problem> {
    let mut keys = request.headers().get_all(KEY);
    let (key, more) = (keys.next().and_then(|key| key.to_str().ok()).unwrap_or_default(), keys.next());
    if more.is_some() {
        let violations = vec![Violation::new("Idempotency-Key", "takes one key")];
        return Err(Problem { violations, ..Problem::new(Code::InvalidParameter, "Idempotency-Key: takes one key") });
    }
    let key = IdempotencyKey::parse("Idempotency-Key", key)?;
    let tenant = request.query_string().split('&').find_map(|pair| pair.strip_prefix("tenant="));
    let once = Once::new(&key, &format!("{} {}", request.method(), request.path()), tenant.unwrap_or_default());
    once.asks(request.query_string().as_bytes());
    // What the body is, and which version is changed, belong to what is asked.
    for name in [header::CONTENT_TYPE, header::CONTENT_DISPOSITION, header::IF_MATCH] {
        once.asks(request.headers().get(&name).map(HeaderValue::as_bytes).unwrap_or_default());
    }
    Ok(once)
}

/// The request that may come twice, if this is one.
pub(super) fn of(request: &HttpRequest) -> Option<Once> {
    request.extensions().get::<Once>().cloned()
}

/// Commits what was done with its answer, and gives it.
async fn sealed<B: MessageBody>(once: &Once, answer: HttpResponse<B>) -> Result<HttpResponse, Problem> {
    let left_out = answer.extensions().get::<LeftOut>().copied();
    let (answer, body) = answer.into_parts();
    let body = to_bytes(body).await.map_err(|_| Problem::of(Code::Internal))?;
    let head = KEPT.iter().filter_map(|name| {
        let value = answer.headers().get(name)?.to_str().ok()?;
        Some((name.to_string(), value.to_owned()))
    });
    let text = without(String::from_utf8_lossy(&body).into_owned(), left_out)?;
    let kept = Kept { status: answer.status().as_u16(), head: head.collect(), body: text };
    once.seal(serde_json::to_string(&kept).map_err(service::Error::internal)?).await?;
    Ok(answer.set_body(body).map_into_boxed_body())
}

impl Kept {
    /// What is kept of an answer that is given before its effect is complete.
    ///
    /// # Errors
    /// `internal` if it has no JSON form.
    pub(super) fn accepted<T: Serialize>(location: &str, item: &T) -> Result<String, Problem> {
        let head = [(header::CONTENT_TYPE, "application/json"), (header::LOCATION, location)];
        let kept = Self {
            status: StatusCode::ACCEPTED.as_u16(),
            head: head.into_iter().map(|(name, value)| (name.to_string(), value.to_owned())).collect(),
            body: serde_json::to_string(item).map_err(service::Error::internal)?,
        };
        Ok(serde_json::to_string(&kept).map_err(service::Error::internal)?)
    }
}

/// The body without the member that nobody is told twice.
fn without(body: String, left_out: Option<LeftOut>) -> Result<String, Problem> {
    let Some(LeftOut(member)) = left_out else { return Ok(body) };
    let mut value: serde_json::Value = serde_json::from_str(&body).map_err(service::Error::internal)?;
    if let Some(secret) = value.get_mut(member) {
        secret.take();
    }
    Ok(value.to_string())
}

/// The answer of an earlier request.
fn again(kept: &str) -> Result<HttpResponse, Problem> {
    let Kept { status, head, body } = serde_json::from_str(kept).map_err(service::Error::internal)?;
    let status = StatusCode::from_u16(status).map_err(service::Error::internal)?;
    let mut answer = HttpResponse::build(status);
    for (name, value) in head {
        answer.insert_header((name, value));
    }
    answer.insert_header((REPLAYED, HeaderValue::from_static("true")));
    Ok(answer.body(body))
}
