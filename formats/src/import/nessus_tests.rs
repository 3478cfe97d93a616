use crate::import::test_support::{fixture, observations, records, records_within, rejected};
use crate::import::{Limits, Record};
use domain::{AssetKind, FindingKind, IdentifierKind, ImportFormat::Nessus, Observation, Severity};

fn norrvik() -> Vec<Record> {
    records(Nessus, &fixture("nessus/norrvik.nessus")).unwrap()
}

fn norrviks_findings() -> Vec<Observation> {
    let kept = |record| if let Record::Observation(observation) = record { Some(*observation) } else { None };
    norrvik().into_iter().filter_map(kept).collect()
}

/// A whole report of one host with these items.
fn report(items: &str) -> String {
    format!("<NessusClientData_v2><Report><ReportHost name=\"h\">{items}</ReportHost></Report></NessusClientData_v2>")
}

fn refusal(text: &str) -> String {
    records(Nessus, text.as_bytes()).unwrap_err()
}

#[test]
fn every_field_of_an_item_finds_its_place() {
    let finding = norrviks_findings().remove(0);
    assert_eq!(finding.title, "SMB-signering krävs inte & gästkonto <öppet>");
    assert_eq!(finding.description, "Rad ett\nrad två <b> med åäö.");
    assert_eq!(finding.recommendation.as_deref(), Some("Slå på SMB-signering."));
    assert_eq!((finding.severity, finding.source_severity.as_deref()), (Severity::High, Some("High")));
    assert_eq!(finding.kind, FindingKind::Vulnerability);
    assert_eq!(finding.cvss_vector.as_deref(), Some("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:L/A:N"));
    assert_eq!(finding.cvss_score, Some(5.3));
    assert_eq!(finding.cves, ["CVE-2017-0143", "CVE-2017-0144"]);
    assert_eq!(finding.cwes, ["CWE-20", "CWE-347"]);
    assert_eq!(finding.references, ["https://a.example/ett", "https://a.example/två"]);
    assert_eq!(finding.rule_key, "90001");
    assert_eq!(finding.identity, ["445", "tcp"]);
    assert_eq!(finding.evidence.as_deref(), Some("utdata <rå> ]] & slut"));
    assert_eq!(finding.tags, ["windows"]);
    let place = finding.location;
    assert_eq!(
        (place.port, place.protocol.as_deref(), place.service.as_deref()),
        (Some(445), Some("tcp"), Some("cifs"))
    );
    assert_eq!(finding.observed_at.unwrap().to_rfc3339(), "2026-11-02T22:30:00+00:00");
}

#[test]
fn a_host_is_known_by_all_its_identifiers() {
    let asset = norrviks_findings().remove(0).asset.unwrap();
    assert_eq!((asset.kind, asset.name.as_str()), (AssetKind::Host, "lön.norrvik.example"));
    let identifiers: Vec<_> = asset.identifiers.iter().map(|i| (i.kind, i.value.as_str())).collect();
    assert_eq!(
        identifiers,
        [
            (IdentifierKind::Ip, "192.0.2.10"),
            (IdentifierKind::Fqdn, "lön.norrvik.example"),
            (IdentifierKind::Hostname, "lon01"),
            (IdentifierKind::Fqdn, "lon-gammal.norrvik.example"),
            (IdentifierKind::Mac, "00:11:22:33:44:01"),
            (IdentifierKind::Mac, "00:11:22:33:55:01"),
            (IdentifierKind::CloudId, "i-0abc1234"),
        ]
    );
}

#[test]
fn an_item_without_severity_is_an_observation() {
    let finding = norrviks_findings().remove(1);
    assert_eq!((finding.kind, finding.severity), (FindingKind::Observation, Severity::Informational));
    assert_eq!((finding.description.as_str(), finding.recommendation), ("Värden berättar sin tid.", None));
    assert_eq!(finding.location.port, None);
}

#[test]
fn compliance_checks_of_one_plugin_stay_apart() {
    let findings = norrviks_findings();
    let (failed, passed) = (&findings[2], &findings[3]);
    assert_eq!((failed.kind, failed.severity), (FindingKind::Compliance, Severity::High));
    assert_eq!((failed.title.as_str(), failed.rule_key.as_str()), ("1.1.1 Lösenordets längd", "21156:ab12"));
    assert_eq!(failed.evidence.as_deref(), Some("8\n\n14"));
    assert_eq!((passed.kind, passed.severity), (FindingKind::Compliance, Severity::Informational));
    assert_ne!(failed.rule_key, passed.rule_key);
}

