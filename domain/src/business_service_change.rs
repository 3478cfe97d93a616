//! What people say about business services: entering one, changing one.

use crate::{AssetId, BusinessService, Criticality, currency, error::Result, label::Labels};
use async_graphql::MaybeUndefined;
use serde::Deserialize;
use utoipa::ToSchema;

/// A business service to enter.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "BusinessServiceInput")]
pub struct NewBusinessService {
    /// The name people use: 1–500 characters on one line.
    #[schema(min_length = 1, max_length = 500, example = "Löner")]
    pub name: String,
    /// What it does, and for whom: at most 10,000 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 10000)]
    pub description: Option<String>,
    /// How much depends on it.
    #[serde(default)]
    pub criticality: Option<Criticality>,
    /// What a day without it costs, in whole units of `currency`.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1000000000000i64, example = 350000)]
    pub cost_per_day: Option<i64>,
    /// The currency of the cost, ISO 4217; SEK if left out.
    #[serde(default)]
    #[schema(min_length = 3, max_length = 3, example = "SEK")]
    pub currency: Option<String>,
    /// How many days it takes to restore it.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 3650, example = 12)]
    pub days_to_restore: Option<i32>,
    /// How the work goes on without it: at most 10,000 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 10000, example = "Förra månadens löner betalas ut igen")]
    pub manual_fallback: Option<String>,
    /// The unit that answers for it: 1–500 characters on one line.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    pub owner_unit: Option<String>,
    /// The assets that it needs, at most 1,000 of the same municipality.
    #[serde(default)]
    #[graphql(default)]
    #[schema(max_items = 1000)]
    pub asset_ids: Vec<AssetId>,
}

/// A change of a business service. A field left out stays as it is, null empties it (RFC 7396).
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "BusinessServicePatchInput")]
pub struct BusinessServicePatch {
    /// The name people use: 1–500 characters on one line.
    #[schema(min_length = 1, max_length = 500)]
    #[serde(default)]
    pub name: Option<String>,
    /// What it does, and for whom: at most 10,000 characters.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 10000)]
    #[serde(default)]
    pub description: MaybeUndefined<String>,
    /// How much depends on it.
    #[schema(value_type = Option<Criticality>)]
    #[serde(default)]
    pub criticality: MaybeUndefined<Criticality>,
    /// What a day without it costs, in whole units of `currency`.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1000000000000i64)]
    #[serde(default)]
    pub cost_per_day: MaybeUndefined<i64>,
    /// The currency of the cost, ISO 4217.
    #[schema(min_length = 3, max_length = 3)]
    #[serde(default)]
    pub currency: Option<String>,
    /// How many days it takes to restore it.
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 3650)]
    #[serde(default)]
    pub days_to_restore: MaybeUndefined<i32>,
    /// How the work goes on without it: at most 10,000 characters.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 10000)]
    #[serde(default)]
    pub manual_fallback: MaybeUndefined<String>,
    /// The unit that answers for it: 1–500 characters on one line.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500)]
    #[serde(default)]
    pub owner_unit: MaybeUndefined<String>,
    /// Assets that it needs as well.
    #[graphql(default)]
    #[schema(max_items = 1000)]
    #[serde(default)]
    pub add_asset_ids: Vec<AssetId>,
    /// Assets that it does not need any more; those that it did not are no error.
    #[graphql(default)]
    #[schema(max_items = 1000)]
    #[serde(default)]
    pub remove_asset_ids: Vec<AssetId>,
}

/// What people can say about a service, in its normal form.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The name people use.
    pub name: String,
    /// What it does, and for whom.
    pub description: Option<String>,
    /// How much depends on it.
    pub criticality: Option<Criticality>,
    /// What a day without it costs.
    pub cost_per_day: Option<i64>,
    /// The currency of the cost.
    pub currency: String,
    /// How many days it takes to restore it.
    pub days_to_restore: Option<i32>,
    /// How the work goes on without it.
    pub manual_fallback: Option<String>,
    /// The unit that answers for it.
    pub owner_unit: Option<String>,
}

/// The longest name or owner unit, and the longest text, in characters.
const MAX_NAME: usize = 500;
const MAX_TEXT: usize = 10_000;
/// The most that a day may cost: a thousand times what all of Sweden's municipalities cost in one.
const MAX_COST: i64 = 1_000_000_000_000;
/// The longest restoration, in days.
const MAX_DAYS: i32 = 3_650;

impl Said {
    /// Brings texts to their normal form and refuses what cannot be stored.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each field that cannot be.
    pub fn normalise(mut self) -> Result<Self> {
        let mut labels = Labels::default();
        labels.line("/name", &mut self.name, MAX_NAME);
        labels.optional("/owner_unit", &mut self.owner_unit, MAX_NAME);
        for (pointer, value) in
            [("/description", &mut self.description), ("/manual_fallback", &mut self.manual_fallback)]
        {
            if let Some(value) = value {
                labels.text(pointer, value, MAX_TEXT);
            }
        }
        if self.cost_per_day.is_some_and(|cost| !(0..=MAX_COST).contains(&cost)) {
            labels.refuse("/cost_per_day", format!("takes 0 to {MAX_COST}"));
        }
        if self.days_to_restore.is_some_and(|days| !(0..=MAX_DAYS).contains(&days)) {
            labels.refuse("/days_to_restore", format!("takes 0 to {MAX_DAYS}"));
        }
        if !currency::is_known(&self.currency) {
            labels.refuse("/currency", "is no currency of ISO 4217, such as SEK");
        }
        labels.check()?;
        Ok(self)
    }
}

