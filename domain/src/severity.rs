//! How bad a finding is, on the scale every consumer shares.

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Severity, from informational to critical. Stored as 0–4, so that it orders
/// the same in SQL as here; the names are those of OCSF 1.8 `severity_id` 1–5.
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
pub enum Severity {
    /// Worth knowing, nothing to mend.
    #[default]
    #[sea_orm(num_value = 0)]
    Informational,
    /// CVSS below 4.0.
    #[sea_orm(num_value = 1)]
    Low,
    /// CVSS 4.0 to 6.9.
    #[sea_orm(num_value = 2)]
    Medium,
    /// CVSS 7.0 to 8.9.
    #[sea_orm(num_value = 3)]
    High,
    /// CVSS 9.0 and above.
    #[sea_orm(num_value = 4)]
    Critical,
}

impl Severity {
    /// The qualitative rating of a CVSS v3/v4 base score (0.0–10.0), by the
    /// rating scale of the CVSS v3.1 specification, section 5.
    pub fn from_cvss(score: f64) -> Self {
        match score {
            s if s >= 9.0 => Self::Critical,
            s if s >= 7.0 => Self::High,
            s if s >= 4.0 => Self::Medium,
            s if s > 0.0 => Self::Low,
            _ => Self::Informational,
        }
    }

    /// Reads the words scanners use (`info`, `moderate`, `Severe`, …), whatever
    /// their case; `None` for a word that says nothing about severity.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word.trim().to_ascii_lowercase().as_str() {
            "info" | "informational" | "information" | "none" | "note" | "log" => Self::Informational,
            "low" | "minor" => Self::Low,
            "medium" | "moderate" | "warning" => Self::Medium,
            "high" | "severe" | "important" | "error" => Self::High,
            "critical" | "blocker" | "fatal" => Self::Critical,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cvss_scores_fall_into_the_bands_of_the_specification() {
        for (score, expected) in [
            (0.0, Severity::Informational),
            (0.1, Severity::Low),
            (3.9, Severity::Low),
            (4.0, Severity::Medium),
            (6.9, Severity::Medium),
            (7.0, Severity::High),
            (8.9, Severity::High),
            (9.0, Severity::Critical),
            (10.0, Severity::Critical),
        ] {
            assert_eq!(Severity::from_cvss(score), expected, "{score}");
        }
    }

    #[test]
    fn severities_order_from_harmless_to_critical() {
        assert!(Severity::Informational < Severity::Low && Severity::High < Severity::Critical);
    }
}
