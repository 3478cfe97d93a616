//! When a finding was seen last, and what has missed it since, as it is stored.

use domain::{Timestamp, sighting::Presence};
use entity::{json::TimeList, sighting};

/// A list that holds nothing is not kept.
pub(crate) fn kept(times: &[Timestamp]) -> Option<TimeList> {
    (!times.is_empty()).then(|| TimeList(times.to_vec()))
}

/// Of [`kept`].
pub(crate) fn times(list: Option<&TimeList>) -> impl Iterator<Item = Timestamp> {
    list.map(|list| list.0.as_slice()).unwrap_or_default().iter().copied()
}

/// Notes that it was seen; says since when it is gone all the same.
pub(crate) fn saw(seen: &mut sighting::Model, at: Timestamp) -> Option<Timestamp> {
    let mut presence = Presence::new(seen.last_seen, times(seen.absences.as_ref()));
    presence.seen(at);
    seen.last_seen = presence.last_seen;
    seen.absences = kept(presence.absences());
    presence.gone_at()
}
