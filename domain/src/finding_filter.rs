//! What a list or count of findings is about.

use crate::{
    AssetId, DateTime, Error, FindingKind, Severity, Status, TaskId, Tlp,
    condition::{few, storable, storable_time},
    error::Result,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which findings. All conditions hold together; a list of values holds if one
/// of them does; an empty filter is all.
///
/// None is about a [`crate::RestrictedField`]. One that is must not match findings
/// of which the caller does not get that field.
#[derive(
    Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams, ToSchema, async_graphql::InputObject,
)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FindingFilter {
    /// Municipalities, by slug or id.
    #[param(style = Form, explode = false, example = json!(["norrvik"]))]
    #[graphql(default)]
    pub tenant: Vec<String>,
    /// Severities.
    #[param(style = Form, explode = false, example = json!(["high", "critical"]))]
    #[graphql(default)]
    pub severity: Vec<Severity>,
    /// Statuses.
    #[param(style = Form, explode = false, example = json!(["new", "confirmed"]))]
    #[graphql(default)]
    pub status: Vec<Status>,
    /// Kinds.
    #[param(style = Form, explode = false, example = json!(["vulnerability"]))]
    #[graphql(default)]
    pub kind: Vec<FindingKind>,
    /// Names of sources.
    #[param(style = Form, explode = false, example = json!(["nessus"]))]
    #[graphql(default)]
    pub source: Vec<String>,
    /// Markings.
    #[param(style = Form, explode = false, example = json!(["red"]))]
    #[graphql(default)]
    pub tlp: Vec<Tlp>,
    /// The asset they are on.
    pub asset: Option<AssetId>,
    /// The task they belong to.
    pub task: Option<TaskId>,
    /// A CVE id, whatever its case.
    #[param(example = "CVE-2024-3400")]
    pub cve: Option<String>,
    /// A tag, whatever its case.
    pub tag: Option<String>,
    /// The weakness they share.
    pub rule_key: Option<String>,
    /// Who works on them.
    pub assignee: Option<String>,
    /// First seen at or after, RFC 3339.
    pub first_seen_from: Option<DateTime>,
    /// First seen before, RFC 3339.
    pub first_seen_to: Option<DateTime>,
    /// Last changed at or after, RFC 3339.
    pub updated_from: Option<DateTime>,
    /// Last changed before, RFC 3339.
    pub updated_to: Option<DateTime>,
    /// Findings as they were at this moment, RFC 3339, instead of as they are; not in the future, and not with `task`.
    pub as_of: Option<DateTime>,
}

impl FindingFilter {
    /// The names of the conditions.
    pub const NAMES: &'static [&'static str] = &[
        "tenant",
        "severity",
        "status",
        "kind",
        "source",
        "tlp",
        "asset",
        "task",
        "cve",
        "tag",
        "rule_key",
        "assignee",
        "first_seen_from",
        "first_seen_to",
        "updated_from",
        "updated_to",
        "as_of",
    ];

    /// Refuses what no store can be asked.
    ///
    /// # Errors
    /// `invalid_parameter` naming the condition.
    pub fn check(&self) -> Result<()> {
        few("tenant", &self.tenant)?;
        few("severity", &self.severity)?;
        few("status", &self.status)?;
        few("kind", &self.kind)?;
        few("source", &self.source)?;
        few("tlp", &self.tlp)?;
        storable("source", &self.source)?;
        storable("cve", &self.cve)?;
        storable("tag", &self.tag)?;
        storable("rule_key", &self.rule_key)?;
        storable("assignee", &self.assignee)?;
        storable_time("first_seen_from", self.first_seen_from)?;
        storable_time("first_seen_to", self.first_seen_to)?;
        storable_time("updated_from", self.updated_from)?;
        storable_time("updated_to", self.updated_to)?;
        storable_time("as_of", self.as_of)?;
        if self.as_of.is_some() && self.task.is_some() {
            return Err(Error::parameter(
                "task",
                "cannot be asked for in the past: which tasks held a finding is not kept",
            ));
        }
        Ok(())
    }
}

/// The order of a list of findings; always ended by id. A leading `-` in REST turns it round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum FindingSort {
    /// By id, which is by the time Fynd first heard of it.
    #[default]
    Id,
    /// By severity.
    Severity,
    /// By the time a source first saw it.
    FirstSeen,
    /// By the time it last changed.
    UpdatedAt,
}

/// What findings can be counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum FindingFacet {
    /// Severity.
    Severity,
    /// Status.
    Status,
    /// Kind.
    Kind,
    /// The source's name.
    Source,
    /// The tenant's slug.
    Tenant,
    /// The marking.
    Tlp,
}

impl FindingFacet {
    /// Refuses facets that stand twice.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub fn check(by: &[Self]) -> Result<()> {
        let repeated = by.iter().enumerate().any(|(at, facet)| by.iter().take(at).any(|earlier| earlier == facet));
        if repeated { Err(Error::parameter("by", "takes each facet once")) } else { Ok(()) }
    }
}

/// Counts of findings as flat rows, the shape dashboards take.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct FindingCounts {
    /// How many findings the filter holds.
    pub total: i64,
    /// One row per facet and value that occurs, in the order asked for, then by value.
    pub items: Vec<FindingCount>,
}

/// How many findings have one value.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct FindingCount {
    /// What was counted by.
    pub by: FindingFacet,
    /// The value.
    pub value: String,
    /// How many.
    pub count: i64,
}
