//! Business services: what a municipality does for people (care records, wages, heating), the assets
//! that it takes, and what a day without it costs.

use crate::{
    AssetId, BusinessServiceId, Criticality, DateTime, OpenFindings, Severity, TenantId,
    condition::{few, storable},
    error::Result,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Something that people depend on, and the assets that it needs.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct BusinessService {
    /// Identifier, UUIDv7.
    pub id: BusinessServiceId,
    /// The municipality it belongs to.
    pub tenant_id: TenantId,
    /// The name people use.
    pub name: String,
    /// What it does, and for whom.
    pub description: Option<String>,
    /// How much depends on it; null until somebody has said.
    pub criticality: Option<Criticality>,
    /// What a day without it costs, in whole units of `currency`; null until somebody has said.
    pub cost_per_day: Option<i64>,
    /// The currency of the cost, ISO 4217.
    pub currency: String,
    /// How many days it takes to restore it; null until somebody has said.
    pub days_to_restore: Option<i32>,
    /// How the work goes on without it.
    pub manual_fallback: Option<String>,
    /// The unit that answers for it.
    pub owner_unit: Option<String>,
    /// How many assets it needs.
    pub asset_count: i64,
    /// The first of them by id, at most 100; `GET /v1/assets?service=` lists all.
    pub asset_ids: Vec<AssetId>,
    /// The open findings of its assets by severity. They move without a new `seq`, and are part of the `ETag`.
    pub open_findings: OpenFindings,
    /// The worst severity among them; null if none is open.
    pub worst_severity: Option<Severity>,
    /// How many of them are past their due date.
    pub overdue_findings: i32,
    /// When it was entered, RFC 3339 UTC.
    pub created_at: DateTime,
    /// When it last changed, RFC 3339 UTC.
    pub updated_at: DateTime,
    /// The number of its last change on the tenant's clock.
    pub seq: i64,
}

impl BusinessService {
    /// The names that `fields` may list, in the order they are shown.
    pub const FIELDS: &'static [&'static str] = &[
        "id",
        "tenant_id",
        "name",
        "description",
        "criticality",
        "cost_per_day",
        "currency",
        "days_to_restore",
        "manual_fallback",
        "owner_unit",
        "asset_count",
        "asset_ids",
        "open_findings",
        "worst_severity",
        "overdue_findings",
        "created_at",
        "updated_at",
        "seq",
    ];
    /// The most assets that are named in a service itself.
    pub const MAX_SHOWN: u64 = 100;
    /// The most assets that one service needs.
    pub const MAX_ASSETS: usize = 1_000;
}

/// Which business services. All conditions hold together; an empty filter is all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams, async_graphql::InputObject)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BusinessServiceFilter {
    /// Municipalities, by slug or id.
    #[param(style = Form, explode = false, example = json!(["norrvik"]))]
    #[graphql(default)]
    pub tenant: Vec<String>,
    /// How much depends on them.
    #[param(style = Form, explode = false, example = json!(["critical"]))]
    #[graphql(default)]
    pub criticality: Vec<Criticality>,
    /// The unit that answers for them, as it is written.
    pub owner_unit: Option<String>,
    /// An asset that they need.
    pub asset: Option<AssetId>,
}

impl BusinessServiceFilter {
    /// The names of the conditions.
    pub const NAMES: &'static [&'static str] = &["tenant", "criticality", "owner_unit", "asset"];

    /// Refuses what no store can be asked.
    ///
    /// # Errors
    /// `invalid_parameter` naming the condition.
    pub fn check(&self) -> Result<()> {
        few("tenant", &self.tenant)?;
        few("criticality", &self.criticality)?;
        storable("owner_unit", &self.owner_unit)
    }
}
