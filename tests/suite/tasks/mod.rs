//! What a ticketing system does.

mod life;
mod mapping;
mod pullers;
mod reconcile;
mod secrecy;
mod story;
mod tickets;
mod trackers;

use crate::support::{Answer, Kind, Person, World, fixture, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

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

/// A Nuclei report of (rule, host, severity).
fn report(findings: &[(&str, &str, &str)]) -> Vec<u8> {
    let result = |(rule, host, severity): &(&str, &str, &str)| {
        let info = json!({"name": rule, "severity": severity, "remediation": format!("Stäng {rule}.")});
        json!({"template-id": rule, "host": host, "type": "tcp", "matched-at": "here", "info": info})
    };
    findings.iter().map(|finding| format!("{}\n", result(finding))).collect::<String>().into_bytes()
}

async fn move_task(who: &Person, task: &Value, to: &str, reason: Option<&str>) -> Answer {
    let path = format!("/v1/tasks/{}", task["id"].as_str().expect("an id"));
    let tag = who.get(&path).await.expect(200).etag();
    let wish = reason.map_or(json!({"to": to}), |reason| json!({"to": to, "reason": reason}));
    who.write(Method::POST, &format!("{path}/transition"), Some(&tag), wish).await
}

async fn move_finding(who: &Person, id: &str, to: &str) -> Answer {
    let path = format!("/v1/findings/{id}");
    let tag = who.get(&path).await.expect(200).etag();
    who.write(Method::POST, &format!("{path}/transition"), Some(&tag), json!({"to": to})).await
}

/// Links a ticket of jira to a task.
async fn link(who: &Person, task: &Value, key: &str) {
    let path = format!("/v1/tasks/{}/tickets/jira", task["id"].as_str().expect("an id"));
    who.write(Method::PUT, &path, None, json!({"key": key})).await.expect(201);
}

async fn post(who: &Person, path: &str, body: Value, status: u16) -> Value {
    who.write(Method::POST, path, None, body).await.expect(status).json()
}

async fn claim(who: &Person, body: Value) -> Vec<Value> {
    post(who, "/v1/tasks/claim", body, 200).await["items"].as_array().expect("items").clone()
}

async fn state(who: &Person, item: Value) -> Value {
    post(who, "/v1/tickets/status", json!({"system": "jira", "items": [item]}), 200).await["items"][0].clone()
}
