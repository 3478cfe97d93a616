//! What a municipality says that its tracker's words mean.

use super::{link, report};
use crate::support::{Kind, World, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(a_municipality_explains_its_trackers_words, a_word_that_means_something_else_now_is_looked_at_again,);

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

async fn a_word_that_means_something_else_now_is_looked_at_again(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let rules: Vec<String> = (0..5).map(|at| format!("rule-{at}")).collect();
    let found: Vec<_> = rules.iter().map(|rule| (rule.as_str(), "a.norrvik.example", "high")).collect();
    lead.import("", report(&found)).await.expect(201);
    let tasks = lead.get("/v1/tasks").await.items();
    for task in &tasks {
        link(&lead, task, task["title"].as_str().unwrap()).await;
    }
    let tell = async |word: &str, rules: &[String]| {
        let items: Vec<_> = rules.iter().map(|rule| json!({"key": rule, "state": word})).collect();
        let told = super::post(&lead, "/v1/tickets/status", json!({"system": "jira", "items": items}), 200).await;
        told["items"].as_array().unwrap().iter().map(|one| one["outcome"].clone()).collect::<Vec<_>>()
    };
    // As their trackers write them: `Pending` waits, `In Progress` goes on.
    assert_eq!(tell("Pending", &rules[..2]).await, [json!("applied"), json!("applied")]);
    assert_eq!(tell("PENDING", &rules[2..3]).await, [json!("applied")]);
    assert_eq!(tell("In Progress", &rules[3..4]).await, [json!("applied")]);
    let states = json!({"states": [{"state": "pending", "meaning": "in_progress"}]});
    let preview = lead.write(Method::POST, &format!("{PATH}/preview"), None, states.clone()).await.expect(200).json();
    let previewed = preview["states"].as_array().unwrap();
    let told: Vec<_> = previewed
        .iter()
        .map(|s| (s["state"].as_str().unwrap(), &s["tickets"], s["tasks"].as_array().unwrap()))
        .collect();
    assert_eq!(told.len(), 2, "{preview}");
    let pending = told.iter().find(|(state, ..)| *state == "pending").unwrap();
    assert_eq!((pending.1, pending.2.len()), (&json!(3), 3), "{preview}");
    assert!(pending.2.iter().all(|task| task["from"] == "blocked" && task["to"] == "in_progress"));
    let other = told.iter().find(|(state, ..)| *state == "In Progress").unwrap();
    assert_eq!((other.1, other.2.len()), (&json!(1), 0), "what it means already it has done");
    let tag = lead.get(PATH).await.etag();
    lead.write(Method::PUT, PATH, Some(&tag), states).await.expect(200);
    // What was foretold happens, once.
    assert_eq!(tell("Pending", &rules[..3]).await, vec![json!("applied"); 3]);
    assert_eq!(lead.get("/v1/tasks?status=in_progress").await.items().len(), 4);
    assert_eq!(tell("Pending", &rules[..3]).await, vec![json!("unchanged"); 3]);
    assert_eq!(tell("In Progress", &rules[3..4]).await, [json!("unchanged")]);
    let one = "previewTicketMapping(system: \"jira\", states: []) { states { state tasks { taskId } } }";
    let many: String = (0..120).map(|at| format!("a{at}: {one} ")).collect();
    let refused = lead.graphql(&format!("{{ {many} }}"), json!({})).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "query_too_complex", "{refused}");
    world.end().await;
}
