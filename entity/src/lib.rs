//! The tables as they are: SeaORM entities and nothing else. No queries: those
//! are `service`'s, through its scoped `find` alone.

pub mod asset;
pub mod asset_identifier;
pub mod asset_sighting;
pub mod asset_term;
pub mod asset_to_prioritise;
pub mod attachment;
pub mod audit;
pub mod audit_head;
pub mod audit_seal;
pub mod auth_epoch;
pub mod business_service;
pub mod business_service_asset;
pub mod client;
pub mod client_secret;
pub mod client_tenant;
pub mod comment;
pub mod cve;
pub mod cve_feed;
pub mod event;
pub mod finding;
pub mod finding_alias;
pub mod finding_evidence;
pub mod finding_term;
pub mod finding_version;
pub mod fingerprint_rule;
pub mod grant;
pub mod idempotency;
pub mod import;
pub mod import_rejection;
pub mod json;
pub mod numbered;
pub mod organisation;
pub mod person;
pub mod person_principal;
pub mod principal;
pub mod retest;
pub mod revoked_token;
pub mod risk_acceptance;
pub mod risk_acceptance_finding;
pub mod scan_scope;
pub mod scope_sighting;
pub mod search_progress;
pub mod sighting;
pub mod signing_key;
pub mod sla_progress;
pub mod source;
pub mod task;
pub mod task_dependency;
pub mod task_finding;
pub mod task_lease;
pub mod tenant;
pub mod tenant_clock;
pub mod ticket;
pub mod ticket_mapping;
pub mod used_assertion;

pub use numbered::{Identified, Numbered};
use sea_orm::EntityTrait;

/// A table behind the wall: each row belongs to one tenant.
pub trait TenantOwned: EntityTrait {
    /// The column that says whose row it is.
    fn tenant() -> Self::Column;
}
