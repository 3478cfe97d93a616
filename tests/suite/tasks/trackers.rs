//! What trackers report late, twice, in words of their own, or about what has changed meanwhile.

use super::{claim, link, move_finding, move_task, post, report, state};
use crate::support::{Kind, Person, World, look, on_both_stores};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    of_two_tasks_of_one_weakness_only_one_is_taken_up_again,
    a_failed_retest_is_told_to_the_tracker_until_it_closes_again,
    a_word_that_nobody_explains_is_no_new_ticket,
    a_list_of_what_needs_a_ticket_has_nothing_else,
    what_names_no_system_is_refused,
    a_linked_ticket_may_move_to_another_page,
    a_large_report_is_taken_over_in_steps,
    what_was_said_of_one_ticket_does_not_land_on_another,
);

const VERIFIER: &str = "findings:read findings:verify findings:write";

async fn one_task(lead: &Person) -> Value {
    lead.import("", report(&[("x", "a.norrvik.example", "high")])).await.expect(201);
    lead.get("/v1/tasks").await.items()[0].clone()
}

async fn said(who: &Person, key: &str, word: &str) -> String {
    state(who, json!({"key": key, "state": word})).await["outcome"].as_str().unwrap().to_owned()
}

async fn standing(who: &Person, task: &Value) -> Value {
    who.get(&format!("/v1/tasks/{}", task["id"].as_str().unwrap())).await.expect(200).json()["status"].clone()
}

async fn compare(world: &World, who: &Person, items: Value, apply: bool) -> Value {
    world.advance(TimeDelta::minutes(1));
    let now = world.auth.service().clock.now();
    let body = json!({"system": "jira", "items": items, "complete": true, "listed_at": now, "apply": apply});
    post(who, "/v1/tickets/reconcile", body, 200).await
}

async fn of_two_tasks_of_one_weakness_only_one_is_taken_up_again(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let tester = world.person("tester", &[world.norrvik], VERIFIER).await;
    let old = one_task(&lead).await;
    link(&lead, &old, "IT-1").await;
    said(&lead, "IT-1", "Cancelled").await;
    let id = old["finding_ids"][0].as_str().unwrap().to_owned();
    move_finding(&lead, &id, "fix_claimed").await.expect(200);
    move_finding(&tester, &id, "verified_fixed").await.expect(200);
    move_finding(&lead, &id, "confirmed").await.expect(200);
    let new = lead.get("/v1/tasks?status=open").await.items()[0].clone();
    assert_ne!(new["id"], old["id"]);
    link(&lead, &new, "IT-2").await;
    said(&lead, "IT-2", "Closed").await;
    let items = json!([{"key": "IT-1", "state": "Reopened"}, {"key": "IT-2", "state": "Reopened"}]);
    let told = post(&lead, "/v1/tickets/status", json!({"system": "jira", "items": items}), 200).await;
    let outcomes: Vec<_> = told["items"].as_array().unwrap().iter().map(|one| one["outcome"].clone()).collect();
    assert_eq!(outcomes, [json!("applied"), json!("refused")], "{told}");
    assert_eq!((standing(&lead, &old).await, standing(&lead, &new).await), (json!("open"), json!("done")));
    world.end().await;
}

async fn a_failed_retest_is_told_to_the_tracker_until_it_closes_again(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let tester = world.person("tester", &[world.norrvik], VERIFIER).await;
    let task = one_task(&lead).await;
    link(&lead, &task, "IT-1").await;
    assert_eq!(said(&lead, "IT-1", "Closed").await, "applied");
    world.advance(TimeDelta::minutes(1));
    let finding = task["finding_ids"][0].as_str().unwrap().to_owned();
    move_finding(&tester, &finding, "confirmed").await.expect(200);
    assert_eq!(standing(&lead, &task).await, "open");
    let list = json!([{"key": "IT-1", "task_id": task["id"], "state": "Closed"}]);
    for apply in [false, true] {
        let found = compare(&world, &lead, list.clone(), apply).await;
        let drifted = &found["differences"][0];
        assert_eq!((&found["matched"], &drifted["kind"]), (&json!(0), &json!("drifted")), "{found}");
        assert_eq!((&drifted["repair"], &drifted["repaired"]), (&Value::Null, &json!(false)));
        let by_hand = &drifted["by_hand"];
        assert_eq!((&by_hand["action"], &by_hand["status"]), (&json!("set_state"), &json!("open")));
    }
    assert_eq!(said(&lead, "IT-1", "Closed").await, "unchanged", "it only repeats itself");
    // Closed again there, though nobody has reported that it was open in between.
    world.advance(TimeDelta::minutes(5));
    let again = json!({"key": "IT-1", "state": "Closed", "at": world.auth.service().clock.now()});
    assert_eq!(state(&lead, again.clone()).await["outcome"], "applied");
    assert_eq!(state(&lead, again).await["outcome"], "unchanged");
    assert_eq!(standing(&lead, &task).await, "done");
    // Done here and open there, and a word that nobody has explained, differ as well.
    for (word, kind) in [("In Progress", "drifted"), ("Granskas", "unknown_state")] {
        let list = json!([{"key": "IT-1", "task_id": task["id"], "state": word, "updated_at": "2026-01-01T00:00:00Z"}]);
        let found = compare(&world, &lead, list, false).await;
        assert_eq!((&found["matched"], &found["differences"][0]["kind"]), (&json!(0), &json!(kind)), "{found}");
        assert!(found["differences"][0]["by_hand"]["words"].as_str().unwrap().contains("IT-1") || kind != "drifted");
    }
    world.end().await;
}

