//! What makes two reports the same finding: merging and splitting by hand, rules of sources, imports at once.

mod at_once;
mod by_hand;
mod doubts;
mod explain;
mod killed;
mod rules;

use crate::support::{Answer, Person, World};
use reqwest::Method;
use serde_json::{Value, json};

/// A Nuclei result at a place of a host.
fn result(template: &str, host: &str, place: &str, more: &Value) -> Value {
    let mut result = json!({"template-id": template, "host": host, "type": "http", "matched-at": place, "url": place,
        "info": {"name": format!("Brist {template}"), "severity": "medium"}});
    for (name, value) in more.as_object().expect("an object") {
        result[name] = value.clone();
    }
    result
}

fn report(results: &[Value]) -> Vec<u8> {
    results.iter().map(|result| format!("{result}\n")).collect::<String>().into_bytes()
}

async fn send(who: &Person, source: &str, results: &[Value]) -> Value {
    who.import(&format!("tenant=norrvik&format=nuclei&source={source}"), report(results)).await.expect(201).json()
}

/// How many of an import were created, updated and unchanged.
fn counts(import: &Value) -> [i64; 3] {
    ["created", "updated", "unchanged"].map(|name| import[name].as_i64().expect("a count"))
}

async fn findings(who: &Person) -> Vec<Value> {
    who.get("/v1/findings?limit=500").await.expect(200).items()
}

fn path(finding: &Value) -> String {
    format!("/v1/findings/{}", finding["id"].as_str().expect("an id"))
}

async fn again(who: &Person, finding: &Value) -> Value {
    who.get(&path(finding)).await.expect(200).json()
}

/// Sends a change of a finding in its current version.
async fn change(who: &Person, finding: &Value, action: &str, body: Value) -> Answer {
    let tag = who.get(&path(finding)).await.expect(200).etag();
    who.write(Method::POST, &format!("{}/{action}", path(finding)), Some(&tag), body).await
}

async fn aliases(who: &Person, finding: &Value) -> Vec<Value> {
    who.get(&format!("{}/aliases", path(finding))).await.expect(200).items()
}

/// What happened to a finding, in order.
async fn history(who: &Person, finding: &Value) -> Vec<String> {
    let all = who.get("/v1/changes?mode=events&limit=1000&types=finding").await.expect(200).items();
    let own = all.iter().filter(|event| event["resource_id"] == finding["id"]);
    own.map(|event| event["event"].as_str().expect("a kind").to_owned()).collect()
}

/// A day later in a world whose clock stands still.
fn a_day_later(world: &World) {
    world.advance(chrono::TimeDelta::days(1));
}
