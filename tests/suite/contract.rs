//! The generated documents are those committed.

use crate::support::root;

#[test]
fn the_committed_openapi_document_is_the_generated_one() {
    let committed = std::fs::read_to_string(root().join("openapi/openapi.json")).expect("the document");
    assert!(committed == api::rest::document_json(), "run `fynd openapi > openapi/openapi.json` and review the diff");
}

#[test]
fn the_committed_graphql_schema_is_the_generated_one() {
    let committed = std::fs::read_to_string(root().join("schema/schema.graphql")).expect("the schema");
    let generated = schema::build(12, 20_000).sdl();
    assert!(committed == generated, "run `fynd schema > schema/schema.graphql` and review the diff");
}

#[test]
fn operation_ids_are_unique() {
    let document: serde_json::Value = serde_json::from_str(&api::rest::document_json()).expect("JSON");
    let mut seen = std::collections::BTreeSet::new();
    for operations in document["paths"].as_object().expect("paths").values() {
        for operation in operations.as_object().expect("operations").values() {
            let id = operation["operationId"].as_str().expect("an id").to_owned();
            assert!(seen.insert(id.clone()), "{id} stands twice");
        }
    }
    assert!(seen.len() > 15, "{seen:?}");
}
