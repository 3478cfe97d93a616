//! What people say about assets: making one, changing one, taking one out of use.

use crate::{
    AssetKind, Code, Criticality, Error, Exposure, Identifier, IdentifierKind, Violation, error::Result, label::Labels,
};
use async_graphql::MaybeUndefined;
use serde::Deserialize;
use utoipa::ToSchema;

/// The longest name or owner unit, in characters.
pub const MAX_NAME: usize = 500;
/// The longest reason for taking an asset out of use, in characters.
pub const MAX_REASON: usize = 2_000;

/// An identifier as somebody writes it; it comes to the normal form of its kind.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
pub struct IdentifierInput {
    /// What the value is.
    pub kind: IdentifierKind,
    /// 1–500 characters.
    #[schema(min_length = 1, max_length = 500, example = "lon01.norrvik.example")]
    pub value: String,
}

/// An asset to enter into the inventory.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "AssetInput")]
pub struct NewAsset {
    /// What it is; a host if it is left out, until an import says more.
    #[serde(default)]
    pub kind: Option<AssetKind>,
    /// The name people use: 1–500 characters on one line.
    #[schema(min_length = 1, max_length = 500, example = "Löneservern")]
    pub name: String,
    /// How much depends on it.
    #[serde(default)]
    pub criticality: Option<Criticality>,
    /// From where it can be reached.
    #[serde(default)]
    pub exposure: Option<Exposure>,
    /// The unit that answers for it: 1–500 characters on one line.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500, example = "HR-avdelningen")]
    pub owner_unit: Option<String>,
    /// At most 200 identifiers. No other asset of the municipality may have one of them.
    #[serde(default)]
    #[graphql(default)]
    #[schema(max_items = 200)]
    pub identifiers: Vec<IdentifierInput>,
}

/// A change of an asset. A field left out stays as it is, null empties it (RFC 7396). No import writes what was set here;
/// what was emptied an import may fill again.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "AssetPatchInput")]
pub struct AssetPatch {
    /// What it is.
    #[serde(default)]
    pub kind: Option<AssetKind>,
    /// The name people use: 1–500 characters on one line.
    #[schema(min_length = 1, max_length = 500)]
    #[serde(default)]
    pub name: Option<String>,
    /// How much depends on it.
    #[schema(value_type = Option<Criticality>)]
    #[serde(default)]
    pub criticality: MaybeUndefined<Criticality>,
    /// From where it can be reached.
    #[schema(value_type = Option<Exposure>)]
    #[serde(default)]
    pub exposure: MaybeUndefined<Exposure>,
    /// The unit that answers for it: 1–500 characters on one line.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500)]
    #[serde(default)]
    pub owner_unit: MaybeUndefined<String>,
    /// Identifiers that it gets. No other asset of the municipality may have one of them.
    #[graphql(default)]
    #[schema(max_items = 200)]
    #[serde(default)]
    pub add_identifiers: Vec<IdentifierInput>,
    /// Identifiers that it loses; those that it has not are no error.
    #[graphql(default)]
    #[schema(max_items = 200)]
    #[serde(default)]
    pub remove_identifiers: Vec<IdentifierInput>,
}

/// A new asset in its normal form.
#[derive(Clone, Debug, PartialEq)]
pub struct Entered {
    /// Its fields.
    pub new: NewAsset,
    /// Its identifiers, sorted, each once.
    pub identifiers: Vec<Identifier>,
}

/// A change in its normal form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Amended {
    /// The fields.
    pub patch: AssetPatch,
    /// The identifiers to add, sorted, each once.
    pub add: Vec<Identifier>,
    /// Those to remove.
    pub remove: Vec<Identifier>,
}

impl NewAsset {
    /// Brings texts and identifiers to their normal form.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each field that cannot be stored.
    pub fn normalise(mut self) -> Result<Entered> {
        let mut labels = Labels::default();
        labels.line("/name", &mut self.name, MAX_NAME);
        labels.optional("/owner_unit", &mut self.owner_unit, MAX_NAME);
        let identifiers = identifiers("/identifiers", &self.identifiers, &mut labels, true);
        labels.check()?;
        Ok(Entered { new: self, identifiers })
    }
}

