//! The corpus of real reports, which stands outside the repository for its
//! licences: every report must give as many records as an independent script
//! counted, and every hostile file its defined outcome.

use super::test_support::records;
use super::*;
use std::path::{Path, PathBuf};

/// `FYND_CORPUS`, else `shared/corpus` beside the repository; none where neither is there.
fn corpus() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let folder = std::env::var_os("FYND_CORPUS").map_or_else(beside, PathBuf::from);
    if folder.join("expected.json").is_file() {
        return Some(folder);
    }
    println!("no corpus at {}: nothing to check", folder.display());
    None
}

fn head(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(SNIFF_BYTES)]
}

#[test]
fn every_report_gives_as_many_records_as_were_counted() {
    let Some(corpus) = corpus() else { return };
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(corpus.join("expected.json")).unwrap()).unwrap();
    for (name, counted) in expected.as_object().unwrap() {
        let format = match name.split_once('/').unwrap().0 {
            _ if name.ends_with(".csv") => continue,
            "nessus" => ImportFormat::Nessus,
            "sarif" => ImportFormat::Sarif,
            "nuclei" => ImportFormat::Nuclei,
            _ => continue,
        };
        let bytes = std::fs::read(corpus.join(name)).unwrap();
        let read = records(format, &bytes).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        let count = |is: fn(&Record) -> bool| read.iter().filter(|record| is(record)).count() as u64;
        let findings = count(|record| matches!(record, Record::Observation(_)));
        assert_eq!(findings, counted["findings"].as_u64().unwrap(), "{name}");
        assert_eq!(count(|record| matches!(record, Record::Rejected(_))), 0, "{name}");
        assert_eq!(sniff(head(&bytes)), Some(format).filter(|_| !bytes.is_empty()), "{name}");
    }
}

#[test]
fn every_hostile_file_has_its_outcome() {
    let Some(corpus) = corpus() else { return };
    let outcome = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        sniff(head(&bytes)).map(|format| (format, records(format, &bytes).map(|records| records.len())))
    };
    for entry in std::fs::read_dir(corpus.join("hostile")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match (name.as_str(), outcome(&path)) {
            ("crlf_injection_1.jsonl" | "html_script_1.jsonl", found) => {
                assert_eq!(found, Some((ImportFormat::Nuclei, Ok(1))), "{name}");
            }
            ("truncated_1.sarif", found) => assert!(matches!(found, Some((ImportFormat::Sarif, Err(_)))), "{name}"),
            ("xxe_file_1.nessus", found) => assert!(matches!(found, Some((ImportFormat::Nessus, Err(_)))), "{name}"),
            (_, found) => assert_eq!(found, None, "{name}"),
        }
    }
}

#[test]
fn every_host_that_was_up_is_an_asset() {
    let Some(corpus) = corpus() else { return };
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(corpus.join("expected.json")).unwrap()).unwrap();
    for (name, counted) in expected.as_object().unwrap().iter().filter(|(name, _)| name.starts_with("nmap/")) {
        let mut source = std::io::Cursor::new(std::fs::read(corpus.join(name)).unwrap());
        let mut rows = Vec::new();
        let format = domain::AssetImportFormat::Nmap;
        assets::read(format, &mut source, &Limits::default(), &mut |row| rows.push(row)).unwrap();
        assert_eq!(rows.len() as u64, counted["up"].as_u64().unwrap(), "{name}");
        // A scanner that scans itself by its loopback address says nothing that another machine could not say.
        let is_fine = |row: &assets::Row| match row {
            assets::Row::Asset(_) => true,
            assets::Row::Rejected(rejected) => rejected.reason.starts_with("`127.0.0.1`"),
        };
        assert!(rows.iter().all(is_fine), "{name}: {rows:?}");
    }
}
