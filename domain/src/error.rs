//! Errors of the rules: a code, a sentence, and where in the input.

use crate::Code;
use serde::Serialize;

/// The result of a rule.
pub type Result<T> = std::result::Result<T, Error>;

/// A request that a rule refuses.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}: {detail}", code.as_str())]
pub struct Error {
    /// What happened.
    pub code: Code,
    /// What happened in this case, for the caller to read. Never holds an internal message.
    pub detail: String,
    /// Where in the input; empty if it is not about one place.
    pub violations: Vec<Violation>,
}

/// One thing that is wrong with the input.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Violation {
    /// JSON pointer into the body (RFC 6901), or the name of a query parameter.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

impl Violation {
    /// A violation at `pointer`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

impl Error {
    /// An error with a code and a sentence.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), violations: Vec::new() }
    }

    /// A body with wrong fields.
    pub fn invalid(violations: Vec<Violation>) -> Self {
        Self { code: Code::InvalidBody, detail: summary(&violations), violations }
    }

    /// A query parameter with a wrong name or value.
    pub fn parameter(name: &str, detail: impl Into<String>) -> Self {
        let violations = vec![Violation::new(name, detail)];
        Self { code: Code::InvalidParameter, detail: summary(&violations), violations }
    }

    /// Missing, or not for the caller's eyes: the two are never told apart.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, Code::NotFound.title())
    }
}

fn summary(violations: &[Violation]) -> String {
    violations.iter().map(|v| format!("{}: {}", v.pointer, v.detail)).collect::<Vec<_>>().join("; ")
}
