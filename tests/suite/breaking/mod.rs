//! What would break a client: the documents of the last release (`baseline`) against those of now. Every such change is
//! named in `docs/changelog.md`, under "Unreleased" and in these words. At a release the documents become the baseline.

mod graphql;
mod rest;

use crate::support::root;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What the changelog says about changes that are not released yet.
fn unreleased() -> String {
    let changelog = read("docs/changelog.md");
    let (_, rest) = changelog.split_once("## Unreleased").expect("a section of what is not released");
    rest.split("\n## ").next().unwrap_or_default().to_owned()
}

fn assert_named(document: &str, breaking: &BTreeSet<String>) {
    let (named, mut missing) = (unreleased(), Vec::new());
    missing.extend(breaking.iter().filter(|change| !named.contains(&format!("`{change}`"))));
    assert!(missing.is_empty(), "{document} breaks clients in ways that docs/changelog.md does not name: {missing:#?}");
}

#[test]
fn what_breaks_rest_clients_stands_in_the_changelog() {
    let parse = |text: String| serde_json::from_str::<Value>(&text).expect("JSON");
    let (before, now) = (parse(read("openapi/baseline.json")), parse(read("openapi/openapi.json")));
    assert_named("openapi/openapi.json", &rest::breaking(&before, &now));
}

#[test]
fn what_breaks_graphql_clients_stands_in_the_changelog() {
    let (before, now) = (read("schema/baseline.graphql"), read("schema/schema.graphql"));
    assert_named("schema/schema.graphql", &graphql::breaking(&before, &now));
}

/// A small document whose parts are changed one by one.
fn document() -> Value {
    json!({
        "paths": {"/v1/things": {
            "get": {"parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer"}}],
                "security": [{"bearer": ["things:read"]}],
                "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}}},
            "post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewThing"}}}},
                "responses": {"201": {"description": "made"}}}
        }},
        "components": {"schemas": {
            "Thing": {"type": "object", "required": ["id", "kind"], "properties": {
                "id": {"type": "string"}, "kind": {"type": "string", "enum": ["a", "b"]},
                "inner": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}},
            "NewThing": {"type": "object", "required": ["kind"], "properties": {
                "kind": {"type": "string", "enum": ["a", "b"]}, "name": {"type": ["string", "null"]}}}
        }}
    })
}

#[test]
fn what_breaks_rest_clients_is_seen() {
    let broken = |change: fn(&mut Value)| {
        let mut now = document();
        change(&mut now);
        rest::breaking(&document(), &now).into_iter().collect::<Vec<_>>().join("; ")
    };
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 11] = [
        (|_| (), ""),
        (|now| drop(now["paths"]["/v1/things"].as_object_mut().unwrap().remove("post")), "POST /v1/things: removed"),
        (|now| now["paths"]["/v1/things"]["get"]["parameters"] = json!([]), "GET /v1/things: parameter limit removed"),
        (
            |now| now["paths"]["/v1/things"]["get"]["parameters"][0]["required"] = true.into(),
            "GET /v1/things: parameter limit is required now",
        ),
        (
            |now| now["paths"]["/v1/things"]["get"]["security"] = json!([{"bearer": ["more"]}]),
            "GET /v1/things: scopes changed",
        ),
        (
            |now| drop(now["components"]["schemas"]["Thing"]["properties"].as_object_mut().unwrap().remove("id")),
            "GET /v1/things: answer /id removed",
        ),
        (
            |now| now["components"]["schemas"]["Thing"]["properties"]["id"]["type"] = "integer".into(),
            "GET /v1/things: answer /id has another type",
        ),
        (
            |now| now["components"]["schemas"]["Thing"]["required"] = json!(["id"]),
            "GET /v1/things: answer /kind may be missing",
        ),
        (
            |now| now["components"]["schemas"]["NewThing"]["required"] = json!(["kind", "name"]),
            "POST /v1/things: body /name is required now",
        ),
        (
            |now| now["components"]["schemas"]["NewThing"]["properties"]["kind"]["enum"] = json!(["a"]),
            "POST /v1/things: body /kind no longer takes b",
        ),
        // More of what is answered, and less of what is asked for, break nobody.
        (
            |now| {
                now["components"]["schemas"]["Thing"]["properties"]["more"] = json!({"type": "string"});
                now["components"]["schemas"]["NewThing"]["required"] = json!([]);
            },
            "",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(broken(change), expected);
    }
}

#[test]
fn what_breaks_graphql_clients_is_seen() {
    let before = "type Query { thing(id: ID!, first: Int): Thing things: [Thing!]! }
        type Thing { id: ID! kind: Kind! name: String } enum Kind { A B } input NewThing { kind: Kind! name: String }";
    for (from, to, expected) in [
        ("", "", ""),
        ("name: String }  enum", "}  enum", ""),
        (" name: String } enum", " } enum", "Thing.name: removed"),
        ("thing(id: ID!, first: Int): Thing", "thing(id: ID!): Thing", "Query.thing: argument first removed"),
        ("first: Int)", "first: Int!)", "Query.thing: argument first has another type"),
        ("first: Int)", "first: Int, last: Int!)", "Query.thing: argument last is required now"),
        ("kind: Kind! name: String } enum", "kind: Kind name: String } enum", "Thing.kind: has another type"),
        ("enum Kind { A B }", "enum Kind { A }", "Kind.B: removed"),
        (
            "input NewThing { kind: Kind! name: String }",
            "input NewThing { kind: Kind! name: String! }",
            "NewThing.name: has another type",
        ),
        (
            "input NewThing { kind: Kind! name: String }",
            "input NewThing { kind: Kind! name: String size: Int! }",
            "NewThing.size: is required now",
        ),
        ("input NewThing { kind: Kind! name: String }", "", "NewThing: removed"),
        // A field that is never null any more breaks nobody, nor does a new argument that may be left out.
        ("name: String } enum", "name: String! } enum", ""),
        ("first: Int)", "first: Int, last: Int)", ""),
    ] {
        let now = if from.is_empty() { before.to_owned() } else { before.replace(from, to) };
        let broken = graphql::breaking(before, &now).into_iter().collect::<Vec<_>>().join("; ");
        assert_eq!(broken, expected, "{from} → {to}");
    }
}
