//! `Prefer: return=minimal` (RFC 7240, section 4.2): a change without the changed resource.

use super::respond::LeftOut;
use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
};

const PREFER: HeaderName = HeaderName::from_static("prefer");
const APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Leaves out the body of a changed resource for a client that prefers so: what has an `ETag` can be read again.
/// An answer that tells what cannot be read again, such as a secret or a lease, goes out whole.
///
/// # Errors
/// Those of what it wraps.
pub async fn minimal<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let is_wished = request.method() != Method::GET && wishes(&request);
    let answer = next.call(request).await?;
    let can_be_read_again = answer.status().is_success()
        && answer.headers().contains_key(header::ETAG)
        && answer.response().extensions().get::<LeftOut>().is_none();
    if !is_wished || !can_be_read_again {
        return Ok(answer.map_into_left_body());
    }
    let mut answer = answer.map_body(|head, _| {
        if head.status == StatusCode::OK {
            head.status = StatusCode::NO_CONTENT;
        }
        EitherBody::right(actix_web::body::BoxBody::new(()))
    });
    answer.headers_mut().remove(header::CONTENT_TYPE);
    answer.headers_mut().insert(APPLIED, HeaderValue::from_static("return=minimal"));
    Ok(answer)
}

fn wishes(request: &ServiceRequest) -> bool {
    let preferences = request.headers().get_all(PREFER).filter_map(|value| value.to_str().ok());
    preferences.flat_map(|value| value.split([',', ';'])).any(|one| one.trim().eq_ignore_ascii_case("return=minimal"))
}
