//! Sources: who reports, who has fallen silent, and what nobody watches.

use crate::support::{Kind, Person, World, fixture, on_both_stores};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use service::{
    housekeeping::{self, HousekeepingOptions},
    import::ImportOptions,
};
use std::time::Duration;

on_both_stores!(
    a_source_is_known_by_its_reports,
    a_source_that_falls_silent_is_told_once,
    what_is_expected_of_a_source_is_changed_in_its_version,
    assets_that_nothing_watches_are_seen,
);

async fn keep_house(world: &World) {
    let options = HousekeepingOptions { imports: ImportOptions { lease: Duration::from_secs(60) } };
    housekeeping::run(world.auth.service(), options).await.expect("done");
}

async fn only_source(who: &Person) -> Value {
    who.get("/v1/sources").await.expect(200).items().remove(0)
}

fn path(source: &Value) -> String {
    format!("/v1/sources/{}", source["id"].as_str().expect("an id"))
}

async fn patch(who: &Person, source: &Value, body: Value) -> crate::support::Answer {
    let tag = who.get(&path(source)).await.expect(200).etag();
    who.write(Method::PATCH, &path(source), Some(&tag), body).await
}

async fn told(who: &Person) -> Vec<String> {
    let events = who.get("/v1/changes?mode=events&types=source&limit=1000").await.expect(200).items();
    events.iter().map(|event| event["event"].as_str().expect("a kind").to_owned()).collect()
}

async fn a_source_is_known_by_its_reports(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let source = only_source(&lead).await;
    assert_eq!(
        (&source["name"], &source["kind"], &source["tool"]),
        (&json!("nessus"), &json!("scanner"), &json!("nessus"))
    );
    assert_eq!((&source["silent_since"], &source["expected_interval_hours"]), (&json!(null), &json!(null)));
    let fed = lead.get("/v1/changes?types=source").await.expect(200).items();
    assert_eq!((&fed[0]["event"], &fed[0]["resource"]), (&json!("source.created"), &source));
    let shown = lead.get(&path(&source)).await;
    world.advance(TimeDelta::hours(3));
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let later = lead.get(&path(&source)).await.json();
    assert_eq!(later["seq"], source["seq"], "a report moves it without a number");
    assert_ne!(later["last_report_at"], source["last_report_at"]);
    let again = lead.request(Method::GET, &path(&source)).header("if-none-match", shown.etag());
    lead.send(again).await.expect(200);
    // A report without findings is a report too.
    world.advance(TimeDelta::hours(3));
    lead.import("tenant=norrvik&format=nuclei&source=nessus", b"[]".to_vec()).await.expect(201);
    assert_ne!(lead.get(&path(&source)).await.json()["last_report_at"], later["last_report_at"]);
    let ask = "{ sources { nodes { id name kind lastReportAt scopes { name } } } }";
    let nodes = lead.graphql(ask, json!({})).await["data"]["sources"]["nodes"].clone();
    assert_eq!((&nodes[0]["name"], &nodes[0]["kind"]), (&json!("nessus"), &json!("SCANNER")), "{nodes}");
    world.end().await;
}

