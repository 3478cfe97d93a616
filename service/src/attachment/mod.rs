//! Evidence attachments. The row is the truth: it is written once the object is whole, and an object without a row
//! is nobody's, until the sweep removes it. Nothing is held in memory but a few pieces of a file.

mod content;
mod read;
mod seal;
mod storage;
mod sweep;
mod upload;
mod write;

pub use content::{Content, content};
pub use read::{by_ids, get, list, of_findings};
pub use storage::{Storage, StorageOptions};
pub(crate) use sweep::sweep;
pub use upload::{Admitted, NewAttachment, Upload, admit};
pub use write::{create, delete};
