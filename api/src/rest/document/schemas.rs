//! Schemas: lists refer to the schema of their items, and what is always answered is required.

use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Completes the schemas.
pub(super) fn complete(document: &mut Value) {
    refer_to_items(document);
    free_objects(&mut document["components"]["schemas"]);
    bytes(document);
    let only_answered: Vec<String> = {
        let asked = reached(document, "requestBody");
        reached(document, "responses").into_iter().filter(|name| !asked.contains(name)).collect()
    };
    for name in
        only_answered.iter().filter(|name| !["Problem", "Included"].contains(&name.as_str()) && *name != "OauthProblem")
    {
        // A page has these only where they were asked for.
        let optional: &[&str] = if name.starts_with("Page_") { &["count", "included"] } else { &[] };
        require_all(&mut document["components"]["schemas"][name], optional);
    }
    rename(document, "Client", "ApiClient");
}

/// Gives a schema another name: generated clients have a `Client` of their own.
fn rename(document: &mut Value, from: &str, to: &str) {
    if let Some(schemas) = document["components"]["schemas"].as_object_mut()
        && let Some(schema) = schemas.remove(from)
    {
        schemas.insert(to.to_owned(), schema);
    }
    refer(document, &format!("#/components/schemas/{from}"), &format!("#/components/schemas/{to}"));
}

fn refer(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::Object(members) => {
            if members.get("$ref").and_then(Value::as_str) == Some(from) {
                members.insert("$ref".into(), to.into());
            }
            members.values_mut().for_each(|member| refer(member, from, to));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| refer(item, from, to)),
        _ => {}
    }
}

/// `Page_Finding` holds `Finding`s, not a copy of what they are.
fn refer_to_items(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    let names: BTreeSet<String> = schemas.keys().cloned().collect();
    for (name, schema) in schemas.iter_mut() {
        let Some(item) = name.strip_prefix("Page_").filter(|item| names.contains(*item)) else { continue };
        schema["properties"]["items"]["items"] = json!({"$ref": format!("#/components/schemas/{item}")});
    }
}

/// An object without named members may have any: some generators take it for one that has none.
fn free_objects(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let kind = members.get("type");
            let is_object = kind == Some(&json!("object"))
                || kind.and_then(Value::as_array).is_some_and(|kinds| kinds.contains(&json!("object")));
            if is_object && !members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".into(), json!({}));
            }
            members.values_mut().for_each(free_objects);
        }
        Value::Array(items) => items.iter_mut().for_each(free_objects),
        _ => {}
    }
}

/// Files are bytes, which no JSON schema describes: `format: binary` is what generators know them by.
fn bytes(document: &mut Value) {
    let file = || json!({"schema": {"type": "string", "format": "binary"}});
    for (_, operations) in super::paths(document) {
        for (_, operation) in operations {
            let body = operation.get_mut("requestBody").and_then(|body| body.get_mut("content"));
            if let Some(content) = body.and_then(Value::as_object_mut) {
                for kind in ["*/*", "application/octet-stream"] {
                    if content.remove(kind).is_some() {
                        content.insert("application/octet-stream".into(), file());
                    }
                }
            }
            let answer = operation.get_mut("responses").and_then(|all| all.get_mut("200")?.get_mut("content"));
            if let Some(content) = answer.and_then(Value::as_object_mut).filter(|kinds| kinds.contains_key("*/*")) {
                content.insert("*/*".into(), json!({}));
                content.insert("application/octet-stream".into(), file());
            }
        }
    }
}

/// The service always answers with every field of an answer; what has no value is null.
fn require_all(schema: &mut Value, optional: &[&str]) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let names: Vec<String> = properties.keys().filter(|name| !optional.contains(&name.as_str())).cloned().collect();
    schema["required"] = json!(names);
}

/// The schemas that this part of any operation leads to.
fn reached(document: &Value, part: &str) -> BTreeSet<String> {
    let (mut found, mut waiting) = (BTreeSet::new(), Vec::new());
    let items = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    let operations = items.filter_map(Value::as_object).flat_map(|item| item.values());
    operations.filter_map(|operation| operation.get(part)).for_each(|part| refs(part, &mut waiting));
    while let Some(name) = waiting.pop() {
        refs(&document["components"]["schemas"][&name], &mut waiting);
        waiting.retain(|next| !found.contains(next));
        found.insert(name);
    }
    found
}

fn refs(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let name =
                members.get("$ref").and_then(Value::as_str).and_then(|at| at.strip_prefix("#/components/schemas/"));
            found.extend(name.map(str::to_owned));
            members.values().for_each(|member| refs(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| refs(item, found)),
        _ => {}
    }
}
