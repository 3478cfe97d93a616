//! How soon a finding wants to be dealt with.

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The decision of the CISA SSVC guide ("Stakeholder-Specific Vulnerability Categorization Guide", 2022), from
/// the least to the most pressing. Stored as 0–3, so that it orders the same in SQL as here.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    EnumIter,
    DeriveActiveEnum,
    async_graphql::Enum,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum Priority {
    /// Remedy within the standard time.
    #[default]
    #[sea_orm(num_value = 0)]
    Track,
    /// Remedy within the standard time, and watch it for changes.
    #[sea_orm(num_value = 1)]
    TrackClosely,
    /// Remedy sooner than the standard time, with attention of supervisors.
    #[sea_orm(num_value = 2)]
    Attend,
    /// Remedy as soon as possible, with attention of the leadership.
    #[sea_orm(num_value = 3)]
    Act,
}
