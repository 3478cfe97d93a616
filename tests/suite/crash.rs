//! `kill -9` in the middle of an import.

use crate::support::{
    Kind, Person, TestStore, generated_report, look, on_both_stores,
    process::{Process, free_port, fynd, printed},
};
use reqwest::Method;
use serde_json::Value;
use std::time::{Duration, Instant};

on_both_stores!(an_import_survives_being_killed_twenty_times);

/// How large the report is: 15,000 findings with `FYND_TEST_SCALE=1`, which takes three minutes, else fewer.
fn findings() -> usize {
    let whole = std::env::var("FYND_TEST_SCALE").is_ok_and(|scale| scale == "1");
    if whole { 15_000 } else { 4_000 }
}
const KILLS: u64 = 20;

async fn an_import_survives_being_killed_twenty_times(kind: Kind) {
    let (store, token) = municipality(kind).await;
    let (report, port) = (generated_report(findings()), free_port());
    let mut half_way = 0;
    for round in 0..KILLS {
        let server = Process::start(&store, port).await;
        let sender = Person::at(&server.base, &token);
        check_nothing_runs(&store, &sender).await;
        let request = sender.request(Method::POST, "/v1/imports").body(report.clone());
        let sending = tokio::spawn(request.send());
        if round % 4 != 0 {
            wait_for_progress(&store).await;
        }
        // From the first reading to the middle of a batch: another moment each time.
        tokio::time::sleep(Duration::from_millis(round * 37 % 100)).await;
        server.kill();
        sending.abort();
        half_way += usize::from(position(&store).await.is_some_and(|at| 0 < at && at < findings()));
        // The lease must run out before the same bytes may go on.
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    assert!(half_way >= 5, "only {half_way} kills hit an import that had stored a part");
    let server = Process::start(&store, port).await;
    let sender = Person::at(&server.base, &token);
    check_nothing_runs(&store, &sender).await;
    let import = import_whole(&sender, report.clone()).await;
    let all = sender.get("/v1/imports").await.expect(200).items();
    assert!(all.iter().all(|import| import["status"] == "completed"), "{all:?}");
    assert_eq!(import["read"], findings(), "{import}");
    check_feed(&sender).await;
    server.kill();
    check_numbers(&store).await;
    let untroubled = untroubled(kind, report).await;
    for (table, sql) in CONTENT {
        let (killed, clean) = (look(&store, sql).await, look(&untroubled, sql).await);
        assert!(!clean.is_empty(), "no rows of {table}");
        let first = killed.iter().zip(&clean).find(|(killed, clean)| killed != clean);
        assert!(killed == clean, "{table}: {} rows instead of {}; {first:?}", killed.len(), clean.len());
    }
    store.remove().await;
    untroubled.remove().await;
}

/// A store with one municipality and the token of a scanner in it.
async fn municipality(kind: Kind) -> (TestStore, String) {
    let store = TestStore::new(kind).await;
    printed(fynd(&store).args(["tenant", "add", "norrvik", "Norrvik"]));
    let scopes = "imports:write findings:read assets:read tasks:read feed:read";
    let token = printed(fynd(&store).args(["token", "--tenant", "norrvik", "--scope", scopes]));
    (store, token)
}

/// A store into which the same report came without a crash.
async fn untroubled(kind: Kind, report: Vec<u8>) -> TestStore {
    let (store, token) = municipality(kind).await;
    let server = Process::start(&store, free_port()).await;
    let import = import_whole(&Person::at(&server.base, &token), report).await;
    assert_eq!(import["created"], findings(), "{import}");
    server.kill();
    store
}

async fn import_whole(sender: &Person, report: Vec<u8>) -> Value {
    let patient = sender.request(Method::POST, "/v1/imports").header("prefer", "wait=60").body(report);
    sender.send(patient).await.expect(201).json()
}

/// How far the import is that has not ended.
async fn position(store: &TestStore) -> Option<usize> {
    let positions = look(store, "SELECT CAST(position AS text) FROM import WHERE status <> 'completed'").await;
    assert!(positions.len() <= 1, "the same bytes go on where they were, not beside it: {positions:?}");
    Some(positions.first()?.parse().expect("a number"))
}

/// Until a batch is committed that was not there yet, or the import has ended.
async fn wait_for_progress(store: &TestStore) {
    let progress =
        "SELECT CAST(count(*) AS text) || ' ' || CAST(sum(position) AS text) FROM import HAVING count(*) > 0";
    let (before, began) = (look(store, progress).await, Instant::now());
    while look(store, progress).await == before || position(store).await == Some(0) {
        assert!(began.elapsed() < Duration::from_secs(30), "the import does not go forward");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Once the lease is over, an import whose process was killed does not count as running.
async fn check_nothing_runs(store: &TestStore, sender: &Person) {
    let imports = sender.get("/v1/imports").await.expect(200).items();
    assert_eq!(imports.len(), look(store, "SELECT status FROM import").await.len());
    for import in imports {
        assert!(import["status"] == "interrupted" || import["status"] == "completed", "{import}");
    }
}

/// Every finding is created once in the feed, and every number of the feed is there once.
async fn check_feed(sender: &Person) {
    let total = sender.get("/v1/findings/facets").await.expect(200).json()["total"].clone();
    assert_eq!(total, findings());
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
    assert_eq!(created, findings());
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>());
}

/// The tenant's clock shows the last event, and each completed import has one audit row, about its own event.
async fn check_numbers(store: &TestStore) {
    let clock = look(store, "SELECT CAST(value AS text) FROM tenant_clock").await;
    let last = look(store, "SELECT CAST(max(seq) AS text) FROM event").await;
    assert_eq!((clock.len(), &clock), (1, &last));
    let completed = "SELECT concat_ws(' ', seq, seq) FROM import WHERE status = 'completed' ORDER BY seq";
    let audited = "SELECT concat_ws(' ', audit.first_seq, audit.last_seq) FROM audit
        JOIN import ON import.id = audit.resource_id WHERE audit.action = 'import' ORDER BY audit.last_seq";
    let (completed, audited) = (look(store, completed).await, look(store, audited).await);
    assert!(!completed.is_empty());
    assert_eq!(audited, completed);
    assert_eq!(
        look(store, "SELECT action FROM audit WHERE action NOT IN ('tenant.add', 'token.issue')").await.len(),
        completed.len(),
        "audit rows of something else"
    );
    let events = "SELECT CAST(seq AS text) FROM event WHERE kind = 'import.completed'";
    assert_eq!(look(store, events).await.len(), completed.len());
    let verified = printed(fynd(store).args(["audit", "verify"]));
    assert!(verified.contains("norrvik: ok"), "{verified}");
}

/// What a report leaves in the store, without ids, numbers and the time of the import itself. A fingerprint holds
/// the asset's id; each finding of the generated report has a description of its own instead.
const CONTENT: &[(&str, &str)] = &[
    (
        "finding",
        "SELECT concat_ws('|', fingerprint_version, source.name, asset.name, source_ref, rule_key,
            finding.kind, title, description, consequence, recommendation, severity, reported_severity,
            source_severity, cvss_vector, cvss_score, cves, cwes, citations, location, tags, reported_tags, finding.person_set,
            status, justification, status_comment, decided_at, reopened_count, seen_after_dismissal, assignee, first_seen)
         FROM finding JOIN source ON source.id = source_id LEFT JOIN asset ON asset.id = asset_id ORDER BY 1",
    ),
    (
        "asset",
        "SELECT concat_ws('|', name, kind, criticality, exposure, owner_unit, provenance) FROM asset ORDER BY 1",
    ),
    (
        "asset_identifier",
        "SELECT concat_ws('|', asset.name, asset_identifier.kind, value)
         FROM asset_identifier JOIN asset ON asset.id = asset_id ORDER BY 1",
    ),
    (
        "sighting",
        "SELECT concat_ws('|', description, last_seen, observed_at, content_hash)
         FROM sighting JOIN finding ON finding.id = finding_id ORDER BY 1",
    ),
    (
        "finding_term",
        "SELECT concat_ws('|', description, finding_term.kind, term)
         FROM finding_term JOIN finding ON finding.id = finding_id ORDER BY 1",
    ),
    (
        "task",
        "SELECT concat_ws('|', rule_key, title, status, severity, finding_count) FROM task ORDER BY 1",
    ),
    (
        "task_finding",
        "SELECT concat_ws('|', task.rule_key, description)
         FROM task_finding JOIN task ON task.id = task_id JOIN finding ON finding.id = finding_id ORDER BY 1",
    ),
];
