//! Risk acceptances: findings that a municipality knowingly bears until a date, at a known price.
//!
//! One person asks, another one decides. What it costs to stand still stands beside what the fix would have
//! cost, as both were when it was decided. There is no acceptance without an end.

mod decision;
mod filter;
mod price;
mod request;

use crate::{AcceptanceId, BusinessServiceId, DateTime, FindingId, PrincipalId, Status, TenantId};
pub use decision::{Decision, can_rest, standstill_cost};
pub use filter::RiskAcceptanceFilter;
pub use price::{ServicePrice, Standstill};
pub use request::{AcceptanceReason, MAX_FINDINGS, NewRiskAcceptance};
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far an acceptance is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    DeriveActiveEnum,
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum AcceptanceStatus {
    /// Somebody asked for it; nobody has decided.
    Requested,
    /// Another person said yes: its findings rest.
    Approved,
    /// Another person said no.
    Refused,
    /// Its time is over: its findings are back. A request that nobody decided on in time ends so, too.
    Expired,
    /// It was taken back before its time.
    Revoked,
}

/// What became of a finding in an acceptance.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    DeriveActiveEnum,
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum AcceptanceOutcome {
    /// It waits for the decision.
    Requested,
    /// Its risk is accepted.
    Accepted,
    /// It was not accepted with the others, since it was in another status than those that can be.
    Skipped,
    /// Its acceptance has ended: it is confirmed again.
    Returned,
    /// It had been closed before its acceptance ended, and stays so.
    Closed,
    /// The request was refused, or nobody decided on it in time.
    Dropped,
}

/// What became of one finding.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct AcceptedFinding {
    /// The finding.
    pub finding_id: FindingId,
    /// What became of it.
    pub outcome: AcceptanceOutcome,
    /// The status that it had instead, where it was skipped or had been closed.
    pub found_status: Option<Status>,
}

/// Risks that are knowingly borne until a date.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct RiskAcceptance {
    /// Identifier, UUIDv7.
    pub id: AcceptanceId,
    /// The municipality it belongs to.
    pub tenant_id: TenantId,
    /// How far it is.
    pub status: AcceptanceStatus,
    /// Why the risks are to be borne, in the words of who asks. Everybody who may read findings reads it, so what
    /// is marked TLP:RED does not belong here.
    pub reason: String,
    /// How many findings it is about.
    pub finding_count: i32,
    /// How many were accepted when it was approved.
    pub accepted_count: i32,
    /// How many were skipped then.
    pub skipped_count: i32,
    /// What became of its findings: at most 100, those that were skipped first;
    /// `GET /v1/findings?acceptance=` lists all.
    pub findings: Vec<AcceptedFinding>,
    /// The days of standstill that the risk may lead to.
    pub standstill_days: i32,
    /// What a day of standstill costs, in whole units of the currency.
    pub cost_per_day: i64,
    /// The one times the other.
    pub standstill_cost: i64,
    /// What the fix would cost, in whole units of the currency.
    pub fix_cost: i64,
    /// The currency (ISO 4217).
    pub currency: String,
    /// The business services that days and cost per day were copied from, when it was asked for and again when it
    /// was decided.
    pub services: Vec<BusinessServiceId>,
    /// Who asked.
    pub requested_by: PrincipalId,
    /// When, RFC 3339 UTC.
    pub requested_at: DateTime,
    /// When it ends, RFC 3339 UTC.
    pub expires_at: DateTime,
    /// Who approved or refused it.
    pub decided_by: Option<PrincipalId>,
    /// When, RFC 3339 UTC.
    pub decided_at: Option<DateTime>,
    /// Why it was refused.
    pub decision_reason: Option<String>,
    /// Who revoked it.
    pub revoked_by: Option<PrincipalId>,
    /// Why it was revoked.
    pub revocation_reason: Option<String>,
    /// When it expired or was revoked, RFC 3339 UTC.
    pub ended_at: Option<DateTime>,
    /// Whether one of its findings has become worse since it was approved.
    pub review_needed: bool,
    /// What has become worse, by the ids of findings.
    pub review_reason: Option<String>,
    /// When it last changed, RFC 3339 UTC.
    pub updated_at: DateTime,
    /// The number of its last change on the tenant's clock.
    pub seq: i64,
}

impl RiskAcceptance {
    /// The names that `fields` may list, in the order they are shown.
    pub const FIELDS: &'static [&'static str] = &[
        "id",
        "tenant_id",
        "status",
        "reason",
        "finding_count",
        "accepted_count",
        "skipped_count",
        "findings",
        "standstill_days",
        "cost_per_day",
        "standstill_cost",
        "fix_cost",
        "currency",
        "services",
        "requested_by",
        "requested_at",
        "expires_at",
        "decided_by",
        "decided_at",
        "decision_reason",
        "revoked_by",
        "revocation_reason",
        "ended_at",
        "review_needed",
        "review_reason",
        "updated_at",
        "seq",
    ];
}

#[cfg(test)]
mod tests;
