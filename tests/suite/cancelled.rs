//! Clients that hang up.

use crate::support::{Kind, World, fixture};
use reqwest::Method;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};

/// A transaction that nobody ends would hold its snapshot, and refuse the next writer on its connection.
#[tokio::test]
async fn a_request_that_is_given_up_leaves_no_transaction_behind() {
    let world = World::new(Kind::Postgres).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let id = lead.get("/v1/findings").await.items()[0]["id"].as_str().expect("an id").to_owned();
    // One field fails at once and takes its sisters with it, wherever they are.
    let failing = json!({"query": "{ a: findings { nodes { id } } b: assets { nodes { id } }
        c: findings(filter: {tenant: [\"alvsund\"]}) { nodes { id } } }"});
    for round in 0..300 {
        let request = match round % 3 {
            0 => lead.request(Method::POST, "/graphql").json(&failing),
            1 => lead.request(Method::GET, "/v1/findings"),
            _ => lead.request(Method::GET, "/v1/changes"),
        };
        let patience = Duration::from_micros(if round % 2 == 0 { 200 + round % 30 * 200 } else { 1_000_000 });
        // Every other one is given up somewhere on the way, and that is the point.
        let _ = tokio::time::timeout(patience, request.send()).await;
    }
    // The last word is theirs: a later request on the same connection would end what they left.
    for _ in 0..3 {
        lead.write(Method::POST, "/graphql", None, failing.clone()).await.expect(200);
    }
    let mut owner = PgConnection::connect(&world.test_store.owner_url).await.expect("PostgreSQL answers");
    let open = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    let began = Instant::now();
    loop {
        let open: i64 = sqlx::query_scalar(open).fetch_one(&mut owner).await.expect("a count");
        if open == 0 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{open} transactions are left open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let path = format!("/v1/findings/{id}");
    for round in 0..20 {
        let tag = lead.get(&path).await.expect(200).etag();
        let body = json!({"assignee": format!("round {round}")});
        lead.write(Method::PATCH, &path, Some(&tag), body).await.expect(200);
        assert_eq!(lead.get(&path).await.json()["assignee"], format!("round {round}"), "an old snapshot is shown");
    }
    owner.close().await.expect("closed");
    world.end().await;
}
