//! The chain: whatever is changed in the store behind the service's back is named.

use super::{a_minute_later, reading::with_history, text};
use crate::support::{
    Kind, Person, TestStore, World, fixture, look, on_both_stores,
    process::{Process, free_port, fynd, printed},
};
use reqwest::Method;
use serde_json::{Value, json};
use service::{Auth, audit, auth::AuthOptions, outbound::Outbound};
use sqlx::{Connection, PgConnection};
use std::{sync::Arc, time::Duration};

on_both_stores!(
    every_kind_of_tampering_is_named,
    a_tail_cut_with_its_heads_is_told_by_a_head_kept_elsewhere,
    replicas_that_seal_at_once_keep_one_chain,
    the_server_seals_by_itself_and_at_its_end,
);

const TABLES: [&str; 3] = ["audit", "audit_seal", "audit_head"];

/// Seven rows of Norrvik, sealed in two steps: heads stand at 7 and, after a refusal, at 8.
async fn sealed(kind: Kind) -> (World, Person) {
    let world = World::new(kind).await;
    let lead = with_history(&world).await;
    seal(&world).await;
    world.person("viewer", &[world.norrvik], "findings:read").await.get("/v1/tasks").await.expect(403);
    a_minute_later(&world).await;
    seal(&world).await;
    for table in TABLES {
        world.test_store.execute(&format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}")).await;
    }
    if kind == Kind::Postgres {
        // The server's role looks for a table that it may not read before it starts.
        world.test_store.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO fynd_test_server").await;
    }
    (world, lead)
}

async fn seal(world: &World) -> u64 {
    audit::seal(world.auth.service(), None).await.expect("sealed")
}

/// Undoes everything since [`sealed`].
async fn restore(world: &World) {
    for table in TABLES {
        world.test_store.execute(&format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}")).await;
    }
}

/// What `fynd audit verify` says: whether all is well, and what is not.
fn verify(store: &TestStore, arguments: &[&str]) -> (bool, String) {
    let output = fynd(store).args(["audit", "verify"]).args(arguments).output().expect("it runs");
    let told = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(told).expect("text"))
}

#[track_caller]
fn is_well(store: &TestStore, arguments: &[&str]) {
    let (well, told) = verify(store, arguments);
    assert!(well && told.contains("ok") && !told.contains("BROKEN"), "{told}");
}

#[track_caller]
fn is_broken(store: &TestStore, arguments: &[&str], said: &str) {
    let (well, told) = verify(store, arguments);
    assert!(!well && told.contains(&format!("fynd: norrvik: {said}")), "instead of `{said}`: {told}");
}

async fn every_kind_of_tampering_is_named(kind: Kind) {
    let (world, _lead) = sealed(kind).await;
    let store = &world.test_store;
    is_well(store, &[]);
    is_well(store, &["--tenant", "norrvik"]);
    let at = |position: i64| format!("(SELECT audit_id FROM audit_seal WHERE position = {position})");
    let set = |column: &str| format!("UPDATE audit SET {column} WHERE id = {}", at(3));
    let earlier = if kind == Kind::Sqlite { "'2026-11-24T07:00:00+00:00'" } else { "'2026-11-24T07:00:00Z'" };
    let changed = [
        set("action = 'nothing'"),
        set(&format!("recorded_at = {earlier}")),
        set("principal_id = tenant_id"),
        set("outcome = 'read'"),
        set("count = 2"),
        set("detail = '{}'"),
        set("code = 'forbidden'"),
        set("first_seq = first_seq - 1"),
        set("resource_id = NULL"),
        set("proof = NULL"),
        set("proof = (SELECT proof FROM kept_audit ORDER BY id LIMIT 1)"),
    ];
    let changed = changed.into_iter().map(|sql| (sql, "position 3: the row "));
    let others = [
        (format!("DELETE FROM audit WHERE id = {}", at(4)), "position 4: the row "),
        ("DELETE FROM audit_seal WHERE position = 4".into(), "position 4: the seal is gone"),
        (
            format!("DELETE FROM audit WHERE id = {}; DELETE FROM audit_seal WHERE position = 4", at(4)),
            "position 4: the seal is gone",
        ),
        ("DELETE FROM audit_seal WHERE position > 5".into(), "position 6: the tail is cut; the chain ends at 5"),
        (
            format!("DELETE FROM audit WHERE id = {}; DELETE FROM audit_seal WHERE position = 8", at(8)),
            "position 8: the tail is cut; the chain ends at 7, a head tells of 8",
        ),
        (
            "UPDATE audit_seal SET hash = (SELECT hash FROM kept_audit_seal WHERE position = 2) WHERE position = 3"
                .into(),
            "position 3: the seal of the row",
        ),
        (
            "UPDATE audit_head SET signature = (SELECT signature FROM kept_audit_head WHERE position = 7) \
             WHERE position = 8"
                .into(),
            "position 8: the head at the row",
        ),
        ("UPDATE audit_head SET position = 6 WHERE position = 7".into(), "position 6: the head at the row"),
        ("DELETE FROM audit_head WHERE position = 8".into(), "position 8: no signed head covers"),
    ];
    for (sql, said) in changed.chain(others) {
        store.execute(&sql).await;
        is_broken(store, &[], said);
        restore(&world).await;
        is_well(store, &[]);
    }
    store.execute(&forged_row(kind)).await;
    is_broken(store, &[], "not sealed yet: the row 01900000-0000-7000-8000-0000000000ff");
    assert_eq!(seal(&world).await, 1);
    is_broken(store, &[], "position 9: the row 01900000-0000-7000-8000-0000000000ff");
    world.end().await;
}

