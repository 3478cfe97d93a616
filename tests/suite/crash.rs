//! `kill -9` in the middle of an import.

use crate::support::{
    Kind, Person, TestStore, generated_report, on_both_stores,
    process::{Process, free_port, fynd, printed},
};
use reqwest::Method;
use serde_json::Value;
use std::time::Duration;

on_both_stores!(an_import_survives_being_killed_twenty_times);

const FINDINGS: usize = 15_000;
const KILLS: u64 = 20;

async fn an_import_survives_being_killed_twenty_times(kind: Kind) {
    let store = TestStore::new(kind).await;
    printed(fynd(&store).args(["tenant", "add", "norrvik", "Norrvik"]));
    let scopes = "imports:write findings:read assets:read tasks:read feed:read";
    let token = printed(fynd(&store).args(["token", "--tenant", "norrvik", "--scope", scopes]));
    let (report, port) = (generated_report(FINDINGS), free_port());
    let mut interrupted = 0;
    for round in 0..KILLS {
        let server = Process::start(&store, port).await;
        let sender = Person::at(&server.base, &token);
        let (body, sent) = (report.clone(), sender.clone());
        let sending = tokio::spawn(async move {
            let request = sent.request(Method::POST, "/v1/imports").body(body);
            request.send().await.map(|response| response.status().as_u16())
        });
        // From the first reading to the middle of a batch: another moment each time, the same in each run.
        tokio::time::sleep(Duration::from_millis(60 + round * 37 % 400)).await;
        server.kill();
        if sending.await.expect("joined").is_err() {
            interrupted += 1;
        }
        // The lease must run out before the same bytes may go on.
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    assert!(interrupted >= KILLS / 2, "only {interrupted} imports were interrupted");
    let server = Process::start(&store, port).await;
    let sender = Person::at(&server.base, &token);
    for import in sender.get("/v1/imports").await.expect(200).items() {
        assert!(import["status"] == "interrupted" || import["status"] == "completed", "{import}");
    }
    let patient = sender.request(Method::POST, "/v1/imports").header("prefer", "wait=60").body(report);
    let import = sender.send(patient).await.expect(201).json();
    let whole = sender.get("/v1/imports").await.expect(200).items();
    assert!(whole.iter().all(|import| import["status"] == "completed"), "{whole:?}");
    assert_eq!(import["read"], FINDINGS, "{import}");
    check_state(&sender).await;
    server.kill();
    store.remove().await;
}

/// No half state: every finding once, every number of the feed once, and the feed leads to the list.
async fn check_state(sender: &Person) {
    let total = sender.get("/v1/findings/facets").await.expect(200).json()["total"].clone();
    assert_eq!(total, FINDINGS);
    let (mut seqs, mut created, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = sender.get(&format!("/v1/changes?mode=events&limit=1000{cursor}")).await.expect(200).json();
        for item in page["items"].as_array().expect("items") {
            seqs.push(item["seq"].as_i64().expect("a number"));
            created += usize::from(item["event"] == "finding.created");
            assert_eq!(item["deleted"], Value::Bool(false), "{item}");
        }
        cursor = format!("&cursor={}", page["next_cursor"].as_str().expect("a cursor"));
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(created, FINDINGS);
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>());
}
