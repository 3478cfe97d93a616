//! The forms in which lists go out, for the edges.

pub use formats::export::{csv, ndjson};
