//! Examples: of bodies by operation, of parameters by name, of ids by type. A test sends them.

use super::paths;
use serde_json::{Map, Value, json};

/// By operation.
const BODIES: &str = include_str!("bodies.json");

/// What stands for an id.
const ID: &str = "01900000-0000-7000-8000-000000000001";

/// Adds the examples that the handlers leave out.
pub(super) fn add(document: &mut Value) {
    let bodies: Map<String, Value> = serde_json::from_str(BODIES).unwrap_or_default();
    let fields = fields(document);
    for (_, operations) in paths(document) {
        for (_, operation) in operations {
            let names = operation.get("operationId").and_then(Value::as_str).and_then(|id| fields.get(id)).cloned();
            let body = operation.get("operationId").and_then(Value::as_str).and_then(|id| bodies.get(id)).cloned();
            let contents = operation.get_mut("requestBody").and_then(|body| body["content"].as_object_mut());
            if let (Some(contents), Some(body)) = (contents, body) {
                contents.values_mut().for_each(|content| content["example"] = body.clone());
            }
            let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten();
            parameters.for_each(|one| parameter(one, names.as_ref()));
        }
    }
    let schemas = document["components"]["schemas"].as_object_mut().into_iter().flatten();
    for (_, schema) in schemas.filter(|(_, schema)| schema["format"] == "uuid") {
        schema["example"] = ID.into();
    }
}

/// The names of what each operation answers with, for `fields`.
fn fields(document: &Value) -> Map<String, Value> {
    let operations = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    let operations = operations.filter_map(Value::as_object).flat_map(|item| item.values());
    let named = operations.filter_map(|operation| {
        let answer = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].as_str()?;
        let answer = document.pointer(answer.strip_prefix('#')?)?;
        let item = answer["properties"]["items"]["items"]["$ref"].as_str();
        let shown = item.and_then(|at| document.pointer(at.strip_prefix('#')?)).unwrap_or(answer);
        let names: Vec<&String> = shown["properties"].as_object()?.keys().collect();
        Some((operation["operationId"].as_str()?.to_owned(), json!(names)))
    });
    named.collect()
}

fn parameter(parameter: &mut Value, fields: Option<&Value>) {
    let name = parameter["name"].as_str().unwrap_or_default().to_owned();
    let Some(members) = parameter.as_object_mut() else { return };
    if let Some(items) = members.get_mut("schema").and_then(|schema| schema.get_mut("items"))
        && items["type"] == "string"
        && items.get("format").is_none()
    {
        // An empty value in a list is refused.
        items["minLength"] = 1.into();
    }
    if let (Some(fields), "fields") = (fields, name.as_str()) {
        members.insert("schema".into(), json!({"type": "array", "items": {"type": "string", "enum": fields}}));
        members.entry("example").or_insert_with(|| fields.as_array().map_or(json!([]), |all| json!(all.get(..2))));
    }
    if members.get("in").is_some_and(|place| place == "query")
        && let Some(schema) = members.get_mut("schema").filter(|schema| schema["type"] == "array")
    {
        // A list without a value is one empty value to a query.
        schema["minItems"] = 1.into();
    }
    if let Some((description, pattern)) = described(&name) {
        members.entry("description").or_insert_with(|| description.into());
        if let Some(pattern) = pattern {
            members.insert("schema".into(), json!({"type": "string", "pattern": pattern}));
        }
    }
    if let Some(example) = example(&name)
        && !members.contains_key("example")
    {
        members.insert("example".into(), example);
    }
}

fn described(name: &str) -> Option<(&'static str, Option<&'static str>)> {
    Some(match name {
        "id" => ("Its id, from a list or a `Location`. What the caller may not see is answered as missing.", None),
        "system" => ("The ticketing system's own name.", Some("^[a-z0-9_-]{1,40}$")),
        "If-Match" => ("The `ETag` that it was read with. `*` is refused.", Some("^\"?[0-9]+(-[0-9a-f.]*)?\"?$")),
        _ => return None,
    })
}

fn example(name: &str) -> Option<Value> {
    Some(match name {
        "id" | "asset" | "acceptance" | "finding" | "task" | "service" | "other" => json!(ID),
        "principal" => return None,
        "If-Match" => json!("\"42-9f86d081884c7d65\""),
        "Content-Disposition" => json!("attachment; filename=\"skarmbild.png\""),
        "Prefer" => json!("wait=30"),
        "cursor" => json!("2s8f0aVb"),
        "tenant" => json!("norrvik"),
        "q" => json!("lön"),
        "assignee" => json!("Åsa Lind"),
        "owner_unit" => json!("IT-enheten"),
        "rule_key" => json!("nessus:90001"),
        "tag" => json!("höstens-test"),
        "source" => json!("Nessus"),
        "confirm_gone" => json!(12),
        "as_of" => json!("2026-11-01T00:00:00Z"),
        name if name == "since" || name.ends_with("_from") => json!("2026-11-01T00:00:00Z"),
        name if name.ends_with("_to") => json!("2026-12-01T00:00:00Z"),
        _ => return None,
    })
}
