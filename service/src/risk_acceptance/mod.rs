//! Risk acceptances: asked for by one person, decided by another, ended by time or by hand.
//!
//! What changes a finding goes through `finding::write`, like every change of one: an acceptance is the
//! only thing that lets a risk be accepted, and its end brings the findings back.

mod decide;
mod end;
mod list;
mod member;
mod price;
mod request;
mod review;

pub use decide::{approve, refuse};
pub(crate) use end::expire;
pub use end::revoke;
pub use list::{by_ids, get, list};
pub use request::request;
pub(crate) use review::follow;
