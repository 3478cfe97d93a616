//! The components that operations share: responses, header fields, parameters, security.

use domain::{Code, Permission};
use serde_json::{Map, Value, json};

/// Status, name and meaning of the errors. Which codes come with a status, says the table of codes.
pub(super) const RESPONSES: &[(&str, &str, &str)] = &[
    ("400", "BadRequest", "A parameter, a cursor or the request as such is wrong."),
    ("401", "Unauthorized", "No valid token came with the request."),
    ("403", "Forbidden", "The caller's rights do not cover this."),
    ("404", "NotFound", "There is no such thing, or not for the caller's eyes."),
    ("406", "NotAcceptable", "The answer cannot be given in a form that `Accept` allows."),
    ("409", "Conflict", "It cannot be done as things stand."),
    ("410", "Gone", "The cursor is older than the events that are kept."),
    ("412", "PreconditionFailed", "It has changed since it was read."),
    ("413", "ContentTooLarge", "The body is larger than the limit."),
    ("415", "UnsupportedMediaType", "The body is of a type or encoding that is not read here."),
    ("422", "UnprocessableContent", "A field of the body is wrong."),
    ("428", "PreconditionRequired", "`If-Match` is missing."),
    ("429", "TooManyRequests", "More requests came than the limit allows."),
    ("500", "InternalServerError", "Something went wrong inside the service."),
    ("503", "ServiceUnavailable", "The service cannot answer right now."),
];

/// A header field of answers.
pub(super) struct Header {
    pub(super) name: &'static str,
    description: &'static str,
    example: &'static str,
}

impl Header {
    /// Whether answers of this status carry it.
    pub(super) fn comes_with(&self, status: &str, lists: bool, method: &str, path: &str) -> bool {
        let is_made = matches!(status, "201" | "202");
        match self.name {
            "Link" => lists && status == "200",
            "X-Next-Cursor" => path == "/v1/changes" && status == "200",
            "Location" => is_made && method == "post" && path.starts_with("/v1/") && !path.ends_with("/secrets"),
            "Idempotency-Replayed" => method == "post" && status.starts_with('2') && path.starts_with("/v1/"),
            _ => matches!(status, "200" | "201" | "204" | "304") && path.starts_with("/v1/"),
        }
    }
}

pub(super) const HEADERS: &[Header] = &[
    Header {
        name: "ETag",
        description: "What the answer is a version of (RFC 9110, section 8.8.3). Of what can be changed, `If-Match` takes it; \
                      an answer that no cache may keep has none.",
        example: "\"42-9f86d081884c7d65\"",
    },
    Header {
        name: "Link",
        description: "`rel=\"next\"` (RFC 8288): the next page, only while there is one.",
        example: "</v1/findings?cursor=2s8f>; rel=\"next\"",
    },
    Header {
        name: "X-Next-Cursor",
        description: "The `next_cursor` of the page, on every page, an empty one too.",
        example: "2s8f",
    },
    Header {
        name: "Location",
        description: "Where it is.",
        example: "/v1/imports/01900000-0000-7000-8000-000000000000",
    },
    Header {
        name: "Idempotency-Replayed",
        description: "`true` on the first answer given again to a request with the same `Idempotency-Key`.",
        example: "true",
    },
];

/// Adds what operations refer to.
pub(super) fn components(document: &mut Value) {
    let components = &mut document["components"];
    let problem = json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
    let of_status = |(status, name, description): &(&str, &str, &str)| {
        let mut response = json!({"description": described(status, description), "content": problem});
        if let Some(header) = header_of(status) {
            response["headers"] = header;
        }
        ((*name).to_owned(), response)
    };
    components["responses"] = RESPONSES.iter().map(of_status).collect::<Map<_, _>>().into();
    let header = |header: &Header| {
        let shown = json!({"description": header.description, "schema": {"type": "string"}, "example": header.example});
        (header.name.to_owned(), shown)
    };
    components["headers"] = HEADERS.iter().map(header).collect::<Map<_, _>>().into();
    components["parameters"] = parameters();
    let scopes = Permission::ALL.iter().map(|scope| (scope.as_str().to_owned(), scope.meaning().into()));
    components["securitySchemes"]["oauth2"] = json!({
        "type": "oauth2",
        "description": "A client's own token (RFC 6749, section 4.4).",
        "flows": {"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": scopes.collect::<Map<_, _>>()}},
    });
}

/// The meaning of a status with the codes that come with it.
fn described(status: &str, description: &str) -> String {
    let codes: Vec<String> = Code::ALL
        .iter()
        .filter(|code| super::super::problem::status(**code).as_str() == status)
        .map(|code| format!("`{}`", code.as_str()))
        .collect();
    format!("{description} Codes: {}.", codes.join(", "))
}

fn header_of(status: &str) -> Option<Value> {
    let (name, description, kind, example) = match status {
        "401" => ("WWW-Authenticate", "How to authenticate (RFC 6750).", "string", json!("Bearer")),
        "429" | "503" => {
            ("Retry-After", "Seconds to wait (RFC 9110, section 10.2.3); of 429 and 503.", "integer", json!(2))
        }
        _ => return None,
    };
    Some(json!({name: {"description": description, "schema": {"type": kind}, "example": example}}))
}

fn parameters() -> Value {
    json!({
        "Idempotency-Key": {
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "1–255 visible ASCII characters. Within 24 hours the same request with the same key changes \
                            nothing more and gets the first answer again, secrets left out; another request with it \
                            is 409 `idempotency_mismatch`, one that is still being answered 409 `idempotency_in_progress`. \
                            What was refused may come again under its key.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]*[!#-~][!-~]*$"},
            "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
        },
        "Prefer": {
            "name": "Prefer", "in": "header", "required": false,
            "description": "`return=minimal` (RFC 7240): the status and header fields without the body.",
            "schema": {"type": "string"}, "example": "return=minimal",
        },
        "Accept-Language": {
            "name": "Accept-Language", "in": "header", "required": false,
            "description": "`sv` or `en` (RFC 9110, section 12.5.4): the language of titles of problems and of labels.",
            "schema": {"type": "string"}, "example": "sv",
        },
    })
}
