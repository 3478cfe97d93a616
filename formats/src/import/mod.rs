//! Importers: one file a format, one line in [`read`] and [`sniff`] each.
//!
//! A new scanner: `import/<format>.rs` with `pub fn read(…)` and
//! `pub fn sniff(head) -> bool`, a variant of [`domain::ImportFormat`], the two
//! lines below, and a fixture folder.

pub mod assets;
pub(crate) mod common;
mod json;
mod metered;
mod nessus;
mod nuclei;
mod sarif;
mod xml;

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod demo_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod test_support;

use domain::{ImportFormat, Observation};
use std::io::{BufRead, Seek};

/// What one record of a report became.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A record that can be stored.
    Observation(Box<Observation>),
    /// A record that cannot, with its place and the reason. The rest of the report still counts.
    Rejected(domain::RejectedRecord),
    /// No record, but a word: a tool looked and found nothing.
    Covered(Box<Covered>),
}

/// What a tool looked at without finding anything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Covered {
    /// Its name; none if the format says no other than its own.
    pub tool: Option<String>,
    /// The asset; none if it does not say what it looked at.
    pub asset: Option<domain::ReportedAsset>,
    /// When, if it says so.
    pub observed_at: Option<domain::Timestamp>,
}

/// Bounds on what one report may make the reader hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Deepest nesting of elements, objects and arrays.
    pub depth: usize,
    /// Largest single record, in bytes; a larger one is rejected, or the report refused where the format cannot skip it.
    pub record_bytes: usize,
    /// Most rules that a report may define apart from its records (SARIF).
    pub rules: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, record_bytes: 16 << 20, rules: 50_000 }
    }
}

/// A report that is not whole or not of its format: nothing of it may be stored.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// What is wrong and where (line, byte offset or path).
    #[error("{0}")]
    Invalid(String),
    /// The spooled report could not be read.
    #[error("the report could not be read")]
    Io(#[from] std::io::Error),
}

/// A report that can be read more than once.
pub trait Source: BufRead + Seek {}
impl<T: BufRead + Seek> Source for T {}

/// Reads a report to its end, handing each record to `each` in the report's order.
///
/// Reading the same bytes twice gives the same records in the same order.
///
/// # Errors
/// A [`Refusal`] for a report that is not whole; records handed over before it
/// was found must not be stored, so callers read once to check and once to store.
pub fn read(
    format: ImportFormat,
    source: &mut dyn Source,
    limits: &Limits,
    each: &mut dyn FnMut(Record),
) -> Result<(), Refusal> {
    source.rewind()?;
    refuse_utf16(source)?;
    match format {
        ImportFormat::Nessus => nessus::read(source, limits, each),
        ImportFormat::Sarif => sarif::read(source, limits, each),
        ImportFormat::Nuclei => nuclei::read(source, limits, each),
    }
}

/// What Windows PowerShell writes into a file by `>` would otherwise look like broken XML or JSON.
fn refuse_utf16(source: &mut dyn Source) -> Result<(), Refusal> {
    match source.fill_buf()? {
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [b'<' | b'{' | b'[', 0, ..] | [0, b'<' | b'{' | b'[', ..] => {
            Err(Refusal::Invalid("the report is encoded in UTF-16; only UTF-8 can be read".into()))
        }
        _ => Ok(()),
    }
}

/// How much of a report's head [`sniff`] looks at, in bytes.
pub const SNIFF_BYTES: usize = 64 << 10;

/// Recognises a report by its content; names and suffixes mislead.
pub fn sniff(head: &[u8]) -> Option<ImportFormat> {
    if nessus::sniff(head) {
        Some(ImportFormat::Nessus)
    } else if sarif::sniff(head) {
        Some(ImportFormat::Sarif)
    } else if nuclei::sniff(head) {
        Some(ImportFormat::Nuclei)
    } else {
        None
    }
}
