//! `kill -9` in the middle of a rerun.

use crate::support::{
    Kind, Person, TestStore, generated_report, look, on_both_stores,
    process::{Process, free_port, fynd, printed},
};
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};

on_both_stores!(a_rerun_survives_being_killed);

const FINDINGS: usize = 3_000;

async fn a_rerun_survives_being_killed(kind: Kind) {
    let killed = filled(kind).await;
    let mut half_way = 0;
    for round in 0..4 {
        let server = Process::start(&killed.0, free_port()).await;
        let lead = Person::at(&server.base, &killed.1);
        let began = begin(&lead).await;
        wait_for_a_step(&killed.0).await;
        tokio::time::sleep(Duration::from_millis(round * 17 % 40)).await;
        server.kill();
        began.abort();
        half_way += usize::from((1..FINDINGS).contains(&left(&killed.0).await));
    }
    assert!(half_way > 0, "no kill hit a rerun on its way");
    // Nobody asks again: the service goes on by itself.
    let server = Process::start(&killed.0, free_port()).await;
    wait_for_the_end(&killed.0).await;
    server.kill();
    let untroubled = filled(kind).await;
    let server = Process::start(&untroubled.0, free_port()).await;
    begin(&Person::at(&server.base, &untroubled.1)).await.await.expect("sent").expect("an answer");
    wait_for_the_end(&untroubled.0).await;
    server.kill();
    for sql in CONTENT {
        let (killed, clean) = (look(&killed.0, sql).await, look(&untroubled.0, sql).await);
        assert!(!clean.is_empty(), "{sql}");
        assert!(killed == clean, "{sql}: {} rows instead of {}", killed.len(), clean.len());
    }
    let merged = look(&untroubled.0, "SELECT description FROM finding WHERE status = 'duplicate'").await;
    assert!(merged.len() > 100, "the rule merges");
    killed.0.remove().await;
    untroubled.0.remove().await;
}

/// A store with a report and a rule that makes one finding of those whose severity word is the same.
async fn filled(kind: Kind) -> (TestStore, String) {
    let store = TestStore::new(kind).await;
    printed(fynd(&store).args(["tenant", "add", "norrvik", "Norrvik"]));
    let scopes = "imports:write findings:read findings:write tenants:manage";
    let token = printed(fynd(&store).args(["token", "--tenant", "norrvik", "--scope", scopes]));
    let server = Process::start(&store, free_port()).await;
    let lead = Person::at(&server.base, &token);
    lead.import("", generated_report(FINDINGS)).await.expect(201);
    let (path, tag) = rule(&lead).await;
    // Every plugin is on each machine once, so that the CVE, which some plugins share, and the port leave fewer.
    lead.write(Method::PUT, &path, Some(&tag), json!({"parts": ["port", "protocol"]})).await.expect(200);
    server.kill();
    (store, token)
}

async fn rule(lead: &Person) -> (String, String) {
    let source = lead.get("/v1/findings?limit=1").await.expect(200).items()[0]["source_id"].clone();
    let path = format!("/v1/sources/{}/fingerprint-rule", source.as_str().expect("an id"));
    let tag = lead.get(&path).await.expect(200).etag();
    (path, tag)
}

async fn begin(lead: &Person) -> tokio::task::JoinHandle<Result<reqwest::Response, reqwest::Error>> {
    let (path, tag) = rule(lead).await;
    tokio::spawn(lead.request(Method::POST, &format!("{path}/rerun")).header("if-match", tag).send())
}

async fn left(store: &TestStore) -> usize {
    look(store, "SELECT description FROM finding WHERE identity_version = 0").await.len()
}

async fn running(store: &TestStore) -> bool {
    !look(store, "SELECT CAST(version AS text) FROM fingerprint_rule WHERE in_force_version < version").await.is_empty()
}

async fn wait_for_the_end(store: &TestStore) {
    let began = Instant::now();
    while running(store).await {
        assert!(began.elapsed() < Duration::from_secs(60), "the rerun does not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn wait_for_a_step(store: &TestStore) {
    let (before, began) = (left(store).await, Instant::now());
    while left(store).await == before && running(store).await {
        assert!(began.elapsed() < Duration::from_secs(30), "the rerun does not go forward");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// What is stored then, without ids and numbers.
const CONTENT: &[&str] = &[
    "SELECT concat_ws('|', one.description, one.status, one.justification, original.description, one.identity_version)
     FROM finding one LEFT JOIN finding original ON original.id = one.duplicate_of ORDER BY 1",
    "SELECT concat_ws('|', kind, count(*)) FROM event GROUP BY kind ORDER BY 1",
    "SELECT concat_ws('|', survivor.description, merged.description) FROM finding_alias
     JOIN finding survivor ON survivor.id = finding_id LEFT JOIN finding merged ON merged.id = merged_id ORDER BY 1",
    "SELECT concat_ws('|', in_force_version, version, running) FROM fingerprint_rule",
];
