//! `node` and `nodes`: anything by its id alone, and nothing that a single read would not show.

use super::{MISSING, all_but, filled, with_scopes};
use crate::support::{ALL, Kind, Person, World, on_both_stores};
use serde_json::{Value, json};

on_both_stores!(
    everything_with_an_id_is_a_node,
    nodes_keep_their_order_and_what_is_not_to_be_seen_is_null,
    many_ids_take_as_many_statements_as_one,
);

/// A resource, its type, the field of a single one, what is compared, and the scope that opens it.
const TYPES: &[(&str, &str, &str, &str, &str)] = &[
    ("findings", "Finding", "finding", "title seq asset { name }", "findings:read"),
    ("assets", "Asset", "asset", "name seq findings { title }", "assets:read"),
    ("services", "BusinessService", "businessService", "name assetIds", "assets:read"),
    ("tasks", "Task", "task", "title findings { title }", "tasks:read"),
    ("imports", "Import", "import", "sha256 rejectedRecords { reason }", "findings:read imports:write"),
    ("risk-acceptances", "RiskAcceptance", "riskAcceptance", "reason status", "findings:read"),
    ("comments", "Comment", "comment", "text", "findings:read tasks:read"),
    ("attachments", "Attachment", "attachment", "fileName", "evidence:read"),
    ("retests", "Retest", "retest", "round result", "findings:read"),
    ("sources", "Source", "source", "name", "findings:read"),
    ("clients", "Client", "client", "name scopes", "clients:manage"),
    ("grants", "Grant", "grant", "scopes", "grants:manage"),
];

async fn ask(who: &Person, query: &str, variables: Value) -> Value {
    let answer = who.graphql(query, variables).await;
    assert_eq!(answer["errors"], Value::Null, "{answer}");
    answer["data"].clone()
}

async fn everything_with_an_id_is_a_node(kind: Kind) {
    let world = World::new(kind).await;
    let (norrvik, alvsund) = (filled(&world, "norrvik").await, filled(&world, "alvsund").await);
    let lead = with_scopes(&world, ALL).await;
    let schema = ask(&lead, "{ __type(name: \"Node\") { possibleTypes { name } } }", json!({})).await;
    let known = schema["__type"]["possibleTypes"].as_array().expect("types").iter().map(|kind| &kind["name"]);
    let mut known: Vec<_> = known.map(|name| name.as_str().expect("a name")).collect();
    let mut tried: Vec<_> = TYPES.iter().map(|(_, name, ..)| *name).collect();
    known.sort_unstable();
    tried.sort_unstable();
    assert_eq!(known, tried);
    for (resource, name, single, fields, scopes) in TYPES {
        let one = format!(
            "query($id: ID!) {{ node(id: $id) {{ __typename id ... on {name} {{ {fields} }} }}
                single: {single}(id: $id) {{ __typename id {fields} }} }}"
        );
        let of = |id: &str| json!({ "id": id });
        let own = ask(&lead, &one, of(norrvik.id(resource))).await;
        assert_eq!(own["node"]["id"], norrvik.id(resource));
        assert_eq!(own["node"], own["single"], "{name}");
        let foreign = ask(&lead, &one, of(alvsund.id(resource))).await;
        assert_eq!(foreign, ask(&lead, &one, of(MISSING)).await, "{name}");
        assert_eq!(foreign["node"], Value::Null, "{name}");
        let scopes: Vec<&str> = scopes.split(' ').collect();
        let blind = with_scopes(&world, &all_but(&scopes)).await;
        let query = "query($id: ID!) { node(id: $id) { id } }";
        assert_eq!(ask(&blind, query, of(norrvik.id(resource))).await["node"], Value::Null, "{name}");
    }
    world.end().await;
}

async fn nodes_keep_their_order_and_what_is_not_to_be_seen_is_null(kind: Kind) {
    let world = World::new(kind).await;
    let (norrvik, alvsund) = (filled(&world, "norrvik").await, filled(&world, "alvsund").await);
    let lead = with_scopes(&world, ALL).await;
    let (task, finding, client) = (norrvik.id("tasks"), norrvik.id("findings"), norrvik.id("clients"));
    let ids = [task, MISSING, finding, "no id", alvsund.id("assets"), client, finding];
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
    let nodes = ask(&lead, query, json!({ "ids": ids })).await;
    let of = |name: &str, id: &str| json!({"__typename": name, "id": id});
    let finding = of("Finding", finding);
    let expected = json!([of("Task", task), null, finding, null, null, of("Client", client), finding]);
    assert_eq!(nodes["nodes"], expected);
    assert_eq!(ask(&lead, query, json!({"ids": []})).await["nodes"], json!([]));
    let many = lead.graphql(query, json!({"ids": vec![MISSING; 101]})).await;
    assert_eq!(many["errors"][0]["extensions"]["code"], "invalid_parameter", "{many}");
    // A page of nodes costs what it may show.
    let cost = async |ids: usize| {
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Finding { title } } }";
        let answer = lead.graphql(query, json!({"ids": vec![MISSING; ids]})).await;
        answer["extensions"]["cost"]["requested"].as_i64().expect("a cost")
    };
    assert_eq!(cost(100).await - cost(1).await, 99 * 3);
    world.end().await;
}

async fn many_ids_take_as_many_statements_as_one(kind: Kind) {
    let world = World::new(kind).await;
    let norrvik = filled(&world, "norrvik").await;
    let lead = with_scopes(&world, ALL).await;
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let statements = async |ids: &[&str]| {
        let mut least = u64::MAX;
        // What the house does at the same time only adds.
        for _ in 0..10 {
            let before = world.store.statements();
            ask(&lead, query, json!({ "ids": ids })).await;
            least = least.min(world.store.statements() - before);
        }
        least
    };
    let findings = lead.get("/v1/findings?limit=20").await.expect(200).items();
    let findings: Vec<&str> = findings.iter().map(|finding| finding["id"].as_str().expect("an id")).collect();
    assert!(findings.len() >= 5, "{}", findings.len());
    assert_eq!(statements(&findings[..1]).await, statements(&findings).await);
    // One for a finding, as good as none for the eleven types after it.
    let missing = statements(&[MISSING]).await;
    assert!(statements(&findings).await + 6 < missing, "{missing}");
    assert!(statements(&[MISSING, norrvik.id("grants")]).await <= missing + 3);
    world.end().await;
}
