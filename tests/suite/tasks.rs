//! What a ticketing system does.

use crate::support::{Kind, World, fixture, on_both_stores};
use reqwest::Method;
use serde_json::json;

on_both_stores!(a_task_is_pulled_and_its_ticket_linked_once);

async fn a_task_is_pulled_and_its_ticket_linked_once(kind: Kind) {
    let world = World::new(kind).await;
    world.lead().await.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let jira = world.person("jira", &[world.norrvik], "tasks:read tasks:claim").await;
    let waiting = jira.get("/v1/tasks?without_ticket=jira&limit=500").await.expect(200).items();
    assert!(waiting.len() > 1);
    let path = |at: usize| format!("/v1/tasks/{}/tickets/jira", waiting[at]["id"].as_str().unwrap());
    let body = json!({"key": "IT-1042", "url": "https://jira.norrvik.example/browse/IT-1042"});
    jira.write(Method::PUT, &path(0), None, body.clone()).await.expect(201);
    jira.write(Method::PUT, &path(0), None, body.clone()).await.expect(200);
    assert_eq!(
        jira.write(Method::PUT, &path(0), None, json!({"key": "IT-2"})).await.expect(409).code(),
        "ticket_already_linked"
    );
    assert_eq!(jira.write(Method::PUT, &path(1), None, body).await.expect(409).code(), "ticket_taken");
    let left = jira.get("/v1/tasks?without_ticket=jira&limit=500").await.items();
    assert_eq!(left.len(), waiting.len() - 1);
    world.end().await;
}