async fn a_word_that_nobody_explains_is_no_new_ticket(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let task = one_task(&lead).await;
    link(&lead, &task, "IT-1").await;
    move_task(&lead, &task, "done", None).await.expect(200);
    assert_eq!(said(&lead, "IT-1", "Granskas").await, "unknown_state");
    assert_eq!(said(&lead, "IT-1", "Reopened").await, "applied");
    assert_eq!(standing(&lead, &task).await, "open");
    world.end().await;
}

async fn a_list_of_what_needs_a_ticket_has_nothing_else(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let rules = ["done", "cancelled", "claimed", "free", "linked"];
    lead.import("", report(&rules.map(|rule| (rule, "a.norrvik.example", "high")))).await.expect(201);
    let tasks = lead.get("/v1/tasks").await.items();
    let of = |title: &str| tasks.iter().find(|task| task["title"] == title).unwrap();
    let held = json!({"title": "held", "blocked_by": [of("free")["id"]]});
    post(&lead, "/v1/tasks", held, 201).await;
    move_task(&lead, of("done"), "done", None).await.expect(200);
    move_task(&lead, of("cancelled"), "cancelled", Some("nej")).await.expect(200);
    link(&lead, of("linked"), "IT-1").await;
    let path = "/v1/tasks?without_ticket=jira";
    let titles = async || {
        let mut all: Vec<_> =
            lead.get(path).await.items().iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect();
        all.sort();
        all
    };
    assert_eq!(titles().await, ["claimed", "free"]);
    let claimed = claim(&lead, json!({"system": "jira", "limit": 1, "lease_seconds": 60})).await.remove(0);
    let left = titles().await;
    assert!(left.len() == 1 && left[0] != claimed["task"]["title"], "{left:?}");
    let tag = lead.get(path).await.etag();
    world.advance(TimeDelta::seconds(61));
    // Nothing was written when the lease ended.
    let again = lead.send(lead.request(Method::GET, path).header("if-none-match", tag)).await.expect(200);
    assert_eq!(again.items().len(), 2);
    world.end().await;
}

async fn what_names_no_system_is_refused(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let task = one_task(&lead).await;
    let id = task["id"].as_str().unwrap();
    for what in ["renew", "release"] {
        let proof = json!({"system": "a\u{0}", "lease": world.norrvik});
        let refused = post(&lead, &format!("/v1/tasks/{id}/lease/{what}"), proof, 422).await;
        assert_eq!(refused["errors"][0]["pointer"], "/system");
    }
    let path = format!("/v1/tasks/{id}/tickets/%00");
    lead.send(lead.request(Method::DELETE, &path)).await.expect(400);
    lead.write(Method::PUT, &path, None, json!({"key": "IT-1"})).await.expect(422);
    let query = "mutation($id: ID!, $system: String!) { unlinkTicket(taskId: $id, system: $system) { id } }";
    let answer = lead.graphql(query, json!({"id": id, "system": "a\u{0}"})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "invalid_parameter", "{answer}");
    world.end().await;
}

