use crate::import::test_support::{fixture, observations, records, records_within, rejected};
use crate::import::{Limits, Record, sniff};
use domain::{AssetKind, FindingKind, IdentifierKind, ImportFormat::Nuclei, Observation, Severity};

fn norrvik() -> Vec<Record> {
    records(Nuclei, &fixture("nuclei/norrvik.jsonl")).unwrap()
}

fn norrviks_findings() -> Vec<Observation> {
    let kept = |record| if let Record::Observation(observation) = record { Some(*observation) } else { None };
    norrvik().into_iter().filter_map(kept).collect()
}

fn addresses(finding: &Observation) -> Vec<(IdentifierKind, &str)> {
    finding.asset.iter().flat_map(|asset| &asset.identifiers).map(|i| (i.kind, i.value.as_str())).collect()
}

#[test]
fn every_field_of_a_result_finds_its_place() {
    let finding = norrviks_findings().remove(0);
    assert_eq!(finding.title, "Apache 2.4.49 – sökväg utanför roten");
    assert_eq!(finding.description, "Filer utanför roten kan läsas.");
    assert_eq!(finding.consequence.as_deref(), Some("Lösenord kan läsas."));
    assert_eq!(finding.recommendation.as_deref(), Some("Uppdatera."));
    assert_eq!((finding.severity, finding.source_severity.as_deref()), (Severity::High, Some("high")));
    assert_eq!(finding.kind, FindingKind::Vulnerability);
    assert_eq!(finding.cvss_score, Some(7.5));
    assert_eq!(
        (finding.cves.as_slice(), finding.cwes.as_slice()),
        (&["CVE-2021-41773".into()][..], &["CWE-22".into()][..])
    );
    assert_eq!(finding.references, ["https://a.example/å"]);
    assert_eq!(finding.tags, ["apache", "cve", "lfi"]);
    assert_eq!(finding.rule_key, "norrvik-apache-path");
    assert_eq!(finding.identity, ["https://bygglov.norrvik.example:8443/cgi-bin/.%2e/", "lösen", ""]);
    assert_eq!(finding.evidence.as_deref(), Some("root:x:0\nåäö\n\nGET /cgi-bin HTTP/1.1\n\nHTTP/1.1 200 OK"));
    assert_eq!(finding.observed_at.unwrap().to_rfc3339(), "2026-11-03T09:00:00.123+00:00");
    let place = &finding.location;
    assert_eq!(
        (place.port, place.protocol.as_deref(), place.service.as_deref()),
        (Some(8443), Some("tcp"), Some("https"))
    );
    assert_eq!(
        addresses(&finding),
        [(IdentifierKind::Fqdn, "bygglov.norrvik.example"), (IdentifierKind::Ip, "192.0.2.20")]
    );
    assert_eq!(finding.asset.unwrap().kind, AssetKind::WebApplication);
}

#[test]
fn keys_of_the_old_version_are_read_alike() {
    let finding = norrviks_findings().remove(1);
    assert_eq!((finding.rule_key.as_str(), finding.kind), ("gammal-mall", FindingKind::Misconfiguration));
    assert_eq!(finding.tags, ["exposure", "php"]);
    assert_eq!(finding.references, ["https://a.example/1", "https://a.example/2"]);
    assert_eq!(finding.evidence.as_deref(), Some("v1"));
    assert_eq!(finding.identity[0], "https://www.norrvik.example/setup");
    assert_eq!(finding.location.port, Some(443));
    assert_eq!(addresses(&finding), [(IdentifierKind::Fqdn, "www.norrvik.example")], "a loopback address is nobody's");
}

