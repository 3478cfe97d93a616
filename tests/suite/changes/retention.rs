//! How long single changes are kept: what goes, what stays, and who is told.

use super::{findings, page, rate};
use crate::support::{Kind, Person, World, fixture, look, on_both_stores};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

on_both_stores!(the_state_outlives_its_changes, an_old_cursor_is_told_that_it_is_old);

/// The last state of each resource, read from the beginning.
async fn state(who: &Person) -> BTreeMap<String, Value> {
    let (mut state, mut query) = (BTreeMap::new(), "limit=100".to_owned());
    loop {
        let answer = who.get(&format!("/v1/changes?{query}")).await.expect(200).json();
        for item in answer["items"].as_array().unwrap() {
            let id = item["resource_id"].as_str().unwrap().to_owned();
            assert!(state.insert(id, item["resource"].clone()).is_none(), "twice in one reading: {item}");
        }
        if answer["has_more"] == false {
            return state;
        }
        query = format!("limit=100&cursor={}", answer["next_cursor"].as_str().unwrap());
    }
}

/// Has single changes kept for so many days.
async fn keep(who: &Person, days: i32) {
    let settings = "/v1/tenants/norrvik/settings";
    let tag = who.get(settings).await.expect(200).etag();
    who.write(Method::PATCH, settings, Some(&tag), json!({"event_days": days})).await.expect(200);
}

async fn the_state_outlives_its_changes(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let service = json!({"name": "Omsorg"});
    let service = lead.write(Method::POST, "/v1/services", None, service).await.expect(201);
    let (path, tag) = (service.header("location").unwrap().to_owned(), service.etag());
    lead.write(Method::DELETE, &path, Some(&tag), json!({})).await;
    let changed = findings(&lead, "critical,high").await.remove(0);
    for severity in ["low", "medium", "low"] {
        rate(&lead, &changed, severity).await;
    }
    keep(&lead, 30).await;
    let before = state(&lead).await;
    let events = "SELECT CAST(count(*) AS text) AS text FROM event";
    let all: usize = look(&world.test_store, events).await[0].parse().unwrap();
    world.advance(TimeDelta::days(31));
    rate(&lead, &changed, "critical").await;
    world.keep_house().await;
    let kept: usize = look(&world.test_store, events).await[0].parse().unwrap();
    assert!(kept < all, "{kept} of {all} are kept");
    let after = state(&lead).await;
    assert_eq!(after[changed["id"].as_str().unwrap()]["severity"], "critical");
    // What is gone leaves nothing behind; everything else is still told, however old.
    let existing = before.iter().filter(|(_, resource)| !resource.is_null()).map(|(id, _)| id);
    assert_eq!(after.keys().collect::<Vec<_>>(), existing.collect::<Vec<_>>());
    assert!(after.values().all(|resource| !resource.is_null()));
    // Once more changes nothing, and what comes later still leads on.
    world.keep_house().await;
    assert_eq!(look(&world.test_store, events).await[0].parse::<usize>().unwrap(), kept);
    world.end().await;
}

async fn an_old_cursor_is_told_that_it_is_old(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    keep(&lead, 10).await;
    // One in the middle of the first reading, one who has read it all.
    let (_, half) = page(&lead, "limit=3").await;
    let (_, single) = page(&lead, "mode=events&limit=3").await;
    let (_, whole) = page(&lead, "limit=1000").await;
    world.advance(TimeDelta::days(11));
    let changed = findings(&lead, "critical,high").await.remove(0);
    let is_it = |item: &Value| item["resource_id"] == changed["id"];
    rate(&lead, &changed, "low").await;
    world.keep_house().await;
    let (items, _) = page(&lead, &format!("limit=1000&cursor={whole}")).await;
    assert!(items.iter().any(is_it), "nothing that this cursor has not read is gone: {items:?}");
    // The state that is being read is still all there; single changes are not.
    let (rest, _) = page(&lead, &format!("limit=1000&cursor={half}")).await;
    assert!(rest.len() > 3);
    let refused = lead.get(&format!("/v1/changes?mode=events&limit=3&cursor={single}")).await.expect(410);
    assert_eq!(refused.code(), "cursor_expired");
    let began = page(&lead, "mode=events&limit=1000").await.0;
    let first = began[0]["seq"].as_i64().unwrap();
    assert!(first > 10 && began.iter().any(is_it), "single changes begin with the oldest that is kept: {began:?}");
    assert!(began.iter().zip(first..).all(|(item, seq)| item["seq"] == seq), "and have no hole");
    lead.get("/v1/changes?mode=events&since=2026-11-24T08:00:00Z").await.expect(410);
    rate(&lead, &changed, "medium").await;
    world.advance(TimeDelta::days(11));
    rate(&lead, &changed, "high").await;
    world.keep_house().await;
    let refused = lead.get(&format!("/v1/changes?limit=1000&cursor={whole}")).await.expect(410).json();
    assert_eq!(refused["code"], "cursor_expired");
    let over = lead.graphql(
        "query($after: String) { changes(first: 1000, after: $after) { nextCursor } }",
        json!({"after": whole}),
    );
    assert_eq!(over.await["errors"][0]["extensions"]["code"], "cursor_expired");
    world.end().await;
}
