//! What is known of one request's caller, from the first look at its token to
//! the last header of its answer.

use super::{
    Admission, Level, Refusal, Wait,
    bucket::WINDOW,
    places::{ClientPlace, Place},
};
use crate::{application::State, rest::Problem};
use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};
use domain::Code;
use service::Caller;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// One request. It is authenticated and charged once, whoever asks first.
#[derive(Default)]
pub(crate) struct Visit {
    outcome: RefCell<Option<Result<Caller, Problem>>>,
    level: Cell<Option<Level>>,
    wait: Cell<Option<Wait>>,
    place: RefCell<Option<ClientPlace>>,
    work: RefCell<Option<Place>>,
}

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

impl Visit {
    /// The visit that the request is.
    pub(crate) fn of(request: &HttpRequest) -> Rc<Self> {
        let known = request.extensions().get::<Rc<Self>>().cloned();
        known.unwrap_or_else(|| {
            let new = Rc::new(Self::default());
            request.extensions_mut().insert(new.clone());
            new
        })
    }

    /// Who came, if that was asked already.
    pub(crate) fn outcome(&self) -> Option<Result<Caller, Problem>> {
        self.outcome.borrow().clone()
    }

    /// Charges the caller that was found, and remembers it.
    pub(crate) fn admit(&self, state: &State, found: Result<Caller, Problem>) -> Result<Caller, Problem> {
        let outcome = found.and_then(|caller| match state.limits.admit(&caller) {
            Ok(Admission { level, place }) => {
                self.level.set(level);
                self.place.replace(Some(place));
                Ok(caller)
            }
            Err(refusal) => Err(self.refuse(refusal)),
        });
        self.outcome.replace(Some(outcome.clone()));
        outcome
    }

    /// Takes its place among the requests in work.
    pub(super) fn works(&self, place: Place) {
        self.work.replace(Some(place));
    }

    /// Gives its places back: the request waits for something to happen, or is done.
    pub(crate) fn rests(&self) {
        self.work.take();
        self.place.take();
    }

    /// Says in the answer how soon it may be tried again, in seconds.
    pub(crate) fn come_back_in(&self, seconds: u64) {
        self.wait.set(Some(Wait(seconds)));
    }

    /// The problem that a refusal is, with its fields noted for the answer.
    pub(super) fn refuse(&self, refusal: Refusal) -> Problem {
        self.level.set(refusal.level);
        self.wait.set(Some(refusal.wait));
        Problem::new(Code::RateLimited, refusal.detail)
    }

    /// Adds what the caller may still ask (draft-ietf-httpapi-ratelimit-headers-11,
    /// and the three fields that SIEM pollers read); `now` is in Unix seconds.
    pub(crate) fn tell(&self, headers: &mut HeaderMap, now: i64) {
        if let Some(Level { limit, remaining, resets_in }) = self.level.get() {
            let window = WINDOW.as_secs();
            insert(headers, POLICY, &format!("\"default\";q={limit};w={window}"));
            insert(headers, RATE_LIMIT, &format!("\"default\";r={remaining};t={resets_in}"));
            insert(headers, LIMIT, &limit.to_string());
            insert(headers, REMAINING, &remaining.to_string());
            insert(headers, RESET, &now.saturating_add_unsigned(resets_in).to_string());
        }
        if let Some(Wait(seconds)) = self.wait.get() {
            insert(headers, RETRY_AFTER, &seconds.to_string());
        }
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Digits and ASCII words are always a value.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
