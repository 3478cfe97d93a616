//! What GraphQL offers beside its fields: cost in the answer, documents by
//! their hash, and a schema that can be kept to oneself.

use crate::support::{ALL, Kind, Person, World};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The store has no part in this: once is enough.
async fn world(change: impl FnOnce(&mut api::Config)) -> World {
    World::with(Kind::Sqlite, change).await
}

async fn ask(who: &Person, body: Value) -> Value {
    who.write(Method::POST, "/graphql", None, body).await.expect(200).json()
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn an_answer_tells_what_it_cost_and_what_is_left() {
    let world = world(|config| {
        let limits = &mut config.limits;
        (limits.graphql_complexity, limits.graphql_cost_per_minute, limits.graphql_depth) = (500, 600, 9);
    })
    .await;
    let lead = world.lead().await;
    let page = async || lead.graphql("{ findings(first: 100) { nodes { id title } } }", json!({})).await;
    let cost = page().await["extensions"]["cost"].clone();
    let budget = |remaining, resets_in| json!({"limit": 600, "remaining": remaining, "resetsIn": resets_in});
    let told = json!({"requested": 300, "limit": 500, "depth": 3, "depthLimit": 9, "budget": budget(300, 30)});
    assert_eq!(cost, told);
    let too_dear = lead.graphql("{ findings(first: 500) { nodes { id title } } }", json!({})).await;
    assert_eq!(code(&too_dear), "query_too_complex");
    assert!(
        too_dear["errors"][0]["message"].as_str().expect("words").contains("costs 1500; at most 500"),
        "{too_dear}"
    );
    let told = json!({"requested": 1500, "limit": 500, "depth": 3, "depthLimit": 9});
    assert_eq!(too_dear["extensions"]["cost"], told, "what is refused for itself is not charged");
    assert_eq!(page().await["extensions"]["cost"]["budget"], budget(0, 60));
    let refused = page().await;
    assert_eq!((code(&refused), &refused["extensions"]["cost"]["requested"]), ("rate_limited", &json!(300)));
    for broken in ["{", "{ nothing }"] {
        assert_eq!(lead.graphql(broken, json!({})).await["extensions"]["cost"]["requested"], 0, "{broken}");
    }
    world.advance(TimeDelta::seconds(60));
    // Ten values of the schema are one.
    let schema = lead.graphql("{ __schema { types { name } } }", json!({})).await;
    assert_eq!(schema["extensions"]["cost"]["requested"], 44);
    assert_eq!(schema["extensions"]["cost"]["depth"], 1);
    world.end().await;
}

#[tokio::test]
async fn what_tools_and_dashboards_send_passes_the_limits() {
    let world = world(|_| ()).await;
    let lead = world.lead().await;
    let introspection = include_str!("../fixtures/graphql/introspection.graphql");
    let answer = lead.graphql(introspection, json!({})).await;
    assert_eq!(answer["errors"], Value::Null, "{answer}");
    let cost = answer["extensions"]["cost"]["requested"].as_u64().expect("a cost");
    assert!((10_000..50_000).contains(&cost), "{cost}");
    // Twelve months, and each severity.
    let month = |at: usize| {
        let filter =
            format!("{{firstSeenFrom: \"2026-{at:02}-01T00:00:00Z\", firstSeenTo: \"2026-{at:02}-28T00:00:00Z\"}}");
        format!("m{at}: findingCounts(by: [SEVERITY], filter: {filter}) {{ total items {{ value count }} }}")
    };
    let columns: String = (0..40).map(|_| "title @include(if: $more) ").collect();
    let dashboard = format!(
        "query($more: Boolean = true) {{ {} findings(first: 10) {{ nodes {{ {columns} asset {{ name }} }} }} }}",
        (1..=12).map(month).collect::<Vec<_>>().join(" ")
    );
    let answer = lead.graphql(&dashboard, json!({})).await;
    assert_eq!(answer["errors"], Value::Null, "{answer}");
    world.end().await;
}

/// What the introspection of all tools costs is held against what it shows: were the schema to grow by half, the estimate would be low.
#[tokio::test]
async fn introspection_costs_about_what_it_shows() {
    let world = world(|_| ()).await;
    let lead = world.lead().await;
    let introspection = include_str!("../fixtures/graphql/introspection.graphql");
    let answer = lead.graphql(introspection, json!({})).await;
    let shown = values(&answer["data"]);
    let cost = answer["extensions"]["cost"]["requested"].as_u64().expect("a cost") as usize;
    assert!(cost * 10 >= shown, "{shown} values cost {cost}");
    world.end().await;
}

fn values(of: &Value) -> usize {
    match of {
        Value::Object(fields) => fields.values().map(values).sum::<usize>() + 1,
        Value::Array(items) => items.iter().map(values).sum(),
        _ => 1,
    }
}

#[tokio::test]
async fn an_order_is_said_in_one_place_and_the_older_way_still_holds() {
    let world = world(|_| ()).await;
    let lead = world.lead().await;
    for name in ["b", "c", "a"] {
        lead.write(Method::POST, "/v1/assets?tenant=norrvik", None, json!({ "name": name })).await.expect(201);
    }
    let names = async |arguments: &str| {
        let answer = lead.graphql(&format!("{{ assets{arguments} {{ nodes {{ name }} }} }}"), json!({})).await;
        let nodes = answer["data"]["assets"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        nodes.iter().map(|node| node["name"].as_str().expect("a name")).collect::<String>()
    };
    assert_eq!(names("").await, "bca");
    assert_eq!(names("(orderBy: {field: NAME})").await, "abc");
    assert_eq!(names("(orderBy: {field: NAME, direction: DESC})").await, "cba");
    assert_eq!(names("(sort: NAME)").await, "abc");
    assert_eq!(names("(sort: NAME, descending: true)").await, "cba");
    assert_eq!(names("(orderBy: {field: NAME}, sort: ID, descending: true)").await, "abc");
    let deprecated =
        "{ __type(name: \"Query\") { fields { name args(includeDeprecated: true) { name deprecationReason } } } }";
    let fields = lead.graphql(deprecated, json!({})).await["data"]["__type"]["fields"].clone();
    let assets = fields.as_array().expect("fields").iter().find(|field| field["name"] == "assets").expect("assets");
    let sort = assets["args"].as_array().expect("arguments").iter().find(|one| one["name"] == "sort").expect("sort");
    assert!(sort["deprecationReason"].as_str().is_some_and(|reason| reason.contains("orderBy")), "{sort}");
    world.end().await;
}

#[tokio::test]
async fn a_variable_that_is_left_out_is_not_given() {
    let world = world(|_| ()).await;
    let lead = world.lead().await;
    let list = "query($first: Int, $after: String, $sort: FindingSort, $status: [Status!]) {
        findings(first: $first, after: $after, sort: $sort, filter: {status: $status}) { nodes { id } } }";
    let answer = lead.graphql(list, json!({})).await;
    assert_eq!(
        (&answer["errors"], &answer["extensions"]["cost"]["requested"]),
        (&Value::Null, &json!(100)),
        "{answer}"
    );
    let answer = lead.graphql("query($by: [FindingFacet!]) { findingCounts(by: $by) { total } }", json!({})).await;
    assert_eq!(answer["data"]["findingCounts"]["total"], 0, "{answer}");
    let claim = "mutation($limit: Int) { claimTasks(input: {system: \"topdesk\", limit: $limit}) { lease } }";
    assert_eq!(lead.graphql(claim, json!({})).await["data"]["claimTasks"], json!([]));
    // Left out is not null: the first leaves the assignee, the second removes it.
    let task = json!({"title": "Byt växel", "assignee": "Åsa"});
    let task = lead.write(Method::POST, "/v1/tasks?tenant=norrvik", None, task).await.expect(201).json();
    let change = "mutation($id: ID!, $seq: Long!, $title: String, $assignee: String) {
        updateTask(id: $id, ifMatch: $seq, input: {title: $title, assignee: $assignee}) { title assignee seq } }";
    let named = json!({"id": task["id"], "seq": task["seq"], "title": "Byt växeln"});
    let named = lead.graphql(change, named).await["data"]["updateTask"].clone();
    assert_eq!((&named["title"], &named["assignee"]), (&json!("Byt växeln"), &json!("Åsa")));
    let emptied = json!({"id": task["id"], "seq": named["seq"], "assignee": null});
    assert_eq!(lead.graphql(change, emptied).await["data"]["updateTask"]["assignee"], Value::Null);
    let required = lead.graphql("query($id: ID!) { finding(id: $id) { id } }", json!({})).await;
    assert_eq!(code(&required), "invalid_query");
    world.end().await;
}

