//! What findings marked TLP:RED say goes to no tracker.

use crate::support::{Kind, Person, World, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(a_task_of_a_secret_finding_says_nothing_of_it, a_finding_that_becomes_secret_takes_its_words_with_it,);

fn found(rule: &str, name: &str, host: &str, remedy: &str) -> Vec<u8> {
    let info = json!({"name": name, "severity": "high", "remediation": remedy});
    json!({"template-id": rule, "host": host, "type": "tcp", "matched-at": "here", "info": info})
        .to_string()
        .into_bytes()
}

async fn tasks(who: &Person) -> (String, Vec<Value>) {
    let answer = who.get("/v1/tasks?limit=500").await.expect(200);
    let items = answer.items();
    (answer.text, items)
}

async fn group_by(lead: &Person, group: &str) {
    let path = "/v1/tenants/norrvik/settings";
    let tag = lead.get(path).await.etag();
    lead.write(Method::PATCH, path, Some(&tag), json!({"task_group": group})).await.expect(200);
}

async fn mark(lead: &Person, id: &str, tlp: &str) {
    let path = format!("/v1/findings/{id}");
    let tag = lead.get(&path).await.etag();
    lead.write(Method::PATCH, &path, Some(&tag), json!({"tlp": tlp})).await.expect(200);
}

async fn a_task_of_a_secret_finding_says_nothing_of_it(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let jira = world.person("jira", &[world.norrvik], "tasks:read feed:read").await;
    for (group, nameless) in
        [("asset", "Åtgärda fynd på en tillgång"), ("rule_key", "Åtgärda en brist"), ("finding", "Åtgärda en brist")]
    {
        group_by(&lead, group).await;
        let host = format!("hemlig-{}.norrvik.example", group.replace('_', "-"));
        let secret = found(&format!("r-{group}"), "hemlig brist", &host, "hemlig åtgärd");
        lead.import("tlp=red", secret).await.expect(201);
        let (text, items) = tasks(&jira).await;
        assert!(!text.contains("hemlig"), "{group}: {text}");
        let task = items.iter().max_by_key(|task| task["seq"].as_i64()).unwrap();
        assert_eq!((&task["title"], &task["ticket"]["title"]), (&json!(nameless), &json!(nameless)));
        assert_eq!((&task["recommendation"], &task["ticket"]["assets"]), (&Value::Null, &json!([])));
    }
    assert!(!jira.get("/v1/changes?mode=events&limit=1000").await.expect(200).text.contains("hemlig"));
    // Once somebody says it openly, it has a name.
    group_by(&lead, "rule_key").await;
    lead.import("", found("r-rule_key", "öppen brist", "a.norrvik.example", "öppen åtgärd")).await.expect(201);
    let (text, items) = tasks(&jira).await;
    let task = items.iter().find(|task| task["finding_count"] == 2).unwrap();
    assert_eq!((&task["title"], &task["recommendation"]), (&json!("öppen brist"), &json!("öppen åtgärd")));
    assert!(!text.contains("hemlig"));
    world.end().await;
}

async fn a_finding_that_becomes_secret_takes_its_words_with_it(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let jira = world.person("jira", &[world.norrvik], "tasks:read feed:read").await;
    lead.import("", found("r", "brist ett", "ett.norrvik.example", "åtgärd ett")).await.expect(201);
    lead.import("", found("r", "brist två", "två.norrvik.example", "åtgärd två")).await.expect(201);
    let task = async || tasks(&jira).await.1.remove(0);
    assert_eq!((&task().await["title"], &task().await["finding_count"]), (&json!("brist ett"), &json!(2)));
    let findings = lead.get("/v1/findings").await.items();
    let id = |title: &str| findings.iter().find(|f| f["title"] == title).unwrap()["id"].as_str().unwrap().to_owned();
    mark(&lead, &id("brist ett"), "red").await;
    let shown = task().await;
    assert_eq!((&shown["title"], &shown["ticket"]["assets"]), (&json!("brist två"), &json!(["två.norrvik.example"])));
    assert_eq!(shown["recommendation"], "åtgärd två");
    mark(&lead, &id("brist två"), "red").await;
    let shown = task().await;
    assert_eq!((&shown["title"], &shown["recommendation"]), (&json!("Åtgärda en brist"), &Value::Null));
    let feed = jira.get("/v1/changes?mode=events&limit=1000").await.expect(200).text;
    assert!(!feed.contains("brist ett") && !feed.contains("brist två"), "the event does not say what it was: {feed}");
    mark(&lead, &id("brist två"), "amber").await;
    let shown = task().await;
    assert_eq!((&shown["title"], &shown["recommendation"]), (&json!("brist två"), &json!("åtgärd två")));
    // What people have written stays.
    let path = format!("/v1/tasks/{}", shown["id"].as_str().unwrap());
    let tag = lead.get(&path).await.etag();
    lead.write(Method::PATCH, &path, Some(&tag), json!({"title": "Byt protokoll"})).await.expect(200);
    mark(&lead, &id("brist två"), "red").await;
    assert_eq!(task().await["title"], "Byt protokoll");
    world.end().await;
}