impl NewBusinessService {
    /// What is said, and the assets, each once.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each field that cannot be stored.
    pub fn normalise(self) -> Result<(Said, Vec<AssetId>)> {
        let asset_ids = each_once("/asset_ids", self.asset_ids)?;
        let said = Said {
            name: self.name,
            description: self.description,
            criticality: self.criticality,
            cost_per_day: self.cost_per_day,
            currency: self.currency.unwrap_or_else(|| "SEK".to_owned()),
            days_to_restore: self.days_to_restore,
            manual_fallback: self.manual_fallback,
            owner_unit: self.owner_unit,
        };
        Ok((said.normalise()?, asset_ids))
    }
}

/// A change, worked out: what is said then, and which assets come and go.
#[derive(Clone, Debug, PartialEq)]
pub struct Amended {
    /// What is said after it.
    pub said: Said,
    /// Assets to add.
    pub add: Vec<AssetId>,
    /// Assets to remove.
    pub remove: Vec<AssetId>,
}

impl BusinessServicePatch {
    /// What the service is after the change.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each field that cannot be stored.
    pub fn apply(self, before: Said) -> Result<Amended> {
        let add = each_once("/add_asset_ids", self.add_asset_ids)?;
        let remove = each_once("/remove_asset_ids", self.remove_asset_ids)?;
        if add.iter().any(|id| remove.contains(id)) {
            let mut labels = Labels::default();
            labels.refuse("/remove_asset_ids", "names an asset that is to be added as well");
            labels.check()?;
        }
        let said = Said {
            name: self.name.unwrap_or(before.name),
            description: after(self.description, before.description),
            criticality: after(self.criticality, before.criticality),
            cost_per_day: after(self.cost_per_day, before.cost_per_day),
            currency: self.currency.unwrap_or(before.currency),
            days_to_restore: after(self.days_to_restore, before.days_to_restore),
            manual_fallback: after(self.manual_fallback, before.manual_fallback),
            owner_unit: after(self.owner_unit, before.owner_unit),
        };
        Ok(Amended { said: said.normalise()?, add, remove })
    }
}

/// The value after a merge patch.
pub fn after<T>(wish: MaybeUndefined<T>, before: Option<T>) -> Option<T> {
    match wish {
        MaybeUndefined::Undefined => before,
        MaybeUndefined::Null => None,
        MaybeUndefined::Value(value) => Some(value),
    }
}

fn each_once(pointer: &str, mut ids: Vec<AssetId>) -> Result<Vec<AssetId>> {
    if ids.len() > BusinessService::MAX_ASSETS {
        let mut labels = Labels::default();
        labels.refuse(pointer, format!("holds more than {} assets", BusinessService::MAX_ASSETS));
        labels.check()?;
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> Said {
        Said {
            name: "Löner".into(),
            description: None,
            criticality: None,
            cost_per_day: Some(350_000),
            currency: "SEK".into(),
            days_to_restore: None,
            manual_fallback: Some("Förra månadens löner".into()),
            owner_unit: None,
        }
    }

    #[test]
    fn a_patch_changes_what_it_names_and_null_empties() {
        let patch: BusinessServicePatch =
            serde_json::from_str(r#"{"cost_per_day": null, "days_to_restore": 12, "currency": "EUR"}"#).unwrap();
        let Amended { said: after, .. } = patch.apply(said()).unwrap();
        assert_eq!(after, Said { cost_per_day: None, days_to_restore: Some(12), currency: "EUR".into(), ..said() });
    }

    #[test]
    fn what_cannot_be_stored_is_named() {
        for (body, pointer) in [
            (r#"{"name": " "}"#, "/name"),
            (r#"{"cost_per_day": -1}"#, "/cost_per_day"),
            (r#"{"cost_per_day": 1000000000001}"#, "/cost_per_day"),
            (r#"{"days_to_restore": 3651}"#, "/days_to_restore"),
            (r#"{"currency": "sek"}"#, "/currency"),
            (r#"{"currency": "KRONOR"}"#, "/currency"),
            (r#"{"manual_fallback": "\u0000"}"#, "/manual_fallback"),
        ] {
            let patch: BusinessServicePatch = serde_json::from_str(body).unwrap();
            assert_eq!(patch.apply(said()).unwrap_err().violations[0].pointer, pointer, "{body}");
        }
    }

    #[test]
    fn an_asset_is_not_added_and_removed_at_once() {
        let id = AssetId(uuid::Uuid::from_u128(1));
        let patch =
            BusinessServicePatch { add_asset_ids: vec![id, id], remove_asset_ids: vec![id], ..Default::default() };
        assert_eq!(patch.apply(said()).unwrap_err().violations[0].pointer, "/remove_asset_ids");
        let patch = BusinessServicePatch { add_asset_ids: vec![id, id], ..Default::default() };
        assert_eq!(patch.apply(said()).unwrap().add, [id]);
    }
}
