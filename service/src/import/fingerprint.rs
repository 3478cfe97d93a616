//! What makes two records the same finding.

use crate::etag::hex;
use domain::Observation;
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

/// The same before the asset is known, from what the report says about it:
/// records of one file that are surely the same finding. 16 bytes.
pub(super) fn within_report(observation: &Observation) -> u128 {
    let asset: Vec<String> =
        observation.asset.iter().flat_map(|asset| &asset.identifiers).map(|i| format!("{i:?}")).collect();
    let tool = observation.tool.as_deref().unwrap_or_default();
    let count = asset.len().to_string();
    let all = [tool, &count].into_iter().chain(asset.iter().map(String::as_str)).chain(parts(observation));
    head(&digest(all))
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
