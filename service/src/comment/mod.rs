//! Comments on findings and tasks. Whether there is one is decided in `visible` alone, for lists, single
//! comments and the feed alike: what is withheld does not exist.

mod read;
mod visible;
mod write;

pub use read::{CommentsOf, by_ids, first, get, list, several};
use visible::condition as visible;
pub(crate) use visible::known_in_feed;
pub use write::{create, delete, patch};

use domain::Permission;

/// Either right opens comments: those on findings, or those on tasks.
pub const READ: &[Permission] = &[Permission::ReadFindings, Permission::ReadTasks];
/// What it takes to comment on a finding.
const ON_FINDING: &[Permission] = &[Permission::WriteFindings];
/// What it takes to comment on a task: a ticketing system that works on it may as well.
const ON_TASK: &[Permission] = &[Permission::WriteTasks, Permission::ClaimTasks];
