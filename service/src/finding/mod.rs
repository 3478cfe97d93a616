//! Findings: lists, counts, and what people decide.

mod as_of;
mod bulk;
mod counters;
mod counts;
mod derive;
mod difference;
mod due;
mod filter;
mod list;
mod patch;
pub(crate) mod priority;
mod row;
mod sighting;
pub(crate) mod transition;
mod version;
pub(crate) mod write;

pub use bulk::bulk;
pub use counts::counts;
pub use list::{FindingOrder, FindingQuery, by_ids, evidence, get, list, of_assets};
pub use patch::patch;
pub(crate) use patch::person_set;
pub use sighting::sightings;
pub use transition::transition;
