//! The wall: a tenant cannot be forgotten.
//!
//! [`Caller`] is made from a verified token alone. It opens a [`Read`] or a
//! [`Write`] over exactly the tenants where it holds the permission asked for;
//! rows are found through a [`Scope`], which is filtered before anyone sees it;
//! changes go through a [`Command`], which names one tenant.

mod administration;
mod caller;
mod command;
mod once;
mod opening;
mod read;
mod scope;
mod write;

pub use administration::Administration;
pub use caller::{Caller, Right, Service};
pub(crate) use caller::{Identity, Membership, OPERATOR};
pub use command::{Change, Command};
pub use once::{Once, forget_old};
pub use read::Read;
pub use scope::{Find, Scope};
pub use write::Write;
