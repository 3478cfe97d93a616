//! What a tracker is told of findings marked TLP:RED: what to do, and not where.

use crate::support::{Kind, World, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(a_task_of_a_secret_finding_does_not_name_its_asset);

fn found(rule: &str, host: &str) -> Vec<u8> {
    let info = json!({"name": "brist", "severity": "high", "remediation": "åtgärd", "description": "ordagrant"});
    json!({"template-id": rule, "host": host, "type": "tcp", "matched-at": "här", "info": info})
        .to_string()
        .into_bytes()
}

async fn a_task_of_a_secret_finding_does_not_name_its_asset(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let jira = world.person("jira", &[world.norrvik], "tasks:read feed:read").await;
    let newest = async || {
        let answer = jira.get("/v1/tasks?limit=500").await.expect(200);
        (answer.items().into_iter().max_by_key(|task| task["seq"].as_i64()).expect("a task"), answer.text)
    };
    for (group, title) in [("asset", "Åtgärda fynd på en tillgång"), ("rule_key", "brist"), ("finding", "brist")] {
        let path = "/v1/tenants/norrvik/settings";
        let tag = lead.get(path).await.etag();
        lead.write(Method::PATCH, path, Some(&tag), json!({"task_group": group})).await.expect(200);
        let host = format!("hemlig-{}.norrvik.example", group.replace('_', "-"));
        lead.import("tlp=red", found(&format!("r-{group}"), &host)).await.expect(201);
        let (task, text) = newest().await;
        assert!(!text.contains("hemlig") && !text.contains("ordagrant"), "{group}: {text}");
        assert_eq!((&task["title"], &task["ticket"]["title"]), (&json!(title), &json!(title)));
        assert_eq!(task["ticket"]["assets"], json!([]));
        let told = if group == "asset" { Value::Null } else { json!("åtgärd") };
        assert_eq!(task["recommendation"], told);
    }
    let feed = jira.get("/v1/changes?mode=events&limit=1000").await.expect(200).text;
    assert!(!feed.contains("hemlig") && !feed.contains("ordagrant"), "{feed}");
    // Once something on it is said openly, the asset has a name.
    let tag = lead.get("/v1/tenants/norrvik/settings").await.etag();
    let by_asset = json!({"task_group": "asset"});
    lead.write(Method::PATCH, "/v1/tenants/norrvik/settings", Some(&tag), by_asset).await.expect(200);
    lead.import("", found("öppen", "hemlig-asset.norrvik.example")).await.expect(201);
    let (task, _) = newest().await;
    assert_eq!(task["title"], "Åtgärda fynd på hemlig-asset.norrvik.example");
    assert_eq!(task["ticket"]["assets"], json!(["hemlig-asset.norrvik.example"]));
    world.end().await;
}
