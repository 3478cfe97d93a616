//! Paging while everything moves: many findings with equal sort keys, and people and scanners that go on.

use crate::support::{Kind, Person, World, generated_report, on_both_stores};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

on_both_stores!(a_walk_sees_each_item_once, a_walk_by_time_of_change_misses_nothing_that_stands_still);

/// 10,000 findings with `FYND_TEST_SCALE=1`, else a twentieth.
fn findings() -> usize {
    let whole = std::env::var("FYND_TEST_SCALE").is_ok_and(|scale| scale == "1");
    if whole { 10_000 } else { 500 }
}

/// About twenty pages.
fn limit() -> usize {
    (findings() / 20 - 3).min(500)
}

struct Busy<'w> {
    world: &'w World,
    lead: Person,
    news: usize,
    changed: BTreeSet<String>,
}

impl Busy<'_> {
    async fn filled(world: &World) -> Busy<'_> {
        let lead = world.lead().await;
        lead.import("", generated_report(findings())).await.expect(201);
        Busy { world, lead, news: 0, changed: BTreeSet::new() }
    }

    async fn ids(&self) -> BTreeSet<String> {
        let lines = self.lead.request(Method::GET, "/v1/findings?fields=id").header("accept", "application/x-ndjson");
        let all = self.lead.send(lines).await.expect(200);
        all.text.lines().map(|line| id(&serde_json::from_str(line).expect("JSON"))).collect()
    }

    /// A scanner tells of a new finding, and somebody takes one that was shown and one that was not yet.
    async fn goes_on(&mut self, shown: &[Value], all: &BTreeSet<String>) {
        self.world.advance(TimeDelta::seconds(1));
        self.news += 1;
        let host = format!("ny-{}.norrvik.example", self.news);
        let report = json!({"template-id": "ny", "host": host, "type": "http",
            "info": {"name": "Nytt", "severity": (["low", "high", "critical"][self.news % 3])}});
        self.lead.import("", report.to_string().into_bytes()).await.expect(201);
        let later = all.iter().nth(self.news * 7919 % all.len()).cloned();
        for id in shown.first().map(id).into_iter().chain(later) {
            let body = json!({"ids": [id], "patch": {"assignee": format!("Åsa {}", self.news)}});
            self.lead.write(Method::POST, "/v1/findings/bulk", None, body).await.expect(200);
            self.changed.insert(id);
        }
    }

    /// How often each item stands on the pages.
    async fn walk(
        &mut self,
        path: &str,
        all: &BTreeSet<String>,
        id: impl Fn(&Value) -> Option<String>,
    ) -> BTreeMap<String, usize> {
        let (mut seen, mut cursor) = (BTreeMap::new(), String::new());
        loop {
            let page = self.lead.get(&format!("{path}&limit={}{cursor}", limit())).await.expect(200).json();
            let items = page["items"].as_array().expect("items");
            for id in items.iter().filter_map(&id) {
                *seen.entry(id).or_default() += 1;
            }
            if page["has_more"] == false {
                return seen;
            }
            assert_eq!(items.len(), limit(), "a page before the last is full");
            let shown: Vec<Value> = items.iter().filter(|item| all.contains(&self::id(item))).cloned().collect();
            self.goes_on(&shown, all).await;
            cursor = format!("&cursor={}", page["next_cursor"].as_str().expect("a cursor"));
        }
    }
}

fn id(item: &Value) -> String {
    item["id"].as_str().or(item["resource_id"].as_str()).expect("an id").to_owned()
}

async fn a_walk_sees_each_item_once(kind: Kind) {
    let world = World::new(kind).await;
    let mut busy = Busy::filled(&world).await;
    for sort in [
        "id",
        "-id",
        "severity",
        "-severity",
        "priority",
        "-priority",
        "first_seen",
        "-first_seen",
        "due_at",
        "-due_at",
    ] {
        let all = busy.ids().await;
        let seen = busy.walk(&format!("/v1/findings?sort={sort}&fields=id"), &all, |item| Some(id(item))).await;
        for id in &all {
            assert_eq!(seen.get(id), Some(&1), "{id} in the order of {sort}");
        }
        assert!(seen.values().all(|times| *times == 1), "something new stands twice in the order of {sort}");
    }
    assert!(busy.news > 100, "{} pages are too few", busy.news);
    world.end().await;
}

async fn a_walk_by_time_of_change_misses_nothing_that_stands_still(kind: Kind) {
    let world = World::new(kind).await;
    let mut busy = Busy::filled(&world).await;
    let of_finding = |item: &Value| (item["resource_type"] == "finding").then(|| id(item));
    for path in
        ["/v1/findings?sort=updated_at&fields=id", "/v1/findings?sort=-updated_at&fields=id", "/v1/changes?mode=state"]
    {
        let all = busy.ids().await;
        busy.changed.clear();
        let seen = if path.contains("changes") {
            busy.walk(path, &all, of_finding).await
        } else {
            busy.walk(path, &all, |item| Some(id(item))).await
        };
        for id in all.iter().filter(|id| !busy.changed.contains(*id)) {
            assert_eq!(seen.get(id), Some(&1), "{id} stood still in {path}");
        }
        let often = seen.iter().filter(|(_, times)| **times > 1);
        often.for_each(|(id, _)| assert!(busy.changed.contains(id), "{id} stands twice in {path} and did not change"));
        assert!(!busy.changed.is_empty());
    }
    world.end().await;
}
