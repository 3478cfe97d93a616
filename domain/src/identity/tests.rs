use super::*;
use crate::{AssetId, FindingId, SourceId};
use sea_orm::Iterable;
use uuid::Uuid;

fn record() -> Observation {
    Observation {
        title: "Självsignerat certifikat".into(),
        rule_key: "51192".into(),
        location: Location {
            port: Some(443),
            protocol: Some("tcp".into()),
            url: Some("HTTPS://Portal.Norrvik.example/In/?session=1#top".into()),
            line: Some(12),
            ..Location::default()
        },
        cves: vec!["CVE-2024-2".into(), "CVE-2024-1".into()],
        identity: vec!["443".into(), "tcp".into()],
        ..Observation::default()
    }
}

fn rule(parts: &[IdentityPart]) -> FingerprintRule {
    FingerprintRule { parts: parts.to_vec(), ..FingerprintRule::default() }
}

fn parts(rule: &FingerprintRule, record: &Observation) -> Vec<String> {
    rule.parts_of(&Told::from(record)).expect("all parts are known")
}

fn changed(change: impl FnOnce(&mut Observation)) -> Observation {
    let mut record = record();
    change(&mut record);
    record
}

#[test]
fn every_part_is_listed_once_in_its_order() {
    assert_eq!(IdentityPart::iter().collect::<Vec<_>>(), IdentityPart::ALL);
    assert!(IdentityPart::ALL.is_sorted());
}

#[test]
fn what_a_rule_does_not_count_makes_no_difference() {
    let without_port = rule(&[IdentityPart::RuleKey, IdentityPart::Protocol]);
    let other = changed(|record| {
        record.location.port = Some(8443);
        record.title = "Other".into();
        record.identity = vec!["8443".into(), "tcp".into()];
    });
    assert_eq!(parts(&without_port, &record()), parts(&without_port, &other));
    assert_ne!(parts(&FingerprintRule::default(), &record()), parts(&FingerprintRule::default(), &other));
    let other = changed(|record| record.location.line = Some(99));
    assert_ne!(parts(&rule(&[IdentityPart::Line]), &record()), parts(&rule(&[IdentityPart::Line]), &other));
}

#[test]
fn the_order_of_parts_and_of_identifiers_makes_no_difference() {
    let one = rule(&[IdentityPart::Port, IdentityPart::Cves, IdentityPart::RuleKey]);
    let other = rule(&[IdentityPart::RuleKey, IdentityPart::Port, IdentityPart::Cves]);
    assert_eq!(one.clone().normalise(), other.clone().normalise());
    assert_eq!(parts(&one, &record()), parts(&other, &changed(|record| record.cves.reverse())));
}

#[test]
fn a_value_never_passes_for_another_part() {
    let both = rule(&[IdentityPart::Path, IdentityPart::Logical]);
    let in_path = changed(|record| record.location.path = Some("x".into()));
    let in_logical = changed(|record| record.location.logical = Some("x".into()));
    assert_ne!(parts(&both, &in_path), parts(&both, &in_logical));
}

#[test]
fn a_url_is_compared_up_to_its_query() {
    let table = [
        ("HTTPS://Portal.Norrvik.example/In/?session=1#top", "https://portal.norrvik.example/In"),
        ("http://a.example", "http://a.example"),
        ("http://a.example/", "http://a.example"),
        ("a.example:443/x?y", "a.example:443/x"),
        ("://", ":"),
        ("?", ""),
    ];
    for (url, expected) in table {
        assert_eq!(without_query(url), expected, "{url}");
    }
}

#[test]
fn case_is_ignored_where_the_rule_says_so() {
    let folded = FingerprintRule { ignore_case: true, ..rule(&[IdentityPart::Title]) };
    let other = changed(|record| record.title = "SJÄLVSIGNERAT certifikat".into());
    assert_eq!(parts(&folded, &record()), parts(&folded, &other));
    assert_ne!(parts(&rule(&[IdentityPart::Title]), &record()), parts(&rule(&[IdentityPart::Title]), &other));
}

#[test]
fn an_override_is_for_its_own_rule_key() {
    let special = RuleOverride { rule_key: "51192".into(), parts: vec![IdentityPart::RuleKey] };
    let with_override = FingerprintRule { overrides: vec![special], ..FingerprintRule::default() };
    let other_port = |record: &mut Observation| record.identity = vec!["8443".into()];
    assert_eq!(parts(&with_override, &record()), parts(&with_override, &changed(other_port)));
    let elsewhere = |record: &mut Observation| record.rule_key = "1".into();
    let (one, other) = (changed(elsewhere), changed(|record| (elsewhere(record), other_port(record)).1));
    assert_ne!(parts(&with_override, &one), parts(&with_override, &other));
}

