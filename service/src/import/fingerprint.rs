//! Numbers by which the records of one report are told apart before their assets are known.

use crate::{etag::hex, finding::fingerprint::digest};
use domain::{
    Observation, ReportedAsset,
    identity::{FingerprintRule, Told},
};
use sha2::{Digest, Sha256};

/// A number for what the record says of its source and weakness: records of one report with the same
/// [`weakness`] and the same [`about`], put together by exclusive or, are surely
/// the same finding. So one asset's number can be exchanged for another's.
pub(super) fn weakness(source: &str, rule: &FingerprintRule, observation: &Observation) -> u128 {
    // A record knows all of its parts.
    let parts = rule.parts_of(&Told::from(observation)).unwrap_or_default();
    head(&digest(std::iter::once(source).chain(parts.iter().map(String::as_str))))
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

fn head(digest: &[u8; 32]) -> u128 {
    digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}
