use crate::import::test_support::{fixture, observations, records, records_within, rejected};
use crate::import::{Limits, Record, sniff};
use domain::{AssetKind, FindingKind, ImportFormat::Sarif, Observation, Severity};

fn alvsund() -> Vec<Record> {
    records(Sarif, &fixture("sarif/alvsund.sarif")).unwrap()
}

fn alvsunds_findings() -> Vec<Observation> {
    let kept = |record| if let Record::Observation(observation) = record { Some(*observation) } else { None };
    alvsund().into_iter().filter_map(kept).collect()
}

/// A whole report of one run with these results.
fn report(results: &str) -> String {
    format!(
        "{{\"version\":\"2.1.0\",\"runs\":[{{\"tool\":{{\"driver\":{{\"name\":\"x\"}}}},\"results\":[{results}]}}]}}"
    )
}

/// The identities of results of one rule with these members.
fn identities(results: &[&str]) -> Vec<Vec<String>> {
    let results: Vec<String> = results.iter().map(|members| format!("{{\"ruleId\":\"r\",{members}}}")).collect();
    observations(Sarif, report(&results.join(",")).as_bytes()).into_iter().map(|o| o.identity).collect()
}

#[test]
fn every_field_of_a_result_and_its_later_rule_finds_its_place() {
    let finding = alvsunds_findings().remove(0);
    assert_eq!(finding.tool.as_deref(), Some("CodeQL"));
    assert_eq!(finding.title, "SQL-fråga byggs av indata");
    assert_eq!(finding.description, "Värdet sökord når databasen.\n\nIndata når en SQL-fråga.");
    assert_eq!(finding.recommendation.as_deref(), Some("Använd parametrar."));
    assert_eq!((finding.severity, finding.source_severity.as_deref()), (Severity::High, Some("8.8")));
    assert_eq!(finding.kind, FindingKind::Vulnerability);
    assert_eq!((finding.cwes.as_slice(), finding.tags.as_slice()), (&["CWE-89".into()][..], &["security".into()][..]));
    assert_eq!(finding.references, ["https://a.example/sql"]);
    assert_eq!(finding.rule_key, "js/sql-injektion");
    assert_eq!(finding.evidence.as_deref(), Some("db.query(sökord)"));
    assert_eq!(finding.observed_at.unwrap().to_rfc3339(), "2026-11-05T02:00:00+00:00");
    assert_eq!(finding.identity, ["src/sök.js", "primaryLocationLineHash=9cbc869fbfffeb60:1"]);
    let place = finding.location;
    assert_eq!((place.path.as_deref(), place.logical.as_deref()), (Some("src/sök.js"), Some("sök.hämta")));
    assert_eq!((place.line, place.end_line, place.column), (Some(12), Some(13), Some(5)));
    let asset = finding.asset.unwrap();
    assert_eq!((asset.kind, asset.name.as_str()), (AssetKind::Repository, "alvsund/etjanst"));
    assert_eq!(asset.identifiers[0].value, "https://git.alvsund.example/alvsund/etjanst");
}

#[test]
fn a_case_of_a_rule_inherits_from_it() {
    let finding = alvsunds_findings().remove(1);
    assert_eq!(finding.rule_key, "js/sql-injektion/variant");
    assert_eq!(finding.description, "Fallet å.\n\nIndata når en SQL-fråga.");
    assert_eq!(finding.location.path.as_deref(), Some("C:/kod/a.js"));
    assert_eq!(finding.tags, ["security", "suppressed"]);
    assert_eq!(finding.cwes, ["CWE-89"]);
}

#[test]
fn a_result_that_reports_no_weakness_is_an_observation() {
    let finding = alvsunds_findings().remove(2);
    assert_eq!((finding.kind, finding.severity), (FindingKind::Observation, Severity::Informational));
    assert_eq!((finding.rule_key.as_str(), finding.title.as_str()), ("ext/1", "Tilläggets regel"));
    assert_eq!((finding.cwes, finding.source_severity.as_deref()), (vec!["CWE-20".to_owned()], Some("pass")));
}

