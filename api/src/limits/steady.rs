//! The service's clock as a clock that never goes back.

use governor::clock::Clock;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Tells the time since 1970, as the service's clock does, but goes on from
/// where it was when that one is set back: a bucket would otherwise stay empty
/// until the old time is reached again.
#[derive(Clone)]
pub(super) struct Steady {
    wall: service::Clock,
    past: Arc<Mutex<Past>>,
}

#[derive(Default)]
struct Past {
    latest: Duration,
    /// By how much the wall clock was set back in all.
    lost: Duration,
}

/// Threads ask at once and tell one after the other: less than this is no setting back.
const JITTER: Duration = Duration::from_secs(1);

impl Steady {
    pub(super) fn new(wall: &service::Clock) -> Self {
        Self { wall: wall.clone(), past: Arc::default() }
    }
}

impl Clock for Steady {
    type Instant = Duration;

    fn now(&self) -> Duration {
        let wall = u64::try_from(self.wall.now().timestamp_millis()).unwrap_or_default();
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Duration::from_millis(wall) + past.lost;
        let latest = past.latest;
        if now + JITTER < latest {
            past.lost += latest - now;
        }
        past.latest = latest.max(now);
        past.latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[test]
    fn time_goes_on_when_the_wall_clock_is_set_back() {
        let offset = Arc::new(AtomicI64::new(0));
        let told = offset.clone();
        let start: domain::Timestamp = "2026-11-24T08:00:00Z".parse().expect("a time");
        let wall = service::Clock::from_fn(move || {
            domain::Timestamp::from_timestamp_millis(start.timestamp_millis() + told.load(Ordering::Relaxed))
                .expect("a time")
        });
        let clock = Steady::new(&wall);
        let began = clock.now();
        let at = |milliseconds| {
            offset.store(milliseconds, Ordering::Relaxed);
            clock.now().checked_sub(began).expect("not before it began").as_millis()
        };
        assert_eq!((at(5_000), at(4_500), at(5_000)), (5_000, 5_000, 5_000));
        assert_eq!((at(-3_600_000), at(-3_599_000)), (5_000, 6_000), "an hour back, and a second on");
        assert_eq!(at(-3_000_000), 605_000);
    }
}
