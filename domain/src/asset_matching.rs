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
/// The strongest shared kind decides (see [`IdentifierKind`]): what is built into a machine or given to it
/// for life beats its names, and names beat addresses. A candidate that contradicts the report in a stronger
/// kind than the one it shares is out: an address alone does not make a renamed machine of another one, nor does
/// it make one of two machines that DHCP gave it in turn. A MAC address that is shared counts only where no name
/// contradicts it: adapters of VPNs, docking stations and routers that answer for others show one for many machines.
/// Among equals the least id, which is the oldest asset,
/// so that the answer does not depend on the order of the candidates.
pub fn choose<Id: Copy + Ord>(reported: &[Identifier], candidates: &[Candidate<Id>]) -> Option<Id> {
    let mut by_kind: BTreeMap<IdentifierKind, BTreeSet<&Identifier>> = BTreeMap::new();
    for identifier in reported {
        by_kind.entry(identifier.kind).or_default().insert(identifier);
    }
    candidates.iter().filter_map(|c| Some((strength(&by_kind, c)?, c.id))).min().map(|(_, id)| id)
}

/// What two different values of one kind say about two descriptions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Difference {
    /// They are of two assets, whatever weaker kinds say: an asset has one value.
    Excludes,
    /// Only names can still say that they are one: a machine has a MAC address for each of its interfaces, but one
    /// that shares nothing with another machine than an address has just got it from DHCP.
    LeavesNames,
    /// Nothing: a machine has several of them at once.
    SaysNothing,
}

const fn difference(kind: IdentifierKind) -> Difference {
    match kind {
        IdentifierKind::CloudId
        | IdentifierKind::EdrId
        | IdentifierKind::Serial
        | IdentifierKind::Repository
        | IdentifierKind::Fqdn
        | IdentifierKind::Hostname => Difference::Excludes,
        IdentifierKind::Mac => Difference::LeavesNames,
        IdentifierKind::Ip => Difference::SaysNothing,
    }
}

/// What a machine is called, which another one with its MAC address is not.
const NAMES: [IdentifierKind; 2] = [IdentifierKind::Fqdn, IdentifierKind::Hostname];

/// The strongest kind that the candidate shares, unless it contradicts a stronger one.
fn strength<Id>(
    reported: &BTreeMap<IdentifierKind, BTreeSet<&Identifier>>,
    candidate: &Candidate<Id>,
) -> Option<IdentifierKind> {
    let contradicts = |kind: IdentifierKind| {
        let is_of_both = reported.contains_key(&kind) && candidate.identifiers.iter().any(|own| own.kind == kind);
        is_of_both
            && !reported.get(&kind).is_some_and(|values| values.iter().any(|v| candidate.identifiers.contains(*v)))
    };
    let mut addresses_count = true;
    for (kind, values) in reported {
        if values.iter().any(|value| candidate.identifiers.contains(*value)) {
            if *kind == IdentifierKind::Mac && NAMES.into_iter().any(contradicts) {
                continue;
            }
            return (*kind != IdentifierKind::Ip || addresses_count).then_some(*kind);
        }
        if !candidate.identifiers.iter().any(|identifier| identifier.kind == *kind) {
            continue;
        }
        match difference(*kind) {
            Difference::Excludes => return None,
            Difference::LeavesNames => addresses_count = false,
            Difference::SaysNothing => {}
        }
    }
    None
}

#[cfg(test)]
#[path = "asset_matching_tests.rs"]
mod tests;
