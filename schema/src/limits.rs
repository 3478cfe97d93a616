//! What one document may ask for.

use async_graphql::{ErrorExtensionValues, ServerError};
use domain::Code;

/// Bounds on one document; `defaults.toml` says what each is for.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest text.
    pub document_bytes: usize,
    /// Most words and signs.
    pub tokens: usize,
    /// Deepest nesting of fields, introspection aside.
    pub depth: usize,
    /// Most that it may cost.
    pub complexity: usize,
    /// Most fields of one operation type's root.
    pub root_fields: usize,
    /// Most aliases, with fragments written out.
    pub aliases: usize,
    /// Most directives, with fragments written out.
    pub directives: usize,
    /// Whether the schema may be asked for.
    pub introspection: bool,
    /// Most documents that are kept for those who send but a hash; 0 is none.
    pub persisted_queries: usize,
}

/// A document that asks for too much, in words that name the limit.
pub(crate) fn too_much(what: impl Into<String>) -> ServerError {
    refusal(Code::QueryTooComplex, what)
}

/// A document that is refused with a code.
pub(crate) fn refusal(code: Code, what: impl Into<String>) -> ServerError {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code.as_str());
    ServerError { extensions: Some(extensions), ..ServerError::new(what, None) }
}

/// Refuses a number above its limit.
pub(crate) fn within(number: usize, limit: usize, of: &str) -> Result<(), ServerError> {
    if number <= limit {
        return Ok(());
    }
    Err(too_much(format!("The document has {number} {of}; at most {limit} are taken.")))
}