async fn a_source_that_falls_silent_is_told_once(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let source = only_source(&lead).await;
    patch(&lead, &source, json!({"expected_interval_hours": 24})).await.expect(200);
    world.advance(TimeDelta::hours(23));
    keep_house(&world).await;
    assert!(lead.get("/v1/sources?silent=true").await.expect(200).items().is_empty());
    // Whatever the number of hours that nobody looked.
    world.advance(TimeDelta::hours(300));
    for _ in 0..3 {
        keep_house(&world).await;
    }
    let silent = lead.get("/v1/sources?silent=true").await.expect(200).items();
    assert_eq!(silent.len(), 1);
    let due: chrono::DateTime<chrono::Utc> =
        silent[0]["silent_since"].as_str().expect("a time").parse().expect("a time");
    assert_eq!(due, "2026-11-25T08:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().expect("a time"));
    assert_eq!(told(&lead).await, ["source.created", "source.updated", "source.silent"]);
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    keep_house(&world).await;
    assert_eq!(only_source(&lead).await["silent_since"], json!(null));
    assert_eq!(told(&lead).await[3..], ["source.reporting"]);
    // Another silence is another event; a longer patience ends it.
    world.advance(TimeDelta::hours(25));
    keep_house(&world).await;
    assert_eq!(told(&lead).await[4..], ["source.silent"]);
    let patient = patch(&lead, &source, json!({"expected_interval_hours": 48})).await.expect(200).json();
    assert_eq!(patient["silent_since"], json!(null));
    keep_house(&world).await;
    let none = patch(&lead, &source, json!({"expected_interval_hours": null})).await.expect(200).json();
    world.advance(TimeDelta::hours(2500));
    keep_house(&world).await;
    assert_eq!(only_source(&lead).await, none);
    world.end().await;
}

async fn what_is_expected_of_a_source_is_changed_in_its_version(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let source = only_source(&lead).await;
    let tag = lead.get(&path(&source)).await.etag();
    let change = json!({"kind": "edr", "owner": "IT-drift", "tool": "Nessus Agent"});
    let changed = lead.write(Method::PATCH, &path(&source), Some(&tag), change.clone()).await.expect(200).json();
    assert_eq!((&changed["kind"], &changed["owner"]), (&json!("edr"), &json!("IT-drift")));
    assert_eq!(lead.write(Method::PATCH, &path(&source), Some(&tag), change.clone()).await.expect(412).code(), "stale");
    assert_eq!(
        lead.write(Method::PATCH, &path(&source), None, change).await.expect(428).code(),
        "precondition_required"
    );
    let before = told(&lead).await;
    assert_eq!(patch(&lead, &source, json!({"kind": "edr"})).await.expect(200).json(), changed, "nothing changes");
    assert_eq!(told(&lead).await, before);
    for (body, pointer) in [
        (json!({"owner": ""}), "/owner"),
        (json!({"owner": "a\u{202e}b"}), "/owner"),
        (json!({"tool": "x".repeat(101)}), "/tool"),
        (json!({"expected_interval_hours": 0}), "/expected_interval_hours"),
        (json!({"name": "other"}), "/name"),
    ] {
        let refused = patch(&lead, &source, body).await.expect(422).json();
        assert_eq!((&refused["code"], &refused["errors"][0]["pointer"]), (&json!("invalid_body"), &json!(pointer)));
    }
    let reader = world.person("reader", &[world.norrvik], "findings:read").await;
    assert_eq!(patch(&reader, &source, json!({"kind": "other"})).await.expect(403).code(), "forbidden");
    lead.get("/v1/sources?kind=cat").await.expect(400);
    assert_eq!(lead.get("/v1/sources?kind=edr&silent=false").await.expect(200).items().len(), 1);
    assert!(lead.get("/v1/sources?kind=scanner").await.expect(200).items().is_empty());
    world.end().await;
}

async fn assets_that_nothing_watches_are_seen(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    assert!(lead.get("/v1/coverage").await.expect(200).items().is_empty(), "discovered is not inventoried");
    world.test_store.execute("UPDATE asset SET provenance = 'inventoried'").await;
    let names = async |query: &str| -> Vec<Value> {
        let items = lead.get(&format!("/v1/coverage?{query}")).await.expect(200).items();
        items.iter().map(|item| item["name"].clone()).collect()
    };
    let all = names("").await;
    assert_eq!(all.len(), 2);
    assert_eq!(names("without=edr").await, all);
    assert!(names("without=scanner").await.is_empty() && names("without=edr,scanner").await.is_empty());
    assert!(names("unwatched_days=30").await.is_empty());
    world.advance(TimeDelta::days(40));
    assert_eq!(names("unwatched_days=30").await, all);
    // An agent on one of them reports.
    let agent = json!({"template-id": "t", "host": "lön.norrvik.example", "info": {"name": "t", "severity": "low"}});
    lead.import("tenant=norrvik&source=edr&format=nuclei", agent.to_string().into_bytes()).await.expect(201);
    let edr = lead.get("/v1/sources").await.items().into_iter().find(|source| source["name"] == "edr").expect("edr");
    patch(&lead, &edr, json!({"kind": "edr"})).await.expect(200);
    assert_eq!(names("unwatched_days=30").await.len(), 1);
    assert_eq!(names("without=edr").await.len(), 1);
    let seen = lead.get("/v1/coverage").await.items();
    let watched =
        seen.iter().find(|item| item["seen"].as_array().expect("seen").len() == 2).expect("one is watched twice");
    assert_eq!(watched["seen"][0]["kind"], "scanner");
    let ask = "{ coverage(filter: {unwatchedDays: 30}) { nodes { name seen { kind lastSeen } } } }";
    let nodes = lead.graphql(ask, json!({})).await["data"]["coverage"]["nodes"].clone();
    assert_eq!(nodes.as_array().expect("nodes").len(), 1, "{nodes}");
    lead.get("/v1/coverage?unwatched_days=0").await.expect(400);
    // By the time in which the agents are expected to report; the scanner has none, and has reported once.
    assert!(names("unwatched=true").await.is_empty());
    assert_eq!(names("unwatched=true&without=edr").await.len(), 1);
    let edr = lead.get(&path(&edr)).await.expect(200).json();
    patch(&lead, &edr, json!({"expected_interval_hours": 24})).await.expect(200);
    world.advance(TimeDelta::hours(23));
    assert_eq!(names("unwatched=true&without=edr").await.len(), 1);
    world.advance(TimeDelta::hours(2));
    assert_eq!(names("unwatched=true&without=edr").await, all);
    assert_eq!(lead.get("/v1/coverage?unwatched=true&unwatched_days=3").await.expect(400).code(), "invalid_parameter");
    world.end().await;
}