#[test]
fn what_a_result_leaves_out_is_found_elsewhere() {
    let findings = norrviks_findings();
    let (ssh, nameless) = (&findings[2], &findings[3]);
    assert_eq!((ssh.kind, ssh.location.port, ssh.observed_at), (FindingKind::Observation, Some(22), None));
    assert_eq!(addresses(ssh), [(IdentifierKind::Ip, "192.0.2.21")]);
    assert_eq!((nameless.title.as_str(), nameless.severity), ("utan-värd", Severity::Critical));
    assert_eq!(addresses(nameless), [(IdentifierKind::Ip, "2001:db8::20")]);
    assert_eq!(nameless.location.port, Some(8080));
}

#[test]
fn a_broken_line_costs_one_record() {
    let records = norrvik();
    let places: Vec<_> = rejected(&records).into_iter().map(|r| (r.place.as_str(), &r.reason[..14])).collect();
    assert_eq!(records.len(), 8);
    assert_eq!(
        places,
        [
            ("line 4", "it is not JSON"),
            ("line 6", "it has neither"),
            ("line 8", "its template d"),
            ("line 9", "it is not an o"),
        ]
    );
}

#[test]
fn an_array_is_read_result_by_result() {
    let findings = observations(Nuclei, &fixture("nuclei/alvsund.json"));
    assert_eq!(
        addresses(&findings[0]),
        [(IdentifierKind::Fqdn, "älvsund.example"), (IdentifierKind::Ip, "2001:db8::30")]
    );
    assert_eq!((findings[0].kind, findings[0].location.port), (FindingKind::Misconfiguration, Some(443)));
    assert_eq!((findings[1].location.path.as_deref(), &findings[1].asset), (Some("/srv/åäö/.env"), &None));
}

#[test]
fn a_single_object_may_be_printed_over_several_lines() {
    let text = "\u{feff}\r\n{\r\n  \"template-id\": \"a\",\r\n  \"info\": {\"name\": \"å\"}\r\n}\r\n";
    assert_eq!(observations(Nuclei, text.as_bytes())[0].title, "å");
    assert!(records(Nuclei, &text.as_bytes()[..text.len() - 4]).is_err());
    assert!(records(Nuclei, format!("{text}slut").as_bytes()).unwrap_err().contains("expected value at line 6"));
    let several = format!("{text}{{\"template-id\":\n\"b\"}}\n{{\n}}");
    let read = records(Nuclei, several.as_bytes()).unwrap();
    assert_eq!((read.len(), rejected(&read)[0].place.as_str()), (3, "object 3"));
}

#[test]
fn the_first_releases_of_version_2_wrote_everything_side_by_side() {
    let text = "{\"severity\":\"low\",\"matcher_name\":\"iis\",\"matched\":\"https://www.alvsund.example/a\",\
                \"template\":\"tech-detect\",\"type\":\"http\",\"name\":\"Teknik\",\"tags\":\"tech\"}\n\
                {\"template\":\"CVE-2020-3452\",\"type\":\"http\",\"matched\":\"https://alvsund.example/\"}";
    assert_eq!(sniff(text.as_bytes()), Some(Nuclei));
    let findings = observations(Nuclei, text.as_bytes());
    let first = &findings[0];
    assert_eq!((first.rule_key.as_str(), first.title.as_str()), ("tech-detect", "Teknik"));
    assert_eq!((first.severity, first.kind), (Severity::Low, FindingKind::Observation));
    assert_eq!(first.identity, ["https://www.alvsund.example/a", "iis", ""]);
    assert_eq!(addresses(first), [(IdentifierKind::Fqdn, "www.alvsund.example")]);
    assert_eq!((findings[1].title.as_str(), &findings[1].cves[..]), ("CVE-2020-3452", &["CVE-2020-3452".into()][..]));
}

#[test]
fn a_line_may_quote_bytes_that_are_not_utf_8() {
    let findings = observations(Nuclei, b"{\"template-id\":\"a\",\"response\":\"\xff\xe5\"}");
    assert_eq!(findings[0].evidence.as_deref(), Some("\u{fffd}\u{fffd}"));
}

