//! A tracker's list where tickets were deleted, doubled and edited by hand.

use super::{link, report};
use crate::support::{Answer, Kind, Person, World, on_both_stores};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    a_list_edited_by_hand_is_repaired,
    each_repair_is_a_request_that_repairs,
    tickets_are_listed_page_by_page,
    a_list_that_lacks_too_much_unlinks_nothing,
    a_list_is_compared_range_by_range,
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

/// A whole list, begun just now.
async fn send(world: &World, who: &Person, items: &[Value], more: Value) -> Answer {
    world.advance(TimeDelta::minutes(1));
    let now = world.auth.service().clock.now();
    let mut body = json!({"system": "jira", "items": items, "complete": true, "listed_at": now});
    body.as_object_mut().expect("a body").extend(more.as_object().expect("fields").clone());
    who.write(Method::POST, "/v1/tickets/reconcile", None, body).await
}

async fn look(world: &World, who: &Person, items: &[Value]) -> Value {
    send(world, who, items, json!({})).await.expect(200).json()
}

async fn repair(world: &World, who: &Person, items: &[Value], missing: i64) -> Value {
    send(world, who, items, json!({"apply": true, "confirm_missing": missing})).await.expect(200).json()
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
        ("relabelled", "IT-5"),
        ("duplicate", "IT-40"),
        ("unknown_task", "IT-80"),
    ];
    let sorted = |mut all: Vec<(String, String)>| {
        all.sort();
        all
    };
    let expected = sorted(expected.map(|(kind, key)| (kind.to_owned(), key.to_owned())).to_vec());
    let before = lead.get("/v1/tickets?system=jira").await.text;
    let seen = look(&world, &lead, &list).await;
    assert_eq!(sorted(told(&seen)), expected);
    assert_eq!(seen["matched"], 2);
    assert_eq!(before, lead.get("/v1/tickets?system=jira").await.text, "looking changes nothing");
    let repaired = repair(&world, &lead, &list, 2).await;
    assert_eq!(sorted(told(&repaired)), expected);
    for difference in repaired["differences"].as_array().unwrap() {
        let is_ours = !["duplicate", "unknown_task", "relabelled"].contains(&difference["kind"].as_str().unwrap());
        assert_eq!(difference["repaired"], is_ours, "{difference}");
        assert_eq!((difference["repair"].is_null(), difference["by_hand"].is_null()), (!is_ours, is_ours));
    }
    let of_kind =
        |kind: &str| repaired["differences"].as_array().unwrap().iter().find(|d| d["kind"] == kind).unwrap().clone();
    let keeps = of_kind("duplicate");
    assert_eq!((&keeps["keep"], &keeps["task_id"]), (&json!("IT-4"), &tasks[3]["id"]));
    assert_eq!(keeps["by_hand"]["action"], "close_ticket");
    assert_eq!(of_kind("relabelled")["by_hand"]["task_id"], tasks[4]["id"]);
    assert_eq!(of_kind("unknown_task")["task_id"], "01900000-0000-7000-8000-000000000000");
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
    let left = told(&repair(&world, &lead, &list, 0).await);
    let kinds: Vec<_> = left.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["duplicate", "unknown_task", "relabelled"]);
    world.end().await;
}

