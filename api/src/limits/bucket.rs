//! Token buckets by key: what fits into a minute may come at once, and comes
//! back evenly (GCRA, by `governor`).

use super::steady::Steady;
use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::StateInformationMiddleware,
    nanos::Nanos,
    state::{StateStore, keyed::ShrinkableKeyedStateStore},
};
use std::{
    collections::HashMap,
    hash::Hash,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Buckets of one size, one for each key.
pub(super) struct Buckets<K: Hash + Eq + Clone> {
    /// None where the limit is switched off.
    limiter: Option<RateLimiter<K, States<K>, Steady, StateInformationMiddleware>>,
    per_minute: u32,
    most: usize,
    clock: Steady,
    swept: Mutex<Duration>,
}

/// How full a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level {
    /// What fits in.
    pub(super) limit: u32,
    /// What is left.
    pub(super) remaining: u32,
    /// Seconds until it is full again; of an empty one that refused, until it gives again.
    pub(super) resets_in: u64,
}

/// Seconds until a bucket holds what was asked for; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait(pub(crate) u64);

/// The time that limits are counted in.
pub(super) const WINDOW: Duration = Duration::from_secs(60);
/// How often buckets that are full again are forgotten; a full bucket is like none.
const SWEEP: Duration = Duration::from_secs(60);
/// The same when there is no room for new keys.
const SWEEP_WHEN_FULL: Duration = Duration::from_secs(1);
/// Most keys that have a bucket of their own: some 10 MB.
const MOST_KEYS: usize = 100_000;

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Buckets that hold and get back so much a minute; 0 is without limit.
    pub(super) fn new(per_minute: u32, clock: &Steady) -> Self {
        Self::with_room(per_minute, clock, MOST_KEYS)
    }

    fn with_room(per_minute: u32, clock: &Steady, most: usize) -> Self {
        let quota = NonZeroU32::new(per_minute).map(Quota::per_minute);
        let states = || States { most, all: Mutex::default() };
        let limiter = quota.map(|quota| RateLimiter::new(quota, states(), clock.clone()));
        Self { limiter, per_minute, most, clock: clock.clone(), swept: Mutex::new(clock.now()) }
    }

    /// Takes from the bucket of the key; tells how full it is then, if there is a limit. What
    /// is more than a whole bucket takes a whole one.
    pub(super) fn take(&self, key: &K, amount: u32) -> Result<Option<Level>, Wait> {
        let (Some(limiter), Some(amount)) = (&self.limiter, NonZeroU32::new(amount.min(self.per_minute))) else {
            return Ok(None);
        };
        self.sweep(limiter);
        match limiter.check_key_n(key, amount) {
            Ok(Ok(state)) => Ok(Some(self.level(state.remaining_burst_capacity()))),
            Ok(Err(until)) => Err(Wait(seconds(until.wait_time_from(self.clock.now())).max(1))),
            Err(_) => Err(Wait(WINDOW.as_secs())),
        }
    }

    fn level(&self, remaining: u32) -> Level {
        let taken = u64::from(self.per_minute.saturating_sub(remaining));
        let resets_in = (taken * WINDOW.as_secs()).div_ceil(u64::from(self.per_minute.max(1)));
        Level { limit: self.per_minute, remaining, resets_in }
    }

    /// The level of a bucket that has just refused.
    pub(super) fn empty(&self, wait: Wait) -> Level {
        Level { limit: self.per_minute, remaining: 0, resets_in: wait.0 }
    }

    fn sweep(&self, limiter: &RateLimiter<K, States<K>, Steady, StateInformationMiddleware>) {
        let pause = if limiter.len() >= self.most { SWEEP_WHEN_FULL } else { SWEEP };
        let (now, mut swept) = (self.clock.now(), self.swept.lock().unwrap_or_else(PoisonError::into_inner));
        if now >= *swept + pause {
            *swept = now;
            limiter.retain_recent();
        }
    }
}

fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// The buckets' states, of so many keys at most: those that come when there is
/// no room share one bucket, so that a flood of made-up keys costs neither
/// memory nor those who were there before.
struct States<K> {
    most: usize,
    all: Mutex<All<K>>,
}

struct All<K> {
    own: HashMap<K, Nanos>,
    shared: Option<Nanos>,
}

impl<K> Default for All<K> {
    fn default() -> Self {
        Self { own: HashMap::new(), shared: None }
    }
}

impl<K> States<K> {
    fn lock(&self) -> MutexGuard<'_, All<K>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Clone> StateStore for States<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut all = self.lock();
        if let Some(state) = all.own.get_mut(key) {
            let (outcome, next) = measure(Some(*state))?;
            *state = next;
            return Ok(outcome);
        }
        if all.own.len() < self.most {
            let (outcome, next) = measure(None)?;
            all.own.insert(key.clone(), next);
            return Ok(outcome);
        }
        let (outcome, next) = measure(all.shared)?;
        all.shared = Some(next);
        Ok(outcome)
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<K> for States<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        self.lock().own.retain(|_, state| *state > drop_below);
    }

    fn len(&self) -> usize {
        self.lock().own.len()
    }

    fn is_empty(&self) -> bool {
        self.lock().own.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    };

    /// A clock that a test moves, in milliseconds.
    fn clock() -> (Steady, Arc<AtomicI64>) {
        let time = Arc::new(AtomicI64::new(1_795_507_200_000));
        let told = time.clone();
        let wall = service::Clock::from_fn(move || {
            domain::Timestamp::from_timestamp_millis(told.load(Ordering::Relaxed)).expect("a time")
        });
        (Steady::new(&wall), time)
    }

    #[test]
    fn a_bucket_gives_what_it_holds_and_gets_it_back_evenly() {
        let (clock, time) = clock();
        let buckets = Buckets::new(6, &clock);
        for remaining in (0..6).rev() {
            let level = buckets.take(&"a", 1).expect("something is left").expect("a limit");
            assert_eq!(level, Level { limit: 6, remaining, resets_in: u64::from(6 - remaining) * 10 });
        }
        assert_eq!(buckets.take(&"a", 1), Err(Wait(10)));
        assert!(buckets.take(&"b", 1).is_ok(), "another key has a bucket of its own");
        time.fetch_add(9_999, Ordering::Relaxed);
        assert_eq!(buckets.take(&"a", 1), Err(Wait(1)));
        time.fetch_add(1, Ordering::Relaxed);
        assert!(buckets.take(&"a", 1).is_ok());
        assert_eq!(buckets.take(&"a", 2), Err(Wait(20)));
        time.fetch_add(60_000, Ordering::Relaxed);
        assert_eq!(buckets.take(&"a", 99).expect("a whole bucket").expect("a limit").remaining, 0);
    }

    #[test]
    fn a_flood_of_keys_finds_no_room_and_disturbs_nobody() {
        let (clock, time) = clock();
        let buckets = Buckets::with_room(6, &clock, 3);
        assert!(buckets.take(&-1, 1).is_ok());
        let taken = (0..1_000).filter(|key| buckets.take(key, 1).is_ok()).count();
        assert_eq!(taken, 2 + 6, "two had room, the others shared a bucket");
        assert_eq!(buckets.take(&-1, 1).expect("not disturbed").expect("a limit").remaining, 4);
        assert_eq!(buckets.limiter.as_ref().expect("a limit").len(), 3);
        time.fetch_add(61_000, Ordering::Relaxed);
        assert!(buckets.take(&7_000, 1).is_ok(), "full buckets are forgotten");
        assert_eq!(buckets.limiter.as_ref().expect("a limit").len(), 1);
    }

    #[test]
    fn nothing_is_without_limit() {
        let (clock, _) = clock();
        let buckets = Buckets::new(0, &clock);
        assert!((0..10_000).all(|_| buckets.take(&"a", 1_000_000) == Ok(None)));
    }
}