#[test]
fn a_result_without_a_rule_stands_for_itself() {
    let finding = alvsunds_findings().remove(3);
    assert_eq!((finding.rule_key.as_str(), finding.title.as_str()), ("unspecified", "Rad ett"));
    assert_eq!((finding.severity, finding.tags), (Severity::Medium, vec![]));
    let dependency = alvsunds_findings().remove(4);
    assert_eq!((dependency.severity, dependency.cves), (Severity::Critical, vec!["CVE-2021-44228".to_owned()]));
}

#[test]
fn a_result_of_the_wrong_shape_costs_one_record() {
    let records = alvsund();
    let rejected: Vec<_> = rejected(&records).into_iter().map(|r| (r.place.as_str(), r.reason.as_str())).collect();
    assert_eq!(records.len(), 9);
    assert_eq!(
        rejected,
        [
            ("runs[0].results[5]", "`ruleId` is not a text"),
            ("runs[0].results[6]", "it has neither message nor rule"),
            ("runs[0].results[7]", "it is not an object"),
            ("runs[0].results[8]", "`locations` is not an array"),
        ]
    );
}

#[test]
fn a_rule_is_found_in_the_component_and_by_the_case_that_the_result_names() {
    let tool = "{\"driver\":{\"rules\":[{\"id\":\"CA1\",\"shortDescription\":{\"text\":\"ett\"}},\
                {\"id\":\"CA10\",\"shortDescription\":{\"text\":\"tio\"}}],\"globalMessageStrings\":{\"m\":{\"text\":\"fel\"}}},\
                \"extensions\":[{\"name\":\"Tillägg\",\"rules\":[{\"id\":\"T1\",\"shortDescription\":{\"text\":\"tillägg\"},\
                \"properties\":{\"cwe\":[\"CWE-79\"]}}],\"globalMessageStrings\":{\"m\":{\"text\":\"rätt\"}}}]}";
    let results = "{\"ruleId\":\"CA10\",\"ruleIndex\":0},{\"ruleId\":\"CA1/x\",\"ruleIndex\":0},\
                   {\"rule\":{\"index\":0,\"toolComponent\":{\"name\":\"Tillägg\"}},\"message\":{\"id\":\"m\"}}";
    let text = format!("{{\"version\":\"2.1.0\",\"runs\":[{{\"tool\":{tool},\"results\":[{results}]}}]}}");
    let findings = observations(Sarif, text.as_bytes());
    assert_eq!(findings.iter().map(|f| f.title.as_str()).collect::<Vec<_>>(), ["tio", "ett", "tillägg"]);
    assert_eq!((findings[2].description.as_str(), &findings[2].cwes[..]), ("rätt", &["CWE-79".to_owned()][..]));
}

#[test]
fn a_file_may_be_named_by_its_place_in_the_list_of_files() {
    let text = "{\"version\":\"2.1.0\",\"runs\":[{\"results\":[{\"ruleId\":\"r\",\"locations\":[{\"physicalLocation\":\
                {\"artifactLocation\":{\"index\":1}}}]}],\"artifacts\":[{},{\"location\":{\"uri\":\"src/%C3%A5.c\"}}]}]}";
    assert_eq!(observations(Sarif, text.as_bytes())[0].location.path.as_deref(), Some("src/å.c"));
    let limits = Limits { record_bytes: 100, ..Limits::default() };
    let many = text.replace("[{},", &format!("[{{}},{}", "{},".repeat(1_000)));
    let read = records_within(Sarif, many.as_bytes(), &limits).unwrap();
    assert_eq!((read.len(), rejected(&read).len()), (1, 0), "files that are too many are left out");
}

