//! CISA's catalogue of known exploited vulnerabilities (KEV), as JSON: see its schema at
//! <https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities_schema.json>.

use super::{Plain, Refusal};
use crate::import::common;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use std::{collections::BTreeMap, io::BufRead};

/// Largest catalogue, after decompression. That of 2025 has 1.3 MB.
const LIMIT: u64 = 64 << 20;

/// The catalogue, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalogue {
    /// Its version: the date, and a number on days with several.
    pub version: String,
    /// When it was released.
    pub released: DateTime<Utc>,
    /// Its entries by CVE, each once.
    pub entries: BTreeMap<String, Entry>,
    /// Entries left out, since what they name is no CVE.
    pub rejected: u64,
}

/// What the catalogue says about a CVE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was added.
    pub added: NaiveDate,
    /// When CISA wants it mended in federal agencies.
    pub due: Option<NaiveDate>,
    /// Whether it is known to be used for ransomware.
    pub ransomware: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    catalog_version: String,
    date_released: DateTime<Utc>,
    count: u64,
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vulnerability {
    #[serde(rename = "cveID")]
    cve: String,
    date_added: NaiveDate,
    due_date: Option<NaiveDate>,
    #[serde(default)]
    known_ransomware_campaign_use: Option<String>,
}

/// Reads the catalogue, plain or gzip.
///
/// # Errors
/// A [`Refusal`] for anything else, and for one that holds not as many entries as it says: what is not in the
/// catalogue counts as not exploited, so one that was cut must not be believed.
pub fn read(source: impl BufRead) -> Result<Catalogue, Refusal> {
    let mut plain = Plain::new(source, LIMIT)?;
    let parsed: Result<Written, _> = serde_json::from_reader(&mut plain.source);
    plain.check_end()?;
    let written = parsed.map_err(|error| match error.is_io() {
        true => Refusal::Io(error.into()),
        false => Refusal::Invalid(format!("it is no KEV catalogue: {error}")),
    })?;
    let held = written.vulnerabilities.len() as u64;
    if held != written.count || held == 0 {
        return Err(Refusal::Invalid(format!("it says that it has {} entries and has {held}", written.count)));
    }
    let version = domain::text::clean_line(&written.catalog_version, 100);
    let mut catalogue = Catalogue { version, released: written.date_released, entries: BTreeMap::new(), rejected: 0 };
    for vulnerability in written.vulnerabilities {
        let Some(cve) = common::cve(&vulnerability.cve) else {
            catalogue.rejected += 1;
            continue;
        };
        let use_of = vulnerability.known_ransomware_campaign_use;
        let ransomware = use_of.is_some_and(|word| word.eq_ignore_ascii_case("known"));
        let entry = Entry { added: vulnerability.date_added, due: vulnerability.due_date, ransomware };
        catalogue.entries.entry(cve).or_insert(entry);
    }
    Ok(catalogue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    const SMALL: &str = r#"{"title": "KEV", "catalogVersion": "2026.11.24", "dateReleased": "2026-11-24T17:04:19.9796Z",
        "count": 3, "vulnerabilities": [
        {"cveID": "CVE-2021-44228", "vendorProject": "Apache", "dateAdded": "2021-12-10", "dueDate": "2021-12-24",
         "knownRansomwareCampaignUse": "Known", "cwes": ["CWE-20"]},
        {"cveID": "cve-2014-0160", "dateAdded": "2022-05-04", "dueDate": "2022-05-25", "knownRansomwareCampaignUse": "Unknown"},
        {"cveID": "GHSA-1", "dateAdded": "2022-05-04", "dueDate": null}]}"#;

    fn refused(text: &str) -> String {
        read(text.as_bytes()).expect_err("refused").to_string()
    }

    #[test]
    fn a_catalogue_is_read_by_cve() {
        let catalogue = read(SMALL.as_bytes()).unwrap();
        let date = |text: &str| text.parse::<NaiveDate>().unwrap();
        let log4j = Entry { added: date("2021-12-10"), due: Some(date("2021-12-24")), ransomware: true };
        assert_eq!(catalogue.entries.get("CVE-2021-44228"), Some(&log4j));
        assert!(!catalogue.entries["CVE-2014-0160"].ransomware);
        assert_eq!((catalogue.entries.len(), catalogue.rejected), (2, 1));
        assert_eq!(catalogue.released.date_naive(), date("2026-11-24"));
        assert_eq!(read(super::super::tests::gzip(SMALL.as_bytes()).as_slice()).unwrap(), catalogue);
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        assert!(refused(&SMALL.replace("\"count\": 3", "\"count\": 4")).contains("4 entries and has 3"));
        assert!(
            refused(
                r#"{"catalogVersion": "", "dateReleased": "2026-11-24T00:00:00Z", "count": 0, "vulnerabilities": []}"#
            )
            .contains("has 0")
        );
        assert!(refused(&SMALL[..SMALL.len() - 2]).contains("no KEV catalogue"));
        assert!(refused("<html>").contains("no KEV catalogue"));
        assert!(refused(&"[".repeat(10 << 20)).contains("no KEV catalogue"));
        assert!(refused(&format!("{SMALL} {{}}")).contains("no KEV catalogue"), "nothing may follow it");
    }

    #[test]
    fn the_real_catalogue_is_read_whole() {
        let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/specs");
        let folder = std::env::var_os("FYND_SPECS").map_or_else(beside, PathBuf::from);
        let Ok(bytes) = std::fs::read(folder.join("kev/known_exploited_vulnerabilities.json")) else {
            println!("no catalogue at {}: nothing to check", folder.display());
            return;
        };
        let catalogue = read(bytes.as_slice()).unwrap();
        assert_eq!((catalogue.version.as_str(), catalogue.entries.len()), ("2025.08.25", 1404));
        assert_eq!(catalogue.rejected, 0);
        assert!(catalogue.entries["CVE-2021-44228"].ransomware);
    }
}