#[test]
fn what_is_no_host_and_no_port_is_none() {
    let text = "{\"template-id\":\"a\",\"type\":\"file\",\"host\":\".env\",\"matched-at\":\".env\"}\n\
                {\"template-id\":\"a\",\"type\":\"tcp\",\"matched-at\":\"2001:db8::22\"}\n\
                {\"template-id\":\"a\",\"type\":\"tcp\",\"matched-at\":\"[2001:db8::22]:25\"}";
    let findings = observations(Nuclei, text.as_bytes());
    assert_eq!(findings[0].asset, None);
    assert_eq!((findings[1].location.port, findings[2].location.port), (None, Some(25)));
}

#[test]
fn nothing_found_is_a_report() {
    for text in ["", "  \n\n", "\u{feff}", "[]", " [ ]\n", "null"] {
        assert_eq!(records(Nuclei, text.as_bytes()), Ok(vec![]), "{text:?}");
    }
}

#[test]
fn what_is_no_list_of_results_is_refused() {
    for text in
        ["text", "<a/>", "[", "[{}", "[{}]]", "[{},]", "\"a\"", "nul", "[{\"template-id\": \"\\ud800\"}]", "[1e999]"]
    {
        assert!(records(Nuclei, text.as_bytes()).is_err(), "{text:?}");
    }
    let deep = format!("[{}{}]", "[".repeat(70), "]".repeat(70));
    assert!(records(Nuclei, deep.as_bytes()).unwrap_err().starts_with("nested deeper than 64 at line 1"));
}

#[test]
fn a_record_that_is_too_large_is_rejected_without_being_held() {
    let limits = Limits { record_bytes: 1_000, ..Limits::default() };
    let large = format!("{{\"template-id\":\"a\",\"x\":\"{}\",\"y\":\"{}\"}}", "å".repeat(300), "ö".repeat(300));
    let small = "{\"template-id\":\"b\"}";
    let lines = format!("{large}\n\n{small}");
    let read = records_within(Nuclei, lines.as_bytes(), &limits).unwrap();
    assert_eq!((read.len(), rejected(&read)[0].reason.as_str()), (2, "it is larger than 1000 bytes"));
    let array = format!("[{large},{small}]");
    let read = records_within(Nuclei, array.as_bytes(), &limits).unwrap();
    assert_eq!((read.len(), rejected(&read)[0].place.as_str()), (2, "[0]"));
    let text = format!("[{{\"a\":\"{}\"}}]", "x".repeat(20_000));
    assert!(records_within(Nuclei, text.as_bytes(), &limits).unwrap_err().contains("larger than 1000 bytes"));
    let many = format!("[[{}1],{small}]", "1,".repeat(200_000));
    assert_eq!(rejected(&records(Nuclei, many.as_bytes()).unwrap()).len(), 1);
}

#[test]
fn duplicate_keys_have_one_outcome() {
    let text = "{\"template-id\":\"a\",\"template-id\":\"b\",\"info\":{\"name\":\"x\"},\"info\":{\"name\":\"y\"}}";
    let finding = observations(Nuclei, text.as_bytes()).remove(0);
    assert_eq!((finding.rule_key.as_str(), finding.title.as_str()), ("b", "y"));
}

#[test]
fn results_are_recognised_by_their_first_members() {
    for text in [
        "{\"templateID\":\"a\",\"info\":{\"na",
        " [ {\"info\":{},\"template-id\":\"a\"",
        "{\n\"template-id\":\n\"a\", \"info\" : {",
    ] {
        assert_eq!(sniff(text.as_bytes()), Some(Nuclei), "{text}");
    }
    for text in [
        "",
        "[]",
        "{\"template-id\":\"a\"}",
        "{\"a\":{\"template-id\":1,\"info\":2}}",
        "{\"b\":\"template-id\",\"c\":\"info\"}",
    ] {
        assert_eq!(sniff(text.as_bytes()), None, "{text}");
    }
}
