//! Which inventoried assets are watched, by what, and since when no longer.

use crate::{
    AssetId, AssetKind, Criticality, DateTime, Error, Exposure, SourceKind, TenantId, condition::few, error::Result,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An inventoried asset and when sources of each kind last reported about it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct AssetWatch {
    /// The asset.
    pub asset_id: AssetId,
    /// The municipality it belongs to.
    pub tenant_id: TenantId,
    /// What it is.
    pub kind: AssetKind,
    /// The name people use.
    pub name: String,
    /// How much depends on it; null until somebody has said.
    pub criticality: Option<Criticality>,
    /// From where it can be reached; null until somebody has said.
    pub exposure: Option<Exposure>,
    /// By what it was seen, each kind once; empty for an asset that nothing has ever reported.
    pub seen: Vec<SeenBy>,
}

/// When sources of one kind last saw an asset.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, async_graphql::SimpleObject)]
pub struct SeenBy {
    /// The kind.
    pub kind: SourceKind,
    /// When, RFC 3339 UTC; to the hour, and later rather than earlier never.
    pub last_seen: DateTime,
}

impl AssetWatch {
    /// The names that `fields` may list, in the order they are shown.
    pub const FIELDS: &'static [&'static str] =
        &["asset_id", "tenant_id", "kind", "name", "criticality", "exposure", "seen"];
}

/// Which inventoried assets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams, async_graphql::InputObject)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WatchFilter {
    /// Municipalities, by slug or id.
    #[param(style = Form, explode = false, example = json!(["norrvik"]))]
    #[graphql(default)]
    pub tenant: Vec<String>,
    /// Only assets that no source of these kinds has reported: ever, or within `unwatched_days`.
    #[param(style = Form, explode = false, example = json!(["edr"]))]
    #[graphql(default)]
    pub without: Vec<SourceKind>,
    /// Only assets that were not reported for so many days, 1–3,650, by the kinds in `without`; by no EDR and no
    /// scanner if that is left out.
    #[param(minimum = 1, maximum = 3650, example = 30)]
    pub unwatched_days: Option<i64>,
    /// Only assets that were not reported within the time in which each source is expected to report (ever, by a source
    /// that has none), by the same kinds. Not together with `unwatched_days`.
    #[graphql(default)]
    pub unwatched: bool,
}

impl WatchFilter {
    /// The names of the conditions.
    pub const NAMES: &'static [&'static str] = &["tenant", "without", "unwatched_days", "unwatched"];

    /// Refuses what no store can be asked.
    ///
    /// # Errors
    /// `invalid_parameter` naming the condition.
    pub fn check(&self) -> Result<()> {
        few("tenant", &self.tenant)?;
        few("without", &self.without)?;
        match self.unwatched_days {
            Some(days) if !(1..=3650).contains(&days) => {
                Err(Error::parameter("unwatched_days", format!("takes 1 to 3650 days, not {days}")))
            }
            Some(_) if self.unwatched => {
                Err(Error::parameter("unwatched", "goes by the sources' own times, not together with `unwatched_days`"))
            }
            _ => Ok(()),
        }
    }

    /// The kinds of which none has reported; empty if that does not matter.
    pub fn kinds(&self) -> Vec<SourceKind> {
        match self.without.as_slice() {
            [] if self.unwatched_days.is_none() && !self.unwatched => Vec::new(),
            [] => vec![SourceKind::Scanner, SourceKind::Edr],
            named => named.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_watches_means_no_edr_and_no_scanner() {
        let kinds = |without: &[SourceKind], unwatched_days| {
            WatchFilter { without: without.to_vec(), unwatched_days, ..Default::default() }.kinds()
        };
        assert_eq!(kinds(&[], None), []);
        assert_eq!(kinds(&[], Some(30)), [SourceKind::Scanner, SourceKind::Edr]);
        assert_eq!(kinds(&[SourceKind::Edr], Some(30)), [SourceKind::Edr]);
        let by_sources = WatchFilter { unwatched: true, ..Default::default() };
        assert_eq!(by_sources.kinds(), [SourceKind::Scanner, SourceKind::Edr]);
        assert!(WatchFilter { unwatched_days: Some(1), ..by_sources }.check().is_err());
        assert!(WatchFilter { unwatched_days: Some(0), ..Default::default() }.check().is_err());
    }
}
