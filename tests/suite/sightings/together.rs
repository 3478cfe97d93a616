//! Two importers and ten writers at once on one municipality: exact counts, no deadlock, no lost update.
//!
//! A minute with `FYND_TEST_SCALE=1`, else two seconds.

use super::complete;
use crate::support::{ALL, Kind, Person, World, generated_report, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::Write,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

on_both_stores!(two_importers_and_ten_writers_at_once);

const FINDINGS: usize = 300;
const WRITERS: usize = 10;

fn duration() -> Duration {
    let whole = std::env::var("FYND_TEST_SCALE").is_ok_and(|scale| scale == "1");
    Duration::from_secs(if whole { 60 } else { 2 })
}

/// The report of one round: the same for both importers but for its last bytes, and with other words than the last one.
fn report(round: i64, importer: usize) -> Vec<u8> {
    let text = String::from_utf8(generated_report(FINDINGS)).expect("text");
    let text = text.replace("1793000000", &(1_793_000_000 + round).to_string());
    let text = text.replace("Uppgradera.", &format!("Uppgradera till {round}."));
    format!("{text}<!-- {importer} -->").into_bytes()
}

/// What all of them do until the time is over.
struct Work {
    until: Instant,
    written: AtomicU64,
    stale: AtomicU64,
}

impl Work {
    /// The time is over, and people have had their turns, however busy the machine is.
    fn is_over(&self) -> bool {
        Instant::now() >= self.until && self.written.load(Ordering::Relaxed) > 10
    }
}

async fn two_importers_and_ten_writers_at_once(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    // One round before the writers begin: both importers make the same findings.
    let first = tokio::join!(lead.import("", report(0, 0)), lead.import("", report(0, 1)));
    let counts = [first.0.expect(201).json(), first.1.expect(201).json()];
    let sum = |name: &str| counts.iter().map(|import| import[name].as_i64().expect("a count")).sum::<i64>();
    assert_eq!((sum("created"), sum("updated"), sum("unchanged")), (FINDINGS as i64, 0, FINDINGS as i64));

    let work = std::sync::Arc::new(Work {
        until: Instant::now() + duration(),
        written: AtomicU64::new(0),
        stale: AtomicU64::new(0),
    });
    let ids: Vec<String> = lead.get("/v1/findings?limit=20").await.expect(200).items().iter().map(id).collect();
    let mut all = tokio::task::JoinSet::new();
    for at in 0..WRITERS {
        let who = world.person(&format!("writer {at}"), &[world.norrvik], ALL).await;
        all.spawn(write(who, ids.clone(), at, work.clone()));
    }
    let (one, other) = (lead.clone(), lead.clone());
    let importers = (tokio::spawn(import(one, 0, work.clone())), tokio::spawn(import(other, 1, work.clone())));
    all.join_all().await;
    let imports = [importers.0.await.expect("it ends"), importers.1.await.expect("it ends")].concat();

    assert!(imports.len() >= 2, "{imports:?}");
    for import in &imports {
        let count = |name: &str| import[name].as_i64().expect("a count");
        assert_eq!(count("read"), FINDINGS as i64);
        assert_eq!(count("created") + count("updated") + count("unchanged") + count("rejected"), count("read"));
        assert_eq!((count("created"), count("gone"), count("assets_created")), (0, 0, 0), "{import}");
    }
    let total = lead.get("/v1/findings/facets").await.expect(200).json()["total"].clone();
    assert_eq!(total, FINDINGS);
    let written = work.written.load(Ordering::Relaxed);
    assert!(written > 10, "{written} changes by people");
    check_feed(&lead, written).await;
    let figures = (imports.len(), written, work.stale.load(Ordering::Relaxed));
    writeln!(std::io::stderr(), "{kind:?}: {} imports, {} changes, {} stale", figures.0, figures.1, figures.2)
        .expect("told");
    world.end().await;
}

fn id(row: &Value) -> String {
    row["id"].as_str().expect("an id").to_owned()
}

async fn import(who: Person, importer: usize, work: std::sync::Arc<Work>) -> Vec<Value> {
    let mut done = Vec::new();
    for round in 1.. {
        if work.is_over() && done.len() >= 2 {
            break;
        }
        let body = report(round, importer);
        let answer = if round % 2 == 0 { who.import("", body).await } else { complete(&who, "", body).await };
        done.push(answer.expect(201).json());
    }
    done
}

/// Adds to a number that the finding carries, again and again; what is stale is read anew.
async fn write(who: Person, ids: Vec<String>, at: usize, work: std::sync::Arc<Work>) {
    for round in at.. {
        if work.is_over() {
            break;
        }
        let path = format!("/v1/findings/{}", ids[round % ids.len()]);
        let read = who.get(&path).await.expect(200);
        let number: u64 = read.json()["assignee"].as_str().map_or(0, |number| number.parse().expect("a number"));
        let wish = json!({"assignee": (number + 1).to_string()});
        let answer = who.write(Method::PATCH, &path, Some(&read.etag()), wish).await;
        match answer.status.as_u16() {
            200 => work.written.fetch_add(1, Ordering::Relaxed),
            412 => work.stale.fetch_add(1, Ordering::Relaxed),
            _ => panic!("{} {}", answer.status, answer.text),
        };
    }
}

/// Every number of the feed is there once, and each change by a person builds on the one before it.
async fn check_feed(lead: &Person, written: u64) {
    let (mut seqs, mut numbers, mut cursor) = (Vec::new(), BTreeMap::new(), String::new());
    loop {
        let page = lead.get(&format!("/v1/changes?mode=events&limit=1000{cursor}")).await.expect(200).json();
        for item in page["items"].as_array().expect("items") {
            seqs.push(item["seq"].as_i64().expect("a number"));
            let change = &item["changed"]["assignee"];
            if change.is_object() {
                let number =
                    |value: &Value| value.as_str().map_or(0, |number| number.parse::<u64>().expect("a number"));
                let last: &mut u64 = numbers.entry(item["resource_id"].to_string()).or_default();
                assert_eq!(number(&change["before"]), *last, "an update was lost: {item}");
                assert_eq!(number(&change["after"]), *last + 1, "{item}");
                *last += 1;
            }
        }
        cursor = format!("&cursor={}", page["next_cursor"].as_str().expect("a cursor"));
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>());
    assert_eq!(numbers.values().sum::<u64>(), written);
}
