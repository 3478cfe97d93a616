//! What all operations of the OpenAPI document have in common, said in one place: the errors that they can give, the
//! header fields that come with their answers, the parameters that every write takes, and how tokens are got.

mod common;
mod examples;
mod schemas;

use common::{HEADERS, RESPONSES};
use serde_json::{Map, Value, json};

/// Completes the document that the handlers describe.
pub(super) fn completed(mut document: Value) -> Value {
    schemas::complete(&mut document);
    common::components(&mut document);
    for (path, operations) in paths(&mut document) {
        for (method, operation) in operations {
            parameters(path, method, operation);
            described(path, method, operation);
            security(operation);
            responses(path, method, operation);
        }
    }
    examples::add(&mut document);
    document
}

/// The operations by path and method.
fn paths(document: &mut Value) -> impl Iterator<Item = (&str, impl Iterator<Item = (&str, &mut Map<String, Value>)>)> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flatten();
    paths.filter_map(|(path, item)| {
        let methods = item.as_object_mut()?.iter_mut();
        Some((
            path.as_str(),
            methods.filter_map(|(method, operation)| Some((method.as_str(), operation.as_object_mut()?))),
        ))
    })
}

fn is_public(operation: &Map<String, Value>) -> bool {
    operation.get("security") == Some(&json!([{}]))
}

fn has(operation: &Map<String, Value>, place: &str, name: &str) -> bool {
    let parameters = operation.get("parameters").and_then(Value::as_array);
    parameters.is_some_and(|all| all.iter().any(|one| one["in"] == place && (name.is_empty() || one["name"] == name)))
}

/// What every write takes beside its own parameters.
fn parameters(path: &str, method: &str, operation: &mut Map<String, Value>) {
    if !path.starts_with("/v1/") {
        return;
    }
    let of_all = [
        ("Idempotency-Key", method == "post"),
        ("Prefer", method != "get" && !has(operation, "header", "Prefer")),
        ("Accept-Language", true),
    ];
    let all = operation.entry("parameters").or_insert_with(|| json!([]));
    let Some(all) = all.as_array_mut() else { return };
    let refs = of_all.into_iter().filter(|(_, is_taken)| *is_taken);
    all.extend(refs.map(|(name, _)| json!({"$ref": format!("#/components/parameters/{name}")})));
}

/// The first sentence is the summary. Where no more is said, what is true of all operations of the kind is.
fn described(path: &str, method: &str, operation: &mut Map<String, Value>) {
    if operation.contains_key("description") {
        return;
    }
    let summary = operation.get("summary").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
    let (first, mut rest) = match summary.split_once(". ") {
        Some((first, rest)) => (format!("{first}."), rest.to_owned()),
        None => (summary, String::new()),
    };
    if rest.is_empty() {
        rest = common_to(path, method, operation).to_owned();
    }
    operation.insert("summary".into(), first.into());
    operation.insert("description".into(), rest.into());
}

fn common_to(path: &str, method: &str, operation: &Map<String, Value>) -> &'static str {
    if has(operation, "query", "cursor") {
        "Pages follow each other by `cursor`; an unchanged page is a 304 for its `ETag`."
    } else if has(operation, "header", "If-Match") {
        "`If-Match` names the version that is changed; the answer has the next one in its `ETag`."
    } else if method == "get" && path.contains('{') {
        "What the caller may not see is answered as missing. An unchanged answer is a 304 for its `ETag`."
    } else if method == "get" && is_public(operation) {
        "Anybody may read it."
    } else if method == "get" {
        "An unchanged answer is a 304 for its `ETag`."
    } else {
        "Sent again with the same `Idempotency-Key`, it changes nothing more."
    }
}

/// A token of one's own issuer or an outside one, or one that a client gets from `/oauth/token`: the same scopes.
fn security(operation: &mut Map<String, Value>) {
    let Some(ways) = operation.get_mut("security").and_then(Value::as_array_mut) else { return };
    let by_oauth: Vec<Value> =
        ways.iter().filter_map(|way| way.get("bearer")).map(|scopes| json!({"oauth2": scopes})).collect();
    ways.extend(by_oauth);
}

/// A list comes as a page, or whole in two other forms.
fn forms(response: &mut Value) {
    response["description"] =
        "A page; as NDJSON or CSV, without `limit`, all of the list, read as the client takes it. A \
                               connection that ends without its last chunk was not the whole."
            .into();
    for (kind, example) in [("application/x-ndjson", "{\"id\": …}\n"), ("text/csv; charset=utf-8", "id,…\r\n")] {
        response["content"][kind] = json!({"schema": {"type": "string"}, "example": example});
    }
}

/// The errors that the operation can give instead of a `default`, and the header fields of its answers.
fn responses(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let (lists, of_version) = (has(operation, "query", "cursor"), has(operation, "header", "If-Match"));
    let (has_body, public) = (operation.contains_key("requestBody"), is_public(operation));
    let is_oauth = path.starts_with("/oauth/");
    let is_given = |status: &str| match status {
        "413" | "415" | "429" | "503" if is_oauth => true,
        "400" | "500" if is_oauth => false,
        "400" => true,
        "401" | "403" | "404" | "429" | "500" | "503" => !public,
        "406" => lists,
        "409" => method != "get" && !public,
        "410" => path == "/v1/changes",
        "413" | "415" | "422" => has_body && !public,
        "412" | "428" => of_version,
        _ => false,
    };
    // What is no changed resource has no `ETag`, and is told in full.
    let told = ["/preview", "/bulk", "/status", "/reconcile", "/claim", "/import", "/imports", "/attachments/{id}"];
    let changes = method != "get" && !public && !told.iter().any(|end| path.ends_with(end));
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    if changes && responses.get("200").is_some() {
        let minimal = json!({"description": "It is done; `Prefer: return=minimal` leaves out what it is now"});
        responses.insert("204".into(), minimal);
    }
    if lists && path != "/v1/changes" {
        forms(&mut responses["200"]);
    }
    for (status, response) in responses.iter_mut() {
        let head = HEADERS.iter().filter(|header| header.comes_with(status, lists, method, path));
        let head: Map<String, Value> = head
            .map(|header| (header.name.to_owned(), json!({"$ref": format!("#/components/headers/{}", header.name)})))
            .collect();
        if let (Some(response), false) = (response.as_object_mut(), head.is_empty()) {
            response.insert("headers".to_owned(), head.into());
        }
    }
    if is_oauth {
        // RFC 6749, section 5.2: its own words for what is wrong.
        let Some(error) = responses.remove("default") else { return };
        for status in ["400", "401"] {
            responses.insert(status.into(), error.clone());
        }
    }
    responses.remove("default");
    for (status, name, _) in RESPONSES.iter().filter(|(status, ..)| is_given(status)) {
        responses.entry(*status).or_insert_with(|| json!({"$ref": format!("#/components/responses/{name}")}));
    }
}
