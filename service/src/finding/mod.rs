//! Findings: lists, counts, and what people decide.

mod counts;
mod filter;
mod list;
mod patch;
mod row;
mod transition;

pub use counts::counts;
pub use list::{FindingOrder, FindingQuery, by_ids, evidence, get, list, of_assets};
pub use patch::patch;
pub(crate) use patch::{person_set, terms};
pub use transition::transition;
