//! What makes two records the same finding.

use crate::etag::hex;
use domain::{Observation, ReportedAsset};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The version of the rule below; a finding keeps the version it was made by.
pub(super) const VERSION: i16 = 1;

/// The fingerprint within a source: the asset, the rule, and what the importer
/// says tells records of this rule apart. 64 hexadecimal digits.
pub(super) fn of(asset: Option<Uuid>, observation: &Observation) -> String {
    let asset = asset.map(|id| id.to_string()).unwrap_or_default();
    hex(&digest(std::iter::once(asset.as_str()).chain(parts(observation))))
}

/// The same before the asset is known: records of one report with the same
/// [`weakness`] and the same [`about`], put together by exclusive or, are surely
/// the same finding. So one asset's number can be exchanged for another's.
pub(super) fn weakness(observation: &Observation) -> u128 {
    head(&digest(std::iter::once(observation.tool.as_deref().unwrap_or_default()).chain(parts(observation))))
}

/// A number for what the report says about an asset: its identifiers, in their order.
pub(super) fn about(asset: Option<&ReportedAsset>) -> u128 {
    let identifiers: Vec<String> =
        asset.iter().flat_map(|asset| &asset.identifiers).map(|identifier| format!("{identifier:?}")).collect();
    head(&digest(identifiers.iter().map(String::as_str)))
}

/// A digest of what the record says, apart from when and on what: 64 hexadecimal digits.
pub(super) fn content(observation: &Observation) -> String {
    // A plain struct of texts and numbers always serialises.
    hex(&Sha256::digest(serde_json::to_vec(observation).unwrap_or_default()))
}

/// The first half of a digest in hexadecimal, as a number that orders like it.
pub(super) fn number(hexadecimal: &str) -> u128 {
    hexadecimal.get(..32).and_then(|half| u128::from_str_radix(half, 16).ok()).unwrap_or_default()
}

fn parts(observation: &Observation) -> impl Iterator<Item = &str> {
    std::iter::once(observation.rule_key.as_str()).chain(observation.identity.iter().map(String::as_str))
}

fn digest<'a>(parts: impl Iterator<Item = &'a str>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        // The length in front keeps ("ab", "c") and ("a", "bc") apart.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

fn head(digest: &[u8; 32]) -> u128 {
    digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}
