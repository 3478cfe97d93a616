//! Which assets, in which order.

use crate::{
    AssetKind, BusinessServiceId, Criticality, Error, Exposure, Provenance, Severity,
    condition::{few, storable},
    error::Result,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A list of work that assets make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum AssetQueue {
    /// Reports named them, nobody has reviewed them, and they are in use.
    Unknown,
}

/// By what assets are ordered; always ended by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum AssetSort {
    /// By id, which is by when Fynd first heard of them.
    #[default]
    Id,
    /// By name.
    Name,
    /// By their open findings: the critical ones decide, then the high ones, and so on.
    OpenFindings,
}

/// Which assets. All conditions hold together. What was merged into another asset is left out
/// unless it is asked for; apart from that an empty filter is all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams, async_graphql::InputObject)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AssetFilter {
    /// Municipalities, by slug or id.
    #[param(style = Form, explode = false, example = json!(["norrvik"]))]
    #[graphql(default)]
    pub tenant: Vec<String>,
    /// Kinds.
    #[param(style = Form, explode = false, example = json!(["host"]))]
    #[graphql(default)]
    pub kind: Vec<AssetKind>,
    /// How they became known.
    #[param(style = Form, explode = false, example = json!(["discovered"]))]
    #[graphql(default)]
    pub provenance: Vec<Provenance>,
    /// How much depends on them.
    #[param(style = Form, explode = false, example = json!(["critical"]))]
    #[graphql(default)]
    pub criticality: Vec<Criticality>,
    /// From where they can be reached.
    #[param(style = Form, explode = false, example = json!(["internet"]))]
    #[graphql(default)]
    pub exposure: Vec<Exposure>,
    /// The unit that answers for them, as it is written.
    pub owner_unit: Option<String>,
    /// An identifier's value, of any kind, in its normal form.
    #[param(example = "192.0.2.10")]
    pub identifier: Option<String>,
    /// A part of the name or of an identifier, whatever its case: 2–200 characters.
    pub q: Option<String>,
    /// A business service that needs them.
    pub service: Option<BusinessServiceId>,
    /// With an open finding of this severity or worse.
    pub worst_severity: Option<Severity>,
    /// Whether something is open on them.
    pub has_open: Option<bool>,
    /// Whether they are reviewed: not `discovered` any more.
    pub reviewed: Option<bool>,
    /// Whether they are taken out of use.
    pub retired: Option<bool>,
    /// Whether they were merged into another asset; those left out unless this is said.
    pub merged: Option<bool>,
    /// A list of work. `unknown` is ordered by open findings, worst first, unless `sort` says otherwise.
    pub queue: Option<AssetQueue>,
}

/// The shortest and longest text to search for, in characters.
const SEARCH: std::ops::RangeInclusive<usize> = 2..=200;

impl AssetFilter {
    /// The names of the conditions.
    pub const NAMES: &'static [&'static str] = &[
        "tenant",
        "kind",
        "provenance",
        "criticality",
        "exposure",
        "owner_unit",
        "identifier",
        "q",
        "service",
        "worst_severity",
        "has_open",
        "reviewed",
        "retired",
        "merged",
        "queue",
    ];

    /// Refuses what no store can be asked.
    ///
    /// # Errors
    /// `invalid_parameter` naming the condition.
    pub fn check(&self) -> Result<()> {
        few("tenant", &self.tenant)?;
        few("kind", &self.kind)?;
        few("provenance", &self.provenance)?;
        few("criticality", &self.criticality)?;
        few("exposure", &self.exposure)?;
        storable("owner_unit", &self.owner_unit)?;
        storable("identifier", &self.identifier)?;
        storable("q", &self.q)?;
        if self.q.as_ref().is_some_and(|q| !SEARCH.contains(&q.chars().count())) {
            return Err(Error::parameter("q", format!("takes {}–{} characters", SEARCH.start(), SEARCH.end())));
        }
        Ok(())
    }

    /// The order that the list has if none is asked for, and whether it goes down.
    pub fn default_sort(&self) -> (AssetSort, bool) {
        match self.queue {
            Some(AssetQueue::Unknown) => (AssetSort::OpenFindings, true),
            None => (AssetSort::Id, false),
        }
    }
}
