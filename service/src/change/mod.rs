//! The change feed: what happened since a cursor, tenant by tenant, in the
//! order in which it was committed. Every consumer is a cursor over it.

mod filter;
mod list;
mod position;
mod prune;
mod shown;

pub use list::{Reader, follow, list};
pub(crate) use prune::prune;

use entity::event;

/// An event of the feed.
struct Found {
    event: event::Model,
    /// Whether the filter passes its resource as the event left it; before, it did if it does not.
    matches: bool,
}
