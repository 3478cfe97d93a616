//! Tasks that people make and move, and how tasks follow their findings.

use super::{move_finding, move_task, report};
use crate::support::{Answer, Kind, Person, World, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    a_task_made_by_hand_is_planned_and_held_until_its_blockers_are_done,
    no_task_waits_for_itself_and_no_foreign_finding_joins,
    fifty_findings_of_one_weakness_are_one_task_and_done_claims_them_all,
    a_failed_retest_reopens_the_task_and_closed_findings_end_it,
    a_task_is_as_bad_as_its_open_findings,
    the_municipality_says_what_tasks_are_made_of,
    a_cancelled_task_comes_back_only_with_its_finding,
);

async fn task(who: &Person, body: Value) -> Value {
    who.write(Method::POST, "/v1/tasks", None, body).await.expect(201).json()
}

async fn patch(who: &Person, task: &Value, body: Value) -> Answer {
    let path = format!("/v1/tasks/{}", task["id"].as_str().expect("an id"));
    let tag = who.get(&path).await.expect(200).etag();
    who.write(Method::PATCH, &path, Some(&tag), body).await
}

async fn now(who: &Person, task: &Value) -> Value {
    who.get(&format!("/v1/tasks/{}", task["id"].as_str().expect("an id"))).await.expect(200).json()
}

async fn a_task_made_by_hand_is_planned_and_held_until_its_blockers_are_done(kind: Kind) {
    let world = World::new(kind).await;
    let planner = world.person("planner", &[world.norrvik], "tasks:read tasks:write tasks:claim").await;
    let switch = task(&planner, json!({"title": "Byt växel"})).await;
    let wall = json!({"title": " Byt brandvägg ", "plan": "Först reserv.\r\nSedan byte.", "assignee": "Åsa",
        "due_at": "2026-12-24T10:00:00+01:00", "effort_hours": 2.5, "cost": 12_000, "severity": "high",
        "blocked_by": [switch["id"]]});
    let wall = task(&planner, wall).await;
    assert_eq!((&wall["title"], &wall["plan"]), (&json!("Byt brandvägg"), &json!("Först reserv.\nSedan byte.")));
    assert_eq!((&wall["due_at"], &wall["effort_hours"]), (&json!("2026-12-24T09:00:00Z"), &json!(2.5)));
    assert_eq!(
        (&wall["blocked_by"], &wall["held"], &wall["grouped_by"]),
        (&json!([switch["id"]]), &json!(true), &json!("hand"))
    );
    assert_eq!(
        (&wall["severity"], &wall["cost"], &wall["ticket"]["due_date"]),
        (&json!("high"), &json!(12_000), &json!("2026-12-24"))
    );
    let claim = async || {
        let wish = json!({"system": "jira", "lease_seconds": 10});
        planner.write(Method::POST, "/v1/tasks/claim", None, wish).await.expect(200).items()
    };
    let claimed = claim().await;
    assert_eq!(claimed.len(), 1, "who waits for another is not given: {claimed:?}");
    assert_eq!(claimed[0]["task"]["id"], switch["id"]);
    assert_eq!(planner.get("/v1/tasks?held=true").await.expect(200).items().len(), 1);
    move_task(&planner, &switch, "done", None).await.expect(200);
    assert_eq!(now(&planner, &wall).await["held"], false);
    assert_eq!(claim().await[0]["task"]["id"], wall["id"]);
    move_task(&planner, &switch, "open", None).await.expect(200);
    assert_eq!(now(&planner, &wall).await["held"], true);
    let free =
        patch(&planner, &wall, json!({"blocked_by": [], "due_at": null, "assignee": null})).await.expect(200).json();
    assert_eq!((&free["held"], &free["due_at"], &free["assignee"]), (&json!(false), &Value::Null, &Value::Null));
    // A move that is not in the table, one without a reason, one that is stale.
    assert_eq!(move_task(&planner, &wall, "blocked", None).await.expect(422).json()["errors"][0]["pointer"], "/reason");
    move_task(&planner, &wall, "cancelled", Some("för dyrt")).await.expect(200);
    assert_eq!(move_task(&planner, &wall, "done", None).await.expect(409).code(), "transition_refused");
    let path = format!("/v1/tasks/{}/transition", wall["id"].as_str().unwrap());
    assert_eq!(
        planner.write(Method::POST, &path, Some("\"1-0\""), json!({"to": "open"})).await.expect(412).code(),
        "stale"
    );
    assert_eq!(
        planner.write(Method::POST, &path, None, json!({"to": "open"})).await.expect(428).code(),
        "precondition_required"
    );
    world.end().await;
}

