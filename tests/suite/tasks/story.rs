//! 50 findings of one weakness as one task, from the first scan to the retest.

use super::{move_finding, state};
use crate::{
    sightings::{Host, complete, finding, nessus, scanner},
    support::{Kind, Person, World, on_both_stores},
};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use std::ops::Range;

on_both_stores!(fifty_findings_of_one_weakness_live_and_die_as_one_task, claims_walk_an_index_of_their_own);

fn host(at: usize) -> String {
    format!("h{at:02}.norrvik.example")
}

/// A scan of the hosts at an hour; those in `weak` have the weakness.
fn scan(hour: i64, hosts: Range<usize>, weak: impl Fn(usize) -> bool) -> Vec<u8> {
    let names: Vec<_> = hosts.map(|at| (at, host(at), format!("192.0.2.{}", at + 1))).collect();
    let shown: Vec<Host<'_>> =
        names.iter().map(|(at, name, address)| Host(name, address, if weak(*at) { &[57608] } else { &[] })).collect();
    nessus(hour, &shown)
}

async fn the_task(who: &Person) -> Value {
    let mut tasks = who.get("/v1/tasks?limit=500").await.expect(200).items();
    assert_eq!(tasks.len(), 1, "one weakness, one task: {tasks:?}");
    tasks.remove(0)
}

fn counts(task: &Value) -> (i64, i64) {
    (task["finding_count"].as_i64().unwrap(), task["open_finding_count"].as_i64().unwrap())
}

async fn fifty_findings_of_one_weakness_live_and_die_as_one_task(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    let admin = world.person("admin", &[world.norrvik], "findings:read findings:write").await;
    let jira = world.person("jira", &[world.norrvik], "tasks:claim tasks:read").await;
    scanner.import("", scan(0, 0..50, |_| true)).await.expect(201);
    let claimed = jira.write(Method::POST, "/v1/tasks/claim", None, json!({"system": "jira"})).await.items();
    assert_eq!(claimed.len(), 1);
    let task = claimed[0]["task"].clone();
    assert_eq!(counts(&task), (50, 50));
    let ticket = &task["ticket"];
    assert_eq!((ticket["assets"].as_array().unwrap().len(), &ticket["more_assets"]), (20, &json!(30)));
    let text = ticket["body_text"].as_str().unwrap();
    assert!(text.contains("Öppna fynd: 50 av 50\n") && text.contains(" +30 till\n"), "{text}");
    // A tracker finds the host in its own inventory by what it is known by there.
    let first = ticket["assets"][0].as_str().unwrap();
    assert!(first.starts_with('h') && first.contains(".norrvik.example (192.0.2."), "{first}");
    let path = format!("/v1/tasks/{}/tickets/jira", task["id"].as_str().unwrap());
    jira.write(Method::PUT, &path, None, json!({"key": "IT-1", "lease": claimed[0]["lease"]})).await.expect(201);

    // The admin has mended 45 of them; a complete scan does not find those any more, and five new hosts have it.
    world.advance(TimeDelta::hours(1));
    for at in 0..45 {
        let one = finding(&lead, &host(at), 57608).await;
        move_finding(&admin, one["id"].as_str().unwrap(), "fix_claimed").await.expect(200);
    }
    assert_eq!(counts(&the_task(&lead).await), (50, 50), "claimed is not fixed");
    world.advance(TimeDelta::hours(1));
    let rescan = complete(&scanner, "&confirm_gone=45", scan(2, 0..55, |at| at >= 45)).await.expect(201).json();
    assert_eq!((&rescan["gone"], &rescan["verified"]), (&json!(45), &json!(45)), "{rescan}");
    let task = the_task(&lead).await;
    assert_eq!((counts(&task), &task["status"]), ((55, 10), &json!("open")));
    let ticket = &task["ticket"];
    let mut assets: Vec<_> =
        ticket["assets"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()[..3].to_owned()).collect();
    assets.sort();
    let open: Vec<_> = (45..55).map(|at| host(at)[..3].to_owned()).collect();
    assert_eq!((assets, &ticket["more_assets"]), (open, &json!(0)), "only where work is left");
    assert!(ticket["body_text"].as_str().unwrap().contains("Öppna fynd: 10 av 55\n"));

    // Closing the ticket claims the rest.
    let closed = state(&jira, json!({"key": "IT-1", "state": "Closed", "external_actor": "anna"})).await;
    assert_eq!((&closed["outcome"], &closed["status"]), (&json!("applied"), &json!("done")));
    let of_status = async |status: &str| lead.get(&format!("/v1/findings?limit=500&status={status}")).await.items();
    assert_eq!((of_status("fix_claimed").await.len(), of_status("verified_fixed").await.len()), (10, 45));
    assert_eq!(the_task(&lead).await["external_actor"], "anna");

    // The next scan verifies nine and still finds the tenth: the task is open again, with that one alone.
    world.advance(TimeDelta::hours(2));
    let retest = complete(&scanner, "&confirm_gone=9", scan(4, 0..55, |at| at == 50)).await.expect(201).json();
    assert_eq!(retest["verified"], 9, "{retest}");
    let task = the_task(&lead).await;
    assert_eq!((counts(&task), &task["status"]), ((55, 1), &json!("open")));
    assert!(task["ticket"]["assets"][0].as_str().unwrap().starts_with("h50."));
    assert_eq!(state(&jira, json!({"key": "IT-1", "state": "Closed"})).await["outcome"], "unchanged");
    world.advance(TimeDelta::hours(2));
    let at = world.auth.service().clock.now();
    assert_eq!(state(&jira, json!({"key": "IT-1", "state": "Closed", "at": at})).await["outcome"], "applied");
    world.advance(TimeDelta::hours(2));
    complete(&scanner, "&confirm_gone=1", scan(8, 0..55, |_| false)).await.expect(201);
    let task = the_task(&lead).await;
    assert_eq!((counts(&task), &task["status"]), ((55, 0), &json!("done")));
    assert_eq!(of_status("verified_fixed").await.len(), 55);
    world.end().await;
}

