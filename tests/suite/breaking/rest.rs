//! Breaking changes between two OpenAPI documents.

use serde_json::Value;
use std::collections::BTreeSet;

/// Each breaking change in one line.
pub(super) fn breaking(before: &Value, now: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, item) in members(&before["paths"]) {
        for (method, operation) in members(item) {
            let name = format!("{} {path}", method.to_uppercase());
            match now["paths"].get(path).and_then(|item| item.get(method)) {
                None => drop(found.insert(format!("{name}: removed"))),
                Some(other) => Compared { before, now, name, found: &mut found }.operation(operation, other),
            }
        }
    }
    found
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

struct Compared<'d> {
    before: &'d Value,
    now: &'d Value,
    name: String,
    found: &'d mut BTreeSet<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Asked,
    Answered,
}

impl<'d> Compared<'d> {
    fn tell(&mut self, what: &str) {
        self.found.insert(format!("{}: {what}", self.name));
    }

    fn operation(&mut self, before: &'d Value, now: &'d Value) {
        if before["security"] != now["security"] {
            self.tell("scopes changed");
        }
        self.parameters(before, now);
        let body = |operation: &'d Value| &operation["requestBody"]["content"]["application/json"]["schema"];
        self.schema(Way::Asked, "body ", body(before), body(now), &mut BTreeSet::new());
        for (status, response) in members(&before["responses"]).filter(|(status, _)| status.starts_with('2')) {
            let other = &now["responses"][status];
            if other.is_null() {
                self.tell(&format!("no answer {status} any more"));
                continue;
            }
            let body = |response: &'d Value| &response["content"]["application/json"]["schema"];
            self.schema(Way::Answered, "answer ", body(response), body(other), &mut BTreeSet::new());
        }
    }

    fn parameters(&mut self, before: &'d Value, now: &'d Value) {
        let (old, new) = (resolved(self.before, before), resolved(self.now, now));
        for parameter in &old {
            if !new.iter().any(|other| is_same(parameter, other)) {
                self.tell(&format!("parameter {} removed", text(parameter, "name")));
            }
        }
        for parameter in new.iter().filter(|parameter| parameter["required"] == true) {
            let was = old.iter().any(|other| is_same(parameter, other) && other["required"] == true);
            if !was {
                self.tell(&format!("parameter {} is required now", text(parameter, "name")));
            }
        }
    }

    fn schema(&mut self, way: Way, at: &str, before: &'d Value, now: &'d Value, seen: &mut BTreeSet<(String, String)>) {
        let key = (before["$ref"].to_string(), now["$ref"].to_string());
        if key.0 != "null" && !seen.insert(key) {
            return;
        }
        let (before, now) = (follow(self.before, before), follow(self.now, now));
        if before["type"] != now["type"] {
            self.tell(&format!("{at} has another type"));
            return;
        }
        let values = |schema: &'d Value| schema["enum"].as_array().into_iter().flatten();
        if way == Way::Asked {
            for value in values(before).filter(|value| values(now).all(|other| other != *value)) {
                self.tell(&format!("{at} no longer takes {}", value.as_str().unwrap_or_default()));
            }
        }
        if before["items"].is_object() {
            self.schema(way, at, &before["items"], &now["items"], seen);
        }
        self.properties(way, at, before, now, seen);
    }

    fn properties(
        &mut self,
        way: Way,
        at: &str,
        before: &'d Value,
        now: &'d Value,
        seen: &mut BTreeSet<(String, String)>,
    ) {
        let required = |schema: &Value, name: &str| {
            schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name))
        };
        for (name, schema) in members(&before["properties"]) {
            let place = format!("{at}/{name}");
            match now["properties"].get(name) {
                None => self.tell(&format!("{place} removed")),
                Some(other) => self.schema(way, &place, schema, other, seen),
            }
            let is_there = now["properties"].get(name).is_some();
            if way == Way::Answered && is_there && required(before, name) && !required(now, name) {
                self.tell(&format!("{place} may be missing"));
            }
        }
        for (name, _) in members(&now["properties"]).filter(|_| way == Way::Asked) {
            if required(now, name) && !required(before, name) {
                self.tell(&format!("{at}/{name} is required now"));
            }
        }
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn is_same(one: &Value, other: &Value) -> bool {
    one["name"] == other["name"] && one["in"] == other["in"]
}

fn resolved<'d>(document: &'d Value, operation: &'d Value) -> Vec<&'d Value> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters.filter_map(|parameter| place(document, parameter)).collect()
}

/// What stands at a reference, or the value itself.
fn place<'d>(document: &'d Value, value: &'d Value) -> Option<&'d Value> {
    value["$ref"].as_str().map_or(Some(value), |at| document.pointer(at.trim_start_matches('#')))
}

fn follow<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    // Where it is one of a type and null, it is that type.
    let one = schema["oneOf"].as_array().and_then(|all| all.iter().find(|one| one["type"] != "null"));
    let schema = one.unwrap_or(schema);
    place(document, schema).unwrap_or(schema)
}