#[test]
fn silence_makes_no_two_records_one() {
    let by_cve = rule(&[IdentityPart::Cves]);
    let silent = |key: &str| {
        changed(|record| {
            record.cves.clear();
            record.rule_key = key.into();
        })
    };
    assert_ne!(parts(&by_cve, &silent("1")), parts(&by_cve, &silent("2")));
    assert_eq!(parts(&by_cve, &silent("1")), parts(&FingerprintRule::default(), &silent("1")));
}

#[test]
fn what_is_not_stored_cannot_be_counted() {
    let record = record();
    let old = Told { identity: None, ..Told::from(&record) };
    assert_eq!(FingerprintRule::default().parts_of(&old), None);
    assert!(rule(&[IdentityPart::RuleKey, IdentityPart::Port]).parts_of(&old).is_some());
}

#[test]
fn a_wrong_rule_is_refused_with_its_place() {
    let of = |rule: FingerprintRule| -> Vec<String> {
        rule.normalise().unwrap_err().violations.into_iter().map(|violation| violation.pointer).collect()
    };
    let over = |key: &str, parts: &[IdentityPart]| RuleOverride { rule_key: key.into(), parts: parts.to_vec() };
    let with = |overrides| FingerprintRule { overrides, ..FingerprintRule::default() };
    assert_eq!(of(rule(&[])), ["/parts"]);
    assert_eq!(of(rule(&[IdentityPart::Port, IdentityPart::Port])), ["/parts"]);
    assert_eq!(of(with(vec![over("a\u{7}", &[])])), ["/overrides/0/rule_key", "/overrides/0/parts"]);
    assert_eq!(of(with(vec![over(&"x".repeat(501), &[IdentityPart::Port])])), ["/overrides/0/rule_key"]);
    let port = over("a", &[IdentityPart::Port]);
    assert_eq!(of(with(vec![port.clone(), port.clone()])), ["/overrides"]);
    assert_eq!(of(with((0..101).map(|n| over(&n.to_string(), &[IdentityPart::Port])).collect())), ["/overrides"]);
}

fn side<'a>(record: &'a Observation, id: u128, source: u128) -> Side<'a> {
    Side {
        id: FindingId(Uuid::from_u128(id)),
        source_id: SourceId(Uuid::from_u128(source)),
        source: if source == 1 { "nessus" } else { "nuclei" },
        asset: Some(AssetId(Uuid::from_u128(7))),
        identifiers: None,
        told: Told::from(record),
        merged_into: None,
        is_withheld: false,
    }
}

fn told(explanation: &Explanation) -> String {
    explanation.reasons.join(" ")
}

#[test]
fn why_two_findings_are_not_one() {
    let (one, other) = (record(), changed(|record| record.identity = vec!["8443".into(), "tcp".into()]));
    let explained = explain(&side(&one, 1, 1), &side(&other, 2, 1), &FingerprintRule::default(), 0);
    assert_eq!(explained.sameness, Sameness::Different);
    assert!(told(&explained).contains("`identity` differs: the one says `443`, `tcp`, the other `8443`, `tcp`."));
    assert!(told(&explained).contains("the importer's own rule counts asset, rule_key, identity"));
    let explained = explain(&side(&one, 1, 1), &side(&other, 2, 1), &rule(&[IdentityPart::RuleKey]), 3);
    assert_eq!((explained.sameness, explained.rule_version), (Sameness::Same, 3));
    assert_eq!(explain(&side(&one, 1, 1), &side(&one, 2, 2), &rule(&[]), 0).sameness, Sameness::Related);
    let elsewhere = Side { asset: None, ..side(&one, 2, 1) };
    assert_eq!(
        explain(&side(&one, 1, 1), &elsewhere, &rule(&[IdentityPart::RuleKey]), 1).sameness,
        Sameness::Different
    );
}

#[test]
fn merged_findings_are_one_however_they_differ() {
    let record = record();
    let survivor = side(&record, 1, 1);
    let merged = Side { merged_into: Some(survivor.id), ..side(&record, 2, 2) };
    for (one, other) in
        [(survivor, merged), (merged, survivor), (merged, Side { id: FindingId(Uuid::nil()), ..merged })]
    {
        let explained = explain(&one, &other, &FingerprintRule::default(), 0);
        assert_eq!(explained.sameness, Sameness::Merged);
        assert!(explained.reasons[0].contains("merged into"), "{:?}", explained.reasons);
    }
}

#[test]
fn what_is_withheld_is_neither_shown_nor_compared() {
    let (one, other) = (record(), changed(|record| record.location.port = Some(8443)));
    for other in [&one, &other] {
        let red = Side { is_withheld: true, ..side(other, 2, 1) };
        let explained = explain(&side(&one, 1, 1), &red, &rule(&[IdentityPart::RuleKey, IdentityPart::Port]), 1);
        assert_eq!(explained.sameness, Sameness::Unknown);
        let port = explained.parts.iter().find(|part| part.part == "port").unwrap();
        assert_eq!((port.withheld, port.equal, port.one.len(), port.other.len()), (true, None, 0, 0));
        assert!(!format!("{explained:?}").contains("443"), "{explained:?}");
    }
}
