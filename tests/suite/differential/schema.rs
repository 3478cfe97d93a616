//! The GraphQL schema as the comparison needs it: what to select of a type,
//! and what its values are called in REST.

use crate::support::Person;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Relations, which REST has as lists of their own.
const RELATIONS: &[(&str, &[&str])] = &[
    ("Finding", &["asset", "related", "tasks", "comments", "attachments", "retests"]),
    ("Asset", &["findings", "services"]),
    ("Task", &["findings", "comments"]),
    // Of each type its own; which it is, is compared.
    ("Change", &["resource"]),
];

/// The types by their names.
pub(super) struct Types(BTreeMap<String, Value>);

/// A type within its lists and exclamation marks.
pub(super) struct Inner<'t> {
    pub(super) name: &'t str,
    pub(super) kind: &'t str,
    pub(super) is_list: bool,
}

/// The innermost type.
pub(super) fn inner(of: &Value) -> Inner<'_> {
    let (mut of, mut is_list) = (of, false);
    while of["name"].is_null() {
        is_list |= of["kind"] == "LIST";
        of = &of["ofType"];
    }
    let text = |name: &str| of[name].as_str().expect("text");
    Inner { name: text("name"), kind: text("kind"), is_list }
}

impl Types {
    pub(super) async fn of(who: &Person) -> Self {
        let query = "{ __schema { types { name kind enumValues { name } inputFields { name type { ...T } }
            fields { name type { ...T } args { name type { ...T } } } } } }
            fragment T on __Type { name kind ofType { name kind ofType { name kind ofType { name kind } } } }";
        let answer = who.graphql(query, json!({})).await;
        let types = answer["data"]["__schema"]["types"].as_array().unwrap_or_else(|| panic!("{answer}"));
        Self(types.iter().map(|kind| (kind["name"].as_str().expect("a name").to_owned(), kind.clone())).collect())
    }

    fn list<'t>(&'t self, kind: &str, of: &str) -> &'t [Value] {
        self.0[kind][of].as_array().unwrap_or_else(|| panic!("{kind} has no {of}"))
    }

    fn field<'t>(&'t self, kind: &str, name: &str) -> &'t Value {
        self.list(kind, "fields").iter().find(|field| field["name"] == name).unwrap_or_else(|| panic!("{kind}.{name}"))
    }

    /// The type of a field.
    pub(super) fn of_field(&self, kind: &str, name: &str) -> Inner<'_> {
        inner(&self.field(kind, name)["type"])
    }

    /// The type of a query's argument, if it has it.
    pub(super) fn of_argument(&self, query: &str, argument: &str) -> Option<Inner<'_>> {
        let arguments = self.field("Query", query)["args"].as_array().expect("arguments");
        arguments.iter().find(|known| known["name"] == argument).map(|known| inner(&known["type"]))
    }

    /// The fields of an input object with their types.
    pub(super) fn conditions(&self, input: &str) -> Vec<(&str, Inner<'_>)> {
        let fields = self.list(input, "inputFields").iter();
        fields.map(|field| (field["name"].as_str().expect("a name"), inner(&field["type"]))).collect()
    }

    /// The words of an enum.
    pub(super) fn words(&self, kind: &str) -> Vec<String> {
        let words = self.list(kind, "enumValues").iter();
        words.map(|word| word["name"].as_str().expect("a name").to_owned()).collect()
    }

    /// All of a type that REST shows of it.
    pub(super) fn selection(&self, kind: &str) -> String {
        let shown = self.list(kind, "fields").iter().filter(|field| !is_relation(kind, &field["name"]));
        let fields = shown.map(|field| {
            let (name, of) = (field["name"].as_str().expect("a name"), inner(&field["type"]));
            if of.kind == "OBJECT" { format!("{name} {{ {} }}", self.selection(of.name)) } else { name.to_owned() }
        });
        fields.collect::<Vec<_>>().join(" ")
    }

    /// A value of a type with the names and words of REST; null and left out are the same.
    pub(super) fn as_rest(&self, kind: &str, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.as_rest(kind, item)).collect(),
            Value::Object(fields) if self.0[kind]["kind"] == "OBJECT" => {
                let plain = fields
                    .iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(name, value)| (snake(name), self.as_rest(self.of_field(kind, name).name, value)));
                plain.collect::<Map<_, _>>().into()
            }
            Value::String(word) if self.0[kind]["kind"] == "ENUM" => word.to_lowercase().into(),
            plain => without_nulls(plain),
        }
    }
}

fn is_relation(kind: &str, field: &Value) -> bool {
    RELATIONS.iter().any(|(known, fields)| *known == kind && fields.iter().any(|name| field == name))
}

/// REST's name of a field.
pub(super) fn snake(name: &str) -> String {
    name.chars().fold(String::new(), |name, c| {
        if c.is_uppercase() { format!("{name}_{}", c.to_lowercase()) } else { format!("{name}{c}") }
    })
}

/// A value without its nulls, however deep they are.
pub(super) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        Value::Object(fields) => {
            let plain = fields.iter().filter(|(_, value)| !value.is_null());
            plain.map(|(name, value)| (name.clone(), without_nulls(value))).collect::<Map<_, _>>().into()
        }
        plain => plain.clone(),
    }
}