async fn each_repair_is_a_request_that_repairs(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, _, list) = edited(&world).await;
    for difference in look(&world, &lead, &list).await["differences"].as_array().unwrap() {
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
    let again = look(&world, &lead, &list).await;
    let mut kinds: Vec<_> = told(&again).into_iter().map(|(kind, _)| kind).collect();
    kinds.sort();
    // The orphans' words come with the next report: that they are closed is told as drift, which is a request again.
    assert_eq!(kinds, ["drifted", "duplicate", "relabelled", "unknown_task"], "{again}");
    let drifted = again["differences"].as_array().unwrap().iter().find(|d| d["kind"] == "drifted").unwrap().clone();
    assert_eq!((&drifted["key"], &drifted["repair"]["path"]), (&json!("IT-70"), &json!("/v1/tickets/status")));
    lead.write(Method::POST, "/v1/tickets/status", None, drifted["repair"]["body"].clone()).await.expect(200);
    assert!(told(&look(&world, &lead, &list).await).iter().all(|(kind, _)| kind != "drifted"));
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

async fn a_list_that_lacks_too_much_unlinks_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, tasks) = filled(&world, 6).await;
    for (at, task) in tasks.iter().take(5).enumerate() {
        link(&lead, task, &format!("IT-{at}")).await;
    }
    let linked = async || lead.get("/v1/tickets").await.items().len();
    // An expired token lets a tracker answer with nothing.
    let refused = send(&world, &lead, &[], json!({"apply": true})).await.expect(409).json();
    assert_eq!(
        (&refused["code"], &refused["would_unlink"], &refused["linked"]),
        (&json!("reconcile_implausible"), &json!(5), &json!(5))
    );
    send(&world, &lead, &[], json!({"apply": true, "confirm_missing": 4})).await.expect(409);
    assert_eq!(linked().await, 5);
    let query = "mutation($input: ReconcileInput!) { reconcileTickets(input: $input) { matched } }";
    let now = world.auth.service().clock.now();
    let input = json!({"system": "jira", "items": [], "complete": true, "listedAt": now, "apply": true});
    let answer = lead.graphql(query, json!({"input": input})).await;
    assert_eq!(answer["errors"][0]["extensions"]["wouldUnlink"], 5, "{answer}");
    let unsaid = json!({"system": "jira", "items": [], "complete": true});
    let refused = lead.write(Method::POST, "/v1/tickets/reconcile", None, unsaid).await.expect(422).json();
    assert_eq!(refused["errors"][0]["pointer"], "/listed_at");
    // While the tracker was asked page by page, a puller has made and linked another ticket.
    let began = {
        world.advance(TimeDelta::minutes(1));
        world.auth.service().clock.now()
    };
    world.advance(TimeDelta::minutes(1));
    link(&lead, &tasks[5], "IT-5").await;
    let theirs: Vec<_> =
        (0..5).map(|at| json!({"key": format!("IT-{at}"), "task_id": tasks[at]["id"], "state": "Open"})).collect();
    let body = json!({"listed_at": began, "apply": true});
    let answer = send(&world, &lead, &theirs, body).await.expect(200).json();
    assert_eq!((told(&answer), &answer["matched"]), (vec![], &json!(5)));
    assert_eq!(linked().await, 6);
    let gone = send(&world, &lead, &theirs, json!({"apply": true})).await.expect(200).json();
    assert_eq!(told(&gone), [("missing".to_owned(), "IT-5".to_owned())], "one of six is plausible");
    assert_eq!(repair(&world, &lead, &[], 5).await["differences"].as_array().unwrap().len(), 5);
    assert_eq!(linked().await, 0);
    world.end().await;
}

async fn a_list_is_compared_range_by_range(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, tasks) = filled(&world, 6).await;
    // In the order of code points, whatever the database's own: A-1, B-2, a-3, b-4, Å-5, å-6.
    let keys = ["A-1", "B-2", "a-3", "b-4", "Å-5", "å-6"];
    for (task, key) in tasks.iter().zip(keys) {
        link(&lead, task, key).await;
    }
    let item = |at: usize| json!({"key": keys[at], "task_id": tasks[at]["id"], "state": "Open"});
    let first = send(&world, &lead, &[item(0)], json!({"keys_before": "a"})).await.expect(200).json();
    assert_eq!((told(&first), &first["matched"]), (vec![("missing".into(), "B-2".into())], &json!(1)));
    let second =
        send(&world, &lead, &[item(3)], json!({"keys_from": "a", "keys_before": "Å"})).await.expect(200).json();
    assert_eq!(told(&second), [("missing".into(), "a-3".into())]);
    let last = send(&world, &lead, &[item(5)], json!({"keys_from": "Å"})).await.expect(200).json();
    assert_eq!(told(&last), [("missing".into(), "Å-5".into())]);
    let outside = send(&world, &lead, &[item(5)], json!({"keys_before": "a"})).await.expect(422).json();
    assert_eq!(outside["errors"][0]["pointer"], "/items/0/key");
    // 10,000 tickets are more than the limit of other bodies.
    let url = format!("https://jira.norrvik.example/{}", "x".repeat(300));
    let many: Vec<_> = (0..10_000)
        .map(|at| json!({"key": format!("IT-{at}"), "task_id": world.norrvik, "state": "Open", "url": url}))
        .collect();
    let found = look(&world, &lead, &many).await;
    assert_eq!(found["differences"].as_array().unwrap().len(), 10_006);
    let too_large = vec![json!({"key": "x", "state": "Open", "url": "x".repeat(9_000_000)})];
    send(&world, &lead, &too_large, json!({})).await.expect(413);
    world.end().await;
}