/// What a claim asks, in its own words.
const CLAIM: &str = r#"SELECT "task"."id" FROM "task" WHERE "task"."status" NOT IN ('done', 'cancelled')
    AND NOT "task"."held" AND NOT EXISTS (SELECT 1 FROM "ticket" WHERE "ticket"."tenant_id" = "task"."tenant_id"
        AND "ticket"."task_id" = "task"."id" AND "ticket"."system" = 'jira')
    AND "task"."tenant_id" = TENANT ORDER BY "task"."priority" DESC, "task"."severity" DESC, "task"."id" ASC LIMIT 10"#;

async fn claims_walk_an_index_of_their_own(kind: Kind) {
    let world = World::new(kind).await;
    let (series, id, now) = match kind {
        Kind::Sqlite => (
            "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 5000)",
            "randomblob(16)",
            "'2026-11-24T08:00:00+00:00'",
        ),
        Kind::Postgres => ("WITH s (n) AS (SELECT generate_series(1, 5000))", "gen_random_uuid()", "now()"),
    };
    world.test_store.execute(&format!(
        "INSERT INTO task (tenant_id, id, title, status, severity, finding_count, created_at, updated_at, seq, grouped_by)
         {series} SELECT (SELECT id FROM tenant WHERE slug = 'norrvik'), {id}, 't',
            CASE WHEN n % 50 = 0 THEN 'open' ELSE 'done' END, n % 5, 0, {now}, {now}, n, 'hand' FROM s"
    )).await;
    world.test_store.execute("ANALYZE").await;
    let plan = plan(&world, kind).await.join("\n");
    assert!(plan.contains("task_claimable"), "{plan}");
    world.end().await;
}

async fn plan(world: &World, kind: Kind) -> Vec<String> {
    use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection, query};
    let url = &world.test_store.owner_url;
    let id = world.norrvik.to_string();
    match kind {
        Kind::Sqlite => {
            let sql = CLAIM.replace("TENANT", &format!("x'{}'", id.replace('-', "")));
            let mut owner = SqliteConnection::connect(url).await.expect("SQLite opens");
            let rows =
                query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).fetch_all(&mut owner).await.expect("a plan");
            rows.iter().map(|row| row.get::<String, _>("detail")).collect()
        }
        Kind::Postgres => {
            let sql = CLAIM.replace("TENANT", &format!("'{id}'"));
            let mut owner = PgConnection::connect(url).await.expect("PostgreSQL answers");
            let rows = query(AssertSqlSafe(format!("EXPLAIN {sql}"))).fetch_all(&mut owner).await.expect("a plan");
            rows.iter().map(|row| row.get::<String, _>(0)).collect()
        }
    }
}
