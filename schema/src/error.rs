//! Errors with the codes of the one table, in `extensions.code`.

use async_graphql::{Error, ErrorExtensionValues, ErrorExtensions, Response, Value};
use domain::Code;
use std::borrow::Borrow;

/// A use case's error as GraphQL shows it. An internal reason goes to the log alone.
pub(crate) fn refused(error: impl Borrow<service::Error>) -> Error {
    let error = error.borrow();
    let code = error.code();
    let (message, violations) = match error {
        service::Error::Refused(refused) => (refused.detail.clone(), refused.violations.as_slice()),
        service::Error::Implausible(_) | service::Error::ImplausiblyMissing(_) => {
            (code.title().to_owned(), [].as_slice())
        }
        // The answer that was given before goes out instead.
        service::Error::AnsweredBefore => (code.title().to_owned(), [].as_slice()),
        internal => {
            tracing::error!(error = %internal, code = code.as_str(), "a request failed");
            (code.title().to_owned(), [].as_slice())
        }
    };
    Error::new(message).extend_with(|_, extensions| {
        extensions.set("code", code.as_str());
        if let service::Error::Implausible(counts) = error {
            extensions.set("wouldMarkGone", counts.would_mark_gone);
            extensions.set("inScope", counts.in_scope);
        }
        if let service::Error::ImplausiblyMissing(counts) = error {
            extensions.set("wouldUnlink", counts.would_unlink);
            extensions.set("linked", counts.linked);
        }
        if !violations.is_empty() {
            let places: Vec<Value> = violations
                .iter()
                .filter_map(|v| Value::from_json(serde_json::json!({"pointer": v.pointer, "detail": v.detail})).ok())
                .collect();
            extensions.set("errors", Value::List(places));
        }
    })
}

/// A rule's error as GraphQL shows it.
pub(crate) fn refused_by_rule(error: domain::Error) -> Error {
    refused(service::Error::from(error))
}

/// Most errors in one answer: a hostile document has one in every line.
const MAX_ERRORS: usize = 20;
/// Longest message: the parser repeats the whole line that it stopped in.
const MAX_MESSAGE: usize = 500;

/// Gives the errors of the document itself a code of the one table as well, and bounds what is said.
pub(crate) fn with_codes(mut response: Response) -> Response {
    response.errors.truncate(MAX_ERRORS);
    for error in &mut response.errors {
        if let Some((end, _)) = error.message.char_indices().nth(MAX_MESSAGE) {
            error.message.truncate(end);
            error.message.push('…');
        }
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        if extensions.get("code").is_some() {
            continue;
        }
        let code = if is_too_much(&error.message) {
            Code::QueryTooComplex
        } else if error.path.is_empty() || is_about_an_argument(&error.message) {
            Code::InvalidQuery
        } else {
            // A field failed for a reason that nobody put into words for the caller.
            tracing::error!(error = %error.message, "a field failed");
            Code::Internal.title().clone_into(&mut error.message);
            Code::Internal
        };
        extensions.set("code", code.as_str());
    }
    response
}

/// An argument that is found wrong only when its field is resolved, in async-graphql's words.
fn is_about_an_argument(message: &str) -> bool {
    ["Failed to parse", "Expected input type"].iter().any(|words| message.starts_with(words))
}

/// async-graphql tells its limits by their words alone.
fn is_too_much(message: &str) -> bool {
    ["too deep", "recursion"].iter().any(|words| message.contains(words))
}
