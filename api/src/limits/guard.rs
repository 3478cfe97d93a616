//! Before any work: is there a place, may this caller ask, how long may it take.

use super::{Visit, oauth};
use crate::{
    application::State,
    edges,
    rest::{As, MAX_WAIT, Problem},
};
use actix_web::{
    Error, FromRequest,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
    web::Data,
};
use domain::Code;
use std::time::Duration;

/// What is asked when the server is busiest, and costs it nothing.
const PROBES: &[&str] = &["/healthz", "/readyz"];

/// Where reports and inventories come in.
const UPLOADS: &[&str] = &["/v1/imports", "/v1/assets/import"];

/// Refuses what would be too much, at once; ends what takes too long. The
/// probes are answered whatever happens.
///
/// # Errors
/// `unavailable` for a request that took too long, since a request that is
/// given up is no longer there to be answered.
pub(crate) async fn guard<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let Some(state) = request.app_data::<Data<State>>().cloned() else {
        return Err(Problem::of(Code::Internal).into());
    };
    if PROBES.contains(&request.path()) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    if let Some(answer) = edges::preflight(&request, &state.config) {
        return Ok(request.into_response(answer).map_into_right_body());
    }
    let Some(place) = state.limits.places.enter() else {
        let full = Problem::new(Code::Unavailable, "the service has as many requests in work as it can bear");
        return Ok(request.error_response(full).map_into_right_body());
    };
    let visit = Visit::of(request.request());
    visit.works(place);
    let time = time_for(&request, &state);
    let work = async {
        if let Err(refusal) = admit(&request).await {
            return Ok(request.error_response(refusal).map_into_right_body());
        }
        Ok(next.call(request).await?.map_into_left_body())
    };
    let answer = match time {
        None => work.await,
        // Dropping the work ends its transaction.
        Some(time) => actix_web::rt::time::timeout(time, work).await.unwrap_or_else(|_| Err(too_long(time).into())),
    };
    visit.rests();
    answer
}

/// Charges the request to whom it comes from. A token that proves nothing is
/// for the operation to refuse: not every one of them asks for it.
async fn admit(request: &ServiceRequest) -> Result<(), Problem> {
    if request.path().starts_with(oauth::PATHS) {
        return oauth::charge(request.request());
    }
    if request.headers().contains_key(header::AUTHORIZATION) {
        let who = As::from_request(request.request(), &mut Payload::None).await;
        return who.map(|_| ()).or_else(|problem| match problem.code {
            Code::RateLimited => Err(problem),
            _ => Ok(()),
        });
    }
    Ok(())
}

/// A report, an inventory or an attached file may be large and its line slow; everything else is small.
fn time_for(request: &ServiceRequest, state: &State) -> Option<Duration> {
    let limits = &state.config.limits;
    let is_upload = |path: &str| UPLOADS.contains(&path) || path.ends_with("/attachments");
    let is_report = request.method() == Method::POST && is_upload(request.path());
    let seconds = if is_report { limits.upload_seconds } else { limits.request_seconds };
    // Who waits for something to happen does not work meanwhile.
    let wait = if request.path() == "/v1/changes" { MAX_WAIT } else { Duration::ZERO };
    (seconds > 0).then(|| Duration::from_secs(seconds) + wait)
}

fn too_long(time: Duration) -> Problem {
    Problem::new(Code::Unavailable, format!("the request took longer than {} s and was given up", time.as_secs()))
}
