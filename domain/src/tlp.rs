//! How widely a finding may be passed on, and what of it needs `evidence:read`.

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A marking of the Traffic Light Protocol, FIRST TLP 2.0; from the widest to the narrowest.
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
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Tlp {
    /// TLP:CLEAR: no limit.
    Clear,
    /// TLP:GREEN: within the community.
    Green,
    /// TLP:AMBER: within the organisation and its clients, on a need-to-know basis.
    #[default]
    Amber,
    /// TLP:AMBER+STRICT: within the organisation.
    AmberStrict,
    /// TLP:RED: for the eyes of named persons. Here: of those who hold `evidence:read`.
    Red,
}

impl Tlp {
    /// Whether parts of what is marked so need `evidence:read`.
    pub const fn is_restricted(self) -> bool {
        matches!(self, Self::Red)
    }
}

/// A field that a caller without `evidence:read` does not get of a finding marked TLP:RED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, EnumIter, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum RestrictedField {
    /// What the weakness is.
    Description,
    /// What it leads to.
    Consequence,
    /// Where on the asset.
    Location,
    /// URLs and other citations.
    References,
    /// What the tool saw.
    Evidence,
    /// It is computed from the location among others, which could be guessed from it.
    Fingerprint,
}

impl RestrictedField {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Description, Self::Consequence, Self::Location, Self::References, Self::Evidence, Self::Fingerprint];

    /// The field's name in REST and in the feed's `changed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Description => "description",
            Self::Consequence => "consequence",
            Self::Location => "location",
            Self::References => "references",
            Self::Evidence => "evidence",
            Self::Fingerprint => "fingerprint",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FindingFacet, FindingFilter, FindingSort, text::word};
    use sea_orm::Iterable;

    #[test]
    fn markings_are_ordered_from_the_widest_to_the_narrowest() {
        assert!(Tlp::Clear < Tlp::Green && Tlp::Amber < Tlp::AmberStrict && Tlp::AmberStrict < Tlp::Red);
        assert_eq!(Tlp::iter().filter(|tlp| tlp.is_restricted()).collect::<Vec<_>>(), [Tlp::Red]);
    }

    #[test]
    fn every_restricted_field_is_named_as_it_is_shown() {
        assert_eq!(RestrictedField::iter().collect::<Vec<_>>(), RestrictedField::ALL);
        for field in RestrictedField::ALL {
            assert_eq!(field.as_str(), word(field));
        }
    }

    /// Were one of these about a restricted field, it would have to pass by what is marked TLP:RED.
    #[test]
    fn no_filter_order_or_facet_is_about_a_restricted_field() {
        let facets = [
            FindingFacet::Severity,
            FindingFacet::Status,
            FindingFacet::Kind,
            FindingFacet::Source,
            FindingFacet::Tenant,
            FindingFacet::Tlp,
        ];
        let orders = [FindingSort::Id, FindingSort::Severity, FindingSort::FirstSeen, FindingSort::UpdatedAt];
        let words = facets.iter().map(word).chain(orders.iter().map(word));
        let all: Vec<String> = words.chain(FindingFilter::NAMES.iter().map(|name| (*name).to_owned())).collect();
        for field in RestrictedField::ALL {
            assert!(!all.iter().any(|name| name == field.as_str()), "{}", field.as_str());
        }
    }
}
