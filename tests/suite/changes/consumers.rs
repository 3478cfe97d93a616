//! Consumers that are killed at any moment: what they have made of the feed is what the lists show.
//!
//! Eight writers make 50,000 changes with `FYND_TEST_SCALE=1`, a hundredth by default, and each consumer is killed 200
//! times meanwhile, a fortieth at least.

use super::streams::Events;
use crate::support::{ALL, Kind, Person, World, fixture, generated_report, on_both_stores, socket::Socket};
use futures_util::future::join_all;
use proptest::{prelude::Rng, test_runner::TestRng};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

on_both_stores!(who_is_killed_rebuilds_the_state);

const CHANGES: f64 = 50_000.0;
const KILLS: f64 = 200.0;
const WRITERS: usize = 8;

fn scale() -> f64 {
    std::env::var("FYND_TEST_SCALE").ok().map_or(0.01, |scale| scale.parse().expect("a number"))
}

/// How a consumer reads.
#[derive(Clone, Copy, Debug)]
enum Way {
    Poll,
    Events,
    Socket,
}

/// What a consumer keeps over its deaths: where it is, and what it knows. Both are written at once.
#[derive(Clone, Default)]
struct Kept {
    cursor: Option<String>,
    state: BTreeMap<String, Value>,
    /// The changes, where each is to come once.
    seqs: BTreeMap<String, Vec<i64>>,
}

