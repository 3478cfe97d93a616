//! The clock is a parameter, so that tests are exact and never sleep.

use chrono::{DurationRound, TimeDelta, Utc};
use domain::Timestamp;
use std::sync::Arc;

/// Tells the time in whole milliseconds.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Arc::new(Utc::now))
    }

    /// A clock that tells what `now` says; for tests.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        milliseconds((self.0)())
    }
}

/// Cuts to whole milliseconds, which is what is stored and shown.
pub fn milliseconds(time: Timestamp) -> Timestamp {
    time.duration_trunc(TimeDelta::milliseconds(1)).unwrap_or(time)
}
