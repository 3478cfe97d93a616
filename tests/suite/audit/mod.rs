//! The audit: who did what, and that nobody changes it unseen.

mod assets;
mod chain;
mod identity;
mod notes;
mod reading;
mod risk;
mod secrets;
mod tasks;
mod writes;

use crate::support::{ALL, Kind, Person, World, document::Operation, fixture, on_both_stores};
use chrono::TimeDelta;
use serde_json::{Value, json};
use service::audit;
use std::collections::BTreeSet;
use writes::{ASKS, WRITES, send};

on_both_stores!(
    every_write_leaves_exactly_one_row,
    refusals_are_counted_in_the_callers_own_municipality,
    a_refusal_over_two_municipalities_tells_neither_of_the_other,
    bad_tokens_are_counted_in_the_operators_chain_alone,
    who_reads_evidence_is_recorded_first,
);

/// All of Norrvik's audit, newest first.
async fn rows(who: &Person) -> Vec<Value> {
    who.get("/v1/audit?tenant=norrvik&limit=500").await.expect(200).items()
}

async fn actions(who: &Person) -> Vec<String> {
    rows(who).await.iter().map(|row| text(&row["action"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Writes the refusals of minutes that are over.
async fn a_minute_later(world: &World) {
    world.advance(TimeDelta::seconds(61));
    audit::write_noted(world.auth.service(), false).await.expect("written");
}

async fn first_finding(who: &Person) -> String {
    text(&who.get("/v1/findings").await.expect(200).items()[0]["id"])
}

fn all() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    WRITES.iter().chain(tasks::WRITES).chain(identity::WRITES)
}

fn is_about_many(action: &str) -> bool {
    action.starts_with("finding.bulk_")
        || ["asset.import", "task.claim", "ticket.report", "ticket.reconcile"].contains(&action)
}

async fn every_write_leaves_exactly_one_row(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let me = lead.get("/v1/me").await.json()["principal_id"].clone();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for (at, (operation, action)) in all().enumerate() {
        let answer = send(&lead, operation).await;
        assert!(answer.status.is_success() && !answer.text.contains("errors"), "{operation}: {}", answer.text);
        let rows = rows(&lead).await;
        assert_eq!(rows.len(), at + 1, "{operation}: {}", answer.text);
        // The clock of the test stands still, which is no order.
        let newest = rows.iter().find(|row| known.insert(text(&row["id"]))).expect("a new row");
        assert_eq!((&newest["action"], &newest["principal_id"]), (&json!(action), &me), "{operation}");
        assert_eq!((&newest["outcome"], &newest["count"]), (&json!("done"), &json!(1)), "{operation}");
        // Rights and rules are no resources of the feed, and have no number.
        let is_numbered = !["client", "grant", "tenant"].iter().any(|kind| newest["resource_type"] == *kind)
            && !["source.fingerprint_rule", "source.rerun"].contains(action);
        assert_eq!(newest["first_seq"].as_i64() > Some(0), is_numbered, "{operation}");
        assert!(newest["last_seq"].as_i64() >= newest["first_seq"].as_i64());
        // Many at once are about no single one.
        let about = newest["resource_id"].as_str();
        assert_eq!(about.is_none(), is_about_many(action), "{operation}: {newest}");
        assert!(answer.text.contains(about.unwrap_or_default()), "{operation}: {newest}");
    }
    // What changes nothing leaves nothing.
    for operation in ["linkTicket", "mutation linkTicket", "mutation updateFinding"] {
        send(&lead, operation).await;
        assert_eq!(rows(&lead).await.len(), all().count(), "{operation} again");
    }
    world.end().await;
}

#[tokio::test]
async fn every_write_of_both_contracts_is_among_those_tried() {
    let known: BTreeSet<&str> = all().chain(risk::STEPS).map(|(operation, _)| *operation).collect();
    let is_write =
        |operation: &Operation| operation.method != "get" && !operation.is_public() && !ASKS.contains(&operation.id());
    let of_rest = Operation::all().into_iter().filter(is_write);
    let schema = schema::sdl();
    let mutations =
        schema.split("type Mutation {").nth(1).and_then(|rest| rest.split("\n}").next()).expect("mutations");
    let of_graphql = mutations.lines().filter_map(|line| line.strip_prefix('\t')).filter_map(|line| {
        let name = line.split('(').next().filter(|name| name.chars().all(char::is_alphanumeric) && !name.is_empty());
        name.map(|name| format!("mutation {name}"))
    });
    let all: BTreeSet<String> = of_rest.map(|operation| operation.id().to_owned()).chain(of_graphql).collect();
    assert_eq!(all.iter().map(String::as_str).collect::<BTreeSet<_>>(), known);
}

async fn refusals_are_counted_in_the_callers_own_municipality(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, viewer) = (world.lead().await, world.person("viewer", &[world.norrvik], "findings:read").await);
    let other = world.person("other", &[world.alvsund], ALL).await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let id = first_finding(&lead).await;
    let evidence = format!("/v1/findings/{id}/evidence");
    for _ in 0..3 {
        viewer.get(&evidence).await.expect(403);
    }
    other.get(&format!("/v1/findings/{id}")).await.expect(404);
    let ask = "query($id: ID!) { hunter2: finding(id: $id) { id } }";
    assert!(other.graphql(ask, json!({"id": id})).await["data"]["hunter2"].is_null());
    viewer.graphql("{ hunter2: tasks { nodes { id } } }", json!({})).await;
    viewer.get("/v1/findings?severity=none").await.expect(400);
    a_minute_later(&world).await;
    let refused = |rows: Vec<Value>| -> Vec<(String, String, i64)> {
        let refused = rows.into_iter().filter(|row| row["outcome"] == "refused");
        let mut told: Vec<_> = refused
            .map(|row| (text(&row["action"]), text(&row["code"]), row["count"].as_i64().expect("a count")))
            .collect();
        told.sort();
        told
    };
    let told = |expected: &[(&str, &str, i64)]| -> Vec<(String, String, i64)> {
        expected.iter().map(|(action, code, count)| ((*action).to_owned(), (*code).to_owned(), *count)).collect()
    };
    let expected = [("GET /v1/findings/{id}/evidence", "forbidden", 3), ("graphql tasks", "forbidden", 1)];
    assert_eq!(refused(rows(&lead).await), told(&expected));
    let expected = [("GET /v1/findings/{id}", "not_found", 1), ("graphql finding", "not_found", 1)];
    assert_eq!(refused(other.get("/v1/audit").await.expect(200).items()), told(&expected));
    for _ in 0..2 {
        viewer.get(&evidence).await.expect(403);
    }
    a_minute_later(&world).await;
    let counts: Vec<_> = refused(rows(&lead).await).into_iter().map(|(_, _, count)| count).collect();
    assert_eq!(counts, [2, 3, 1], "another minute is another row");
    world.end().await;
}

async fn a_refusal_over_two_municipalities_tells_neither_of_the_other(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, other) = (world.lead().await, world.person("other", &[world.alvsund], "audit:read").await);
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let id = first_finding(&lead).await;
    let evidence = format!("/v1/findings/{id}/evidence");
    let both = world.person("provider", &[world.norrvik, world.alvsund], "findings:read").await;
    let one = world.person("provider", &[world.norrvik], "findings:read").await;
    both.get(&evidence).await.expect(403);
    for _ in 0..2 {
        one.get(&evidence).await.expect(403);
    }
    a_minute_later(&world).await;
    let of_other = other.get("/v1/audit").await.expect(200);
    assert_eq!(of_other.items().len(), 1);
    assert_eq!((&of_other.items()[0]["count"], of_other.text.contains(&id)), (&json!(1), false));
    let refused = lead.get("/v1/audit?outcome=refused").await.expect(200).items();
    let mut told: Vec<_> = refused.iter().map(|row| (row["count"].as_i64(), row["resource_id"].clone())).collect();
    told.sort_by_key(|(count, _)| *count);
    assert_eq!(told, [(Some(1), Value::Null), (Some(2), json!(id))]);
    world.end().await;
}

async fn bad_tokens_are_counted_in_the_operators_chain_alone(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    for at in 0..20 {
        world.bearer(&format!("no.token.{at}")).get("/v1/findings").await.expect(401);
    }
    world.bearer("").get("/v1/me").await.expect(401);
    a_minute_later(&world).await;
    let select = "SELECT concat_ws(' ', action, code, count, detail) FROM audit WHERE outcome = 'refused'";
    assert_eq!(crate::support::look(&world.test_store, select).await, ["authenticate unauthenticated 21"]);
    assert!(rows(&lead).await.is_empty());
    assert!(lead.get("/v1/audit").await.expect(200).items().is_empty(), "no grant opens the operator's chain");
    let (nil, code) = ("00000000-0000-0000-0000-000000000000", "unknown_tenant");
    assert_eq!(lead.get(&format!("/v1/audit?tenant={nil}")).await.expect(404).code(), code);
    world.end().await;
}

async fn who_reads_evidence_is_recorded_first(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let mut read = None;
    for finding in lead.get("/v1/findings").await.items() {
        let path = format!("/v1/findings/{}/evidence", text(&finding["id"]));
        if lead.get(&path).await.status == 200 {
            read = Some((path, finding["id"].clone()));
            break;
        }
    }
    let (path, id) = read.expect("a finding with evidence");
    let of_reads =
        async || -> Vec<Value> { rows(&lead).await.into_iter().filter(|row| row["outcome"] == "read").collect() };
    let reads = of_reads().await;
    assert_eq!(reads.len(), 1);
    let row = &reads[0];
    assert_eq!((&row["action"], &row["resource_id"], &row["count"]), (&json!("finding.evidence"), &id, &json!(1)));
    for _ in 0..4 {
        lead.get(&path).await.expect(200);
    }
    assert_eq!(of_reads().await.len(), 1, "repeats wait for the end of the minute");
    let ask = json!({"id": id});
    let shown = lead.graphql("query($id: ID!) { findingEvidence(id: $id) { text } }", ask).await;
    assert!(shown["data"]["findingEvidence"]["text"].is_string(), "{shown}");
    a_minute_later(&world).await;
    let counts: Vec<_> = of_reads().await.iter().map(|row| row["count"].as_i64()).collect();
    assert_eq!(counts, [Some(5), Some(1)]);
    world.end().await;
}
