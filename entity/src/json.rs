//! Typed JSON columns.

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

/// A list of short texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct StringList(pub Vec<String>);

/// Where on the asset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct StoredLocation(pub domain::Location);

/// What a tracker's states mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct StoredStates(pub domain::ticket::mapping::States);
