//! Random commands against a plain model: each answer and each state is what
//! the model says, numbers have no hole, events replayed give what is stored,
//! and what is asked for as of a moment is what the replay had then.
//!
//! `FYND_TEST_SCALE=1` runs 100,000 sequences of commands on each store; a hundredth is the default.

mod finding;
mod steps;

use crate::support::{ALL, Kind, Person, World, counted_exactly, on_both_stores};
use chrono::{DateTime, TimeDelta, Utc};
use finding::Finding;
use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};
use serde_json::{Map, Value};
use std::{collections::HashMap, ops::Range};

on_both_stores!(random_commands_do_what_the_model_says);

const WHOLE: f64 = 100_000.0;

/// What a command costs grows with what stands in its world, and a world is cheap.
const IN_ONE_WORLD: usize = 1_000;

/// One sequence's findings, as the model knows them and as events replay them.
struct Sequence<'w> {
    world: &'w World,
    people: &'w HashMap<&'static str, Person>,
    number: usize,
    /// By rule.
    findings: Vec<Option<Finding>>,
    /// Their versions.
    seqs: Vec<i64>,
    /// The asset that they are on, once it is known.
    asset: Option<String>,
    done: Vec<String>,
}

/// How far the feed has been read, and what its events make of each finding.
#[derive(Default)]
struct Replay {
    cursor: Option<String>,
    seq: i64,
    states: HashMap<String, Value>,
}

fn pick<T: Clone>(rng: &mut TestRng, from: &[T]) -> T {
    from[rng.next_u32() as usize % from.len()].clone()
}

fn chance(rng: &mut TestRng, one_in: u32) -> bool {
    rng.next_u32().is_multiple_of(one_in)
}

#[expect(clippy::print_stdout, reason = "how far a run of hours has come is worth reading")]
async fn random_commands_do_what_the_model_says(kind: Kind) {
    let began = std::time::Instant::now();
    let scale = std::env::var("FYND_TEST_SCALE").ok().map_or(0.01, |scale| scale.parse::<f64>().expect("a number"));
    let whole = (WHOLE * scale).ceil() as usize;
    let mut events = 0;
    for (nth, first) in (0..whole).step_by(IN_ONE_WORLD).enumerate() {
        let until = whole.min(first + IN_ONE_WORLD);
        events += sequences(kind, nth, first..until).await;
        println!("{kind:?}: {until} sequences, {events} events, {:.0?}", began.elapsed());
    }
}

/// Runs these sequences in a world of their own; the number of the events that they left.
async fn sequences(kind: Kind, nth: usize, numbers: Range<usize>) -> i64 {
    let world = World::new(kind).await;
    let here = [world.norrvik];
    let writer = "findings:read findings:write";
    let people = HashMap::from([
        ("lead", world.person("lead", &here, ALL).await),
        ("deputy", world.person("deputy", &here, ALL).await),
        ("writer", world.person("writer", &here, writer).await),
    ]);
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&(nth as u64).to_le_bytes());
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut replay = Replay::default();
    for number in numbers {
        let (findings, seqs) = (vec![None; 3], vec![0; 3]);
        let mut sequence =
            Sequence { world: &world, people: &people, number, findings, seqs, asset: None, done: Vec::new() };
        for _ in 0..4 + rng.next_u32() % 6 {
            world.advance(TimeDelta::minutes(1));
            sequence.step(&mut rng).await;
        }
        sequence.check(&mut rng, &mut replay).await;
    }
    assert!(counted_exactly(&world.test_store).await > 0, "nothing is open any more");
    world.end().await;
    replay.seq
}

impl Sequence<'_> {
    fn now(&self) -> DateTime<Utc> {
        self.world.auth.service().clock.now()
    }

    fn lead(&self) -> &Person {
        &self.people["lead"]
    }

    /// The findings as they are stored, by id.
    async fn stored(&self) -> HashMap<String, Value> {
        let Some(asset) = &self.asset else { return HashMap::new() };
        let found = self.lead().get(&format!("/v1/findings?asset={asset}")).await.expect(200).items();
        found.into_iter().map(|one| (one["id"].as_str().expect("an id").to_owned(), one)).collect()
    }

    /// Each finding is what the model says and what its events lead to.
    async fn check(&self, rng: &mut TestRng, replay: &mut Replay) {
        self.follow(rng, replay).await;
        let stored = self.stored().await;
        for finding in self.findings.iter().flatten() {
            let stored = &stored[&finding.id];
            let expected = finding.shown();
            let fields = expected.as_object().unwrap().keys().map(|name| (name.clone(), comparable(&stored[name])));
            assert_eq!(Value::Object(fields.collect()), expected, "after {:#?}", self.done);
            let replayed = replay.states.remove(&finding.id).expect("its events");
            assert_eq!(steady(&replayed), steady(stored), "after {:#?}", self.done);
        }
    }

    /// Follows the feed from where it was: every number once, and each event leads from what was to what is.
    async fn follow(&self, rng: &mut TestRng, replay: &mut Replay) {
        loop {
            let cursor = replay.cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let page = self.lead().get(&format!("/v1/changes?mode=events&limit=1000{cursor}")).await.expect(200).json();
            for event in page["items"].as_array().unwrap() {
                replay.seq += 1;
                assert_eq!(event["seq"], replay.seq, "a number is missing or stands twice");
                if event["resource_type"] == "finding" {
                    self.replay(rng, replay, event).await;
                }
            }
            replay.cursor = page["next_cursor"].as_str().map(str::to_owned);
            if page["has_more"] == false {
                break;
            }
        }
    }

    async fn replay(&self, rng: &mut TestRng, replay: &mut Replay, event: &Value) {
        let (id, at) = (event["resource_id"].as_str().unwrap(), event["recorded_at"].as_str().unwrap());
        let past = async || self.lead().get(&format!("/v1/findings/{id}?as_of={at}")).await.expect(200).json();
        let is_told_by_time = ["finding.due_soon", "finding.overdue"].iter().any(|kind| event["event"] == *kind);
        let Some(state) = replay.states.get_mut(id) else {
            // Time goes on for findings of earlier sequences, which were compared when those ended.
            if is_told_by_time {
                return;
            }
            assert_eq!(event["event"], "finding.created", "{event}");
            replay.states.insert(id.to_owned(), past().await);
            return;
        };
        let fields = state.as_object_mut().unwrap();
        for (name, change) in event["changed"].as_object().unwrap_or(&Map::new()) {
            if let Some(field) = fields.get_mut(name) {
                assert_eq!(comparable(field), comparable(&change["before"]), "{name} of {event}");
                *field = change["after"].clone();
            }
        }
        fields.insert("seq".into(), event["seq"].clone());
        fields.insert("updated_at".into(), event["recorded_at"].clone());
        if chance(rng, 3) {
            assert_eq!(steady(state), steady(&past().await), "as of {event} after {:#?}", self.done);
        }
    }
}

/// A value apart from how times are written.
fn comparable(value: &Value) -> Value {
    match value.as_str().map(str::parse::<DateTime<Utc>>) {
        Some(Ok(time)) => time.timestamp_millis().into(),
        _ => value.clone(),
    }
}

/// A finding without what moves without a number.
fn steady(finding: &Value) -> Value {
    let fields = finding.as_object().unwrap().iter().filter(|(name, _)| *name != "last_seen");
    fields.map(|(name, value)| (name.clone(), comparable(value))).collect::<Map<_, _>>().into()
}
