//! Typed JSON columns.

use domain::Timestamp;
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A list of short texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct StringList(pub Vec<String>);

/// Where on the asset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct StoredLocation(pub domain::Location);

/// What a tracker's states mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct StoredStates(pub domain::ticket::mapping::States);

/// A list of times.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct TimeList(pub Vec<Timestamp>);

/// What a complete report covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct StoredScope(pub domain::ImportScope);

/// The complete reports about an asset, by their time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct ScanList(pub Vec<Scan>);

/// A complete report about an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// When it looked at the asset.
    pub at: Timestamp,
    /// The import.
    pub import_id: Uuid,
    /// The named scan.
    pub scope_id: Option<Uuid>,
    /// Whether it ran some rules only, which the import names.
    pub some_rules: bool,
}

/// Which parts tell the findings of a source apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct StoredRule(pub domain::identity::FingerprintRule);
