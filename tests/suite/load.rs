//! More than the server can bear, and requests that would never end.

use crate::support::{Answer, Kind, TestStore, World, fixture, look, on_both_stores, slow::Slow};
use reqwest::Method;
use serde_json::json;
use sqlx::{Connection, PgConnection, SqliteConnection};
use std::time::{Duration, Instant};

on_both_stores!(what_is_too_much_is_shed_while_probes_are_answered, a_request_that_takes_too_long_changes_nothing);

#[track_caller]
fn is_unavailable(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "unavailable"), "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.json()["trace_id"].as_str(), answer.header("x-request-id"));
}

async fn what_is_too_much_is_shed_while_probes_are_answered(kind: Kind) {
    let world = World::with(kind, |config| config.limits.concurrent_requests = 1).await;
    let lead = world.lead().await;
    lead.get("/v1/me").await.expect(200);
    let held = Slow::question(&world, &lead).await;
    let began = Instant::now();
    for _ in 0..50 {
        is_unavailable(&lead.get("/v1/findings").await);
        world.bearer("").get("/healthz").await.expect(200);
        world.bearer("").get("/readyz").await.expect(200);
    }
    assert!(began.elapsed() < Duration::from_secs(10), "shedding waits for something");
    assert!(held.end().await.starts_with("HTTP/1.1 200"));
    lead.get("/v1/findings").await.expect(200);
    world.end().await;
}

/// A transaction that keeps every command waiting.
pub(crate) enum Blocker {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Blocker {
    pub(crate) async fn of(store: &TestStore, kind: Kind) -> Self {
        match kind {
            Kind::Postgres => {
                let mut owner = PgConnection::connect(&store.owner_url).await.expect("PostgreSQL answers");
                let sql = "BEGIN; LOCK TABLE tenant_clock IN EXCLUSIVE MODE";
                sqlx::raw_sql(sql).execute(&mut owner).await.expect("locked");
                Self::Postgres(owner)
            }
            Kind::Sqlite => {
                let mut owner = SqliteConnection::connect(&store.owner_url).await.expect("SQLite opens");
                sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut owner).await.expect("locked");
                Self::Sqlite(owner)
            }
        }
    }

    pub(crate) async fn end(self) {
        match self {
            Self::Postgres(owner) => owner.close().await.expect("closed"),
            Self::Sqlite(owner) => owner.close().await.expect("closed"),
        }
    }
}

/// Fails if a transaction stays open on PostgreSQL.
async fn nothing_is_left_open(world: &World, kind: Kind) {
    if kind == Kind::Sqlite {
        return;
    }
    let open = "SELECT pid::text FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE '%in transaction%'";
    let began = Instant::now();
    while !look(&world.test_store, open).await.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(5), "a transaction is left open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn a_request_that_takes_too_long_changes_nothing(kind: Kind) {
    let world = World::with(kind, |config| config.limits.request_seconds = 1).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let id = lead.get("/v1/findings").await.items()[0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/findings/{id}");
    let tag = lead.get(&path).await.etag();
    let assign = async |name: &str| lead.write(Method::PATCH, &path, Some(&tag), json!({"assignee": name})).await;

    let blocker = Blocker::of(&world.test_store, kind).await;
    let (began, given_up) = (Instant::now(), assign("Åsa").await);
    is_unavailable(&given_up);
    assert!(given_up.header("ratelimit").is_some(), "the caller is known");
    assert!((1..5).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    lead.get("/v1/me").await.expect(200);
    blocker.end().await;

    nothing_is_left_open(&world, kind).await;
    // SQLite's thread may just have got the lock that nobody waits for any more, and gives it back.
    let began = Instant::now();
    let answer = loop {
        let answer = assign("Östen").await;
        if answer.status != 503 {
            break answer;
        }
        assert!(began.elapsed() < Duration::from_secs(15), "the store stays locked");
    };
    assert_eq!(
        answer.expect(200).json()["assignee"],
        "Östen",
        "the version that was read before still is the last one"
    );
    let changes = format!("SELECT CAST(count(*) AS text) FROM event WHERE resource_id = {}", quoted(&id, kind));
    assert_eq!(look(&world.test_store, &changes).await, ["2"], "created, and assigned once");
    world.end().await;
}

/// SQLite keeps ids as bytes.
fn quoted(id: &str, kind: Kind) -> String {
    match kind {
        Kind::Postgres => format!("'{id}'"),
        Kind::Sqlite => format!("x'{}'", id.replace('-', "")),
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let world = World::with(Kind::Sqlite, |config| {
        config.limits.request_seconds = 1;
        config.limits.upload_seconds = 2;
    })
    .await;
    let lead = world.lead().await;
    let question = Slow::post(&world, &lead, "/graphql", 1000, "{").await;
    let answer = question.refused().await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("\"code\":\"unavailable\""), "{answer}");
    let began = Instant::now();
    let report = Slow::post(&world, &lead, "/v1/imports?tenant=norrvik", 1_000_000, "<?xml version").await;
    let answer = report.refused().await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("longer than 2 s"), "{answer}");
    assert!(began.elapsed() >= Duration::from_secs(2), "a report has its own time");
    assert!(lead.get("/v1/imports").await.items().is_empty());
    world.end().await;
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up() {
    let world = World::with(Kind::Sqlite, |config| config.limits.head_seconds = 1).await;
    let slow = Slow::send(&world, "GET /v1/me HTTP/1.1\r\nHost: fynd.example\r\nX-Slow: ").await;
    let answer = slow.refused().await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    let idle = Slow::send(&world, "").await;
    assert!(!idle.refused().await.contains(" 200 "));
    world.lead().await.get("/v1/me").await.expect(200);
    world.end().await;
}
