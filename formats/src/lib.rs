//! Importers and exporters: bytes in, reports out. Pure: no store, no clock,
//! no network, so every format is property-tested and fuzzed for nothing.
//!
//! Hostile input is the normal case. A reader never resolves a DTD or entity
//! beyond XML's five, never recurses with the input, and holds one record at a
//! time (plus what the format forces it to, within [`import::Limits`]).

pub mod cvss;
pub mod enrich;
pub mod export;
pub mod import;
