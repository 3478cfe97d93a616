//! Use cases, tenancy, auth and jobs: one use case, one function. The only room
//! that runs SQL or calls out.
//!
//! A caller comes in ([`auth::Auth::authenticate`]), opens a transaction over
//! exactly the tenants where it holds a permission ([`Caller::begin`]), and what
//! it changes is numbered, recorded and committed as one command
//! ([`tenancy::Command`]). The raw connection is private to [`store`].

pub mod asset;
pub mod attachment;
pub mod audit;
pub mod auth;
pub mod business_service;
pub mod change;
pub mod client;
pub mod clock;
pub mod comment;
mod cursor;
pub mod enrich;
pub mod error;
pub mod etag;
pub mod export;
pub mod finding;
pub mod fingerprint_rule;
pub mod grant;
pub mod housekeeping;
pub mod import;
pub mod me;
pub mod outbound;
mod paging;
pub mod platform;
pub mod retest;
pub mod risk_acceptance;
mod search;
mod sla;
pub mod source;
pub mod store;
pub mod task;
mod task_rule;
pub mod tenancy;
pub mod tenant;
pub mod tenant_settings;
pub mod ticket;
pub mod watch;

pub use auth::Auth;
pub use clock::Clock;
pub use error::{Error, Result};
pub use etag::{Etag, Fresh};
pub use store::Store;
pub use tenancy::{Caller, Once};
