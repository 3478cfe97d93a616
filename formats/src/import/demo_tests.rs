//! The demonstration reports that the service brings along.

use super::test_support::observations;
use super::*;
use domain::Severity;
use std::collections::BTreeSet;
use std::path::PathBuf;

#[test]
fn demonstration_reports_are_whole_small_and_mixed() {
    for (name, format, count) in [
        ("norrvik.nessus", ImportFormat::Nessus, 25),
        ("alvsund.nessus", ImportFormat::Nessus, 12),
        ("norrvik-web.nuclei.jsonl", ImportFormat::Nuclei, 8),
        ("alvsund-eservice.sarif", ImportFormat::Sarif, 8),
    ] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../api/assets/demo").join(name);
        let bytes = std::fs::read(path).unwrap();
        assert!(bytes.len() < 40_000, "{name}");
        assert_eq!(sniff(&bytes), Some(format), "{name}");
        let findings = observations(format, &bytes);
        assert_eq!(findings.len(), count, "{name}");
        assert!(findings.iter().all(|finding| finding.asset.is_some() && finding.observed_at.is_some()), "{name}");
        let severities: BTreeSet<Severity> = findings.iter().map(|finding| finding.severity).collect();
        assert!(severities.len() >= 4, "{name}: {severities:?}");
        let keys: BTreeSet<_> = findings
            .iter()
            .map(|finding| (finding.asset.as_ref().map(|a| &a.name), &finding.rule_key, &finding.identity))
            .collect();
        assert_eq!(keys.len(), count, "{name}: every record is a finding of its own");
    }
}