/// A row that the service did not write: another one's under a new id.
fn forged_row(kind: Kind) -> String {
    let id = if kind == Kind::Sqlite {
        "X'0190000000007000800000000000 00FF'".replace(' ', "")
    } else {
        "'01900000-0000-7000-8000-0000000000ff'".to_owned()
    };
    let columns = "recorded_at, principal_id, action, resource_type, resource_id, first_seq, last_seq, outcome, code, \
                   count, detail, proof";
    format!(
        "INSERT INTO audit (tenant_id, id, {columns}) SELECT tenant_id, {id}, {columns} FROM kept_audit \
         WHERE id = (SELECT audit_id FROM audit_seal WHERE position = 2)"
    )
}

async fn a_tail_cut_with_its_heads_is_told_by_a_head_kept_elsewhere(kind: Kind) {
    let (world, _lead) = sealed(kind).await;
    let store = &world.test_store;
    let heads = printed(fynd(store).args(["audit", "head"]));
    let head: Value = serde_json::from_str(heads.lines().next().expect("a head")).expect("JSON");
    assert_eq!((&head["tenant"], &head["position"]), (&json!("norrvik"), &json!(8)));
    let (file, name) = (store.folder.path().join("heads.jsonl"), "heads.jsonl");
    std::fs::write(&file, &heads).expect("written");
    let expected = format!("8:{}", text(&head["hash"]));
    for kept in [vec![], vec!["--head", name], vec!["--tenant", "norrvik", "--expect", &expected]] {
        is_well(store, &kept);
    }
    let cut = "DELETE FROM audit WHERE id IN (SELECT audit_id FROM audit_seal WHERE position > 7); \
               DELETE FROM audit_seal WHERE position > 7; DELETE FROM audit_head WHERE position > 7";
    store.execute(cut).await;
    is_well(store, &[]);
    let said = "position 8: the tail is cut; the chain ends at 7, a head tells of 8";
    is_broken(store, &["--head", name], said);
    is_broken(store, &["--tenant", "norrvik", "--expect", &expected], said);
    // Sealed anew, the chain is as long as before; the hash kept tells that it is another one.
    world.person("viewer", &[world.norrvik], "findings:read").await.get("/v1/assets").await.expect(403);
    a_minute_later(&world).await;
    seal(&world).await;
    is_well(store, &[]);
    is_broken(store, &["--head", name], "position 8: the row");
    let forged = heads.replace("\"position\":8", "\"position\":7");
    std::fs::write(&file, forged).expect("written");
    let (well, told) = verify(store, &["--head", name]);
    assert!(!well && told.contains("line 1: not signed with this store's key"), "{told}");
    let (well, told) = verify(store, &["--tenant", "nowhere"]);
    assert!(!well && told.lines().count() == 1, "{told}");
    world.end().await;
}