async fn no_task_waits_for_itself_and_no_foreign_finding_joins(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, other) = (world.lead().await, world.person("other", &[world.alvsund], crate::support::ALL).await);
    let both = world.person("both", &[world.norrvik, world.alvsund], "tasks:write").await;
    let (a, b) = (task(&lead, json!({"title": "a"})).await, task(&lead, json!({"title": "b"})).await);
    patch(&lead, &b, json!({"blocked_by": [a["id"]]})).await.expect(200);
    for (task, blockers) in [(&a, json!([b["id"]])), (&a, json!([a["id"]]))] {
        let refused = patch(&lead, task, json!({"blocked_by": blockers})).await.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], "/blocked_by/0", "{refused}");
    }
    other.import("", report(&[("x", "h.alvsund.example", "high")])).await.expect(201);
    let foreign = other.get("/v1/findings").await.expect(200).items()[0]["id"].clone();
    let foreign_task = other.get("/v1/tasks").await.expect(200).items()[0]["id"].clone();
    for (body, pointer) in [
        (json!({"title": "x", "findings": [foreign]}), "/findings/0"),
        (json!({"title": "x", "blocked_by": [foreign_task]}), "/blocked_by/0"),
        (json!({"title": ""}), "/title"),
        (json!({"title": "x", "cost": -1, "effort_hours": 1e9}), "/effort_hours"),
    ] {
        let refused = lead.write(Method::POST, "/v1/tasks", None, body).await.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
    assert_eq!(
        patch(&lead, &a, json!({"add_findings": [foreign]})).await.expect(422).json()["errors"][0]["pointer"],
        "/add_findings/0"
    );
    let wish = json!({"title": "x"});
    assert_eq!(both.write(Method::POST, "/v1/tasks", None, wish.clone()).await.expect(400).code(), "tenant_required");
    both.write(Method::POST, "/v1/tasks?tenant=alvsund", None, wish).await.expect(201);
    world.end().await;
}

async fn fifty_findings_of_one_weakness_are_one_task_and_done_claims_them_all(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let hosts: Vec<String> = (0..50).map(|at| format!("h{at:02}.norrvik.example")).collect();
    let findings: Vec<_> = hosts.iter().map(|host| ("smb-signing", host.as_str(), "medium")).collect();
    lead.import("", report(&findings)).await.expect(201);
    let tasks = lead.get("/v1/tasks").await.expect(200).items();
    assert_eq!(tasks.len(), 1, "{tasks:?}");
    assert_eq!((&tasks[0]["finding_count"], &tasks[0]["open_finding_count"]), (&json!(50), &json!(50)));
    assert_eq!(tasks[0]["ticket"]["assets"].as_array().unwrap().len(), 20);
    move_task(&lead, &tasks[0], "in_progress", None).await.expect(200);
    let of_status =
        async |status: &str| lead.get(&format!("/v1/findings?limit=500&status={status}")).await.items().len();
    assert_eq!(of_status("in_progress").await, 50);
    move_task(&lead, &tasks[0], "done", None).await.expect(200);
    assert_eq!(of_status("fix_claimed").await, 50);
    let done = now(&lead, &tasks[0]).await;
    assert_eq!((&done["status"], &done["open_finding_count"]), (&json!("done"), &json!(50)), "claimed is not verified");
    // Each step is one of the findings' own table, and who moves a task is the claimant.
    let feed = lead.get("/v1/changes?mode=events&types=finding&limit=1000").await.expect(200).items();
    let steps: Vec<_> = feed.iter().filter(|e| e["event"] == "finding.status_changed").collect();
    assert_eq!(steps.len(), 150, "new, confirmed, in progress, claimed");
    let implied = steps.iter().filter(|e| !e["changed"]["implied_confirmation"].is_null()).count();
    assert_eq!(implied, 50);
    let one = lead.get("/v1/findings").await.items()[0]["id"].clone();
    assert_eq!(move_finding(&lead, one.as_str().unwrap(), "verified_fixed").await.expect(403).code(), "same_person");
    world.end().await;
}

