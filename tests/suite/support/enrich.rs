//! What others know about CVEs, as the tests invent it.

use super::World;
use serde_json::json;
use service::{
    enrich::{self, Loaded},
    outbound::Seen,
};
use std::io::Cursor;

/// A catalogue of known exploited vulnerabilities, released on a day.
pub(crate) fn catalogue(day: &str, cves: &[&str]) -> Vec<u8> {
    let entry = |cve: &&str| {
        json!({"cveID": cve, "vendorProject": "Påhittad", "product": "x", "vulnerabilityName": "x", "shortDescription": "x",
            "requiredAction": "x", "dateAdded": "2024-03-01", "dueDate": "2024-03-22", "knownRansomwareCampaignUse": "Known"})
    };
    let entries: Vec<_> = cves.iter().map(entry).collect();
    json!({"title": "KEV", "catalogVersion": day, "dateReleased": format!("{day}T06:00:00.0000Z"), "count": entries.len(),
        "vulnerabilities": entries})
    .to_string()
    .into_bytes()
}

/// Exploit prediction scores of a day.
pub(crate) fn scores<'a>(day: &str, scores: impl IntoIterator<Item = (&'a str, f64)>) -> Vec<u8> {
    let head = format!("#model_version:v2025.03.14,score_date:{day}T00:00:00+0000\ncve,epss,percentile\n");
    let lines = scores.into_iter().map(|(cve, score)| format!("{cve},{score},0.5\n"));
    std::iter::once(head).chain(lines).collect::<String>().into_bytes()
}

impl World {
    /// Loads a catalogue and prioritises.
    pub(crate) async fn load_kev(&self, file: Vec<u8>) -> Loaded {
        let loaded = enrich::kev(self.auth.service(), Cursor::new(file), Seen::default()).await.expect("a catalogue");
        enrich::prioritise(self.auth.service()).await.expect("prioritised");
        loaded
    }

    /// Loads scores and prioritises.
    pub(crate) async fn load_epss(&self, file: Vec<u8>) -> Loaded {
        let loaded = enrich::epss(self.auth.service(), Cursor::new(file), Seen::default()).await.expect("scores");
        enrich::prioritise(self.auth.service()).await.expect("prioritised");
        loaded
    }
}
