//! Tables with a line of headers (RFC 4180), as spreadsheets and CMDBs write them: with commas, or with
//! semicolons where the comma is the decimal sign, with or without a byte order mark.
//!
//! Columns that mean nothing here are read over.

use super::{
    Row,
    row::{Column, Draft, column, identifying},
};
use crate::import::{
    Limits, Refusal, Source,
    json::skip_mark,
    metered::{Allowance, Metered},
};
use csv::{ByteRecord, ErrorKind, ReaderBuilder, Terminator};
use domain::{Provenance, RejectedRecord};

/// The most columns of a table.
const COLUMNS: usize = 1_000;
/// The largest row, in bytes: what its columns may hold at most, many times over.
const ROW_BYTES: usize = 1 << 20;

pub(super) fn read(source: &mut dyn Source, limits: &Limits, each: &mut dyn FnMut(Row)) -> Result<(), Refusal> {
    skip_mark(source)?;
    let delimiter = delimiter(source.fill_buf()?);
    let allowance = Allowance::new(limits.record_bytes.min(ROW_BYTES));
    let mut builder = ReaderBuilder::new();
    // Rows are read as they are: the crate's own buffer would read on past the allowance.
    let table = builder.delimiter(delimiter).flexible(true).has_headers(false).buffer_capacity(8 << 10);
    // Cells are trimmed; a carriage return that ends a row apart would make the numbers of the lines lag behind.
    let table = table.terminator(Terminator::Any(b'\n'));
    let mut table = table.from_reader(Metered::new(source, &allowance));
    let mut record = ByteRecord::new();
    if !next(&mut table, &mut record, &allowance)? {
        return Err(Refusal::Invalid("the table is empty: its first line must name its columns".into()));
    }
    let columns = headers(&record)?;
    while next(&mut table, &mut record, &allowance)? {
        if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        each(row(&columns, &record, line));
    }
    Ok(())
}

/// Whichever of the two stands more often in the first line.
fn delimiter(head: &[u8]) -> u8 {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter| line.iter().filter(|byte| **byte == delimiter).count();
    let candidates = [b',', b';', b'\t'];
    candidates.into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

fn next(table: &mut csv::Reader<Metered<'_>>, record: &mut ByteRecord, allowance: &Allowance) -> Result<bool, Refusal> {
    allowance.renew();
    table.read_byte_record(record).map_err(|error| match error.into_kind() {
        ErrorKind::Io(error) => allowance.refusal(error),
        other => Refusal::Invalid(format!("the table cannot be read: {other:?}")),
    })
}

/// What each column says; none for those that mean nothing here.
fn headers(record: &ByteRecord) -> Result<Vec<Option<Column>>, Refusal> {
    if record.len() > COLUMNS {
        return Err(Refusal::Invalid(format!("the table has more than {COLUMNS} columns")));
    }
    let mut columns: Vec<Option<Column>> = Vec::with_capacity(record.len());
    for name in record {
        let name = std::str::from_utf8(name).map_err(|_| {
            Refusal::Invalid("the names of the columns are not UTF-8: save the table as CSV UTF-8".into())
        })?;
        let found = column(name);
        if found.is_some() && columns.contains(&found) {
            let name = domain::text::clean_line(name, 100);
            return Err(Refusal::Invalid(format!("two columns say the same; one of them is `{name}`")));
        }
        columns.push(found);
    }
    if !columns.iter().any(|column| matches!(column, Some(Column::Identifier(_)))) {
        let known = identifying();
        return Err(Refusal::Invalid(format!("no column names an asset; the first line must have one of {known}")));
    }
    Ok(columns)
}

fn row(columns: &[Option<Column>], record: &ByteRecord, line: u64) -> Row {
    let place = format!("line {line}");
    let rejected =
        |reason: &str| Row::Rejected(RejectedRecord { place: format!("line {line}"), reason: reason.to_owned() });
    if record.len() > columns.len() {
        return rejected("it has more cells than there are columns");
    }
    let mut draft = Draft::new(place, Provenance::Inventoried);
    for (column, cell) in columns.iter().zip(record) {
        let Some(column) = column else { continue };
        match std::str::from_utf8(cell) {
            Ok(cell) => draft.set(*column, cell),
            Err(_) => return rejected("it is not UTF-8"),
        }
    }
    draft.finish()
}
