//! A tracker's list where tickets were deleted, doubled and edited by hand.

use super::{link, report};
use crate::support::{Kind, Person, World, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    a_list_edited_by_hand_is_repaired,
    each_repair_is_a_request_that_repairs,
    tickets_are_listed_page_by_page,
);

async fn filled(world: &World, count: usize) -> (Person, Vec<Value>) {
    let lead = world.lead().await;
    let rules: Vec<String> = (0..count).map(|at| format!("rule-{at:02}")).collect();
    lead.import("", report(&rules.iter().map(|rule| (rule.as_str(), "a.norrvik.example", "high")).collect::<Vec<_>>()))
        .await
        .expect(201);
    let tasks = lead.get("/v1/tasks?limit=500").await.items();
    assert_eq!(tasks.len(), count);
    (lead, tasks)
}

async fn reconcile(who: &Person, items: &[Value], apply: bool) -> Value {
    let body = json!({"system": "jira", "items": items, "complete": true, "apply": apply});
    who.write(Method::POST, "/v1/tickets/reconcile", None, body).await.expect(200).json()
}

fn told(answer: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let differences = answer["differences"].as_array().expect("differences").iter();
    differences.map(|difference| (text(&difference["kind"]), text(&difference["key"]))).collect()
}

/// Six tasks with tickets 1–6, two without; and what somebody made of the tracker's list by hand.
async fn edited(world: &World) -> (Person, Vec<Value>, Vec<Value>) {
    let (lead, tasks) = filled(world, 8).await;
    for (at, task) in tasks.iter().take(6).enumerate() {
        link(&lead, task, &format!("IT-{}", at + 1)).await;
    }
    let item = |key: &str, task: &Value, state: &str| json!({"key": key, "task_id": task["id"], "state": state});
    let list = vec![
        item("IT-1", &tasks[0], "Open"),
        // 2 was deleted, 3 closed by hand, 4 copied, 5 says another task, 6 deleted and made anew.
        item("IT-3", &tasks[2], "Closed"),
        item("IT-4", &tasks[3], "Open"),
        item("IT-40", &tasks[3], "Open"),
        item("IT-5", &tasks[0], "Open"),
        item("IT-60", &tasks[5], "Open"),
        item("IT-70", &tasks[6], "Closed"),
        json!({"key": "IT-80", "task_id": "01900000-0000-7000-8000-000000000000", "state": "Open"}),
        json!({"key": "IT-90", "state": "Open"}),
    ];
    (lead, tasks, list)
}

async fn a_list_edited_by_hand_is_repaired(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, tasks, list) = edited(&world).await;
    let expected = [
        ("missing", "IT-2"),
        ("missing", "IT-6"),
        ("orphaned", "IT-60"),
        ("orphaned", "IT-70"),
        ("drifted", "IT-3"),
        ("duplicate", "IT-40"),
        ("unknown_task", "IT-80"),
    ];
    let sorted = |mut all: Vec<(String, String)>| {
        all.sort();
        all
    };
    let expected = sorted(expected.map(|(kind, key)| (kind.to_owned(), key.to_owned())).to_vec());
    let seen = reconcile(&lead, &list, false).await;
    assert_eq!(sorted(told(&seen)), expected);
    assert_eq!(seen["matched"], 3);
    let before = lead.get("/v1/tickets?system=jira").await.text;
    assert_eq!(before, lead.get("/v1/tickets?system=jira").await.text, "looking changes nothing");
    let repaired = reconcile(&lead, &list, true).await;
    assert_eq!(sorted(told(&repaired)), expected);
    for difference in repaired["differences"].as_array().unwrap() {
        let is_ours = !["duplicate", "unknown_task"].contains(&difference["kind"].as_str().unwrap());
        assert_eq!(difference["repaired"], is_ours, "{difference}");
    }
    let keeps = repaired["differences"].as_array().unwrap().iter().find(|d| d["kind"] == "duplicate").unwrap();
    assert_eq!((&keeps["keep"], &keeps["task_id"]), (&json!("IT-4"), &tasks[3]["id"]));
    let linked = lead.get("/v1/tickets?system=jira").await.items();
    let key_of =
        |task: &Value| linked.iter().find(|one| one["task_id"] == task["id"]).map(|one| one["ticket"]["key"].clone());
    let keys: Vec<_> = tasks.iter().map(key_of).collect();
    let expected = [Some("IT-1"), None, Some("IT-3"), Some("IT-4"), Some("IT-5"), Some("IT-60"), Some("IT-70"), None];
    assert_eq!(keys, expected.map(|key| key.map(|key| json!(key))));
    // What was closed there is done here; what lost its ticket can be claimed again.
    let status =
        |at: usize| linked.iter().find(|one| one["task_id"] == tasks[at]["id"]).unwrap()["task_status"].clone();
    assert_eq!((status(2), status(6)), (json!("done"), json!("done")));
    let claimed =
        lead.write(Method::POST, "/v1/tasks/claim", None, json!({"system": "jira", "limit": 100})).await.items();
    let ids: Vec<_> = claimed.iter().map(|one| one["task"]["id"].clone()).collect();
    assert_eq!(ids, [tasks[1]["id"].clone(), tasks[7]["id"].clone()]);
    // The second time, only what is for the tracker is left.
    assert_eq!(sorted(told(&reconcile(&lead, &list, true).await)).len(), 2);
    world.end().await;
}