async fn a_failed_retest_reopens_the_task_and_closed_findings_end_it(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let tester = world.person("tester", &[world.norrvik], "findings:read findings:verify findings:write").await;
    lead.import("", report(&[("ldap", "a.norrvik.example", "high"), ("ldap", "b.norrvik.example", "high")]))
        .await
        .expect(201);
    let task = lead.get("/v1/tasks").await.items()[0].clone();
    move_task(&lead, &task, "done", None).await.expect(200);
    let ids: Vec<String> =
        lead.get("/v1/findings").await.items().iter().map(|f| f["id"].as_str().unwrap().to_owned()).collect();
    move_finding(&tester, &ids[0], "verified_fixed").await.expect(200);
    assert_eq!(now(&lead, &task).await["open_finding_count"], 1);
    move_finding(&tester, &ids[1], "confirmed").await.expect(200);
    let reopened = now(&lead, &task).await;
    assert_eq!((&reopened["status"], &reopened["open_finding_count"]), (&json!("open"), &json!(1)));
    assert_eq!(lead.get("/v1/tasks").await.items().len(), 1, "the same task, not another one");
    let wish = json!({"to": "false_positive", "justification": "scanner_error"});
    let path = format!("/v1/findings/{}", ids[1]);
    let tag = tester.get(&path).await.etag();
    tester.write(Method::POST, &format!("{path}/transition"), Some(&tag), wish).await.expect(200);
    let ended = now(&lead, &task).await;
    assert_eq!((&ended["status"], &ended["open_finding_count"]), (&json!("done"), &json!(0)));
    let kinds: Vec<_> =
        lead.get("/v1/changes?mode=events&types=task").await.items().iter().map(|e| e["event"].clone()).collect();
    let expected = ["created", "status_changed", "updated", "reopened", "status_changed"]
        .map(|kind| json!(format!("task.{kind}")));
    assert_eq!(kinds, expected);
    world.end().await;
}