impl AssetPatch {
    /// Brings texts and identifiers to their normal form.
    ///
    /// # Errors
    /// `invalid_body` with a pointer to each field that cannot be stored.
    pub fn normalise(mut self) -> Result<Amended> {
        let mut labels = Labels::default();
        labels.optional("/name", &mut self.name, MAX_NAME);
        labels.undefinable("/owner_unit", &mut self.owner_unit, MAX_NAME);
        let add = identifiers("/add_identifiers", &self.add_identifiers, &mut labels, true);
        let remove = identifiers("/remove_identifiers", &self.remove_identifiers, &mut labels, false);
        if let Some(both) = add.iter().find(|identifier| remove.contains(identifier)) {
            labels.refuse("/remove_identifiers", format!("{} is to be added as well", both.value));
        }
        labels.check()?;
        Ok(Amended { patch: self, add, remove })
    }
}

/// `added` ones must tell the asset from others; what does not may have been stored before and can go.
fn identifiers(pointer: &str, given: &[IdentifierInput], labels: &mut Labels, added: bool) -> Vec<Identifier> {
    if given.len() > Identifier::MAX_OF_ASSET {
        labels.refuse(pointer, format!("holds more than {} identifiers", Identifier::MAX_OF_ASSET));
    }
    let mut parsed = Vec::with_capacity(given.len().min(Identifier::MAX_OF_ASSET));
    for (at, IdentifierInput { kind, value }) in given.iter().enumerate().take(Identifier::MAX_OF_ASSET) {
        let is_storable = crate::text::is_line(value) && value.chars().count() <= Identifier::MAX;
        let refusal = match Identifier::normal(*kind, value).filter(|_| is_storable) {
            Some(identifier) if !added || identifier.tells_apart() => {
                parsed.push(identifier);
                continue;
            }
            Some(_) => format!("is a {} that many machines have", crate::text::word(kind)),
            None => format!("is no {}", crate::text::word(kind)),
        };
        labels.refuse(&format!("{pointer}/{at}/value"), refusal);
    }
    parsed.sort_unstable();
    parsed.dedup();
    parsed
}

/// Whether a patch sets a field or empties it; none if it leaves it as it is.
pub const fn is_set<T>(wish: &MaybeUndefined<T>) -> Option<bool> {
    match wish {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(false),
        MaybeUndefined::Value(_) => Some(true),
    }
}

/// The reason for taking an asset out of use.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema, async_graphql::InputObject)]
#[serde(deny_unknown_fields)]
#[graphql(name = "RetirementInput")]
pub struct Retirement {
    /// Why, in 1–2,000 characters.
    #[schema(min_length = 1, max_length = 2000, example = "Skrotad efter flytten till molnet")]
    pub reason: String,
}

impl Retirement {
    /// The reason in its normal form.
    ///
    /// # Errors
    /// `invalid_body` for one that is empty, too long or holds control characters.
    pub fn normalise(mut self) -> Result<String> {
        let mut labels = Labels::default();
        labels.text("/reason", &mut self.reason, MAX_REASON);
        labels.check()?;
        Ok(self.reason)
    }
}

/// What can be said of an asset that another one is to be merged into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survivor {
    /// Whether it is the merged asset itself.
    pub is_itself: bool,
    /// Whether it was merged into another one.
    pub is_merged: bool,
    /// Whether it is taken out of use.
    pub is_retired: bool,
    /// How many identifiers the two have together.
    pub identifiers: usize,
}

