//! Inventories: what comes in, what is told of it, and what an attacker sends.

use super::{change, enter, host, keeper, path, report};
use crate::{
    load::Blocker,
    support::{
        Answer, Kind, Person, TestStore, World, look, on_both_stores,
        process::{fynd, printed},
        slow::Slow,
        within_five_seconds,
    },
};
use reqwest::{Method, header};
use serde_json::{Value, json};
use std::io::Write;

on_both_stores!(
    an_inventory_comes_in_is_told_of_first_and_changes_nothing_twice,
    an_inventory_and_scans_meet,
    a_bad_inventory_is_refused_whole_and_a_bad_row_by_itself,
    a_large_inventory_takes_a_few_statements_a_batch,
    the_command_line_takes_inventories_too,
    an_old_scan_flags_nothing_that_was_retired_later,
    who_hangs_up_stops_no_inventory,
    every_part_of_an_inventory_is_in_the_audit,
);

const TABLE: &str = "Namn;Värdnamn;IP-adress;Kritikalitet;Förvaltning\n\
                     Löneservern;lon01.norrvik.example;192.0.2.7;hög;HR\n\
                     Skrivaren;;192.0.2.8;;\n\
                     Trasig;;300.0.2.8;;\n\
                     Löneservern;LON01.norrvik.example.;;;Ekonomi\n";

async fn send(who: &Person, query: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = who.request(Method::POST, &format!("/v1/assets/import?{query}"));
    who.send(request.body(body)).await
}

fn counts(outcome: &Value) -> [i64; 5] {
    ["read", "created", "updated", "unchanged", "rejected"].map(|name| outcome[name].as_i64().expect("a count"))
}

async fn an_inventory_comes_in_is_told_of_first_and_changes_nothing_twice(kind: Kind) {
    let world = World::new(kind).await;
    let who = keeper(&world).await;
    let told = send(&who, "format=csv&dry_run=true", TABLE).await.expect(200).json();
    assert_eq!((counts(&told), &told["dry_run"]), ([4, 2, 1, 0, 1], &json!(true)));
    assert_eq!(told["rejected_records"], json!([{"place": "line 4", "reason": "`300.0.2.8` is no ip"}]));
    assert!(who.get("/v1/assets").await.expect(200).items().is_empty(), "nothing was stored");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(TABLE.as_bytes()).expect("packed");
    let request = who.request(Method::POST, "/v1/assets/import?format=csv").header(header::CONTENT_ENCODING, "gzip");
    let stored = who.send(request.body(packed.finish().expect("packed"))).await.expect(200).json();
    assert_eq!((counts(&stored), &stored["dry_run"]), (counts(&told), &json!(false)));
    let assets = who.get("/v1/assets").await.expect(200).items();
    let wages = &assets[0];
    assert_eq!(
        (&wages["name"], &wages["criticality"], &wages["owner_unit"]),
        (&json!("Löneservern"), &json!("high"), &json!("Ekonomi"))
    );
    assert_eq!((&wages["provenance"], assets.len()), (&json!("inventoried"), 2));
    let clock = "SELECT CAST(value AS text) FROM tenant_clock ORDER BY value";
    let before = look(&world.test_store, clock).await;
    let last = TABLE.replace("hög;HR", "hög;Ekonomi");
    for query in ["format=csv&dry_run=true", "format=csv"] {
        let again = send(&who, query, last.clone()).await.expect(200).json();
        assert_eq!(counts(&again), [4, 0, 0, 3, 1], "{again}");
    }
    assert_eq!(look(&world.test_store, clock).await, before, "what changes nothing has no number");
    // What the API gives can be sent to another municipality.
    let other = world.person("other", &[world.alvsund], "assets:read assets:write").await;
    let page = who.get("/v1/assets?limit=500").await.expect(200).text;
    let copied = send(&other, "format=json", page).await.expect(200).json();
    assert_eq!(counts(&copied), [2, 2, 0, 0, 0], "{copied}");
    world.end().await;
}

