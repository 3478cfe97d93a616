//! Errors with the codes of the one table, in `extensions.code`.

use async_graphql::{Error, ErrorExtensions, Value};

/// A use case's error as GraphQL shows it. An internal reason goes to the log alone.
pub(crate) fn refused(error: service::Error) -> Error {
    let code = error.code();
    let (message, violations) = match error {
        service::Error::Refused(refused) => (refused.detail, refused.violations),
        internal => {
            tracing::error!(error = %internal, code = code.as_str(), "a request failed");
            (code.title().to_owned(), Vec::new())
        }
    };
    Error::new(message).extend_with(|_, extensions| {
        extensions.set("code", code.as_str());
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
    refused(error.into())
}
