//! What is done to tasks and tickets leaves its row in the audit.

use crate::support::{Answer, Person};
use reqwest::Method;
use serde_json::{Value, json};
use std::cell::RefCell;

/// In an order in which each can: what is claimed is renewed, what is renewed is given back.
pub(super) const WRITES: &[(&str, &str)] = &[
    ("postTask", "task.create"),
    ("patchTask", "task.patch"),
    ("transitionTask", "task.transition"),
    ("claimTasks", "task.claim"),
    ("renewLease", "task.renew_lease"),
    ("releaseLease", "task.release_lease"),
    ("mutation createTask", "task.create"),
    ("mutation updateTask", "task.patch"),
    ("mutation transitionTask", "task.transition"),
    ("mutation claimTasks", "task.claim"),
    ("mutation renewLease", "task.renew_lease"),
    ("mutation releaseLease", "task.release_lease"),
    ("reportTickets", "ticket.report"),
    ("mutation reportTickets", "ticket.report"),
    ("reconcileTickets", "ticket.reconcile"),
    ("mutation reconcileTickets", "ticket.reconcile"),
    ("unlinkTicket", "task.unlink_ticket"),
    ("mutation unlinkTicket", "task.unlink_ticket"),
    ("putTicketMapping", "ticket_mapping.update"),
    ("mutation updateTicketMapping", "ticket_mapping.update"),
];

pub(super) fn knows(operation: &str) -> bool {
    WRITES.iter().any(|(known, _)| *known == operation)
}

thread_local! {
    /// The task and the token of the last claim.
    static CLAIMED: RefCell<(String, String)> = RefCell::default();
}

fn remember(task: &Value, lease: &Value) {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    CLAIMED.with_borrow_mut(|claimed| *claimed = (text(task), text(lease)));
}

/// Sends one of [`WRITES`].
pub(super) async fn send(lead: &Person, operation: &str) -> Answer {
    if let Some(field) = operation.strip_prefix("mutation ") {
        return over_graphql(lead, field).await;
    }
    // The newest: no report has made it.
    let task = lead.get("/v1/tasks?limit=500").await.expect(200).items().pop().expect("a task");
    let path = format!("/v1/tasks/{}", task["id"].as_str().expect("an id"));
    let tag = lead.get(&path).await.header("etag").map(str::to_owned);
    let (claimed, lease) = CLAIMED.with_borrow(Clone::clone);
    let proof = json!({"system": "redmine", "lease": lease});
    let post = async |path: &str, tag: Option<&str>, body| lead.write(Method::POST, path, tag, body).await;
    match operation {
        "postTask" => post("/v1/tasks", None, json!({"title": "Byt brandvägg"})).await,
        "patchTask" => lead.write(Method::PATCH, &path, tag.as_deref(), json!({"assignee": "Åsa"})).await,
        "transitionTask" => post(&format!("{path}/transition"), tag.as_deref(), json!({"to": "in_progress"})).await,
        "claimTasks" => {
            let answer = post("/v1/tasks/claim", None, json!({"system": "redmine", "limit": 1})).await;
            let first = &answer.json()["items"][0];
            remember(&first["task"]["id"], &first["lease"]);
            answer
        }
        "renewLease" => post(&format!("/v1/tasks/{claimed}/lease/renew"), None, proof).await,
        "releaseLease" => post(&format!("/v1/tasks/{claimed}/lease/release"), None, proof).await,
        "reportTickets" => {
            let items = json!([{"key": "IT-1", "state": "In Progress"}]);
            post("/v1/tickets/status", None, json!({"system": "jira", "items": items})).await
        }
        "reconcileTickets" => {
            let items = json!([{"key": "R-1", "task_id": task["id"], "state": "Open"}]);
            post("/v1/tickets/reconcile", None, json!({"system": "redmine", "items": items, "apply": true})).await
        }
        "unlinkTicket" => {
            let linked = lead.get("/v1/tickets?system=redmine").await.expect(200).items().remove(0);
            let path = format!("/v1/tasks/{}/tickets/redmine", linked["task_id"].as_str().expect("an id"));
            lead.send(lead.request(Method::DELETE, &path)).await
        }
        "putTicketMapping" => {
            let path = "/v1/ticket-mappings/jira";
            let tag = lead.get(path).await.expect(200).etag();
            let states = json!([{"state": "Klart nu", "meaning": "done"}]);
            lead.write(Method::PUT, path, Some(&tag), json!({"states": states})).await
        }
        other => panic!("{other}: the test does not know how to send it"),
    }
}

async fn over_graphql(lead: &Person, field: &str) -> Answer {
    let task = lead.get("/v1/tasks?limit=500").await.expect(200).items().pop().expect("a task");
    let (id, seq) = (&task["id"], &task["seq"]);
    let (claimed, lease) = CLAIMED.with_borrow(Clone::clone);
    let proof = format!("taskId: \"{claimed}\", input: {{system: \"redmine\", lease: \"{lease}\"}}");
    let linked = lead.get("/v1/tickets?system=rt").await.expect(200).items().pop().unwrap_or_default();
    let call = match field {
        "createTask" => "createTask(input: {title: \"Byt växel\"}) { id }".to_owned(),
        "updateTask" => format!("updateTask(id: {id}, ifMatch: {seq}, input: {{cost: 5}}) {{ id }}"),
        "transitionTask" => {
            let input = "input: {to: BLOCKED, reason: \"Väntar\"}";
            format!("transitionTask(id: {id}, ifMatch: {seq}, {input}) {{ id }}")
        }
        "claimTasks" => "claimTasks(input: {system: \"redmine\", limit: 1}) { lease task { id } }".to_owned(),
        "renewLease" | "releaseLease" => format!("{field}({proof}) {{ id }}"),
        "reportTickets" => {
            let items = "items: [{key: \"IT-1\", state: \"On hold\"}]";
            format!("reportTickets(input: {{system: \"jira\", {items}}}) {{ items {{ outcome taskId }} }}")
        }
        "reconcileTickets" => {
            let items = format!("items: [{{key: \"R-2\", taskId: {id}, state: \"Open\"}}], apply: true");
            format!("reconcileTickets(input: {{system: \"rt\", {items}}}) {{ differences {{ kind repaired }} }}")
        }
        "unlinkTicket" => format!("unlinkTicket(taskId: {}, system: \"rt\") {{ id }}", linked["task_id"]),
        "updateTicketMapping" => {
            "updateTicketMapping(system: \"jira\", ifMatch: 1, states: []) { tenantId }".to_owned()
        }
        other => panic!("{other}: the test does not know how to send it"),
    };
    let answer = lead.write(Method::POST, "/graphql", None, json!({"query": format!("mutation {{ {call} }}")})).await;
    if field == "claimTasks" {
        let first = &answer.json()["data"]["claimTasks"][0];
        remember(&first["task"]["id"], &first["lease"]);
    }
    answer
}