async fn an_inventory_and_scans_meet(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("format=nuclei", report(&["lon01", "okand"], 0..2, "high")).await.expect(201);
    let hosts = "<nmaprun><host><status state='up'/><address addr='192.0.2.7' addrtype='ipv4'/>\
                 <address addr='00:11:22:33:44:55' addrtype='mac'/><hostnames><hostname name='lon01.norrvik.example' type='PTR'/>\
                 </hostnames></host><host><status state='up'/><address addr='192.0.2.9' addrtype='ipv4'/></host></nmaprun>";
    let scanned = send(&lead, "format=nmap", hosts).await.expect(200).json();
    assert_eq!(counts(&scanned), [2, 1, 1, 0, 0]);
    let queue = lead.get("/v1/assets?queue=unknown").await.expect(200).items();
    assert_eq!(queue.len(), 3, "a scan reviews nothing");
    let first_known = queue.iter().find(|asset| asset["name"] == "lon01.norrvik.example").expect("it").clone();
    world.advance(chrono::TimeDelta::days(1));
    let inventory =
        json!([{"name": "Löneservern", "criticality": "critical", "mac": "00-11-22-33-44-55", "serial": "S1"}]);
    let met = send(&lead, "format=json", inventory.to_string()).await.expect(200).json();
    assert_eq!((counts(&met), &met["reviewed"]), ([1, 0, 1, 0, 0], &json!(1)));
    let wages = lead.get(&path(&first_known)).await.expect(200).json();
    assert_eq!(
        (&wages["name"], &wages["provenance"], &wages["open_findings"]["high"]),
        (&json!("Löneservern"), &json!("inventoried"), &json!(2))
    );
    assert_eq!(wages["first_known_at"], first_known["first_known_at"]);
    assert_eq!(lead.get("/v1/assets?queue=unknown").await.expect(200).items().len(), 2);
    // An identifier stays with the asset that had it first, and the sender is told.
    let both = json!([{"name": "Ny", "serial": "S2", "ip": "192.0.2.7"}]);
    let told = send(&lead, "format=json", both.to_string()).await.expect(200).json();
    assert_eq!((&told["created"], &told["identifiers_left_out"]), (&json!(1), &json!(1)));
    let warning = told["warnings"][0]["reason"].as_str().expect("a reason");
    assert!(warning.contains("192.0.2.7") && warning.contains(wages["id"].as_str().expect("an id")), "{warning}");
    let kinds: Vec<_> =
        lead.get("/v1/changes?types=asset").await.expect(200).items().iter().map(|c| c["event"].clone()).collect();
    assert!(kinds.contains(&json!("asset.reviewed")), "{kinds:?}");
    world.end().await;
}

async fn a_bad_inventory_is_refused_whole_and_a_bad_row_by_itself(kind: Kind) {
    let world = World::new(kind).await;
    let who = keeper(&world).await;
    let deep = "[".repeat(10 << 20);
    let cut = "[{\"ip\": \"192.0.2.1\"},";
    let xxe = "<!DOCTYPE nmaprun [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><nmaprun><host><address addr='&x;'/></host></nmaprun>";
    for (format, body) in [
        ("json", deep.as_str()),
        ("json", cut),
        ("nmap", xxe),
        ("nmap", "<nmaprun>"),
        ("csv", "a,b\n1,2\n"),
        ("csv", ""),
    ] {
        let refused = send(&who, &format!("format={format}"), body.to_owned()).await.expect(422);
        assert_eq!(refused.code(), "report_refused", "{format}");
    }
    assert!(who.get("/v1/assets").await.expect(200).items().is_empty());
    for (query, parameter) in [
        ("", "format"),
        ("format=xls", "format"),
        ("format=csv&colour=red", "colour"),
        ("format=csv&dry_run=x", "dry_run"),
    ] {
        let refused = send(&who, query, "x").await.expect(400);
        assert_eq!(refused.json()["errors"][0]["pointer"], parameter, "{query}");
    }
    let hostile = "name,ip\n=cmd()|' /C calc'!A0,192.0.2.1\n<script>,192.0.2.2\nx\u{0}y,192.0.2.3\n";
    assert_eq!(counts(&send(&who, "format=csv", hostile).await.expect(200).json()), [3, 3, 0, 0, 0]);
    let reader = world.person("reader", &[world.norrvik], "assets:read").await;
    send(&reader, "format=csv", "ip\n192.0.2.1\n").await.expect(403);
    assert_eq!(send(&who, "format=csv&tenant=alvsund", "ip\n192.0.2.1\n").await.expect(404).code(), "unknown_tenant");
    let small = World::with(kind, |config| config.imports.max_bytes = 100).await;
    let large = format!("ip\n{}", "192.0.2.1\n".repeat(50));
    assert_eq!(send(&keeper(&small).await, "format=csv", large).await.expect(413).code(), "payload_too_large");
    small.end().await;
    world.end().await;
}

