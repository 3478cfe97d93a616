//! What makes two records the same finding within a source: a digest of the asset and of the parts that its rule counts.

use crate::etag::hex;
use domain::{
    Observation,
    identity::{FingerprintRule, Told},
};
use entity::finding;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The version of the digest below; a finding keeps the version it was made by. The first one had no weakness key.
pub(crate) const VERSION: i16 = 2;

/// What tells a finding apart from the others on its asset: 64 hexadecimal digits. None if a part that counts is not
/// known.
pub(crate) fn weakness_key(rule: &FingerprintRule, told: &Told<'_>) -> Option<String> {
    Some(hex(&digest(rule.parts_of(told)?.iter().map(String::as_str))))
}

/// The fingerprint of a weakness on an asset, or on none: 64 hexadecimal digits.
pub(crate) fn of_key(asset: Option<Uuid>, weakness_key: &str) -> String {
    let asset = asset.map(|id| id.to_string()).unwrap_or_default();
    hex(&digest([asset.as_str(), weakness_key].into_iter()))
}

/// The fingerprint of the first version, by which findings stored then are found.
pub(crate) fn first(asset: Option<Uuid>, record: &Observation) -> String {
    let asset = asset.map(|id| id.to_string()).unwrap_or_default();
    let parts = [asset.as_str(), record.rule_key.as_str()].into_iter();
    hex(&digest(parts.chain(record.identity.iter().map(String::as_str))))
}

/// What a stored finding says that rules may count.
pub(crate) fn told(row: &finding::Model) -> Told<'_> {
    Told {
        rule_key: &row.rule_key,
        identity: row.identity.as_ref().map(|parts| parts.0.as_slice()),
        location: &row.location.0,
        cves: &row.cves.0,
        title: &row.title,
        source_ref: row.source_ref.as_deref(),
    }
}

/// The first half of a digest in hexadecimal, as a number that orders like it: it still tells any two apart.
pub(crate) fn number(hexadecimal: &str) -> u128 {
    hexadecimal.get(..32).and_then(|half| u128::from_str_radix(half, 16).ok()).unwrap_or_default()
}

/// SHA-256 over the parts.
pub(crate) fn digest<'a>(parts: impl Iterator<Item = &'a str>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        // The length in front keeps ("ab", "c") and ("a", "bc") apart.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::identity::IdentityPart;
    use proptest::prelude::*;

    fn record() -> impl Strategy<Value = Observation> {
        let texts = ("[a-c]{1,3}", "[a-c]{0,3}", prop::collection::vec("[a-c]{0,2}", 0..4));
        let lists = (prop::collection::vec("CVE-2024-[1-4]", 0..4), prop::option::of(1_u16..4));
        (texts, lists).prop_map(|((rule_key, title, identity), (cves, port))| {
            let location = domain::Location { port, ..Default::default() };
            Observation { rule_key, title, identity, cves, location, ..Default::default() }
        })
    }

    fn rule() -> impl Strategy<Value = FingerprintRule> {
        let parts = prop::sample::subsequence(IdentityPart::ALL.to_vec(), 1..4).prop_shuffle();
        parts.prop_map(|parts| FingerprintRule { parts, ..Default::default() })
    }

    proptest! {
        /// Nothing but the parts that count, in whatever order they are named or listed, makes a key.
        #[test]
        fn a_key_depends_on_nothing_but_its_parts(one in record(), other in record(), rule in rule()) {
            let key = |record: &Observation| weakness_key(&rule, &Told::from(record)).expect("all is known");
            let turned = Observation { cves: one.cves.iter().rev().cloned().collect(), ..one.clone() };
            let redescribed = Observation { description: "other".into(), tags: vec!["x".into()], ..turned };
            prop_assert_eq!(key(&one), key(&redescribed));
            let ordered = rule.clone().normalise().expect("a rule");
            prop_assert_eq!(Some(key(&one)), weakness_key(&ordered, &Told::from(&one)));
            let parts = |record: &Observation| rule.parts_of(&Told::from(record));
            prop_assert_eq!(parts(&one) == parts(&other), key(&one) == key(&other));
        }

        #[test]
        fn no_two_assets_share_a_fingerprint(one in any::<u128>(), other in any::<u128>(), record in record()) {
            let key = weakness_key(&FingerprintRule::default(), &Told::from(&record)).expect("all is known");
            let of = |asset| of_key(Some(Uuid::from_u128(asset)), &key);
            prop_assert_eq!(one == other, of(one) == of(other));
            prop_assert_ne!(of(one), of_key(None, &key));
        }
    }

    /// What is stored stays found: this is the digest of the first version, as it was.
    #[test]
    fn the_first_version_is_as_it_was() {
        let record =
            Observation { rule_key: "51192".into(), identity: vec!["443".into(), "tcp".into()], ..Default::default() };
        let mut hash = Sha256::new();
        for part in ["00000000-0000-0000-0000-000000000007", "51192", "443", "tcp"] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        assert_eq!(first(Some(Uuid::from_u128(7)), &record), hex(&hash.finalize()));
    }
}