#[test]
fn compliance_checks_of_old_scanners_are_told_apart_by_their_description() {
    let item = |description: &str| {
        format!(
            "<ReportItem port=\"0\" severity=\"3\" pluginID=\"21157\" pluginName=\"Unix Compliance Checks\" \
             pluginFamily=\"Policy Compliance\"><description>{description}</description></ReportItem>"
        )
    };
    let items = ["\"1.1 Lösenord\" : [FAILED]\n\nFjärrvärde: 8", "\"1.2 Historik\": [PASSED]", "Se [1]"].map(item);
    let findings = observations(Nessus, report(&items.concat()).as_bytes());
    let told: Vec<_> = findings.iter().map(|f| (f.title.as_str(), f.rule_key.as_str(), f.severity)).collect();
    assert_eq!(
        told,
        [
            ("1.1 Lösenord", "21157:1.1 Lösenord", Severity::High),
            ("1.2 Historik", "21157:1.2 Historik", Severity::Informational),
            ("Unix Compliance Checks", "21157", Severity::High),
        ]
    );
    assert_eq!(findings[0].source_severity.as_deref(), Some("FAILED"));
}

#[test]
fn an_item_without_a_name_is_still_one() {
    let items = [
        "<ReportItem port=\"445\" protocol=\"tcp\" severity=\"0\" pluginID=\"0\" pluginName=\"\" pluginFamily=\"\"/>",
        "<ReportItem severity=\"1\" pluginID=\"7\"><synopsis>Värden svarar.</synopsis></ReportItem>",
        "<ReportItem severity=\"critical\" pluginID=\"8\"/>",
    ];
    let findings = observations(Nessus, report(&items.concat()).as_bytes());
    let told: Vec<_> = findings.iter().map(|f| (f.title.as_str(), f.severity)).collect();
    assert_eq!(
        told,
        [("Open port", Severity::Informational), ("Värden svarar.", Severity::Low), ("Plugin 8", Severity::Critical)]
    );
}

#[test]
fn an_item_without_id_is_rejected_with_its_place() {
    let records = norrvik();
    let rejected = rejected(&records);
    assert_eq!(records.len(), 7);
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].place, "ReportHost \"lön.norrvik.example\", ReportItem 5");
    assert_eq!(rejected[0].reason, "it has no pluginID");
}

#[test]
fn a_host_scanned_by_address_has_the_address_as_name() {
    let finding = norrviks_findings().pop().unwrap();
    let asset = finding.asset.unwrap();
    assert_eq!((asset.name.as_str(), asset.identifiers.len()), ("192.0.2.11", 1));
    assert_eq!(finding.severity, Severity::Medium, "the risk factor counts where the attribute is broken");
    assert_eq!((finding.cvss_vector, finding.cvss_score), (None, None), "a broken vector is dropped");
    assert_eq!(finding.observed_at.unwrap().to_rfc3339(), "2026-11-02T22:30:00+00:00", "seconds come before the text");
    assert_eq!(finding.location.protocol.as_deref(), Some("tcp"));
}

#[test]
fn the_web_dialect_names_places_by_url() {
    let findings = observations(Nessus, &fixture("nessus/alvsund_was.nessus"));
    let asset = findings[0].asset.as_ref().unwrap();
    assert_eq!((asset.kind, asset.name.as_str()), (AssetKind::WebApplication, "bygglov.älvsund.example"));
    assert_eq!(findings[0].location.url.as_deref(), Some("https://bygglov.älvsund.example/sök"));
    assert_eq!(findings[0].cwes, ["CWE-79"]);
    assert_eq!(findings[0].references.len(), 2);
    assert_eq!(findings[0].observed_at.unwrap().to_rfc3339(), "2026-11-03T14:35:34.341+00:00");
    assert_eq!(findings[1].location.url.as_deref(), Some("https://bygglov.älvsund.example/"));
    assert_eq!(findings[1].recommendation, None);
}

#[test]
fn entities_of_the_report_are_never_resolved() {
    let dtd = "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    let item = "<ReportItem pluginID=\"1\" pluginName=\"n\"><description>&x;</description></ReportItem>";
    assert!(refusal(&format!("{dtd}{}", report(item))).contains("the entity &x; is not resolved, at byte "));
    let skipped = "<Policy a=\"&x;\"/>";
    assert!(refusal(&report(skipped)).contains("an attribute cannot be read"));
    assert!(refusal(&report("&nbsp;")).contains("&nbsp;"));
    let plain = format!("\u{feff}{dtd}{}", report("<ReportItem pluginID=\"1\" pluginName=\"&#229;&amp;&lt;\"/>"));
    assert_eq!(observations(Nessus, plain.as_bytes())[0].title, "å&<");
}

#[test]
fn a_document_that_is_not_whole_is_refused() {
    let whole = report("");
    for broken in [
        "",
        "   ",
        "text",
        "<a/>",
        "<Report/>",
        "<NessusClientData_v2>",
        "<NessusClientData_v2><a></b></NessusClientData_v2>",
        "<!-->",
        "<![CDATA[x]]>",
        "<NessusClientData_v2/>slut",
        "&amp;<NessusClientData_v2/>",
        "<NessusClientData_v2 a=1/>",
        "<NessusClientData_v2 a=\"1\" a=\"2\"/>",
        "<NessusClientData_v2/><!DOCTYPE x>",
        "<>",
        "</a>",
    ] {
        assert!(records(Nessus, broken.as_bytes()).is_err(), "{broken}");
    }
    assert!(refusal(&format!("{whole}{whole}")).contains("second root element"));
    assert!(refusal(&whole[..whole.len() - 5]).contains("at byte"));
    assert!(refusal("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><NessusClientData_v2/>").contains("ISO-8859-1"));
    assert!(records(Nessus, b"<NessusClientData_v2>\xff</NessusClientData_v2>").is_err());
}

