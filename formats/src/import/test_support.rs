//! What the tests of all formats share.

use super::*;
use domain::{Observation, RejectedRecord};
use std::io::Cursor;
use std::path::PathBuf;

/// A file of `tests/fixtures`, which all rooms' tests share.
pub(super) fn fixture(path: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads a report that is whole, or the reason it is refused for.
pub(super) fn records(format: ImportFormat, bytes: &[u8]) -> Result<Vec<Record>, String> {
    records_within(format, bytes, &Limits::default())
}

/// [`records`] with limits of the test's choice.
pub(super) fn records_within(format: ImportFormat, bytes: &[u8], limits: &Limits) -> Result<Vec<Record>, String> {
    let mut records = Vec::new();
    let mut source = Cursor::new(bytes);
    read(format, &mut source, limits, &mut |record| records.push(record)).map_err(|refusal| refusal.to_string())?;
    Ok(records)
}

/// The observations of a report without rejected records.
pub(super) fn observations(format: ImportFormat, bytes: &[u8]) -> Vec<Observation> {
    let observation = |record| match record {
        Record::Observation(observation) => *observation,
        other => panic!("{other:?}"),
    };
    records(format, bytes).unwrap().into_iter().map(observation).collect()
}

/// The rejected records of a report.
pub(super) fn rejected(records: &[Record]) -> Vec<&RejectedRecord> {
    records
        .iter()
        .filter_map(|record| if let Record::Rejected(rejected) = record { Some(rejected) } else { None })
        .collect()
}