async fn a_large_inventory_takes_a_few_statements_a_batch(kind: Kind) {
    let world = World::new(kind).await;
    let who = keeper(&world).await;
    let told = send(&who, "format=csv&dry_run=true", table(2_600)).await.expect(200).json();
    let before = world.store.statements();
    let stored = send(&who, "format=csv", table(2_600)).await.expect(200).json();
    let statements = world.store.statements() - before;
    assert_eq!((counts(&stored), counts(&told)), ([2600, 2600, 0, 0, 0], [2600, 2600, 0, 0, 0]));
    // What the house does beside it counts as well, the more the slower the machine; one a row would be 2,600.
    assert!(statements < 1_000, "{statements} statements");
    assert_eq!(counts(&send(&who, "format=csv", table(2_600)).await.expect(200).json()), [2600, 0, 0, 2600, 0]);
    assert_eq!(who.get("/v1/assets?limit=500&sort=-name").await.expect(200).items().len(), 500);
    enter(&who, json!({"name": "x", "identifiers": [host("h7")]})).await.expect(409);
    world.end().await;
}

async fn the_command_line_takes_inventories_too(kind: Kind) {
    let store = TestStore::new(kind).await;
    printed(fynd(&store).args(["tenant", "add", "norrvik", "Norrvik"]));
    let file = store.folder.path().join("inventarie.csv");
    std::fs::write(&file, TABLE).expect("written");
    let command = ["assets", "import", "--tenant", "norrvik"];
    let told = printed(fynd(&store).args(command).arg("--dry-run").arg(&file));
    assert!(
        told.contains("4 read: 2 created") && told.contains("nothing was stored") && told.contains("line 4"),
        "{told}"
    );
    printed(fynd(&store).args(command).arg(&file));
    assert_eq!(look(&store, "SELECT name FROM asset ORDER BY name").await, ["Löneservern", "Skrivaren"]);
    store.remove().await;
}

async fn an_old_scan_flags_nothing_that_was_retired_later(kind: Kind) {
    let world = World::new(kind).await;
    let who = keeper(&world).await;
    let asset = enter(&who, json!({"name": "a", "identifiers": [host("a")]})).await.expect(201).json();
    change(&who, &path(&asset), "/retire", json!({"reason": "Skrotad"})).await.expect(200);
    let retired = chrono::DateTime::parse_from_rfc3339("2026-11-24T08:00:00Z").expect("a time").timestamp();
    let scan = |run: i64, host: &str| {
        format!(
            "<nmaprun start='{run}'><host {host}><status state='up'/><address addr='192.0.2.7' addrtype='ipv4'/>\
             <hostnames><hostname name='a.norrvik.example' type='PTR'/></hostnames></host></nmaprun>"
        )
    };
    let is_flagged = async || who.get(&path(&asset)).await.expect(200).json()["seen_after_retirement"] == true;
    world.advance(chrono::TimeDelta::days(2));
    for old in [scan(retired - 600, ""), scan(retired - 60, &format!("endtime='{}'", retired - 1))] {
        send(&who, "format=nmap", old).await.expect(200);
        assert!(!is_flagged().await, "it was seen before it was retired");
    }
    send(&who, "format=nmap", scan(retired - 60, &format!("endtime='{}'", retired + 60))).await.expect(200);
    assert!(is_flagged().await);
    change(&who, &path(&asset), "/restore", json!({})).await.expect(200);
    change(&who, &path(&asset), "/retire", json!({"reason": "Skrotad"})).await.expect(200);
    world.advance(chrono::TimeDelta::days(1));
    send(&who, "format=nmap", scan(0, "").replace("start='0'", "")).await.expect(200);
    assert!(is_flagged().await, "what says no time is seen now");
    world.end().await;
}

