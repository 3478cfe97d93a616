//! The isolation walk: every operation of the contract, by callers who must not get through.

use crate::support::{ALL, Kind, Person, World, fixture, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

on_both_stores!(no_operation_lets_a_stranger_through, a_list_holds_the_callers_own_rows_alone);

/// Ids of Älvsund, by the operation's resource.
async fn foreign_ids(world: &World) -> BTreeMap<&'static str, String> {
    let all = world.person("other", &[world.alvsund], ALL).await;
    let import = all.import("tenant=alvsund", fixture("nessus/norrvik.nessus")).await.expect(201).json();
    let first = async |list: &str| all.get(list).await.items()[0]["id"].as_str().unwrap().to_owned();
    BTreeMap::from([
        ("findings", first("/v1/findings").await),
        ("assets", first("/v1/assets").await),
        ("tasks", first("/v1/tasks").await),
        ("imports", import["id"].as_str().unwrap().to_owned()),
        ("tenants", "alvsund".to_owned()),
    ])
}

/// What each changing operation sends. A new one without its sample fails the walk.
fn body(operation: &str) -> Option<Value> {
    match operation {
        "patchFinding" => Some(json!({"assignee": "x"})),
        "transitionFinding" => Some(json!({"to": "confirmed"})),
        "linkTicket" => Some(json!({"key": "X-1"})),
        "postImport" => Some(json!({})),
        _ => None,
    }
}

async fn call(who: &Person, method: &str, operation: &str, path: &str) -> crate::support::Answer {
    let method: Method = method.to_uppercase().parse().unwrap();
    let changes = method != Method::GET;
    let sample = body(operation);
    assert_eq!(sample.is_some(), changes, "{operation}: the walk has no sample for it");
    match sample {
        Some(body) => who.write(method, path, Some("\"1-0\""), body).await,
        None => who.get(path).await,
    }
}

async fn no_operation_lets_a_stranger_through(kind: Kind) {
    let world = World::new(kind).await;
    let foreign = foreign_ids(&world).await;
    let missing = "01900000-0000-7000-8000-000000000000";
    let norrvik = world.person("norrvik", &[world.norrvik], ALL).await;
    let nobody = world.person("nobody", &[], "findings:read").await;
    let anonymous = world.bearer("");
    let document: Value = serde_json::from_str(&api::rest::document_json()).unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let operation = operation["operationId"].as_str().unwrap();
            let resource = path.split('/').nth(2).unwrap();
            let fill = |id: &str| path.replace("{id}", id).replace("{system}", "jira");
            let own = fill(foreign.get(resource).map_or(missing, String::as_str));
            assert_eq!(call(&anonymous, method, operation, &own).await.status, 401, "{operation}");
            let answer = call(&nobody, method, operation, &own).await;
            let open = ["getMe", "listTenants", "getTenant"].contains(&operation);
            assert!(open || answer.status == 403, "{operation} without scopes: {}", answer.text);
            if path.contains("{id}") {
                let found = call(&norrvik, method, operation, &own).await;
                let none = call(&norrvik, method, operation, &fill(missing)).await;
                assert_eq!(found.status, 404, "{operation}: {}", found.text);
                let body = |answer: &crate::support::Answer| {
                    let mut body = answer.json();
                    body["trace_id"] = Value::Null;
                    body
                };
                assert_eq!(body(&found), body(&none), "{operation} tells foreign from missing");
            } else if !["getMe", "listTenants"].contains(&operation) {
                let foreign = call(&norrvik, method, operation, &format!("{own}?tenant=alvsund")).await;
                let none = call(&norrvik, method, operation, &format!("{own}?tenant=no-such")).await;
                assert_eq!((foreign.status.as_u16(), foreign.code()), (404, "unknown_tenant".into()), "{operation}");
                assert_eq!(none.code(), "unknown_tenant", "{operation}");
            }
        }
    }
    world.end().await;
}

async fn a_list_holds_the_callers_own_rows_alone(kind: Kind) {
    let world = World::new(kind).await;
    let foreign = foreign_ids(&world).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nuclei/norrvik.jsonl")).await.expect(201);
    let norrvik = world.norrvik.to_string();
    for list in ["findings", "assets", "tasks", "imports", "changes"] {
        for item in lead.get(&format!("/v1/{list}?limit=500")).await.expect(200).items() {
            assert_eq!(item["tenant_id"], norrvik.as_str(), "{list}");
        }
    }
    let asset = foreign["assets"].as_str();
    assert!(lead.get(&format!("/v1/findings?asset={asset}")).await.expect(200).items().is_empty());
    let nodes = "query($f: UUID!, $a: UUID!, $t: UUID!, $i: UUID!) {
        finding(id: $f) { id } asset(id: $a) { id } task(id: $t) { id } import(id: $i) { id } }";
    let ids = json!({"f": foreign["findings"], "a": foreign["assets"], "t": foreign["tasks"], "i": foreign["imports"]});
    let answer = lead.graphql(nodes, ids).await;
    assert_eq!(answer["data"], json!({"finding": null, "asset": null, "task": null, "import": null}), "{answer}");
    world.end().await;
}
