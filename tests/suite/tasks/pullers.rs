//! Many pullers at once, killed at random: every task ends with exactly one ticket, and none is lost.
//!
//! `FYND_TEST_SCALE=1` lets 50 pullers claim 5,000 tasks; a fiftieth of that is the default.

use super::report;
use crate::support::{Kind, Person, World, on_both_stores};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::RwLock;

on_both_stores!(pullers_killed_at_random_leave_each_task_one_ticket);

/// A tracker: each ticket with the task whose id it carries.
#[derive(Clone, Default)]
struct Tracker(Arc<Mutex<BTreeMap<String, String>>>);

impl Tracker {
    /// Searches for the task's id first, as a connector does, and makes a ticket where there is none. The tracker knows
    /// no locks: between the two, others have their turn.
    async fn ticket_for(&self, task: &str, dice: &Dice) -> String {
        let found = self.0.lock().expect("the tracker").iter().find(|(_, of)| *of == task).map(|(key, _)| key.clone());
        if let Some(key) = found {
            return key;
        }
        for _ in 0..1 + dice.below(20) {
            tokio::task::yield_now().await;
        }
        let mut tickets = self.0.lock().expect("the tracker");
        let key = format!("IT-{}", tickets.len() + 1);
        tickets.insert(key.clone(), task.to_owned());
        key
    }
}

/// The tasks whose leases are live, by what the pullers were told. They end all at once, while nobody works.
#[derive(Default)]
struct Leases {
    held: Mutex<HashSet<String>>,
    at_work: RwLock<()>,
}

impl Leases {
    fn take(&self, items: &[Value]) {
        let mut held = self.held.lock().expect("the leases");
        for one in items {
            let id = one["task"]["id"].as_str().expect("an id");
            assert!(held.insert(id.to_owned()), "{id} was given to somebody whose lease is live");
        }
    }

    async fn end(&self, world: &World) {
        let _nobody_works = self.at_work.write().await;
        world.advance(TimeDelta::seconds(61));
        self.held.lock().expect("the leases").clear();
    }
}

/// Numbers that look random and are the same each time (xorshift).
struct Dice(AtomicU64);

impl Dice {
    fn below(&self, sides: u64) -> u64 {
        let mut x = self.0.load(Ordering::Relaxed);
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.0.store(x, Ordering::Relaxed);
        x % sides
    }
}

fn scale() -> (usize, usize) {
    let whole = std::env::var("FYND_TEST_SCALE").is_ok_and(|scale| scale == "1");
    if whole { (5_000, 50) } else { (100, 10) }
}

/// What one life of a puller came to.
enum Life {
    /// It found nothing to do.
    Idle,
    /// It did all that it had claimed.
    Worked,
    /// It was killed.
    Killed,
}

/// Claims some tasks, makes their tickets and links them; dies on the way if the dice say so.
async fn live(who: &Person, tracker: &Tracker, leases: &Leases, dice: &Dice) -> Life {
    let _at_work = leases.at_work.read().await;
    let wish = json!({"system": "jira", "limit": 20, "lease_seconds": 60});
    let asking = who.write(Method::POST, "/v1/tasks/claim", None, wish);
    // Killed while it asks: the answer never arrives, whether the claim was made or not.
    let claimed = if dice.below(10) == 0 {
        match tokio::time::timeout(Duration::from_millis(1 + dice.below(20)), asking).await {
            Ok(answer) => answer,
            Err(_) => return Life::Killed,
        }
    } else {
        asking.await
    };
    let items = claimed.expect(200).items();
    if items.is_empty() {
        return Life::Idle;
    }
    leases.take(&items);
    for one in items {
        let id = one["task"]["id"].as_str().expect("an id");
        if dice.below(100) == 0 {
            return Life::Killed;
        }
        let key = tracker.ticket_for(id, dice).await;
        if dice.below(50) == 0 {
            return Life::Killed;
        }
        let body = json!({"key": key, "lease": one["lease"]});
        who.write(Method::PUT, &format!("/v1/tasks/{id}/tickets/jira"), None, body).await.expect(201);
    }
    Life::Worked
}

#[expect(clippy::print_stdout, reason = "what it measures is worth reading")]
async fn pullers_killed_at_random_leave_each_task_one_ticket(kind: Kind) {
    let (tasks, pullers) = scale();
    let world = Arc::new(World::new(kind).await);
    let lead = world.lead().await;
    let rules: Vec<String> = (0..tasks).map(|at| format!("rule-{at:05}")).collect();
    let found: Vec<_> = rules.iter().map(|rule| (rule.as_str(), "a.norrvik.example", "high")).collect();
    lead.import("", report(&found)).await.expect(201);
    let (tracker, leases) = (Tracker::default(), Arc::new(Leases::default()));
    let killed = Arc::new(AtomicUsize::new(0));
    let began = std::time::Instant::now();
    let puller = async |number: usize| {
        let name = format!("puller-{number}");
        world.person(&name, &[world.norrvik], "tasks:claim").await
    };
    let mut running = Vec::new();
    for number in 0..pullers {
        let (who, tracker, killed, world) = (puller(number).await, tracker.clone(), killed.clone(), world.clone());
        let leases = leases.clone();
        let dice = Dice(AtomicU64::new(0x9E37_79B9_7F4A_7C15 ^ (number as u64 + 1) << 20));
        running.push(tokio::spawn(async move {
            let mut idle = 0;
            while idle < 3 {
                match live(&who, &tracker, &leases, &dice).await {
                    Life::Worked => idle = 0,
                    Life::Killed => {
                        idle = 0;
                        killed.fetch_add(1, Ordering::Relaxed);
                    }
                    // What the dead have claimed comes back when their leases end.
                    Life::Idle => {
                        idle += 1;
                        leases.end(&world).await;
                    }
                }
            }
        }));
    }
    for puller in running {
        puller.await.expect("no puller failed");
    }
    let took = began.elapsed();
    let linked = all_tickets(&lead).await;
    assert_eq!(linked.len(), tasks, "every task has a ticket");
    let theirs = tracker.0.lock().expect("the tracker").clone();
    assert_eq!(theirs.len(), tasks, "the tracker has one for each");
    for one in &linked {
        let key = one["ticket"]["key"].as_str().expect("a key");
        assert_eq!(theirs.get(key).map(String::as_str), one["task_id"].as_str(), "{key}");
    }
    let killed = killed.load(Ordering::Relaxed);
    assert!(killed > 0, "nobody was killed");
    println!("{kind:?}: {pullers} pullers, {tasks} tasks, {killed} killed, {took:.1?}");
    let world = Arc::into_inner(world).expect("everybody is gone");
    world.end().await;
}

async fn all_tickets(who: &Person) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = who.get(&format!("/v1/tickets?system=jira&limit=500{cursor}")).await.expect(200).json();
        all.extend(page["items"].as_array().expect("items").clone());
        let Some(next) = page["next_cursor"].as_str() else { return all };
        cursor = format!("&cursor={next}");
    }
}
