//! Which known asset a report means: cases by name, and properties of all of them.

use super::*;
use IdentifierKind::{CloudId, EdrId, Fqdn, Hostname, Ip, Mac, Serial};
use proptest::prelude::*;

fn id(kind: IdentifierKind, value: &str) -> Identifier {
    Identifier::parse(kind, value).unwrap()
}

fn candidate(n: u32, identifiers: &[Identifier]) -> Candidate<u32> {
    Candidate { id: n, identifiers: identifiers.iter().cloned().collect() }
}

type Case<'c> = (&'c str, &'c [(IdentifierKind, &'c str)], &'c [&'c [(IdentifierKind, &'c str)]], Option<u32>);

const MAC_A: &str = "00:11:22:33:44:01";
const MAC_B: &str = "00:11:22:33:44:02";
const OLD: &str = "old.norrvik.example";
const NEW: &str = "new.norrvik.example";

/// What it shows, what is reported, the candidates (numbered from 0), and which is meant.
const CASES: &[Case<'_>] = &[
    ("a name beats an address", &[(Ip, "192.0.2.7"), (Fqdn, OLD)], &[&[(Ip, "192.0.2.7")], &[(Fqdn, OLD)]], Some(1)),
    ("an address will do alone", &[(Ip, "192.0.2.7"), (Fqdn, OLD)], &[&[(Ip, "192.0.2.7")]], Some(0)),
    ("a serial beats a name", &[(Serial, "S1"), (Fqdn, OLD)], &[&[(Fqdn, OLD)], &[(Serial, "S1")]], Some(1)),
    (
        "a cloud id beats a serial",
        &[(CloudId, "i-1"), (Serial, "S1")],
        &[&[(Serial, "S1")], &[(CloudId, "i-1")]],
        Some(1),
    ),
    ("a MAC beats a name", &[(Mac, MAC_A), (Hostname, "lon01")], &[&[(Hostname, "lon01")], &[(Mac, MAC_A)]], Some(1)),
    (
        "one MAC, two names: an adapter that many have",
        &[(Mac, MAC_A), (Fqdn, NEW)],
        &[&[(Mac, MAC_A), (Fqdn, OLD)]],
        None,
    ),
    (
        "one MAC, two host names: a router that answers for both",
        &[(Mac, MAC_A), (Hostname, "lon02"), (Ip, "192.0.2.7")],
        &[&[(Mac, MAC_A), (Hostname, "lon01"), (Ip, "192.0.2.7")]],
        None,
    ),
    (
        "a MAC that a name contradicts leaves room for the name",
        &[(Mac, MAC_A), (Fqdn, NEW)],
        &[&[(Mac, MAC_A), (Fqdn, OLD)], &[(Fqdn, NEW)]],
        Some(1),
    ),
    (
        "one of several names is enough",
        &[(Mac, MAC_A), (Fqdn, NEW)],
        &[&[(Mac, MAC_A), (Fqdn, OLD), (Fqdn, NEW)]],
        Some(0),
    ),
    ("a renamed machine keeps its serial", &[(Serial, "S1"), (Fqdn, NEW)], &[&[(Serial, "S1"), (Fqdn, OLD)]], Some(0)),
    (
        "one address, two names: two machines",
        &[(Ip, "192.0.2.7"), (Fqdn, NEW)],
        &[&[(Ip, "192.0.2.7"), (Fqdn, OLD)]],
        None,
    ),
    (
        "one name, two serials: the machine was replaced",
        &[(Serial, "S2"), (Fqdn, OLD)],
        &[&[(Serial, "S1"), (Fqdn, OLD)]],
        None,
    ),
    ("one address, two EDR agents", &[(EdrId, "e2"), (Ip, "192.0.2.7")], &[&[(EdrId, "e1"), (Ip, "192.0.2.7")]], None),
    (
        "DHCP gave the address to another machine",
        &[(Mac, MAC_B), (Ip, "192.0.2.7")],
        &[&[(Mac, MAC_A), (Ip, "192.0.2.7")]],
        None,
    ),
    (
        "DHCP gave the machine another address",
        &[(Mac, MAC_A), (Ip, "192.0.2.9")],
        &[&[(Mac, MAC_A), (Ip, "192.0.2.7")]],
        Some(0),
    ),
    ("a machine on its other interface", &[(Mac, MAC_B), (Fqdn, OLD)], &[&[(Mac, MAC_A), (Fqdn, OLD)]], Some(0)),
    (
        "one of several interfaces is enough",
        &[(Mac, MAC_B), (Ip, "192.0.2.7")],
        &[&[(Mac, MAC_A), (Mac, MAC_B)]],
        Some(0),
    ),
    ("one of several addresses is enough", &[(Ip, "192.0.2.7")], &[&[(Ip, "192.0.2.8"), (Ip, "192.0.2.7")]], Some(0)),
    (
        "what contradicts leaves room for what does not",
        &[(Serial, "S2"), (Ip, "192.0.2.7"), (Hostname, "lon01")],
        &[&[(Serial, "S1"), (Ip, "192.0.2.7")], &[(Hostname, "lon01")]],
        Some(1),
    ),
    ("nothing is shared", &[(Fqdn, NEW)], &[&[(Fqdn, OLD)]], None),
];

#[test]
fn the_strongest_shared_identifier_decides_unless_a_stronger_one_contradicts() {
    for (shows, reported, candidates, expected) in CASES {
        let reported: Vec<Identifier> = reported.iter().map(|(kind, value)| id(*kind, value)).collect();
        let of = |identifiers: &&[(IdentifierKind, &str)]| -> Vec<Identifier> {
            identifiers.iter().map(|(kind, value)| id(*kind, value)).collect()
        };
        let candidates: Vec<_> = (0..).zip(candidates.iter()).map(|(n, each)| candidate(n, &of(each))).collect();
        assert_eq!(choose(&reported, &candidates), *expected, "{shows}");
    }
}

/// Few values, so that assets share and contradict each other often.
fn identifiers() -> impl Strategy<Value = Vec<Identifier>> {
    let kinds = prop::sample::select(vec![CloudId, EdrId, Serial, Mac, Fqdn, Hostname, Ip]);
    let one = (kinds, 1..4_u8).prop_map(|(kind, n)| match kind {
        Mac => id(kind, &format!("00:11:22:33:44:0{n}")),
        Fqdn => id(kind, &format!("h{n}.norrvik.example")),
        Ip => id(kind, &format!("192.0.2.{n}")),
        _ => id(kind, &format!("x{n}")),
    });
    prop::collection::vec(one, 1..6)
}

fn kinds_shared(reported: &[Identifier], candidate: &Candidate<u32>) -> BTreeSet<IdentifierKind> {
    reported.iter().filter(|identifier| candidate.identifiers.contains(*identifier)).map(|i| i.kind).collect()
}

proptest! {
    #[test]
    fn what_is_chosen_shares_and_is_not_contradicted(
        reported in identifiers(), candidates in prop::collection::vec(identifiers(), 0..5), turn in 0..5_usize,
    ) {
        let mut candidates: Vec<_> = (0..).zip(&candidates).map(|(n, each)| candidate(n, each)).collect();
        let chosen = choose(&reported, &candidates);
        let turn = turn % candidates.len().max(1);
        candidates.rotate_left(turn);
        prop_assert_eq!(chosen, choose(&reported, &candidates), "the order of the candidates does not matter");
        let mut again = reported.clone();
        again.reverse();
        prop_assert_eq!(chosen, choose(&again, &candidates), "nor does that of the identifiers");
        let Some(chosen) = chosen else { return Ok(()) };
        let asset = candidates.iter().find(|candidate| candidate.id == chosen).unwrap();
        let shared = kinds_shared(&reported, asset);
        let strongest = *shared.first().expect("something is shared");
        for kind in [CloudId, EdrId, Serial] {
            let contradicts = kind < strongest
                && reported.iter().any(|identifier| identifier.kind == kind)
                && asset.identifiers.iter().any(|identifier| identifier.kind == kind);
            prop_assert!(!contradicts, "{kind:?} contradicts what {strongest:?} says");
        }
    }

    #[test]
    fn an_asset_is_found_again_by_all_that_it_has(asset in identifiers(), others in prop::collection::vec(identifiers(), 0..4)) {
        // An identifier belongs to one asset, as the store has it.
        let own = candidate(0, &asset);
        let rest = |(n, each): (u32, &Vec<Identifier>)| {
            let left: Vec<_> = each.iter().filter(|identifier| !own.identifiers.contains(*identifier)).cloned().collect();
            candidate(n, &left)
        };
        let mut all: Vec<_> = (1..).zip(&others).map(rest).collect();
        all.push(own);
        prop_assert_eq!(choose(&asset, &all), Some(0));
    }
}