async fn replicas_that_seal_at_once_keep_one_chain(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let path = format!("/v1/findings/{}", text(&lead.get("/v1/findings").await.items()[0]["id"]));
    let service = world.auth.service();
    let options = AuthOptions {
        issuer: "x".into(),
        audience: "x".into(),
        algorithm: Default::default(),
        token_life: Duration::from_secs(3600),
        issuers: Vec::new(),
    };
    let outbound = Outbound::new(&[]).expect("no networks");
    let (clock, vault) = (service.clock.clone(), service.vault.clone());
    let other = Auth::start(service.store.clone(), clock, vault, options, &outbound).await.expect("another replica");
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let ended = done.clone();
    let writer = tokio::spawn(async move {
        for at in 0..40 {
            let tag = lead.get(&path).await.etag();
            lead.write(Method::PATCH, &path, Some(&tag), json!({"assignee": format!("{at}")})).await.expect(200);
        }
        ended.store(true, std::sync::atomic::Ordering::SeqCst);
    });
    let seal = async |service| audit::seal(service, None).await.expect("sealed");
    let mut sealed = 0;
    loop {
        let last = done.load(std::sync::atomic::Ordering::SeqCst);
        let (a, b, c) = tokio::join!(seal(service), seal(other.service()), seal(service));
        sealed += a + b + c;
        if last && a + b + c == 0 {
            break;
        }
    }
    writer.await.expect("written");
    assert_eq!(sealed, 41);
    let seals = look(&world.test_store, "SELECT concat_ws('', position) FROM audit_seal ORDER BY position").await;
    assert_eq!(seals, (1..=41).map(|position: i32| position.to_string()).collect::<Vec<_>>());
    is_well(&world.test_store, &[]);
    world.end().await;
}

async fn the_server_seals_by_itself_and_at_its_end(kind: Kind) {
    let store = TestStore::new(kind).await;
    printed(fynd(&store).args(["tenant", "add", "norrvik", "Norrvik"]));
    let token = printed(fynd(&store).args(["token", "--tenant", "norrvik", "--scope", "imports:write"]));
    let log = store.folder.path().join("log");
    let mut command = fynd(&store);
    command.env("FYND_AUDIT_SEAL_SECONDS", "1").env("FYND_LOG_LEVEL", "info");
    command.stderr(std::fs::File::create(&log).expect("a file"));
    let mut server = Process::start_as(command, free_port()).await;
    let sender = Person::at(&server.base, &token);
    sender.import("", fixture("nessus/norrvik.nessus")).await.expect(201);
    let began = std::time::Instant::now();
    let seals = async || look(&store, "SELECT concat_ws('', position) FROM audit_seal").await.len();
    // The operator's rows of the new municipality and of the token, and the import.
    while seals().await < 3 {
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "nothing is sealed");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    // Refused within this minute, and so still counted in memory.
    sender.get("/v1/findings").await.expect(403);
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0));
    let log = std::fs::read_to_string(&log).expect("the log");
    let mut heads = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let head = heads.rfind(|line| line["message"] == "audit head").expect("a head in the log");
    assert!(head["signature"].is_string() && head["position"].as_i64() > Some(0), "{head}");
    let refused = look(&store, "SELECT action FROM audit WHERE outcome = 'refused'").await;
    assert_eq!(refused, ["GET /v1/findings"]);
    assert_eq!(seals().await, 4);
    let told = printed(fynd(&store).args(["audit", "verify"]));
    assert!(told.contains("norrvik: ok, 2 rows sealed, 0 waiting"), "{told}");
    assert!(told.contains("(operator): ok, 2 rows sealed, 0 waiting"), "{told}");
    store.remove().await;
}

#[tokio::test]
async fn the_servers_role_can_only_add_to_the_audit() {
    let store = TestStore::new(Kind::Postgres).await;
    let mut server = PgConnection::connect(&store.url).await.expect("the server's role");
    for table in TABLES {
        for change in [format!("UPDATE {table} SET tenant_id = tenant_id"), format!("DELETE FROM {table}")] {
            let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(change.clone())).execute(&mut server).await;
            assert!(refused.is_err_and(|error| error.to_string().contains("permission denied")), "{change}");
        }
    }
    server.close().await.expect("closed");
    store.remove().await;
}
