//! Business services: lists, one, and what people say about them.

mod assets;
mod change;
mod list;
mod row;

pub(crate) use assets::hand_over;
pub use change::{create, delete, patch};
pub use list::{by_ids, get, list};
