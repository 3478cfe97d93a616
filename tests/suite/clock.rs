//! The spine: one clock, one feed, many writers.

use crate::support::{ALL, Kind, Person, World, fixture, generated_report, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

on_both_stores!(
    a_poller_beside_many_writers_misses_nothing,
    a_change_is_recorded_once_or_not_at_all,
    what_is_gone_is_a_tombstone,
);

async fn next(who: &Person, cursor: &mut String) -> Vec<Value> {
    let page = who.get(&format!("/v1/changes?mode=events&limit=100{cursor}")).await.expect(200).json();
    *cursor = format!("&cursor={}", page["next_cursor"].as_str().unwrap());
    page["items"].as_array().unwrap().clone()
}

fn seq(item: &Value) -> i64 {
    item["seq"].as_i64().unwrap()
}

/// Six people and an import write to one tenant; every number is seen once, in order, with none missing behind the cursor.
async fn a_poller_beside_many_writers_misses_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let findings = lead.get("/v1/findings?limit=500").await.items();
    let ids: Vec<String> = findings.iter().map(|finding| finding["id"].as_str().unwrap().to_owned()).collect();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..6 {
        let (who, ids) = (world.person(&format!("writer{writer}"), &[world.norrvik], ALL).await, ids.clone());
        writers.spawn(async move {
            let (mut done, mut stale) = (0, 0);
            for round in 0..30 {
                let path = format!("/v1/findings/{}", ids[(round + writer) % 3]);
                let tag = who.get(&path).await.etag();
                let body = json!({"assignee": format!("{writer}-{round}")});
                match who.write(Method::PATCH, &path, Some(&tag), body).await.status.as_u16() {
                    200 => done += 1,
                    412 => stale += 1,
                    other => panic!("{other}"),
                }
            }
            (done, stale)
        });
    }
    let importer = lead.clone();
    let import =
        tokio::spawn(async move { importer.import("tenant=norrvik", generated_report(500)).await.expect(201) });
    let finished = Arc::new(AtomicBool::new(false));
    let (poller, ended) = (lead.clone(), finished.clone());
    let polled = tokio::spawn(async move {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let is_last = ended.load(Ordering::SeqCst);
            let items = next(&poller, &mut cursor).await;
            if items.is_empty() && is_last {
                return seen;
            }
            seen.extend(items);
        }
    });
    let outcomes = writers.join_all().await;
    import.await.unwrap();
    finished.store(true, Ordering::SeqCst);
    let seen = polled.await.unwrap();
    let seqs: Vec<i64> = seen.iter().map(seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>());
    let (done, stale): (i64, i64) = outcomes.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert_eq!(done + stale, 180);
    let patches = seen.iter().filter(|item| item["changed"]["assignee"].is_object()).count();
    assert_eq!(patches as i64, done, "every acknowledged change is an event, and no other is");
    let mut times: Vec<_> = seen.iter().map(|item| (item["recorded_at"].as_str().unwrap(), seq(item))).collect();
    let by_seq = times.clone();
    times.sort();
    assert_eq!(times, by_seq, "later numbers are recorded later");
    world.end().await;
}

/// Ten people send the same change of the same version: one wins, the others are told.
async fn a_change_is_recorded_once_or_not_at_all(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let path = format!("/v1/findings/{}", lead.get("/v1/findings").await.items()[0]["id"].as_str().unwrap());
    let tag = lead.get(&path).await.etag();
    let mut cursor = String::new();
    while !next(&lead, &mut cursor).await.is_empty() {}
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..10 {
        let (lead, path, tag) = (lead.clone(), path.clone(), tag.clone());
        writers.spawn(async move {
            lead.write(Method::PATCH, &path, Some(&tag), json!({"assignee": format!("{writer}")})).await.status.as_u16()
        });
    }
    let mut statuses = writers.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [&[200][..], &[412; 9]].concat());
    assert_eq!(next(&lead, &mut cursor).await.len(), 1);
    world.end().await;
}

async fn what_is_gone_is_a_tombstone(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let import = lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201).json();
    // No use case deletes yet, so the owner of the tables does.
    world.test_store.execute("DELETE FROM import_rejection").await;
    world.test_store.execute("DELETE FROM import").await;
    for mode in ["state", "events"] {
        let items = lead.get(&format!("/v1/changes?types=import&mode={mode}")).await.expect(200).items();
        assert_eq!(items.len(), 1);
        assert_eq!((&items[0]["deleted"], &items[0]["resource_id"]), (&json!(true), &import["id"]));
        assert!(items[0].get("resource").is_none_or(Value::is_null));
    }
    world.end().await;
}
