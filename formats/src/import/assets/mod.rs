//! Inventories: what a CMDB or a network scan says about assets, without findings.
//!
//! One file a format; `row` knows the names of the columns and the words in them. A row that cannot be
//! stored is rejected with its place and the reason, and the rest still counts; a file that is not whole,
//! or of which no column names an asset, is refused.

mod csv;
mod json;
mod nmap;
mod row;

#[cfg(test)]
mod tests;

use super::{Limits, Refusal, Source, refuse_utf16};
use domain::{AssetImportFormat, AssetRow, RejectedRecord};

/// What one row of an inventory became.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A row that can be stored.
    Asset(Box<AssetRow>),
    /// A row that cannot, with its place and the reason.
    Rejected(RejectedRecord),
}

/// Reads an inventory to its end, handing each row to `each` in the file's order.
///
/// Reading the same bytes twice gives the same rows in the same order.
///
/// # Errors
/// A [`Refusal`] for a file that is not whole; rows handed over before that was found must not be stored.
pub fn read(
    format: AssetImportFormat,
    source: &mut dyn Source,
    limits: &Limits,
    each: &mut dyn FnMut(Row),
) -> Result<(), Refusal> {
    source.rewind()?;
    refuse_utf16(source)?;
    match format {
        AssetImportFormat::Csv => csv::read(source, limits, each),
        AssetImportFormat::Json => json::read(source, limits, each),
        AssetImportFormat::Nmap => nmap::read(source, limits, each),
    }
}