#[test]
fn kind_level_and_baseline_decide_the_severity() {
    let severity = |members: &str| {
        let finding = observations(Sarif, report(&format!("{{\"ruleId\":\"r\",{members}}}")).as_bytes()).remove(0);
        (finding.kind, finding.severity)
    };
    use FindingKind::{Observation as Told, Vulnerability};
    use Severity::{High, Informational, Medium};
    assert_eq!(severity("\"kind\":\"fail\""), (Vulnerability, Medium));
    assert_eq!(severity("\"kind\":\"review\""), (Vulnerability, Informational));
    assert_eq!(severity("\"kind\":\"open\",\"level\":\"error\""), (Vulnerability, High));
    assert_eq!(severity("\"baselineState\":\"unchanged\",\"level\":\"error\""), (Vulnerability, High));
    assert_eq!(severity("\"baselineState\":\"absent\",\"level\":\"error\""), (Told, Informational));
}

#[test]
fn a_side_member_of_the_wrong_type_costs_nothing() {
    let odd = "\"fingerprints\":[],\"partialFingerprints\":1,\"properties\":\"x\",\"suppressions\":{},\"taxa\":0";
    let finding = observations(Sarif, report(&format!("{{\"ruleId\":\"r\",{odd}}}")).as_bytes()).remove(0);
    assert_eq!((finding.severity, finding.tags), (Severity::Medium, vec![]));
}

#[test]
fn results_at_different_places_stay_apart() {
    let at = |line: u32, rest: &str| {
        format!(
            "\"message\":{{\"text\":\"m\"}},\"locations\":[{{\"physicalLocation\":{{\"artifactLocation\":{{\"uri\":\"a\"}},\
             \"region\":{{\"startLine\":{line}}}}}}}]{rest}"
        )
    };
    let login = ",\"fingerprints\":{\"matchBasedId/v1\":\"requires login\"}";
    let coarse = ",\"partialFingerprints\":{\"file\":\"0123456789abcdef\"}";
    for rest in ["", login, coarse] {
        let found = identities(&[&at(1, rest), &at(2, rest), &at(1, rest)]);
        assert_ne!(found[0], found[1], "{rest}");
        assert_eq!(found[0], found[2], "{rest}");
    }
    let moved = identities(&[&at(7, coarse)]);
    assert_eq!(moved, identities(&[&at(9, coarse)]), "a fingerprint outlives a move");
    let named = identities(&["\"message\":{\"text\":\"a\"}", "\"message\":{\"text\":\"b\"}"]);
    assert_ne!(named[0], named[1]);
}

#[test]
fn places_are_read_leniently() {
    let uri = |uri: &str| {
        let location = format!(
            "{{\"physicalLocation\":{{\"artifactLocation\":{{\"uri\":\"{uri}\"}},\"region\":{{\"startLine\":-1}}}}}}"
        );
        let result = format!("{{\"ruleId\":\"r\",\"locations\":[{location}]}}");
        let location = observations(Sarif, report(&result).as_bytes()).remove(0).location;
        assert_eq!(location.line, None);
        location.path.or(location.url).unwrap_or_default()
    };
    assert_eq!(uri("./a/å%20b.c"), "a/å b.c");
    assert_eq!(uri("file:///srv/a"), "/srv/a");
    assert_eq!(uri("file://värd/srv/a"), "/srv/a");
    assert_eq!(uri("%ff%zz%"), "%ff%zz%");
    assert_eq!(uri("https://a.example/b%20c"), "https://a.example/b%20c");
}

#[test]
fn other_versions_and_reports_without_runs_are_refused() {
    let refusal = |text: &str| records(Sarif, text.as_bytes()).unwrap_err();
    assert!(
        refusal("{\"version\":\"2.0.0\",\"runs\":[]}").ends_with("not SARIF of version 2.1.0, but of version 2.0.0")
    );
    assert_eq!(records(Sarif, b"{\"version\":\"2.1.0-rtm.5\",\"runs\":[]}"), Ok(vec![]));
    assert!(refusal("{\"version\":2.1,\"runs\":[]}").contains("not SARIF of version 2.1.0"));
    assert!(refusal("{\"runs\":[]}").contains("not SARIF"));
    assert!(refusal("{\"version\":\"2.1.0\"}").contains("no `runs`"));
    assert!(refusal("{\"version\":\"2.1.0\",\"runs\":null}").contains("no `runs`"));
    assert_eq!(records(Sarif, b"{\"$schema\":\"x/sarif-2.1.0.json\",\"runs\":[{},{\"results\":null}]}"), Ok(vec![]));
}

