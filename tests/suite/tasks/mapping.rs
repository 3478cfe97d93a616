//! What a municipality says that its tracker's words mean.

use super::{link, report};
use crate::support::{Kind, World, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(a_municipality_explains_its_trackers_words);

const PATH: &str = "/v1/ticket-mappings/jira";

async fn a_municipality_explains_its_trackers_words(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, jira) = (world.lead().await, world.person("jira", &[world.norrvik], "tasks:read tasks:claim").await);
    lead.import("", report(&[("x", "a.norrvik.example", "high")])).await.expect(201);
    let task = lead.get("/v1/tasks").await.items()[0].clone();
    link(&jira, &task, "IT-1").await;
    let tell = async |word: &str| {
        let body = json!({"system": "jira", "items": [{"key": "IT-1", "state": word}]});
        jira.write(Method::POST, "/v1/tickets/status", None, body).await.expect(200).json()["items"][0].clone()
    };
    assert_eq!(tell("Åtgärdad").await["outcome"], "unknown_state");
    let none = jira.get(PATH).await.expect(200);
    assert_eq!(none.json(), json!({"tenant_id": world.norrvik, "system": "jira", "states": [], "version": 0}));
    let states =
        json!({"states": [{"state": "Åtgärdad", "meaning": "done"}, {"state": "Closed", "meaning": "ignored"}]});
    // What it would do, before it does anything.
    let preview = jira.write(Method::POST, &format!("{PATH}/preview"), None, states.clone()).await.expect(200).json();
    let of_word = preview["states"].as_array().unwrap().iter().find(|s| s["state"] == "Åtgärdad").unwrap().clone();
    let would = json!([{"task_id": task["id"], "key": "IT-1", "from": "open", "to": "done"}]);
    assert_eq!((&of_word["tickets"], &of_word["tasks"], &of_word["meaning"]), (&json!(1), &would, &json!("done")));
    assert_eq!(jira.get("/v1/tasks").await.items()[0]["status"], "open");
    jira.write(Method::PUT, PATH, Some(&none.etag()), states.clone()).await.expect(403);
    assert_eq!(lead.write(Method::PUT, PATH, None, states.clone()).await.expect(428).code(), "precondition_required");
    let tag = lead.get(PATH).await.etag();
    let stored = lead.write(Method::PUT, PATH, Some(&tag), states.clone()).await.expect(200).json();
    assert_eq!((&stored["version"], &stored["states"][1]["meaning"]), (&json!(1), &json!("done")), "{stored}");
    assert_eq!(lead.write(Method::PUT, PATH, Some(&tag), json!({"states": []})).await.expect(412).code(), "stale");
    let twice = json!({"states": [{"state": "x", "meaning": "done"}, {"state": "X", "meaning": "open"}]});
    let tag = lead.get(PATH).await.etag();
    assert_eq!(
        lead.write(Method::PUT, PATH, Some(&tag), twice).await.expect(422).json()["errors"][0]["pointer"],
        "/states/1/state"
    );
    // The same word again, which is now understood.
    assert_eq!(tell("Åtgärdad").await["outcome"], "applied");
    assert_eq!(jira.get("/v1/tasks").await.items()[0]["status"], "done");
    assert_eq!(
        tell("Closed").await,
        json!({"outcome": "unchanged", "task_id": task["id"], "key": "IT-1", "status": "done", "detail": null})
    );
    let graphql =
        lead.graphql("{ ticketMapping(system: \"jira\") { version states { state meaning } } }", json!({})).await;
    assert_eq!(
        graphql["data"]["ticketMapping"]["states"][0],
        json!({"state": "closed", "meaning": "IGNORED"}),
        "{graphql}"
    );
    let other = world.person("other", &[world.alvsund], crate::support::ALL).await;
    assert_eq!(other.get(PATH).await.expect(200).json()["states"], Value::Array(vec![]), "each has its own");
    world.end().await;
}