async fn each_repair_is_a_request_that_repairs(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, _, list) = edited(&world).await;
    for difference in reconcile(&lead, &list, false).await["differences"].as_array().unwrap() {
        let repair = &difference["repair"];
        if repair.is_null() {
            continue;
        }
        let method: Method = repair["method"].as_str().unwrap().parse().unwrap();
        let request = lead.request(method, repair["path"].as_str().unwrap());
        let request = if repair["body"].is_null() { request } else { request.json(&repair["body"]) };
        assert!(lead.send(request).await.status.is_success(), "{repair}");
    }
    // What was made anew was not linked while the deleted one still was: it is now, with its state.
    let again = reconcile(&lead, &list, false).await;
    let kinds: Vec<_> = told(&again).into_iter().map(|(kind, _)| kind).collect();
    assert!(!kinds.contains(&"missing".to_owned()) && !kinds.contains(&"orphaned".to_owned()), "{again}");
    world.end().await;
}

async fn tickets_are_listed_page_by_page(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, tasks) = filled(&world, 3).await;
    for (at, task) in tasks.iter().enumerate() {
        link(&lead, task, &format!("IT-{at}")).await;
        let path = format!("/v1/tasks/{}/tickets/rt", task["id"].as_str().unwrap());
        lead.write(Method::PUT, &path, None, json!({"key": format!("{at}")})).await.expect(201);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = lead.get(&format!("/v1/tickets?limit=2{cursor}")).await.expect(200).json();
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, lead.get("/v1/tickets").await.items());
    assert_eq!((seen.len(), lead.get("/v1/tickets?system=rt").await.items().len()), (6, 3));
    let tag = lead.get("/v1/tickets").await.etag();
    lead.send(lead.request(Method::GET, "/v1/tickets").header("if-none-match", tag)).await.expect(304);
    lead.get("/v1/tickets?system=Jira!").await.expect(400);
    let nodes =
        lead.graphql("{ tickets(filter: {system: \"rt\"}) { nodes { taskId ticket { key } } } }", json!({})).await;
    assert_eq!(nodes["data"]["tickets"]["nodes"].as_array().unwrap().len(), 3, "{nodes}");
    let path = format!("/v1/tasks/{}/tickets/rt", tasks[0]["id"].as_str().unwrap());
    let unlink = async |query: &str| lead.send(lead.request(Method::DELETE, &format!("{path}{query}"))).await;
    assert_eq!(unlink("?key=9").await.expect(409).code(), "ticket_already_linked");
    unlink("?key=0").await.expect(200);
    unlink("").await.expect(200);
    assert_eq!(lead.get("/v1/tickets").await.items().len(), 5);
    world.end().await;
}