/// Whether an asset may be merged into this one; none means that there is none in the municipality.
/// A chain of merges would make ids resolve in steps, and what is out of use gets no new findings.
///
/// # Errors
/// `invalid_body` at `/into`; `too_many_identifiers` if it would have more than one asset may.
pub fn check_survivor(survivor: Option<Survivor>) -> Result<()> {
    let detail = match survivor {
        None => "is no asset of this municipality",
        Some(Survivor { is_itself: true, .. }) => "is the asset itself",
        Some(Survivor { is_merged: true, .. }) => "was merged into another asset itself",
        Some(Survivor { is_retired: true, .. }) => "is taken out of use: restore it first",
        Some(Survivor { identifiers, .. }) if identifiers > Identifier::MAX_OF_ASSET => {
            let most = Identifier::MAX_OF_ASSET;
            let detail = format!("together they have {identifiers} identifiers; an asset has at most {most}");
            return Err(Error::new(Code::TooManyIdentifiers, detail));
        }
        Some(_) => return Ok(()),
    };
    Err(Error::invalid(vec![Violation::new("/into", detail)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(kind: IdentifierKind, value: &str) -> IdentifierInput {
        IdentifierInput { kind, value: value.into() }
    }

    fn pointers(error: Error) -> Vec<String> {
        error.violations.into_iter().map(|violation| violation.pointer).collect()
    }

    #[test]
    fn every_field_that_cannot_be_stored_is_named() {
        let new = NewAsset {
            kind: None,
            name: " \t".into(),
            criticality: None,
            exposure: None,
            owner_unit: Some("HR\u{202e}".into()),
            identifiers: vec![input(IdentifierKind::Ip, "192.0.2.7"), input(IdentifierKind::Ip, "300.0.2.7")],
        };
        assert_eq!(pointers(new.normalise().unwrap_err()), ["/name", "/owner_unit", "/identifiers/1/value"]);
    }

    #[test]
    fn identifiers_come_to_one_form_each_once() {
        let patch = AssetPatch {
            add_identifiers: vec![
                input(IdentifierKind::Fqdn, "LON01.Norrvik.example."),
                input(IdentifierKind::Fqdn, "lon01.norrvik.example"),
            ],
            ..AssetPatch::default()
        };
        assert_eq!(patch.normalise().unwrap().add.len(), 1);
        let both = AssetPatch {
            add_identifiers: vec![input(IdentifierKind::Hostname, "LON01")],
            remove_identifiers: vec![input(IdentifierKind::Hostname, "lon01")],
            ..AssetPatch::default()
        };
        assert_eq!(pointers(both.normalise().unwrap_err()), ["/remove_identifiers"]);
    }

    #[test]
    fn what_many_machines_have_is_not_added_and_can_be_removed() {
        let all_ones = || vec![input(IdentifierKind::Mac, "ff:ff:ff:ff:ff:ff"), input(IdentifierKind::Serial, "None")];
        let add = AssetPatch { add_identifiers: all_ones(), ..AssetPatch::default() };
        assert_eq!(pointers(add.normalise().unwrap_err()), ["/add_identifiers/0/value", "/add_identifiers/1/value"]);
        let remove = AssetPatch { remove_identifiers: all_ones(), ..AssetPatch::default() };
        assert_eq!(remove.normalise().unwrap().remove.len(), 2);
    }

    #[test]
    fn null_is_told_from_left_out() {
        let patch: AssetPatch = serde_json::from_str(r#"{"owner_unit": null, "exposure": "internet"}"#).unwrap();
        assert_eq!(patch.owner_unit, MaybeUndefined::Null);
        assert_eq!(patch.exposure, MaybeUndefined::Value(Exposure::Internet));
        assert_eq!(patch.criticality, MaybeUndefined::Undefined);
    }

    #[test]
    fn only_a_live_asset_of_its_own_is_merged_into() {
        let live =
            Survivor { is_itself: false, is_merged: false, is_retired: false, identifiers: Identifier::MAX_OF_ASSET };
        for (survivor, allowed) in [
            (Some(live), true),
            (None, false),
            (Some(Survivor { is_itself: true, ..live }), false),
            (Some(Survivor { is_merged: true, ..live }), false),
            (Some(Survivor { is_retired: true, ..live }), false),
            (Some(Survivor { identifiers: Identifier::MAX_OF_ASSET + 1, ..live }), false),
        ] {
            assert_eq!(check_survivor(survivor).is_ok(), allowed, "{survivor:?}");
        }
    }
}
