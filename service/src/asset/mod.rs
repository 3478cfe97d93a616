//! Assets: lists, one, and what people say about them.

pub(crate) mod book;
mod change;
mod filter;
mod identifiers;
mod import;
mod ledger;
mod list;
mod merge;
mod moving;
mod order;
mod person_set;
mod row;

pub(crate) use change::blank;
pub use change::{create, patch, restore, retire, review};
pub use import::{AssetImportRequest, check as check_import, import};
pub use list::{AssetOrder, AssetQuery, by_ids, get, list};
pub use merge::merge;
pub(crate) use moving::work as move_findings;