#[tokio::test]
async fn a_refused_field_leaves_its_neighbours_alone() {
    let world = world(|_| ()).await;
    let (lead, reader) = (world.lead().await, world.person("reader", &[world.norrvik], "findings:read").await);
    let answer = reader.graphql("{ findings { nodes { id } } tasks { nodes { id } } me { issuer } }", json!({})).await;
    assert_eq!(answer["data"]["findings"]["nodes"], json!([]), "{answer}");
    assert!(answer["data"]["me"].is_object() && answer["data"]["tasks"].is_null(), "{answer}");
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{answer}");
    assert_eq!((code(&answer), &answer["errors"][0]["path"]), ("forbidden", &json!(["tasks"])), "{answer}");
    // One by one, as they stand; what was changed stays changed.
    let document = "mutation { a: createTask(input: {title: \"Ett\"}) { title }
        b: createTask(input: {title: \"\"}) { title } c: createTask(input: {title: \"Tre\"}) { title } }";
    let answer = lead.graphql(document, json!({})).await;
    assert_eq!(answer["data"], json!({"a": {"title": "Ett"}, "b": null, "c": {"title": "Tre"}}), "{answer}");
    assert_eq!((code(&answer), &answer["errors"][0]["path"]), ("invalid_body", &json!(["b"])), "{answer}");
    assert_eq!(lead.get("/v1/tasks").await.expect(200).items().len(), 2);
    world.end().await;
}

#[tokio::test]
async fn only_what_is_called_long_is_longer_than_32_bits() {
    let world = world(|_| ()).await;
    let lead = world.lead().await;
    let far = json!({"number": i64::from(i32::MAX) + 1});
    let service = "mutation($number: Long) { createBusinessService(input: {name: \"Omsorg\", costPerDay: $number})
        { costPerDay seq } }";
    let answer = lead.graphql(service, far.clone()).await;
    assert_eq!(answer["data"]["createBusinessService"]["costPerDay"], far["number"], "{answer}");
    let page = "query($number: Int) { findings(first: $number) { nodes { id } } }";
    assert_eq!(code(&lead.graphql(page, far).await), "invalid_query");
    world.end().await;
}

const DOCUMENT: &str = "query($first: Int) { findings(first: $first) { nodes { id } } }";

fn hash(document: &str) -> String {
    Sha256::digest(document.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn by_hash(document: &str) -> Value {
    json!({"variables": {"first": 2}, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash(document)}}})
}

fn with_hash(document: &str) -> Value {
    let mut body = by_hash(document);
    body["query"] = document.into();
    body
}

#[tokio::test]
async fn a_document_is_sent_once_and_named_by_its_hash_from_then_on() {
    let world = world(|_| ()).await;
    let (lead, other) = (world.lead().await, world.person("other", &[world.norrvik], ALL).await);
    let unknown = ask(&lead, by_hash(DOCUMENT)).await;
    assert_eq!(unknown["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(code(&unknown), "persisted_query_not_found");
    assert!(ask(&lead, with_hash(DOCUMENT)).await["data"]["findings"].is_object());
    for _ in 0..3 {
        let answer = ask(&lead, by_hash(DOCUMENT)).await;
        assert_eq!(answer["data"]["findings"]["nodes"], json!([]));
        assert_eq!(answer["extensions"]["cost"]["requested"], 4, "it costs what it costs");
    }
    let upper = json!({"persistedQuery": {"version": 1, "sha256Hash": hash(DOCUMENT).to_uppercase()}});
    assert!(ask(&lead, json!({ "extensions": upper })).await["data"]["findings"].is_object());
    assert_eq!(
        code(&ask(&other, by_hash(DOCUMENT)).await),
        "persisted_query_not_found",
        "nobody learns what others ask"
    );
    world.end().await;
}

#[tokio::test]
async fn a_hash_stands_for_its_document_alone() {
    let world = world(|_| ()).await;
    let lead = world.lead().await;
    let mut wrong = with_hash(DOCUMENT);
    wrong["query"] = "{ me { issuer } }".into();
    let refused = ask(&lead, wrong).await;
    assert_eq!(
        (code(&refused), &refused["errors"][0]["message"]),
        ("invalid_query", &json!("provided sha does not match query"))
    );
    assert_eq!(code(&ask(&lead, by_hash(DOCUMENT)).await), "persisted_query_not_found");
    // What is no document, or asks for too much, is not kept.
    let too_many = format!("{{ me {{ {} }} }}", (0..99).map(|at| format!("a{at}: issuer ")).collect::<String>());
    for (bad, refused) in [("{ me { issuer }", "invalid_query"), (too_many.as_str(), "query_too_complex")] {
        assert_eq!(code(&ask(&lead, with_hash(bad)).await), refused);
        assert_eq!(code(&ask(&lead, by_hash(bad)).await), "persisted_query_not_found");
    }
    let malformed = [
        json!(7),
        json!({}),
        json!({"version": 1}),
        json!({"version": 2, "sha256Hash": hash(DOCUMENT)}),
        json!({"version": 1, "sha256Hash": "abc"}),
        json!({"version": 1, "sha256Hash": "å".repeat(32)}),
        json!({"version": 1, "sha256Hash": 7}),
    ];
    for extension in malformed {
        let answer = ask(&lead, json!({"query": DOCUMENT, "extensions": {"persistedQuery": extension}})).await;
        assert_eq!(code(&answer), "invalid_query", "{extension}: {answer}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_change_by_hash_is_a_change() {
    let world = world(|_| ()).await;
    let lead = world.lead().await;
    let change = "mutation { createAsset(tenant: \"norrvik\", input: {name: \"Växel\"}) { id } }";
    ask(&lead, with_hash(change)).await;
    ask(&lead, by_hash(change)).await;
    assert_eq!(lead.get("/v1/assets").await.expect(200).items().len(), 2);
    let reader = world.person("reader", &[world.norrvik], "assets:read").await;
    ask(&reader, with_hash(change)).await;
    assert_eq!(code(&ask(&reader, by_hash(change)).await), "forbidden");
    world.end().await;
}

#[tokio::test]
async fn documents_by_hash_can_be_switched_off_and_forgotten() {
    let off = world(|config| config.limits.graphql_persisted_queries = 0).await;
    let lead = off.lead().await;
    for body in [by_hash(DOCUMENT), with_hash(DOCUMENT)] {
        let refused = ask(&lead, body).await;
        assert_eq!(
            (code(&refused), &refused["errors"][0]["message"]),
            ("invalid_query", &json!("PersistedQueryNotSupported"))
        );
    }
    off.end().await;
    let small = world(|config| config.limits.graphql_persisted_queries = 20).await;
    let lead = small.lead().await;
    let document = |at: usize| format!("{{ me {{ issuer }} }} # {at}");
    for at in 0..3 {
        ask(&lead, with_hash(&document(at))).await;
    }
    assert_eq!(code(&ask(&lead, by_hash(&document(0))).await), "persisted_query_not_found", "a tenth of twenty is two");
    for at in 1..3 {
        assert!(ask(&lead, by_hash(&document(at))).await["data"]["me"].is_object());
    }
    small.end().await;
}

#[tokio::test]
async fn a_schema_can_be_kept_to_oneself() {
    let world = world(|config| config.graphql_introspection = false).await;
    let lead = world.lead().await;
    for asks in [
        "{ __schema { types { name } } }",
        "{ me { issuer } ...F } fragment F on Query { a: __type(name: \"Me\") { name } }",
    ] {
        let answer = lead.graphql(asks, json!({})).await;
        assert_eq!((code(&answer), &answer["data"]), ("introspection_disabled", &Value::Null), "{asks}");
    }
    let answer = lead.graphql("{ __typename me { __typename issuer } }", json!({})).await;
    assert_eq!((&answer["data"]["__typename"], &answer["data"]["me"]["__typename"]), (&json!("Query"), &json!("Me")));
    let guessed = lead.graphql("{ finding { id } me { isuer } }", json!({})).await;
    assert!(!guessed.to_string().contains("issuer"), "a message tells what is there: {guessed}");
    for page in ["/graphiql", "/graphiql/init.js", "/graphql/schema.graphql"] {
        assert_eq!(lead.get(page).await.expect(404).code(), "introspection_disabled", "{page}");
    }
    lead.get("/docs").await.expect(200);
    world.end().await;
}
