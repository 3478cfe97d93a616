//! What a list or count of findings is about.

use crate::{
    AcceptanceId, AssetId, DateTime, EpssBand, Error, FindingKind, Priority, Severity, Status, TaskId, Tlp,
    condition::{few, storable, storable_time},
    error::Result,
    search::Search,
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
    /// Full text: the beginnings of words, all of which stand in the title, a CVE, `rule_key`, a tag, or the name of the asset
    /// (where the caller may read assets). 1–200 characters, at most ten words; not with `as_of`.
    #[param(min_length = 1, max_length = 200, example = "ldap sign")]
    #[schema(min_length = 1, max_length = 200)]
    pub q: Option<String>,
    /// Severities.
    #[param(style = Form, explode = false, example = json!(["high", "critical"]))]
    #[graphql(default)]
    pub severity: Vec<Severity>,
    /// Priorities.
    #[param(style = Form, explode = false, example = json!(["attend", "act"]))]
    #[graphql(default)]
    pub priority: Vec<Priority>,
    /// Whether a CVE of them is known to be exploited.
    pub kev: Option<bool>,
    /// Bands of EPSS, by the least percentage.
    #[param(style = Form, explode = false, example = json!(["from_50", "from_90"]))]
    #[graphql(default)]
    pub epss_band: Vec<EpssBand>,
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
    /// The risk acceptance that they are or were in.
    pub acceptance: Option<AcceptanceId>,
    /// Whether their due date has passed while they were open.
    pub overdue: Option<bool>,
    /// Due at or after, RFC 3339.
    pub due_from: Option<DateTime>,
    /// Due before, RFC 3339.
    pub due_to: Option<DateTime>,
    /// Only those that complete reports no longer hold, or only those that are there.
    pub gone: Option<bool>,
    /// First seen at or after, RFC 3339.
    pub first_seen_from: Option<DateTime>,
    /// First seen before, RFC 3339.
    pub first_seen_to: Option<DateTime>,
    /// Last changed at or after, RFC 3339.
    pub updated_from: Option<DateTime>,
    /// Last changed before, RFC 3339.
    pub updated_to: Option<DateTime>,
    /// Findings as they were at this moment, RFC 3339, instead of as they are; not in the future, and not with `task`, `acceptance` or `q`.
    pub as_of: Option<DateTime>,
}

impl FindingFilter {
    /// The names of the conditions.
    pub const NAMES: &'static [&'static str] = &[
        "tenant",
        "q",
        "severity",
        "priority",
        "kev",
        "epss_band",
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
        "acceptance",
        "overdue",
        "due_from",
        "due_to",
        "gone",
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
        few("priority", &self.priority)?;
        few("epss_band", &self.epss_band)?;
        few("status", &self.status)?;
        few("kind", &self.kind)?;
        few("source", &self.source)?;
        few("tlp", &self.tlp)?;
        storable("source", &self.source)?;
        storable("cve", &self.cve)?;
        storable("tag", &self.tag)?;
        storable("rule_key", &self.rule_key)?;
        storable("assignee", &self.assignee)?;
        storable_time("due_from", self.due_from)?;
        storable_time("due_to", self.due_to)?;
        storable_time("first_seen_from", self.first_seen_from)?;
        storable_time("first_seen_to", self.first_seen_to)?;
        storable_time("updated_from", self.updated_from)?;
        storable_time("updated_to", self.updated_to)?;
        storable_time("as_of", self.as_of)?;
        storable("q", &self.q)?;
        self.search()?;
        let not_kept = [
            ("task", self.task.is_some(), "which task held a finding is not kept"),
            ("acceptance", self.acceptance.is_some(), "which acceptance held a finding is not kept"),
            ("q", self.q.is_some(), "which words a finding had is not kept"),
        ];
        let asked = not_kept.into_iter().find(|(_, is_asked, _)| self.as_of.is_some() && *is_asked);
        asked.map_or(Ok(()), |(name, _, why)| {
            Err(Error::parameter(name, format!("cannot be asked for in the past: {why}")))
        })
    }

    /// What `q` searches for.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub fn search(&self) -> Result<Option<Search>> {
        self.q.as_deref().map(Search::parse).transpose()
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
    /// By priority.
    Priority,
    /// By the time a source first saw it.
    FirstSeen,
    /// By the time it last changed.
    UpdatedAt,
    /// By the time it is due; what has no due date comes last.
    DueAt,
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
    /// Priority.
    Priority,
    /// Whether a CVE of it is known to be exploited: `true` or `false`.
    Kev,
    /// Whether it is overdue: `true` or `false`.
    Overdue,
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