#[test]
fn what_is_not_whole_is_refused_with_its_line() {
    for text in [
        "",
        "null",
        "[]",
        "{",
        "{\"version\":\"2.1.0\",\"runs\":[]",
        "{\"version\":\"2.1.0\",\"runs\":[{\"results\":{}}]}",
        "{\"version\":\"2.1.0\",\"runs\":{}}",
        "{\"version\":\"2.1.0\",\"runs\":[1]}",
    ] {
        assert!(records(Sarif, text.as_bytes()).is_err(), "{text}");
    }
    let trailing = records(Sarif, format!("{}\n x", report("")).as_bytes()).unwrap_err();
    assert_eq!(trailing, "trailing characters at line 2 column 2");
    for place in ["{\"a\":#}", "{\"codeFlows\":#}"] {
        let deep = report(&place.replace('#', &("[".repeat(100_000) + &"]".repeat(100_000))));
        let refusal = records(Sarif, deep.as_bytes()).unwrap_err();
        assert!(refusal.starts_with("nested deeper than 64 at line 1 column"), "{refusal}");
    }
}

#[test]
fn rules_are_bounded() {
    let limits = Limits { rules: 10, ..Limits::default() };
    let rules = |count: usize| {
        let rules = vec!["{\"id\":\"a\"}"; count].join(",");
        format!("{{\"version\":\"2.1.0\",\"runs\":[{{\"tool\":{{\"driver\":{{\"rules\":[{rules}]}}}}}}]}}")
    };
    assert_eq!(records_within(Sarif, rules(8).as_bytes(), &limits), Ok(vec![]));
    assert!(records_within(Sarif, rules(9).as_bytes(), &limits).unwrap_err().contains("too many runs and rules"));
    let runs = format!("{{\"version\":\"2.1.0\",\"runs\":[{}{{}}]}}", "{},".repeat(20));
    assert!(records_within(Sarif, runs.as_bytes(), &limits).unwrap_err().contains("too many runs and rules"));
}

#[test]
fn a_result_that_is_too_large_is_rejected() {
    let limits = Limits { record_bytes: 10_000, ..Limits::default() };
    let large = format!(
        "{{\"ruleId\":\"a\",\"message\":{{\"text\":\"{}\",\"x\":\"{}\"}}}}",
        "x".repeat(8_000),
        "y".repeat(8_000)
    );
    let skipped = format!("{{\"ruleId\":\"a\",\"codeFlows\":[{}1]}}", "\"kodflöde\",".repeat(5_000));
    let text = report(&format!("{large},{skipped}"));
    let read = records_within(Sarif, text.as_bytes(), &limits).unwrap();
    assert_eq!(rejected(&read).iter().map(|r| r.place.as_str()).collect::<Vec<_>>(), ["runs[0].results[0]"]);
    assert_eq!(read.len(), 2);
}

#[test]
fn reports_are_recognised_by_schema_or_version() {
    for text in [
        "{\"$schema\":\"https://a.example/SARIF-schema-2.1.0.json\", \"ru",
        "{\"version\":\"2.1.0\",\"runs\":[",
        "{\"runs\":[{\"tool\":{\"driver\":{\"name\":\"x",
        "{\"runs\":[{\"results\":[{\"level\":\"note\",\"message\":{",
        "\u{feff}\n{\"runs\":[],\"version\" : \"2.1.0\"}",
    ] {
        assert_eq!(sniff(text.as_bytes()), Some(Sarif), "{text}");
    }
    for text in ["{\"runs\":[]}", "{\"version\":\"2.1.0\"}", "[{\"$schema\":\"sarif\"}]", "sarif"] {
        assert_eq!(sniff(text.as_bytes()), None, "{text}");
    }
}