#[expect(clippy::print_stdout, reason = "the figures of the whole are worth reading")]
async fn who_is_killed_rebuilds_the_state(kind: Kind) {
    // Who is killed that often has no time to be missed.
    let world = World::with(kind, |config| config.limits.client_streams = 0).await;
    let both = world.person("provider", &[world.norrvik, world.alvsund], ALL).await;
    both.import("tenant=norrvik", generated_report(60)).await.expect(201);
    both.import("tenant=alvsund", fixture("nuclei/alvsund.json")).await.expect(201);
    let began = std::time::Instant::now();
    let (done, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let kills = (KILLS * scale()).ceil().max(5.0) as usize;
    let ways = [
        (Way::Poll, "state"),
        (Way::Poll, "events"),
        (Way::Events, "state"),
        (Way::Events, "events"),
        (Way::Socket, "state"),
        (Way::Socket, "events"),
    ];
    let consumers: Vec<_> = ways
        .into_iter()
        .map(|(way, mode)| tokio::spawn(consume(both.clone(), way, mode, kills, done.clone())))
        .collect();
    let each = (CHANGES * scale()).ceil() as usize / WRITERS;
    let writers = (0..WRITERS).map(|number| write(both.clone(), number, each, written.clone()));
    join_all(writers).await;
    let took = began.elapsed();
    // Whoever has been killed too seldom yet has to be by now, or it has not been tried.
    done.store(true, Ordering::Relaxed);
    let (expected, all) = (listed(&both).await, changes(&both).await);
    for (consumer, (way, mode)) in consumers.into_iter().zip(ways) {
        let (kept, killed) = consumer.await.expect("a consumer");
        assert!(killed >= kills, "{way:?} {mode}: killed {killed} times only");
        assert_eq!(kept.state, expected, "{way:?} {mode}");
        // Each change once, and none left out.
        assert!(mode == "state" || kept.seqs == all, "{way:?}: a gap or a repetition");
    }
    let written = written.load(Ordering::Relaxed);
    println!("{kind:?}: {written} changes in {took:.0?}, read by {} consumers, each killed {kills} times", ways.len());
    world.end().await;
}

/// The findings as the list shows them, by id: their number and what can change.
async fn listed(who: &Person) -> BTreeMap<String, Value> {
    let (mut all, mut query) = (BTreeMap::new(), "limit=500".to_owned());
    loop {
        let page = who.get(&format!("/v1/findings?{query}")).await.expect(200).json();
        for finding in page["items"].as_array().unwrap() {
            all.insert(finding["id"].as_str().unwrap().to_owned(), known(finding));
        }
        let Some(cursor) = page["next_cursor"].as_str() else { return all };
        query = format!("limit=500&cursor={cursor}");
    }
}

/// The numbers of all changes of findings, read in one go.
async fn changes(who: &Person) -> BTreeMap<String, Vec<i64>> {
    let (mut kept, mut query) = (Kept::default(), String::new());
    loop {
        let page =
            who.get(&format!("/v1/changes?mode=events&types=finding&limit=1000{query}")).await.expect(200).json();
        kept.take(page["items"].as_array().unwrap(), "events");
        if page["has_more"] == false {
            return kept.seqs;
        }
        query = format!("&cursor={}", page["next_cursor"].as_str().unwrap());
    }
}

fn known(finding: &Value) -> Value {
    json!([finding["seq"], finding["assignee"]])
}

/// Changes findings, whoever else does.
async fn write(who: Person, number: usize, changes: usize, written: Arc<AtomicUsize>) {
    let mut seed = [0; 32];
    seed[0] = number as u8;
    let mut rng = TestRng::from_seed(proptest::test_runner::RngAlgorithm::ChaCha, &seed);
    let ids: Vec<String> = listed(&who).await.into_keys().collect();
    let mut at = 0;
    while at < changes {
        let path = format!("/v1/findings/{}", ids[rng.next_u32() as usize % ids.len()]);
        let tag = who.get(&path).await.expect(200).etag();
        let answer = who.write(Method::PATCH, &path, Some(&tag), json!({"assignee": format!("{number}-{at}")})).await;
        // Somebody else was quicker: then it is tried elsewhere.
        if answer.status.as_u16() != 412 {
            answer.expect(200);
            (at, _) = (at + 1, written.fetch_add(1, Ordering::Relaxed));
        }
    }
}

/// Reads until all has been written and read. Killed means: forgotten in the middle of whatever it does.
async fn consume(who: Person, way: Way, mode: &'static str, kills: usize, done: Arc<AtomicBool>) -> (Kept, usize) {
    let (mut kept, mut killed) = (Kept::default(), 0);
    let mut rng = TestRng::from_seed(proptest::test_runner::RngAlgorithm::ChaCha, &[way as u8 + 100; 32]);
    loop {
        let was_done = done.load(Ordering::Relaxed);
        let life = Duration::from_millis(u64::from(rng.next_u32() % 400));
        let (saved, mut saves) = tokio::sync::mpsc::unbounded_channel();
        let reading = tokio::spawn(read(who.clone(), way, mode, kept.clone(), saved));
        tokio::time::sleep(if was_done && killed >= kills { Duration::from_secs(3) } else { life }).await;
        reading.abort();
        let _ = reading.await;
        let before = kept.cursor.clone();
        while let Ok(newer) = saves.try_recv() {
            kept = newer;
        }
        if was_done && killed >= kills && kept.cursor == before {
            return (kept, killed);
        }
        killed += 1;
    }
}

/// Reads on from what is kept, and keeps each step.
async fn read(
    who: Person,
    way: Way,
    mode: &'static str,
    mut kept: Kept,
    saved: tokio::sync::mpsc::UnboundedSender<Kept>,
) {
    let cursor = |kept: &Kept| kept.cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    let keep = |kept: &mut Kept, items: &[Value], cursor: &str| {
        kept.take(items, mode);
        kept.cursor = Some(cursor.to_owned());
        let _ = saved.send(kept.clone());
    };
    match way {
        Way::Poll => loop {
            let query = format!("/v1/changes?mode={mode}&types=finding&limit=37&wait=1{}", cursor(&kept));
            let page = who.get(&query).await.expect(200).json();
            keep(&mut kept, page["items"].as_array().unwrap(), page["next_cursor"].as_str().unwrap());
        },
        Way::Events => {
            let query = format!("mode={mode}&types=finding&limit=37");
            let mut events = Events::of(&who, &query, kept.cursor.as_deref()).await.expect("a stream");
            while let Some(event) = events.next().await {
                assert_eq!(event.kind, "", "{event:?}");
                keep(&mut kept, &[event.json()], &event.id);
            }
        }
        Way::Socket => {
            let document = "subscription($filter: ChangeFilter!, $after: String) {
                changes(filter: $filter, first: 37, after: $after) { nextCursor items {
                    seq tenant_id: tenantId resource_id: resourceId resource { ... on Finding { seq assignee } } } } }";
            let filter = json!({"mode": mode.to_uppercase(), "types": ["FINDING"]});
            let mut socket = Socket::of(&who).await;
            socket.ask("a", document, json!({"filter": filter, "after": kept.cursor})).await;
            while let Ok(next) = socket.hear().await {
                let changes = &next["payload"]["data"]["changes"];
                let items = changes["items"].as_array().unwrap_or_else(|| panic!("{next}"));
                keep(&mut kept, items, changes["nextCursor"].as_str().unwrap());
            }
        }
    }
}

impl Kept {
    fn take(&mut self, items: &[Value], mode: &str) {
        let mut seen = HashSet::new();
        for item in items {
            let id = item["resource_id"].as_str().unwrap().to_owned();
            assert!(mode == "events" || seen.insert(id.clone()), "twice on one page: {item}");
            self.state.insert(id, known(&item["resource"]));
            if mode == "events" {
                let seqs = self.seqs.entry(item["tenant_id"].as_str().unwrap().to_owned()).or_default();
                seqs.push(item["seq"].as_i64().unwrap());
            }
        }
    }
}