fn table(rows: usize) -> String {
    let row = |n: usize| format!("h{n},h{n}.norrvik.example,10.{}.{}.1\n", n / 250, n % 250);
    std::iter::once("name,fqdn,ip\n".to_owned()).chain((0..rows).map(row)).collect()
}

async fn audited(who: &Person) -> Vec<Value> {
    who.get("/v1/audit?tenant=norrvik&action=asset.import&limit=500").await.expect(200).items()
}

async fn who_hangs_up_stops_no_inventory(kind: Kind) {
    let world = World::with(kind, |config| config.limits.upload_seconds = 1).await;
    let lead = world.lead().await;
    let blocker = Blocker::of(&world.test_store, kind).await;
    let given_up = send(&lead, "format=csv", table(1_200)).await.expect(503);
    assert_eq!(given_up.code(), "unavailable");
    blocker.end().await;
    let count = "SELECT CAST(count(*) AS text) FROM asset";
    within_five_seconds("all of it came in", async || look(&world.test_store, count).await == ["1200"]).await;
    within_five_seconds("all of it is in the audit", async || audited(&lead).await.len() == 3).await;
    world.end().await;
}

async fn every_part_of_an_inventory_is_in_the_audit(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    send(&lead, "format=csv&dry_run=true", table(1_200)).await.expect(200);
    assert!(audited(&lead).await.is_empty(), "a dry run does nothing");
    send(&lead, "format=csv", table(1_200)).await.expect(200);
    let numbers = |row: &Value| (row["first_seq"].as_i64().expect("a number"), row["last_seq"].as_i64().expect("one"));
    let parts: std::collections::BTreeSet<_> = audited(&lead).await.iter().map(numbers).collect();
    let events = "SELECT CAST(seq AS text) FROM event WHERE resource_type = 'asset'";
    let mut told: Vec<i64> =
        look(&world.test_store, events).await.iter().map(|seq| seq.parse().expect("seq")).collect();
    told.sort_unstable();
    let covered: Vec<i64> = parts.iter().flat_map(|(first, last)| *first..=*last).collect();
    assert_eq!((parts.len(), covered.len()), (3, 1_200));
    assert_eq!(covered, told, "each number is in one of its rows");
    // Rows with many identifiers come in smaller parts, and the whole is bounded.
    let names = |row: usize, many: usize| (0..many).map(|n| format!("r{row}x{n} ")).collect::<String>();
    let wide = |rows: usize, many: usize| -> String {
        std::iter::once("hostname\n".to_owned()).chain((0..rows).map(|row| names(row, many) + "\n")).collect()
    };
    send(&lead, "format=csv", wide(60, 100)).await.expect(200);
    assert_eq!(audited(&lead).await.len(), 3 + 3, "2,500 identifiers at once");
    send(&lead, "format=csv", wide(60, 100)).await.expect(200);
    assert_eq!(audited(&lead).await.len(), 3 + 3, "what says nothing new is no command");
    world.end().await;
}

#[tokio::test]
async fn an_inventory_is_bounded_and_has_the_time_of_an_upload() {
    let world = World::with(Kind::Sqlite, |config| {
        config.limits.request_seconds = 1;
        config.limits.upload_seconds = 20;
    })
    .await;
    let lead = world.lead().await;
    let row: String = (0..200).map(|n| format!("x{n} ")).collect();
    let many = format!("hostname\n{}", format!("{row}\n").repeat(5_001));
    let refused = send(&lead, "format=csv&dry_run=true", many).await.expect(422);
    assert_eq!(refused.code(), "report_refused");
    assert!(refused.text.contains("1000200"), "{}", refused.text);
    world.end().await;
    let world = World::with(Kind::Sqlite, |config| {
        config.limits.request_seconds = 1;
        config.limits.upload_seconds = 2;
    })
    .await;
    let lead = world.lead().await;
    let slow = Slow::post(&world, &lead, "/v1/assets/import?format=csv", 1_000_000, "hostname\n").await;
    let answer = slow.refused().await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("longer than 2 s"), "{answer}");
    world.end().await;
}
