//! The one table of codes: every code that can be provoked is, on both edges
//! where both have it, and whatever is wrong with a request has a code.

mod cases;
mod scene;

use crate::support::{Kind, Person, World};
use cases::Case;
use domain::Code;
use reqwest::{Method, header};
use scene::Scene;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Codes that no single request provokes, and where they are tested or why not.
const ELSEWHERE: &[(&str, &str)] = &[
    ("import_running", "takes a crash or two senders: import_rules.rs, encodings.rs"),
    ("unavailable", "takes a server that is full or whose store is away: load.rs, assets/import.rs"),
    ("internal", "is a fault of the service, and nothing is known to provoke one"),
    ("include_too_large", "takes more than this scene holds: lists.rs"),
    ("cursor_expired", "takes a year and more: changes/retention.rs"),
    ("idempotency_in_progress", "takes two requests at once: idempotency.rs"),
];

/// The code that an answer carries, whichever edge gave it.
fn code(answer: &Value) -> String {
    let of_errors = &answer["errors"][0]["extensions"]["code"];
    answer.get("code").unwrap_or(of_errors).as_str().unwrap_or_else(|| panic!("no code: {answer}")).to_owned()
}

/// What each case provokes on each edge; fails where that is not its code.
async fn provoke(cases: Vec<Case>) -> BTreeSet<&'static str> {
    let mut provoked = BTreeSet::new();
    for Case { code: expected, who, requests } in cases {
        for request in requests {
            let answer = who.send(request).await;
            assert_eq!(code(&answer.json()), expected, "{}", answer.text);
            let is_problem = answer.header("content-type") == Some("application/problem+json");
            assert!(is_problem || answer.json()["errors"][0]["message"].is_string(), "{}", answer.text);
            provoked.insert(expected);
        }
    }
    provoked
}

#[tokio::test]
async fn every_code_is_provoked_and_explained() {
    let scene = Scene::new().await;
    let mut provoked = provoke(cases::of_requests(&scene)).await;
    provoked.extend(provoke(cases::of_lists_and_keys(&scene)).await);
    provoked.extend(provoke(cases::of_findings(&scene)).await);
    provoked.extend(provoke(cases::of_work(&scene)).await);
    provoked.extend(provoke(cases::of_assets_and_imports(&scene)).await);
    provoked.extend(provoke(cases::of_documents(&scene)).await);
    scene.world.end().await;
    let strict = World::with(Kind::Sqlite, |config| {
        (config.limits.requests_per_minute, config.graphql_introspection) = (4, false);
    })
    .await;
    let lead = strict.lead().await;
    provoked.extend(provoke(vec![cases::introspection(&lead)]).await);
    lead.get("/v1/me").await.expect(200);
    lead.get("/v1/me").await.expect(200);
    provoked.extend(provoke(vec![cases::too_often(&lead)]).await);
    let anyone = strict.bearer("");
    for code in &provoked {
        let page = anyone.get(&format!("/problems/{code}")).await.expect(200);
        assert!(page.text.starts_with(code) && page.text.contains("What to do: "), "{}", page.text);
    }
    strict.end().await;
    let table: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    let elsewhere: BTreeSet<&str> = ELSEWHERE.iter().map(|(code, _)| *code).collect();
    assert_eq!(provoked.intersection(&elsewhere).collect::<Vec<_>>(), Vec::<&&str>::new());
    let known: BTreeSet<&str> = provoked.union(&elsewhere).copied().collect();
    assert_eq!(table.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new(), "codes that nothing provokes");
}

