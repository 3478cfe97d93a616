//! Holds every answer under `/v1` against the OpenAPI document: its status,
//! its type, and a body with all of the fields that are promised and no others.

use super::Answer;
use jsonschema::Validator;
use reqwest::{Method, StatusCode, Url};
use serde_json::{Map, Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

/// The document as the server makes it.
pub(crate) static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&api::rest::document_json()).expect("JSON"));

/// One operation of the document.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) path: &'static str,
    pub(crate) method: &'static str,
    value: &'static Value,
}

impl Operation {
    /// All of them.
    pub(crate) fn all() -> Vec<Self> {
        let paths = DOCUMENT["paths"].as_object().expect("paths");
        paths
            .iter()
            .flat_map(|(path, operations)| {
                let operations = operations.as_object().expect("operations");
                operations.iter().map(move |(method, value)| Self { path, method, value })
            })
            .collect()
    }

    pub(crate) fn id(&self) -> &'static str {
        self.value["operationId"].as_str().expect("an id")
    }

    /// What the document says about a status.
    fn response(&self, status: &str) -> Option<&'static Value> {
        let responses = &self.value["responses"];
        let class = if status.starts_with('5') { "5XX" } else { "default" };
        let response = responses.get(status).or_else(|| responses.get(class))?;
        let Some(at) = response["$ref"].as_str() else { return Some(response) };
        Some(DOCUMENT.pointer(at.strip_prefix('#').expect("a place in the document")).expect(at))
    }

    /// Whether the document lets anybody in, without a token.
    pub(crate) fn is_public(&self) -> bool {
        self.value["security"] == json!([{}])
    }

    /// The sets of scopes of which one is needed; none if any token will do.
    pub(crate) fn scopes(&self) -> Vec<Vec<&'static str>> {
        let sets = self.value["security"].as_array().unwrap_or_else(|| panic!("{} says no security", self.id()));
        let bearer = sets.iter().filter(|set| set.get("oauth2").is_none());
        let set = |set: &'static Value| -> Vec<_> {
            set["bearer"].as_array().expect("bearer").iter().map(|scope| scope.as_str().expect("a scope")).collect()
        };
        bearer.map(set).filter(|set| !set.is_empty()).collect()
    }

    /// Query parameters that take an id.
    pub(crate) fn id_filters(&self) -> Vec<&'static str> {
        let is_id = |parameter: &&Value| {
            let schema = parameter["schema"].to_string();
            parameter["in"] == "query" && (schema.contains("uuid") || schema.contains("Id\""))
        };
        let parameters = self.value["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        parameters.iter().filter(is_id).map(|parameter| parameter["name"].as_str().expect("a name")).collect()
    }

    /// Whether it lists page by page.
    pub(crate) fn pages(&self) -> bool {
        let parameters = self.value["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        parameters.iter().any(|parameter| parameter["name"] == "cursor")
    }

    fn matches(&self, method: &Method, path: &str) -> bool {
        let (own, asked) = (self.path.split('/'), path.split('/'));
        self.method.eq_ignore_ascii_case(method.as_str())
            && own.clone().count() == asked.clone().count()
            && own.zip(asked).all(|(own, asked)| own == asked || own.starts_with('{') && !asked.is_empty())
    }
}

/// Fails if the answer is not what the document says.
pub(crate) fn check(method: &Method, url: &Url, answer: &Answer) {
    // A method that a path does not know is no operation of it.
    if answer.status == StatusCode::METHOD_NOT_ALLOWED {
        return;
    }
    let fits = Operation::all().into_iter().filter(|operation| operation.matches(method, url.path()));
    // `/findings/facets` is more to the point than `/findings/{id}`.
    let Some(operation) = fits.min_by_key(|operation| operation.path.matches('{').count()) else { return };
    let status = answer.status.as_str();
    let declared = operation.response(status);
    let declared = declared.unwrap_or_else(|| panic!("{}: {status} is not in the document", operation.id()));
    let Some(content) = declared["content"].as_object() else {
        assert!(answer.text.is_empty(), "{}: a body with {status}: {}", operation.id(), answer.text);
        let is_bare = [StatusCode::NOT_MODIFIED, StatusCode::NO_CONTENT].contains(&answer.status);
        assert!(is_bare || operation.id() == "postRevoke");
        return;
    };
    let kind = answer.header("content-type").unwrap_or_default();
    if content.contains_key("*/*") {
        return;
    }
    assert!(content.contains_key(kind), "{}: {kind} is not in the document", operation.id());
    if !kind.ends_with("json") || kind.ends_with("ndjson") {
        return;
    }
    let chosen_fields = url.query_pairs().any(|(name, _)| name == "fields");
    let errors = violations(&operation, status, kind, &answer.json(), chosen_fields);
    assert!(errors.is_empty(), "{}: the body is not as documented: {errors:#?}", operation.id());
}

/// What is not as documented in the body of an answer.
pub(crate) fn violations(
    operation: &Operation,
    status: &str,
    kind: &str,
    body: &Value,
    chosen_fields: bool,
) -> Vec<String> {
    let content = &operation.response(status).expect("a described status")["content"];
    let schema = content.get(kind).expect("a described body");
    let validator = validator(operation.id(), &format!("{status} {kind}"), &schema["schema"], chosen_fields);
    validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path)).collect()
}

type Cache = Mutex<HashMap<(String, bool), Arc<Validator>>>;

fn validator(operation: &str, status: &str, schema: &Value, chosen_fields: bool) -> Arc<Validator> {
    static CACHE: LazyLock<Cache> = LazyLock::new(Cache::default);
    let key = (format!("{operation} {status}"), chosen_fields);
    let mut cache = CACHE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let make = || {
        let mut root = json!({"components": DOCUMENT["components"].clone()});
        strict(&mut root, chosen_fields);
        let root_map = root.as_object_mut().expect("an object");
        root_map.extend(schema.as_object().expect("a schema").clone());
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        Arc::new(options.build(&root).expect("a schema"))
    };
    cache.entry(key).or_insert_with(make).clone()
}

/// What is not documented must not be shown; with chosen fields, what is may be missing.
fn strict(value: &mut Value, chosen_fields: bool) {
    match value {
        Value::Object(object) => {
            if is_closed(object) {
                object.insert("additionalProperties".into(), false.into());
            }
            if chosen_fields {
                object.remove("required");
            }
            object.values_mut().for_each(|value| strict(value, chosen_fields));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| strict(value, chosen_fields)),
        _ => {}
    }
}

fn is_closed(object: &Map<String, Value>) -> bool {
    object.get("type") == Some(&json!("object"))
        && object.get("properties").is_some_and(Value::is_object)
        && !object.contains_key("additionalProperties")
}
