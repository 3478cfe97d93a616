//! A complete report whose server is killed while it marks: in the end each finding is marked once.

use super::complete;
use crate::support::{
    Kind, Person, TestStore, generated_report, look, on_both_stores,
    process::{Process, free_port, fynd, printed},
};
use reqwest::Method;
use serde_json::Value;
use std::time::{Duration, Instant};

on_both_stores!(marking_survives_being_killed);

const FINDINGS: usize = 4_000;
const LEFT: usize = 3_000;

async fn marking_survives_being_killed(kind: Kind) {
    let store = TestStore::new(kind).await;
    printed(fynd(&store).args(["tenant", "add", "norrvik", "Norrvik"]));
    let scopes = "imports:write findings:verify findings:read feed:read";
    let token = printed(fynd(&store).args(["token", "--tenant", "norrvik", "--scope", scopes]));
    let port = free_port();
    let server = Process::start(&store, port).await;
    let sender = Person::at(&server.base, &token);
    sender.import("", generated_report(FINDINGS)).await.expect(201);
    let (rescan, gone) = rescan();
    let refused = complete(&sender, "", rescan.clone()).await.expect(409).json();
    assert_eq!(refused["would_mark_gone"], gone, "{refused}");
    let query = format!("/v1/imports?coverage=complete&confirm_gone={gone}");
    let mut server = Some(server);
    for _ in 0..4 {
        let running = match server.take() {
            Some(running) => running,
            None => Process::start(&store, port).await,
        };
        let before = marked(&store).await;
        let request = Person::at(&running.base, &token).request(Method::POST, &query).body(rescan.clone());
        let sending = tokio::spawn(request.send());
        let began = Instant::now();
        while marked(&store).await == before && began.elapsed() < Duration::from_secs(30) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        running.kill();
        sending.abort();
        // The lease must run out before the same bytes may go on.
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    let half_way = marked(&store).await;
    let server = Process::start(&store, port).await;
    let sender = Person::at(&server.base, &token);
    let import = complete(&sender, &format!("&confirm_gone={gone}"), rescan).await.expect(201).json();
    assert!(half_way > 0, "no kill hit an import that had marked a part");
    assert_eq!(marked(&store).await, gone);
    let total = sender.get("/v1/findings/facets?gone=true").await.expect(200).json()["total"].clone();
    assert_eq!(total, gone);
    let counts: i64 = sender.get("/v1/imports").await.items().iter().map(|row| row["gone"].as_i64().unwrap_or(0)).sum();
    assert_eq!(counts, gone as i64, "{import}");
    let one = sender.get("/v1/findings?gone=true&limit=1").await.expect(200).items().remove(0);
    assert_eq!(events_of(&sender, &one).await, ["finding.created", "finding.gone"]);
    server.kill();
    store.remove().await;
}

async fn events_of(sender: &Person, finding: &Value) -> Vec<String> {
    let (mut told, mut cursor) = (Vec::new(), String::new());
    loop {
        let page =
            sender.get(&format!("/v1/changes?mode=events&types=finding&limit=1000{cursor}")).await.expect(200).json();
        let items = page["items"].as_array().expect("items");
        let own = items.iter().filter(|event| event["resource_id"] == finding["id"]);
        told.extend(own.map(|event| event["event"].as_str().expect("a kind").to_owned()));
        cursor = format!("&cursor={}", page["next_cursor"].as_str().expect("a cursor"));
        if page["has_more"] == false {
            return told;
        }
    }
}

/// The report a day later, without what came last of each host; and how much it misses.
fn rescan() -> (Vec<u8>, usize) {
    let report = String::from_utf8(generated_report(FINDINGS)).expect("text").replace("1793000000", "1793086400");
    let mut out = String::new();
    let (mut items, mut left) = (0, 0);
    for (at, part) in report.split("<ReportItem ").enumerate() {
        let (item, tail) = part.split_once("</ReportItem>").map_or(("", part), |(item, tail)| (item, tail));
        if at > 0 {
            items += 1;
            if items % 4 != 0 {
                left += 1;
                out += &format!("<ReportItem {item}</ReportItem>");
            }
        }
        out += tail;
    }
    assert_eq!((items, left), (FINDINGS, LEFT));
    (out.into_bytes(), FINDINGS - LEFT)
}

async fn marked(store: &TestStore) -> usize {
    let count = look(store, "SELECT CAST(count(*) AS text) FROM event WHERE kind = 'finding.gone'").await;
    count[0].parse().expect("a number")
}
