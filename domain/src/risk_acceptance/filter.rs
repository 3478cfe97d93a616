//! Which acceptances a list is about.

use super::AcceptanceStatus;
use crate::{
    DateTime, FindingId,
    condition::{few, storable_time},
    error::Result,
};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

/// Which acceptances. All conditions hold together; an empty filter is all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams, async_graphql::InputObject)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RiskAcceptanceFilter {
    /// Municipalities, by slug or id.
    #[param(style = Form, explode = false, example = json!(["norrvik"]))]
    #[graphql(default)]
    pub tenant: Vec<String>,
    /// Statuses.
    #[param(style = Form, explode = false, example = json!(["approved"]))]
    #[graphql(default)]
    pub status: Vec<AcceptanceStatus>,
    /// A finding that they are about.
    pub finding: Option<FindingId>,
    /// Whether one of their findings has become worse since they were approved.
    pub review_needed: Option<bool>,
    /// Ends at or after, RFC 3339.
    pub expires_from: Option<DateTime>,
    /// Ends before, RFC 3339.
    pub expires_to: Option<DateTime>,
}

impl RiskAcceptanceFilter {
    /// The names of the conditions.
    pub const NAMES: &'static [&'static str] =
        &["tenant", "status", "finding", "review_needed", "expires_from", "expires_to"];

    /// Refuses what no store can be asked.
    ///
    /// # Errors
    /// `invalid_parameter` naming the condition.
    pub fn check(&self) -> Result<()> {
        few("tenant", &self.tenant)?;
        few("status", &self.status)?;
        storable_time("expires_from", self.expires_from)?;
        storable_time("expires_to", self.expires_to)
    }
}
