//! EPSS, the Exploit Prediction Scoring System of FIRST: how likely it is that a
//! vulnerability is exploited somewhere within 30 days. Scores move every day, so a
//! finding keeps only the band that its score is in.

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The band of an EPSS score, by its percentage. Stored as 0–4, so that it orders the
/// same in SQL as here, and the highest band of several CVEs is that of the highest score.
#[derive(
    Clone,
    Copy,
    Debug,
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
#[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
pub enum EpssBand {
    /// Below 1 %.
    #[serde(rename = "below_1")]
    #[graphql(name = "BELOW_1")]
    #[sea_orm(num_value = 0)]
    Below1,
    /// At least 1 %.
    #[serde(rename = "from_1")]
    #[graphql(name = "FROM_1")]
    #[sea_orm(num_value = 1)]
    From1,
    /// At least 10 %.
    #[serde(rename = "from_10")]
    #[graphql(name = "FROM_10")]
    #[sea_orm(num_value = 2)]
    From10,
    /// At least 50 %.
    #[serde(rename = "from_50")]
    #[graphql(name = "FROM_50")]
    #[sea_orm(num_value = 3)]
    From50,
    /// At least 90 %.
    #[serde(rename = "from_90")]
    #[graphql(name = "FROM_90")]
    #[sea_orm(num_value = 4)]
    From90,
}

impl EpssBand {
    /// The band of a score, 0.0–1.0.
    pub fn of(score: f64) -> Self {
        match score {
            s if s >= 0.9 => Self::From90,
            s if s >= 0.5 => Self::From50,
            s if s >= 0.1 => Self::From10,
            s if s >= 0.01 => Self::From1,
            _ => Self::Below1,
        }
    }

    /// The least percentage in the band.
    pub const fn percent(self) -> u8 {
        match self {
            Self::Below1 => 0,
            Self::From1 => 1,
            Self::From10 => 10,
            Self::From50 => 50,
            Self::From90 => 90,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_begins_at_its_own_limit() {
        for (score, band) in [
            (0.0, EpssBand::Below1),
            (0.009_99, EpssBand::Below1),
            (0.01, EpssBand::From1),
            (0.099_99, EpssBand::From1),
            (0.1, EpssBand::From10),
            (0.5, EpssBand::From50),
            (0.899_99, EpssBand::From50),
            (0.9, EpssBand::From90),
            (1.0, EpssBand::From90),
        ] {
            assert_eq!(EpssBand::of(score), band, "{score}");
        }
    }

    #[test]
    fn bands_order_and_are_stored_as_scores_do() {
        use sea_orm::{ActiveEnum, Iterable};
        let stored: Vec<i16> = EpssBand::iter().map(|band| band.to_value()).collect();
        assert_eq!(stored, [0, 1, 2, 3, 4]);
        assert!(EpssBand::iter().zip(EpssBand::iter().skip(1)).all(|(a, b)| a < b && a.percent() < b.percent()));
    }
}