/// Documents that are wrong each in its own way, with their variables.
fn broken_documents() -> Vec<(&'static str, Value)> {
    let first = |value: Value| json!({ "first": value });
    let page = "query($first: Int) { findings(first: $first) { nodes { id } } }";
    let input = "mutation($input: TaskInput!) { createTask(input: $input) { id } }";
    vec![
        ("", json!({})),
        ("{", json!({})),
        ("hej", json!({})),
        ("{ me }", json!({})),
        ("{ me { } }", json!({})),
        ("{ me { issuer { x } } }", json!({})),
        ("{ nothing }", json!({})),
        ("{ findings(nothing: 1) { nodes { id } } }", json!({})),
        ("{ findings(first: \"x\") { nodes { id } } }", json!({})),
        ("{ findings(filter: {nothing: 1}) { nodes { id } } }", json!({})),
        ("{ findings(filter: {status: [NOTHING]}) { nodes { id } } }", json!({})),
        ("{ findings(filter: {firstSeenFrom: \"i går\"}) { nodes { id } } }", json!({})),
        ("{ finding { id } }", json!({})),
        ("{ finding(id: \"x\") { id } }", json!({})),
        ("{ finding(id: 7) { id } }", json!({})),
        ("{ finding(id: $id) { id } }", json!({})),
        ("query($id: ID!) { finding(id: $id) { id } }", json!({})),
        ("query($id: ID!) { finding(id: $id) { id } }", json!({"id": null})),
        ("query($id: Nothing!) { finding(id: $id) { id } }", json!({"id": "x"})),
        ("query($id: Int!) { finding(id: $id) { id } }", json!({"id": 1})),
        ("query($first: Int) { me { issuer } }", json!({})),
        ("query($first: Int, $first: Int) { findings(first: $first) { nodes { id } } }", json!({})),
        (page, first(json!("x"))),
        (page, first(json!(1.5))),
        (page, first(json!([1]))),
        (page, first(json!({"a": 1}))),
        (page, first(json!(-1))),
        (page, first(json!(501))),
        (page, first(json!(9_223_372_036_854_775_807_i64))),
        (page, first(json!(18_446_744_073_709_551_615_u64))),
        (input, json!({"input": {}})),
        (input, json!({"input": 7})),
        ("{ me { issuer } } { me { issuer } }", json!({})),
        ("query A { me { issuer } } query A { me { issuer } }", json!({})),
        ("query A { me { issuer } } query B { me { issuer } }", json!({})),
        ("subscription { findings { id } }", json!({})),
        ("mutation { nothing }", json!({})),
        ("{ ...F }", json!({})),
        ("{ ...F } fragment F on Nothing { id }", json!({})),
        ("{ ...F } fragment F on Finding { id }", json!({})),
        ("{ me { issuer } } fragment F on Me { issuer }", json!({})),
        ("{ ...F } fragment F on Query { ...F }", json!({})),
        ("{ me { issuer @nothing } }", json!({})),
        ("{ me { issuer @include } }", json!({})),
        ("{ me { issuer @include(if: \"x\") } }", json!({})),
        ("{ me { a: issuer a: subject } }", json!({})),
        ("type Query { me: Int }", json!({})),
    ]
}

#[tokio::test]
async fn whatever_is_wrong_with_a_document_has_a_code() {
    let world = World::new(Kind::Sqlite).await;
    let lead = world.lead().await;
    let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    for (document, variables) in broken_documents() {
        let answer = lead.graphql(document, variables.clone()).await;
        let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("{document} {variables}: {answer}"));
        let told = answer["data"].as_object().into_iter().flatten().any(|(_, field)| !field.is_null());
        assert!(!told, "{document} {variables}: {answer}");
        for error in errors {
            let code = error["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{document}: {answer}"));
            assert!(known.contains(code) && code != "internal", "{document} {variables}: {answer}");
        }
    }
    world.end().await;
}

/// Bodies and headers that are wrong each in its own way, at both edges.
#[tokio::test]
async fn whatever_is_wrong_with_a_body_is_a_problem_of_the_table() {
    let world = World::new(Kind::Sqlite).await;
    let lead = world.lead().await;
    let send = async |path: &str, kind: &str, body: &str| {
        let request = lead.request(Method::POST, path).header(header::CONTENT_TYPE, kind);
        lead.send(request.body(body.to_owned())).await
    };
    let json = "application/json";
    for path in ["/graphql", "/v1/tasks?tenant=norrvik"] {
        for (kind, body) in [
            (json, ""),
            (json, "hej"),
            (json, "{"),
            (json, "7"),
            (json, "null"),
            (json, "\"x\""),
            (json, "[]"),
            (json, "[7]"),
            (json, "{\"query\": 7, \"title\": 7}"),
            (json, "{\"query\": \"{me{issuer}}\", \"title\": \"x\", \"variables\": 7, \"findings\": 7}"),
            (json, "{\"query\": \"{me{issuer}}\", \"title\": \"x\", \"variables\": [], \"findings\": {}}"),
            (json, "{\"query\": \"{me{issuer}}\", \"title\": \"x\"} x"),
            (json, "{\"query\": \"\\ud800\", \"title\": \"\\ud800\"}"),
            (json, &"[".repeat(1_000)),
            (json, &" ".repeat(2 << 20)),
            ("text/plain", "{}"),
            ("nothing", "{}"),
        ] {
            let answer = send(path, kind, body).await;
            let shown = &body[..body.len().min(80)];
            assert!(answer.status.is_client_error(), "{path} {shown}: {} {}", answer.status, answer.text);
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path} {shown}");
            let known = Code::ALL.iter().any(|code| code.as_str() == answer.code());
            assert!(known && answer.text.len() < 2_000, "{path} {shown}: {}", answer.text);
        }
    }
    world.end().await;
}

/// A request to GraphQL.
fn document(who: &Person, query: &str, variables: Value) -> reqwest::RequestBuilder {
    who.request(Method::POST, "/graphql").json(&json!({"query": query, "variables": variables}))
}
