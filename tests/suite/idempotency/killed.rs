//! A server that is killed with a keyed request on its way.

use super::keyed;
use crate::support::{
    Kind, Person, TestStore, on_both_stores,
    process::{Process, free_port, fynd, printed},
};
use reqwest::Method;
use serde_json::json;
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

on_both_stores!(nothing_is_lost_or_doubled_by_a_kill);

const KILLS: usize = 6;

async fn nothing_is_lost_or_doubled_by_a_kill(kind: Kind) {
    let store = TestStore::new(kind).await;
    printed(fynd(&store).args(["tenant", "add", "norrvik", "Norrvik"]));
    let token = printed(fynd(&store).args(["token", "--tenant", "norrvik", "--scope", "tasks:read tasks:write"]));
    let (port, mut sent) = (free_port(), 0);
    for round in 0..KILLS {
        let server = Process::start(&store, port).await;
        let who = Person::at(&server.base, &token);
        let through = Arc::new(AtomicUsize::new(0));
        let counter = through.clone();
        let sending = tokio::spawn(async move {
            for at in sent.. {
                let body = json!({"title": format!("Uppgift {at}")});
                let request = who.request(Method::POST, "/v1/tasks").header("idempotency-key", format!("k{at}"));
                if request.json(&body).send().await.is_err() {
                    return at + 1;
                }
                counter.fetch_add(1, Ordering::Relaxed);
            }
            sent
        });
        // Some requests are through, and one is on its way.
        while through.load(Ordering::Relaxed) < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(7 * u64::try_from(round).expect("a number"))).await;
        server.kill();
        sent = sending.await.expect("the sender ends");
    }
    assert!(sent >= 4 * KILLS);
    let server = Process::start(&store, port).await;
    let who = Person::at(&server.base, &token);
    for at in 0..sent {
        let body = json!({"title": format!("Uppgift {at}")});
        keyed(&who, "/v1/tasks", &format!("k{at}"), None, &body).await.expect(201);
    }
    let (mut titles, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = who.get(&format!("/v1/tasks?limit=500{cursor}")).await.expect(200).json();
        titles.extend(page["items"].as_array().expect("items").iter().map(|task| task["title"].to_string()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let distinct: BTreeSet<&String> = titles.iter().collect();
    assert_eq!((titles.len(), distinct.len()), (sent, sent));
    server.kill();
    store.remove().await;
}
