//! The vocabulary and rules of Fynd.
//!
//! Pure: no I/O, no clock, no randomness. Everything here is decided from its
//! arguments, so every rule is tested without a store. What is *not* here: SQL
//! (`service`), wire formats of other tools (`formats`), HTTP (`api`).

pub mod adjusted_severity;
pub mod asset;
pub mod asset_change;
pub mod asset_filter;
mod asset_identifier;
pub mod asset_import;
pub mod asset_matching;
pub mod attachment;
pub mod audit;
pub mod business_service;
pub mod business_service_change;
pub mod calendar;
pub mod change;
pub mod client;
pub mod code;
pub mod comment;
mod condition;
pub mod coverage;
mod currency;
pub mod cvss;
mod date_time;
pub mod epss;
pub mod error;
pub mod event;
pub mod finding;
pub mod finding_bulk;
pub mod finding_filter;
pub mod grant;
pub mod id;
pub mod idempotency;
pub mod identity;
pub mod import;
pub mod included;
mod label;
pub mod me;
pub mod open_findings;
pub mod page;
pub mod permission;
pub mod person;
pub mod priority;
pub mod report;
pub mod retest;
pub mod risk_acceptance;
pub mod search;
pub mod severity;
pub mod sighting;
pub mod sla;
pub mod source;
pub mod status;
pub mod task;
pub mod tenant;
pub mod tenant_settings;
pub mod text;
pub mod ticket;
pub mod tlp;
pub mod vocabulary;
pub mod watch;

pub use asset::{Asset, AssetKind, Criticality, Exposure, Identifier, IdentifierKind, Provenance};
pub use asset_import::{AssetImport, AssetImportFormat, AssetRow};
pub use attachment::Attachment;
pub use audit::{AuditFilter, AuditOutcome, AuditRecord};
pub use business_service::BusinessService;
pub use change::{Change, ChangeMode, ResourceType};
pub use client::{Client, ClientCredentials, RightReason};
pub use code::Code;
pub use comment::{Comment, CommentTarget};
pub use coverage::{Coverage, ImportScope};
pub use date_time::DateTime;
pub use epss::EpssBand;
pub use error::{Error, Result, Violation};
pub use event::EventKind;
pub use finding::{Evidence, Finding, FindingKind, Location};
pub use finding_filter::{FindingCount, FindingCounts, FindingFacet, FindingFilter, FindingSort};
pub use grant::Grant;
pub use id::{
    AcceptanceId, AssetId, AttachmentId, BusinessServiceId, ClientId, CommentId, FindingId, GrantId, ImportId,
    OrganisationId, PrincipalId, RetestId, ScanScopeId, SourceId, TaskId, TenantId,
};
pub use import::{Import, ImportFormat, ImportStatus, RejectedRecord};
pub use me::{Me, TenantRights};
pub use open_findings::OpenFindings;
pub use page::{CountWish, ListCount, Page, PageRequest};
pub use permission::{Permission, Scopes};
pub use person::Hand;
pub use priority::Priority;
pub use report::{Observation, ReportedAsset};
pub use retest::Retest;
pub use risk_acceptance::{AcceptanceOutcome, AcceptanceStatus, AcceptedFinding, RiskAcceptance};
pub use severity::Severity;
pub use sighting::{FindingSighting, FindingSightings};
pub use source::{ScanScope, Source, SourceKind};
pub use status::{Justification, Status, Transition};
pub use task::{Task, TaskGroup, TaskStatus};
pub use tenant::{Tenant, TenantSlug};
pub use ticket::Ticket;
pub use tlp::{RestrictedField, Tlp};
pub use watch::AssetWatch;

/// An instant in UTC. Stored and shown in whole milliseconds.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
