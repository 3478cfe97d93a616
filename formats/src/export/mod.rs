//! Exporters: what Fynd shows, as the bytes that others read.

pub mod csv;
pub mod ndjson;
