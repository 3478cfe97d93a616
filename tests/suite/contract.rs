//! The generated documents are those committed.

use crate::support::{
    document::{self, Operation},
    root,
};
use async_graphql::parser::{
    Positioned, parse_schema,
    types::{FieldDefinition, InputValueDefinition, TypeKind, TypeSystemDefinition},
};
use domain::{
    Asset, AssetWatch, Attachment, AuditFilter, AuditRecord, BusinessService, Comment, Finding, FindingFilter, Import,
    Retest, Source, Task,
    asset::AssetFilter,
    business_service::BusinessServiceFilter,
    source::SourceFilter,
    task::TaskFilter,
    ticket::{LinkedTicket, TicketFilter},
    watch::WatchFilter,
};
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn the_committed_openapi_document_is_the_generated_one() {
    let committed = std::fs::read_to_string(root().join("openapi/openapi.json")).expect("the document");
    assert!(committed == api::rest::document_json(), "run `fynd openapi > openapi/openapi.json` and review the diff");
}

#[test]
fn the_committed_graphql_schema_is_the_generated_one() {
    let committed = std::fs::read_to_string(root().join("schema/schema.graphql")).expect("the schema");
    let generated = schema::sdl();
    assert!(committed == generated, "run `fynd schema > schema/schema.graphql` and review the diff");
}

/// Whoever reads the schema in a tool sees nothing but its descriptions.
#[test]
fn everything_in_the_graphql_schema_is_described() {
    let document = parse_schema(schema::sdl()).expect("a schema");
    let mut bare = BTreeSet::new();
    for definition in &document.definitions {
        let TypeSystemDefinition::Type(kind) = definition else { continue };
        let name = kind.node.name.node.as_str();
        if kind.node.description.is_none() {
            bare.insert(name.to_owned());
        }
        bare.extend(bare_in(&kind.node.kind).into_iter().map(|member| format!("{name}.{member}")));
    }
    assert_eq!(bare, BTreeSet::new(), "a doc comment says what it is; of an argument schema/src/described.rs");
}

/// The members of a type that have no description.
fn bare_in(kind: &TypeKind) -> Vec<String> {
    match kind {
        TypeKind::Object(object) => bare_fields(&object.fields),
        TypeKind::Interface(interface) => bare_fields(&interface.fields),
        TypeKind::InputObject(input) => bare_values(&input.fields),
        TypeKind::Enum(words) => {
            let bare = words.values.iter().filter(|word| word.node.description.is_none());
            bare.map(|word| word.node.value.node.to_string()).collect()
        }
        TypeKind::Scalar | TypeKind::Union(_) => Vec::new(),
    }
}

fn bare_fields(fields: &[Positioned<FieldDefinition>]) -> Vec<String> {
    let all = fields.iter().map(|field| &field.node).flat_map(|field| {
        let own = field.description.is_none().then(|| field.name.node.to_string());
        let bare = bare_values(&field.arguments);
        own.into_iter().chain(bare.into_iter().map(|argument| format!("{}({argument})", field.name.node)))
    });
    all.collect()
}

fn bare_values(values: &[Positioned<InputValueDefinition>]) -> Vec<String> {
    let bare = values.iter().filter(|value| value.node.description.is_none());
    bare.map(|value| value.node.name.node.to_string()).collect()
}

#[test]
fn operation_ids_are_unique() {
    let mut seen = BTreeSet::new();
    for operation in Operation::all() {
        assert!(seen.insert(operation.id()), "{} stands twice", operation.id());
    }
    assert!(seen.len() > 15, "{seen:?}");
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn check(value: &serde_json::Value) {
        match value {
            serde_json::Value::Object(members) => {
                if let Some(at) = members.get("$ref").and_then(|at| at.as_str()) {
                    let found = document::DOCUMENT.pointer(at.strip_prefix('#').expect("a place in the document"));
                    assert!(found.is_some(), "{at} leads nowhere");
                }
                members.values().for_each(check);
            }
            serde_json::Value::Array(items) => items.iter().for_each(check),
            _ => {}
        }
    }
    check(&document::DOCUMENT);
}

#[test]
fn the_fields_that_may_be_chosen_are_those_documented() {
    for (name, fields) in [
        ("Finding", Finding::FIELDS),
        ("Asset", Asset::FIELDS),
        ("BusinessService", BusinessService::FIELDS),
        ("Task", Task::FIELDS),
        ("LinkedTicket", LinkedTicket::FIELDS),
        ("Import", Import::FIELDS),
        ("Comment", Comment::FIELDS),
        ("Attachment", Attachment::FIELDS),
        ("Retest", Retest::FIELDS),
        ("Source", Source::FIELDS),
        ("AssetWatch", AssetWatch::FIELDS),
        ("AuditRecord", AuditRecord::FIELDS),
    ] {
        let properties = document::DOCUMENT["components"]["schemas"][name]["properties"].as_object().expect(name);
        let documented: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        assert_eq!(fields.iter().copied().collect::<BTreeSet<_>>(), documented, "{name}");
    }
}

#[test]
fn the_conditions_of_a_filter_are_the_parameters_of_its_list() {
    for (path, names, others) in [
        ("/v1/findings", FindingFilter::NAMES, &["sort", "limit", "cursor", "fields", "count", "include"][..]),
        ("/v1/assets", AssetFilter::NAMES, &["sort", "limit", "cursor", "fields", "count"]),
        ("/v1/services", BusinessServiceFilter::NAMES, &["limit", "cursor", "fields", "count"]),
        ("/v1/tasks", TaskFilter::NAMES, &["limit", "cursor", "fields", "count", "include"]),
        ("/v1/tickets", TicketFilter::NAMES, &["limit", "cursor", "fields", "count"]),
        ("/v1/sources", SourceFilter::NAMES, &["limit", "cursor", "fields", "count"]),
        ("/v1/coverage", WatchFilter::NAMES, &["limit", "cursor", "fields"]),
        ("/v1/audit", AuditFilter::NAMES, &["limit", "cursor", "fields"]),
    ] {
        let parameters = document::DOCUMENT["paths"][path]["get"]["parameters"].as_array().expect(path);
        let of_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        let documented: BTreeSet<&str> =
            of_query.map(|parameter| parameter["name"].as_str().expect("a name")).collect();
        assert_eq!(names.iter().chain(others).copied().collect::<BTreeSet<_>>(), documented, "{path}");
    }
}

#[test]
fn the_check_of_live_answers_sees_what_is_missing_and_what_is_too_much() {
    let operations = Operation::all();
    let me = operations.iter().find(|operation| operation.id() == "getMe").expect("getMe");
    let found = |body: &serde_json::Value| document::violations(me, "200", "application/json", body, false);
    let id = "01900000-0000-7000-8000-000000000000";
    let good = json!({"principal_id": id, "issuer": "x", "subject": "y", "expires_at": "2026-11-24T08:00:00Z",
        "tenants": [{"id": id, "slug": "norrvik", "name": "Norrvik", "scopes": [], "because": []}]});
    assert_eq!(found(&good), Vec::<String>::new());
    for (pointer, value) in [("/secret", json!(1)), ("/tenants/0/secret", json!(1)), ("/expires_at", json!("soon"))] {
        let mut bad = good.clone();
        let (parent, name) = pointer.rsplit_once('/').expect("a parent");
        bad.pointer_mut(parent).expect("a place")[name] = value;
        assert_eq!(found(&bad).len(), 1, "{pointer}");
    }
    let mut bad = good;
    bad.as_object_mut().expect("an object").remove("issuer");
    assert_eq!(found(&bad).len(), 1);
}