async fn a_task_is_as_bad_as_its_open_findings(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let found = [("tls", "a.norrvik.example", "medium"), ("tls", "b.norrvik.example", "critical")];
    lead.import("", report(&found)).await.expect(201);
    let task = lead.get("/v1/tasks").await.items()[0].clone();
    assert_eq!(task["severity"], "critical");
    let worst = lead.get("/v1/findings?severity=critical").await.items()[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/findings/{worst}");
    let tag = lead.get(&path).await.etag();
    lead.write(Method::PATCH, &path, Some(&tag), json!({"severity": "low", "severity_reason": "Nås inte."}))
        .await
        .expect(200);
    assert_eq!(now(&lead, &task).await["severity"], "medium");
    // By hand: a finding leaves, another joins, and it is what is left that counts.
    let hand = json!({"title": "Allt om TLS", "findings": [worst]});
    let hand = self::task(&lead, hand).await;
    assert_eq!((&hand["severity"], &hand["open_finding_count"]), (&json!("low"), &json!(1)));
    let other = lead.get("/v1/findings?severity=medium").await.items()[0]["id"].clone();
    let both = patch(&lead, &hand, json!({"add_findings": [other]})).await.expect(200).json();
    assert_eq!((&both["severity"], &both["finding_count"]), (&json!("medium"), &json!(2)));
    let one = patch(&lead, &hand, json!({"remove_findings": [other]})).await.expect(200).json();
    assert_eq!((&one["severity"], &one["finding_count"]), (&json!("low"), &json!(1)));
    let none = patch(&lead, &hand, json!({"remove_findings": [other]})).await.expect(200);
    assert_eq!(none.json()["seq"], one["seq"], "what has left does not leave again");
    world.end().await;
}

async fn the_municipality_says_what_tasks_are_made_of(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let settings = async |body: Value| {
        let path = "/v1/tenants/norrvik/settings";
        let tag = lead.get(path).await.etag();
        lead.write(Method::PATCH, path, Some(&tag), body).await.expect(200);
    };
    let titles = async || -> Vec<(String, i64)> {
        let mut all: Vec<_> = lead
            .get("/v1/tasks?limit=500")
            .await
            .items()
            .iter()
            .map(|t| (t["title"].as_str().unwrap().to_owned(), t["finding_count"].as_i64().unwrap()))
            .collect();
        all.sort();
        all
    };
    let named = |all: &[(&str, i64)]| all.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect::<Vec<_>>();
    settings(json!({"task_group": "asset", "task_threshold": "high"})).await;
    let found = |prefix: &str| {
        let found = [("x", "a", "high"), ("y", "a", "critical"), ("x", "b", "high"), ("z", "b", "medium")];
        let found: Vec<_> = found
            .map(|(rule, host, severity)| (format!("{prefix}{rule}"), format!("{host}.norrvik.example"), severity))
            .into();
        report(
            &found.iter().map(|(rule, host, severity)| (rule.as_str(), host.as_str(), *severity)).collect::<Vec<_>>(),
        )
    };
    lead.import("", found("1")).await.expect(201);
    let of_assets = [("Åtgärda fynd på a.norrvik.example", 2), ("Åtgärda fynd på b.norrvik.example", 1)];
    assert_eq!(titles().await, named(&of_assets));
    settings(json!({"task_group": "finding", "task_threshold": "medium"})).await;
    lead.import("", found("2")).await.expect(201);
    let mut all = of_assets.to_vec();
    all.extend([("2x", 1), ("2x", 1), ("2y", 1), ("2z", 1)]);
    all.sort_unstable();
    assert_eq!(titles().await, named(&all));
    settings(json!({"task_group": "hand"})).await;
    lead.import("", found("3")).await.expect(201);
    assert_eq!(titles().await, named(&all));
    let shown = lead.get("/v1/tasks").await.items()[0].clone();
    assert_eq!(
        (&shown["grouped_by"], shown["asset_id"].is_string(), &shown["rule_key"]),
        (&json!("asset"), true, &Value::Null)
    );
    world.end().await;
}

async fn a_cancelled_task_comes_back_only_with_its_finding(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let tester = world.person("tester", &[world.norrvik], "findings:read findings:verify findings:write").await;
    lead.import("", report(&[("smb", "a.norrvik.example", "high")])).await.expect(201);
    let task = lead.get("/v1/tasks").await.items()[0].clone();
    move_task(&lead, &task, "cancelled", Some("systemet läggs ner")).await.expect(200);
    let id = lead.get("/v1/findings").await.items()[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/findings/{id}");
    let tag = lead.get(&path).await.etag();
    lead.write(Method::PATCH, &path, Some(&tag), json!({"assignee": "Åsa"})).await.expect(200);
    assert_eq!(lead.get("/v1/tasks").await.items().len(), 1, "a change of a finding makes no task that people gave up");
    move_finding(&lead, &id, "fix_claimed").await.expect(200);
    move_finding(&tester, &id, "verified_fixed").await.expect(200);
    move_finding(&lead, &id, "confirmed").await.expect(200);
    let tasks = lead.get("/v1/tasks?status=open").await.items();
    assert_eq!(tasks.len(), 1, "it came up again, and so does its task");
    assert_eq!(move_task(&lead, &task, "open", None).await.expect(409).code(), "transition_refused");
    world.end().await;
}
