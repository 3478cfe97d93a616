//! Findings: lists, counts, and what people decide.

pub(crate) mod alias;
mod as_of;
mod bulk;
mod by_hand;
mod counters;
mod counts;
mod derive;
mod difference;
mod due;
mod explain;
mod filter;
pub(crate) mod fingerprint;
mod list;
pub(crate) mod merge;
mod names;
mod patch;
pub(crate) mod presence;
pub(crate) mod priority;
mod related;
mod row;
mod sighting;
pub(crate) mod transition;
mod version;
pub(crate) mod write;

pub use bulk::bulk;
pub use by_hand::{merge, split};
pub use counts::counts;
pub use explain::explain;
pub use list::{FindingOrder, FindingQuery, by_ids, evidence, get, list, of_assets};
pub use names::aliases;
pub use patch::patch;
pub(crate) use patch::person_set;
pub use related::{of_findings as related_of, related};
pub use sighting::sightings;
pub use transition::transition;
