//! Which known asset a report means.

use crate::{Identifier, IdentifierKind};
use std::collections::{BTreeMap, BTreeSet};

/// An asset that shares at least one identifier with the report.
#[derive(Clone, Debug)]
pub struct Candidate<Id> {
    /// The asset.
    pub id: Id,
    /// All of its identifiers.
    pub identifiers: BTreeSet<Identifier>,
}

/// The asset that the reported identifiers mean, if one of the candidates.
///
/// The strongest shared kind decides (see [`IdentifierKind`]). A candidate that
/// contradicts the report in a stronger kind than the one it shares is out: an
/// address alone does not make a renamed machine of another one. Among equals
/// the least id, which is the oldest asset, so that the answer does not depend
/// on the order of the candidates.
pub fn choose<Id: Copy + Ord>(reported: &[Identifier], candidates: &[Candidate<Id>]) -> Option<Id> {
    let mut by_kind: BTreeMap<IdentifierKind, BTreeSet<&Identifier>> = BTreeMap::new();
    for identifier in reported {
        by_kind.entry(identifier.kind).or_default().insert(identifier);
    }
    candidates.iter().filter_map(|c| Some((strength(&by_kind, c)?, c.id))).min().map(|(_, id)| id)
}

/// The strongest kind that the candidate shares, unless it contradicts a stronger one.
fn strength<Id>(
    reported: &BTreeMap<IdentifierKind, BTreeSet<&Identifier>>,
    candidate: &Candidate<Id>,
) -> Option<IdentifierKind> {
    for (kind, values) in reported {
        if values.iter().any(|v| candidate.identifiers.contains(*v)) {
            return Some(*kind);
        }
        // One machine may carry several addresses, and names in several domains are one kind each.
        let exclusive = !matches!(kind, IdentifierKind::Mac | IdentifierKind::Ip);
        if exclusive && candidate.identifiers.iter().any(|i| i.kind == *kind) {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(kind: IdentifierKind, value: &str) -> Identifier {
        Identifier::parse(kind, value).unwrap()
    }

    fn candidate(n: u32, identifiers: &[Identifier]) -> Candidate<u32> {
        Candidate { id: n, identifiers: identifiers.iter().cloned().collect() }
    }

    #[test]
    fn the_strongest_shared_identifier_decides() {
        let ip = id(IdentifierKind::Ip, "192.0.2.7");
        let fqdn = id(IdentifierKind::Fqdn, "lon.norrvik.example");
        let by_ip = candidate(1, std::slice::from_ref(&ip));
        let by_name = candidate(2, std::slice::from_ref(&fqdn));
        assert_eq!(choose(&[ip.clone(), fqdn.clone()], &[by_ip.clone(), by_name]), Some(2));
        assert_eq!(choose(&[ip, fqdn], &[by_ip]), Some(1));
    }

    #[test]
    fn an_address_does_not_make_one_machine_of_two_names() {
        let ip = id(IdentifierKind::Ip, "192.0.2.7");
        let old = candidate(1, &[ip.clone(), id(IdentifierKind::Fqdn, "old.norrvik.example")]);
        assert_eq!(choose(&[ip, id(IdentifierKind::Fqdn, "new.norrvik.example")], &[old]), None);
    }

    #[test]
    fn the_order_of_candidates_does_not_matter() {
        let ip = id(IdentifierKind::Ip, "192.0.2.7");
        let (a, b) = (candidate(1, std::slice::from_ref(&ip)), candidate(2, std::slice::from_ref(&ip)));
        let reported = [ip];
        assert_eq!(choose(&reported, &[a.clone(), b.clone()]), choose(&reported, &[b, a]));
    }
}
