//! What the OpenAPI document gives as an example is what the server takes.

use crate::{
    support::{
        ALL, Answer, Kind, Person, World,
        document::{DOCUMENT, Operation},
        on_both_stores,
    },
    wall::{Filled, filled, rest},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_both_stores!(examples_of_parameters_are_taken, examples_of_bodies_are_taken);

fn parameters(operation: Operation) -> Vec<&'static Value> {
    let path = &DOCUMENT["paths"][operation.path];
    let parameters = path[operation.method]["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    parameters.iter().filter(|parameter| parameter["in"] == "query").collect()
}

fn written(example: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let value =
        example.as_array().map_or_else(|| text(example), |all| all.iter().map(text).collect::<Vec<_>>().join(","));
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

async fn examples_of_parameters_are_taken(kind: Kind) {
    let world = World::new(kind).await;
    let norrvik = filled(&world, "norrvik").await;
    let lead = world.lead().await;
    let mut tried = 0;
    for operation in Operation::all().into_iter().filter(|one| one.method == "get" && one.path.starts_with("/v1/")) {
        let id = norrvik.one.get(rest::resource(operation)).map_or("", String::as_str);
        let path = rest::path(operation, id);
        for parameter in parameters(operation) {
            let (name, example) = (parameter["name"].as_str().expect("a name"), &parameter["example"]);
            // A cursor is this server's own, and the other finding is in the path's query already.
            if example.is_null() || ["cursor", "other"].contains(&name) {
                continue;
            }
            let sign = if path.contains('?') { '&' } else { '?' };
            let answer = lead.get(&format!("{path}{sign}{name}={}", written(example))).await;
            // The finding was not there yet at that moment, which this world's clock has passed.
            let expected = if (operation.id(), name) == ("getFinding", "as_of") { 404 } else { 200 };
            assert!(answer.status == expected, "{} with {name}={example}: {}", operation.id(), answer.text);
            tried += 1;
        }
    }
    assert!(tried > 60, "{tried} examples are few");
    world.end().await;
}

/// The operations whose example changes nothing here, since what it names is not there: status and reason.
const MISSING: &[(&str, u16, &str)] = &[
    ("splitFinding", 422, "the digest is nobody's"),
    ("releaseLease", 409, "the lease is nobody's"),
    ("renewLease", 409, "the lease is nobody's"),
];

async fn examples_of_bodies_are_taken(kind: Kind) {
    let world = World::new(kind).await;
    let norrvik = filled(&world, "norrvik").await;
    let lead = world.lead().await;
    let approver = world.person("approver", &[world.norrvik], ALL).await;
    let (mut without, mut refused) = (BTreeSet::new(), Vec::new());
    // What takes something out of use comes last.
    let mut operations = Operation::all();
    operations.sort_by_key(|one| {
        ["merge", "retire", "revoke", "refuse", "transition", "claim"].iter().any(|end| one.path.ends_with(end))
    });
    for operation in operations.into_iter().filter(|one| one.path.starts_with("/v1/")) {
        let body = &DOCUMENT["paths"][operation.path][operation.method]["requestBody"]["content"]["application/json"];
        if body.is_null() {
            continue;
        }
        let example = &body["example"];
        if example.is_null() {
            without.insert(operation.id());
            continue;
        }
        let (path, example) = real(&lead, &approver, &norrvik, operation, example).await;
        // Who asks for an acceptance does not approve it.
        let answer = send(&approver, operation, &path, example).await;
        let is_taken = match MISSING.iter().find(|(id, ..)| *id == operation.id()) {
            Some((_, status, _)) => answer.status == *status,
            None => answer.status.is_success(),
        };
        if !is_taken {
            refused.push(format!("{}: {} {}", operation.id(), answer.status, answer.text));
        }
    }
    assert_eq!((without, refused), (BTreeSet::new(), Vec::new()), "without an example, and refused");
    world.end().await;
}

/// The example with ids of things that are there, in the state that it needs.
async fn real(
    lead: &Person,
    approver: &Person,
    norrvik: &Filled,
    operation: Operation,
    example: &Value,
) -> (String, Value) {
    let ids = async |list: &str| -> Vec<String> {
        let items = lead.get(&format!("/v1/{list}")).await.expect(200).items();
        items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
    };
    let resource = rest::resource(operation);
    let own = norrvik.one.get(resource).cloned().unwrap_or_default();
    let (mut own, mut other) = (own, String::new());
    match operation.id() {
        "mergeFinding" | "bulkFindings" | "postRiskAcceptance" | "transitionFinding" => {
            let open = ids("findings?status=new&limit=500").await;
            (own, other) = (open[open.len() - 1].clone(), open[open.len() - 2].clone());
        }
        "mergeAsset" => {
            let assets = ids("assets?merged=false&limit=500").await;
            (own, other) = (assets[assets.len() - 1].clone(), assets[0].clone());
        }
        "retireAsset" | "restoreAsset" => own = ids("assets?limit=500").await.pop().expect("an asset"),
        "postRiskAcceptanceRefusal" | "postRiskAcceptanceRevocation" | "postRiskAcceptanceApproval" => {
            let open = ids("findings?status=new&limit=500").await;
            let in_force = operation.id() == "postRiskAcceptanceRevocation";
            own = acceptance(lead, &open[open.len() - 1], in_force.then_some(approver)).await;
        }
        // Only its author changes a comment.
        "patchComment" => {
            let path = format!("/v1/findings/{}/comments", norrvik.one["findings"]);
            let said = approver.write(Method::POST, &path, None, json!({"text": "Är omstartad."})).await.expect(201);
            own = said.json()["id"].as_str().expect("an id").to_owned();
        }
        _ => {}
    }
    let text = example.to_string();
    let text = text.replace("01900000-0000-7000-8000-000000000002", &other);
    let text = text.replace("01900000-0000-7000-8000-000000000001", &own);
    // The task has a ticket in the tracker that the walk of the wall speaks of.
    let path = rest::path(operation, &own).replace("/tickets/jira", "/tickets/redmine");
    (path, serde_json::from_str(&text).expect("JSON"))
}

async fn send(lead: &Person, operation: Operation, path: &str, body: Value) -> Answer {
    let resource = rest::resource_path(path.split('?').next().unwrap_or(path));
    let tag = lead.request(Method::GET, resource).send().await.expect("an answer").headers().get("etag").cloned();
    let mut request = lead.request(operation.method.to_uppercase().parse().expect("a method"), path).json(&body);
    if let Some(tag) = tag {
        request = request.header("if-match", tag);
    }
    lead.send(request).await
}

/// An acceptance that waits for its decision, or is in force.
async fn acceptance(lead: &Person, finding: &str, approver: Option<&Person>) -> String {
    let wish = json!({"findings": [finding], "reason": "Byts ut.", "standstill_days": 1, "cost_per_day": 1, "fix_cost": 1,
        "expires_at": "2026-12-24T12:00:00Z"});
    let asked = lead.write(Method::POST, "/v1/risk-acceptances", None, wish).await.expect(201);
    let id = asked.json()["id"].as_str().expect("an id").to_owned();
    if let Some(approver) = approver {
        let path = format!("/v1/risk-acceptances/{id}/approve");
        approver.write(Method::POST, &path, Some(&asked.etag()), json!({})).await.expect(200);
    }
    id
}
