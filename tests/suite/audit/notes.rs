//! Writes that are about comments, attachments, retests and many findings at once.

use crate::support::{Answer, Person};
use reqwest::{Method, header};
use serde_json::json;

/// Sends one of [`super::WRITES`].
pub(super) async fn send(lead: &Person, operation: &str) -> Answer {
    let first =
        async |list: &str| lead.get(list).await.expect(200).items()[0]["id"].as_str().expect("an id").to_owned();
    let finding = format!("/v1/findings/{}", first("/v1/findings").await);
    let task = format!("/v1/tasks/{}", first("/v1/tasks").await);
    let graphql = async |call: String| {
        let body = json!({"query": format!("mutation {{ {call} {{ id }} }}")});
        lead.write(Method::POST, "/graphql", None, body).await
    };
    let kind = if operation.contains("omment") { "comments" } else { "attachments" };
    let notes = lead.get(&format!("{finding}/{kind}")).await.expect(200).items();
    let last = notes.last().cloned().unwrap_or_default();
    let path = format!("/v1/{kind}/{}", last["id"].as_str().unwrap_or_default());
    let tag = format!("\"{}-0\"", last["seq"]);
    let said = json!({"text": operation});
    let of_last = format!("id: {}, ifMatch: {}", last["id"], last["seq"]);
    match operation {
        "postFindingComment" => lead.write(Method::POST, &format!("{finding}/comments"), None, said).await,
        "postTaskComment" => lead.write(Method::POST, &format!("{task}/comments"), None, said).await,
        "patchComment" => lead.write(Method::PATCH, &path, Some(&tag), said).await,
        "postAttachment" => {
            lead.write(Method::POST, &format!("{finding}/attachments?filename=x.json"), None, said).await
        }
        "deleteComment" | "deleteAttachment" => {
            lead.send(lead.request(Method::DELETE, &path).header(header::IF_MATCH, tag)).await
        }
        "mutation commentOnFinding" => {
            let id = finding.trim_start_matches("/v1/findings/");
            graphql(format!("commentOnFinding(findingId: \"{id}\", input: {{text: \"x\"}})")).await
        }
        "mutation commentOnTask" => {
            let id = task.trim_start_matches("/v1/tasks/");
            graphql(format!("commentOnTask(taskId: \"{id}\", input: {{text: \"x\"}})")).await
        }
        "mutation updateComment" => graphql(format!("updateComment({of_last}, input: {{text: \"y\"}})")).await,
        "mutation deleteComment" => graphql(format!("deleteComment({of_last})")).await,
        "mutation deleteAttachment" => graphql(format!("deleteAttachment({of_last})")).await,
        "postRetest" => {
            let tag = lead.get(&finding).await.expect(200).etag();
            let seen = json!({"method": "scan", "result": "not_testable"});
            lead.write(Method::POST, &format!("{finding}/retests"), Some(&tag), seen).await
        }
        "mutation recordRetest" => {
            let now = lead.get(&finding).await.expect(200).json();
            let input = "input: {method: SCAN, result: NOT_TESTABLE}";
            graphql(format!("recordRetest(findingId: {}, ifMatch: {}, {input})", now["id"], now["seq"])).await
        }
        "bulkFindings" => {
            let body = json!({"ids": [finding.trim_start_matches("/v1/findings/")], "patch": {"assignee": "Cia"}});
            lead.write(Method::POST, "/v1/findings/bulk", None, body).await
        }
        "mutation bulkFindings" => {
            let id = finding.trim_start_matches("/v1/findings/");
            let call = format!("bulkFindings(input: {{ids: [\"{id}\"], patch: {{assignee: \"Bo\"}}}})");
            let body = json!({"query": format!("mutation {{ {call} {{ items {{ id }} }} }}")});
            lead.write(Method::POST, "/graphql", None, body).await
        }
        new => panic!("{new}: the test does not know how to send it"),
    }
}
