//! Subjects of outside issuers that nobody granted anything to by name, so that
//! they are in no snapshot. Each is stored once; an issuer that invents them by
//! the thousand fills the store slowly, and keeps nobody else waiting.

use domain::PrincipalId;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Most newcomers remembered; they are looked up again after that.
const MAX_KNOWN: usize = 10_000;
/// Most new subjects of one issuer that a replica stores in a [`WINDOW`]: the first morning of a large municipality.
const MAX_NEW: u32 = 1_000;
const WINDOW: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Default)]
pub(super) struct Newcomers(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    known: HashMap<(String, String), PrincipalId>,
    /// When an issuer's window began, and how many were stored in it.
    stored: HashMap<String, (Instant, u32)>,
}

impl Newcomers {
    pub(super) fn id(&self, issuer: &str, subject: &str) -> Option<PrincipalId> {
        self.lock().known.get(&(issuer.to_owned(), subject.to_owned())).copied()
    }

    pub(super) fn remember(&self, issuer: &str, subject: &str, id: PrincipalId) {
        let known = &mut self.lock().known;
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert((issuer.to_owned(), subject.to_owned()), id);
    }

    /// Whether one more subject of the issuer may be stored now; counts it.
    pub(super) fn has_room(&self, issuer: &str, now: Instant) -> bool {
        let mut inner = self.lock();
        let (began, stored) = inner.stored.entry(issuer.to_owned()).or_insert((now, 0));
        if now.saturating_duration_since(*began) >= WINDOW {
            (*began, *stored) = (now, 0);
        }
        let has_room = *stored < MAX_NEW;
        *stored += u32::from(has_room);
        has_room
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves maps that the store can fill again.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_new_subjects_is_bounded_for_its_own_issuer_and_a_minute() {
        let (newcomers, now) = (Newcomers::default(), Instant::now());
        let stored = (0..5_000).filter(|_| newcomers.has_room("https://flood.example", now)).count();
        assert_eq!(stored, MAX_NEW as usize);
        assert!(newcomers.has_room("https://other.example", now));
        assert!(newcomers.has_room("https://flood.example", now + WINDOW));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let newcomers = Newcomers::default();
        for n in 0..=MAX_KNOWN {
            newcomers.remember("https://id.example", &n.to_string(), PrincipalId(uuid::Uuid::nil()));
        }
        assert!(newcomers.lock().known.len() <= MAX_KNOWN);
        assert!(newcomers.id("https://id.example", &MAX_KNOWN.to_string()).is_some());
        assert!(newcomers.id("https://other.example", &MAX_KNOWN.to_string()).is_none());
    }
}