async fn a_linked_ticket_may_move_to_another_page(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let task = one_task(&lead).await;
    let id = task["id"].as_str().unwrap();
    let path = format!("/v1/tasks/{id}/tickets/jira");
    let put = async |url: Value, status: u16| {
        let body = json!({"key": "IT-1", "url": url});
        lead.write(Method::PUT, &path, None, body).await.expect(status).json()
    };
    put(json!("https://old.example/IT-1"), 201).await;
    let moved = put(json!("https://new.example/IT-1"), 200).await;
    assert_eq!(moved["tickets"][0]["url"], "https://new.example/IT-1");
    let same = put(json!("https://new.example/IT-1"), 200).await;
    assert_eq!(put(Value::Null, 200).await["tickets"], moved["tickets"], "who says none means no other");
    assert_eq!((&same["seq"], &moved["seq"]), (&moved["seq"], &same["seq"]));
    // One that a list brings has a page as well.
    lead.send(lead.request(Method::DELETE, &path)).await.expect(200);
    let list = json!([{"key": "IT-2", "task_id": id, "state": "Open", "url": "https://new.example/IT-2"}]);
    compare(&world, &lead, list, true).await;
    let ticket = lead.get("/v1/tickets").await.items()[0]["ticket"].clone();
    assert_eq!((&ticket["key"], &ticket["url"]), (&json!("IT-2"), &json!("https://new.example/IT-2")));
    world.end().await;
}

async fn a_large_report_is_taken_over_in_steps(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let rules: Vec<String> = (0..250).map(|at| format!("rule-{at:03}")).collect();
    let hosts: Vec<String> = (0..40).map(|at| format!("h{at}.norrvik.example")).collect();
    let mut found: Vec<_> = rules.iter().map(|rule| (rule.as_str(), "a.norrvik.example", "high")).collect();
    found.extend(hosts.iter().map(|host| ("wide", host.as_str(), "high")));
    lead.import("", report(&found)).await.expect(201);
    let tasks = lead.get("/v1/tasks?limit=500").await.items();
    for task in &tasks {
        link(&lead, task, task["title"].as_str().unwrap()).await;
    }
    let closed = |title: &str| json!({"key": title, "state": "Closed"});
    let items: Vec<_> = rules.iter().map(|rule| closed(rule)).collect();
    let told = post(&lead, "/v1/tickets/status", json!({"system": "jira", "items": items}), 200).await;
    assert!(told["items"].as_array().unwrap().iter().all(|one| one["outcome"] == "applied"));
    assert_eq!(lead.get("/v1/tasks?limit=500&status=done").await.items().len(), 250);
    assert_eq!(lead.get("/v1/findings?limit=500&status=fix_claimed").await.items().len(), 250);
    let audited = lead.get("/v1/audit?limit=500&action=ticket.report").await.items().len();
    assert_eq!(audited, 3, "steps of a hundred tickets");
    // A tracker that goes to and fro a thousand times has come to one state.
    let newest = async || -> i64 {
        look(&world.test_store, "SELECT CAST(max(seq) AS text) FROM event").await[0].parse().expect("a number")
    };
    let before = newest().await;
    let words = ["In Progress", "Closed"];
    let items: Vec<_> = (0..1000)
        .map(|at| json!({"key": "wide", "state": words[at % 2], "at": format!("2026-11-24T06:{:02}:{:02}Z", at / 60, at % 60)}))
        .collect();
    let told = post(&lead, "/v1/tickets/status", json!({"system": "jira", "items": items}), 200).await;
    let told = told["items"].as_array().unwrap();
    assert_eq!((&told[999]["outcome"], &told[998]["outcome"]), (&json!("applied"), &json!("stale")));
    assert_eq!(told[0]["status"], "done");
    let events = newest().await - before;
    assert!((41..100).contains(&events), "{events} events for 40 findings");
    world.end().await;
}

async fn what_was_said_of_one_ticket_does_not_land_on_another(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let task = one_task(&lead).await;
    let id = task["id"].as_str().unwrap();
    let path = format!("/v1/tasks/{id}/tickets/jira");
    // A hundred times, somebody reports IT-1 while the task is linked to another ticket.
    for turn in 0..100 {
        let (old, new) = (format!("IT-{turn}"), format!("IT-{}", turn + 1));
        if turn == 0 {
            link(&lead, &task, &old).await;
        }
        let relinked = async {
            lead.send(lead.request(Method::DELETE, &path)).await.expect(200);
            lead.write(Method::PUT, &path, None, json!({"key": new})).await.expect(201)
        };
        let reports = async {
            let mut outcomes = Vec::new();
            for _ in 0..3 {
                outcomes.push(state(&lead, json!({"key": old, "state": "Blocked"})).await);
            }
            outcomes
        };
        let (_, outcomes) = tokio::join!(relinked, reports);
        for outcome in outcomes {
            assert!(outcome["key"] == json!(old), "{outcome}");
        }
        if standing(&lead, &task).await == "blocked" {
            move_task(&lead, &task, "open", None).await.expect(200);
        }
    }
    world.end().await;
}