#[test]
fn nesting_is_bounded() {
    let deep = report(&("<a>".repeat(62) + &"</a>".repeat(62)));
    assert!(refusal(&deep).contains("nested deeper than 64"));
}

#[test]
fn an_item_that_is_too_large_is_rejected_and_a_single_text_refused() {
    let limits = Limits { record_bytes: 1_000, ..Limits::default() };
    let part = format!("<synopsis>{}</synopsis>", "x".repeat(500));
    let item = format!("<ReportItem pluginID=\"1\" pluginName=\"n\">{}</ReportItem>", part.repeat(4));
    let text = report(&(item + "<ReportItem pluginID=\"2\" pluginName=\"n\"/>"));
    let read = records_within(Nessus, text.as_bytes(), &limits).unwrap();
    assert_eq!((read.len(), rejected(&read).len()), (2, 1));
    assert_eq!(rejected(&read)[0].reason, "it is larger than 1000 bytes");

    let text = report(&"x".repeat(2_000));
    assert_eq!(
        records_within(Nessus, text.as_bytes(), &limits).unwrap_err(),
        "a single value is larger than 1000 bytes, near byte 1050"
    );
}

#[test]
fn texts_are_bounded_and_cleaned() {
    let item = format!(
        "<ReportItem pluginID=\"1\" pluginName=\"{}\"><description>{}\u{202e}</description></ReportItem>",
        "å".repeat(2_000),
        "ö\r\n".repeat(30_000),
    );
    let finding = observations(Nessus, report(&item).as_bytes()).remove(0);
    assert_eq!(finding.title.chars().count(), 500);
    assert_eq!(finding.description.chars().count(), 20_000);
    assert!(!finding.description.contains('\r'));
}

#[test]
fn items_outside_a_host_and_items_within_items_are_not_findings() {
    let text = "<NessusClientData_v2><ReportItem pluginID=\"1\" pluginName=\"n\"/></NessusClientData_v2>";
    assert_eq!(rejected(&records(Nessus, text.as_bytes()).unwrap())[0].reason, "it stands outside a ReportHost");
    let nested =
        "<ReportItem pluginID=\"1\" pluginName=\"n\"><ReportItem pluginID=\"2\" pluginName=\"m\"/></ReportItem>";
    assert_eq!(observations(Nessus, report(nested).as_bytes()).len(), 1);
}

/// A report of one host with these properties and items.
fn host(properties: &[(&str, &str)], items: &str) -> Vec<Record> {
    let tags: String = properties.iter().map(|(name, value)| format!("<tag name=\"{name}\">{value}</tag>")).collect();
    records(Nessus, report(&format!("<HostProperties>{tags}</HostProperties>{items}")).as_bytes()).unwrap()
}

#[test]
fn a_host_that_was_scanned_to_its_end_without_items_is_covered() {
    let ended = ("HOST_END_TIMESTAMP", "1793658600");
    let Some(Record::Covered(covered)) = host(&[ended], "").pop() else { panic!("not covered") };
    let (asset, at) = (covered.asset.unwrap(), covered.observed_at.unwrap());
    assert_eq!((asset.name.as_str(), at.timestamp()), ("h", 1_793_658_600));
    assert_eq!(host(&[("HOST_START_TIMESTAMP", "1793658600")], ""), [], "it was cut off");
    assert_eq!(host(&[], ""), [], "nothing says that it was scanned");
    assert!(matches!(host(&[ended], "<ReportItem port=\"0\"/>")[..], [Record::Rejected(_)]), "it has an item");
}

#[test]
fn a_host_that_did_not_answer_says_so() {
    let unanswered = |properties: &[(&str, &str)], items: &str| -> bool {
        let Some(Record::Observation(observation)) = host(properties, items).pop() else { panic!("a record") };
        observation.unanswered
    };
    let item = |plugin: &str, output: &str| {
        let id = format!("pluginID=\"{plugin}\" pluginName=\"x\"");
        format!("<ReportItem port=\"0\" {id}><plugin_output>{output}</plugin_output></ReportItem>")
    };
    let (start, end) = (("HOST_START", "Mon Nov  2 21:00:00 2026"), ("HOST_END", "Mon Nov  2 22:30:00 2026"));
    let dead = "The remote host (192.0.2.9) is considered as dead - not scanning";
    assert!(unanswered(&[start, end], &item("10180", dead)));
    assert!(!unanswered(&[start, end], &item("10180", "The remote host is up")));
    assert!(!unanswered(&[start, end], &item("10181", dead)), "what another check quotes");
    assert!(unanswered(&[start], &item("1", "")) && !unanswered(&[], &item("1", "")));
}
