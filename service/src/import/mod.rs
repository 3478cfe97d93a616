//! Imports: a report comes in whole, and what it says is stored in batches.
//!
//! The body is spooled and read to its end before the first write
//! (`plan`); then batches are committed, each with the place it has reached
//! (`run`). A crash leaves the import `interrupted`; the same bytes, sent
//! again, go on from that place.

mod assets;
mod batch;
mod coverage;
mod evidence;
mod findings;
mod fingerprint;
mod known;
mod list;
mod mark;
mod plan;
mod rules;
mod run;
mod scope;
mod sources;
mod spool;
mod start;
mod survey;
mod sweep;
mod watch;

pub use list::{EITHER, by_ids, get, list, several};
pub use run::Running;
pub use spool::{Spool, Spooled};
pub use start::{ImportOptions, ImportRequest, check, start};
pub use sweep::mark_interrupted;
