//! The isolation walk: every operation and every field of the two contracts,
//! by callers who must not get through. Both walks are made from the contracts
//! themselves, so that a new operation without its sample fails them.

mod graphql;
mod left;
mod need_to_know;
mod nodes;
pub(crate) mod rest;
mod rights;

use crate::support::{ALL, Answer, Person, World, fixture};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The id of nothing.
pub(crate) const MISSING: &str = "01900000-0000-7000-8000-000000000000";

/// A municipality with something of everything in it.
pub(crate) struct Filled {
    /// One id of each resource, by its name in paths.
    pub(crate) one: BTreeMap<&'static str, String>,
    /// Every id that its people are ever shown, but their own.
    all: BTreeSet<Uuid>,
}

impl Filled {
    pub(crate) fn id(&self, resource: &str) -> &str {
        self.one.get(resource).unwrap_or_else(|| panic!("the walk has no sample of {resource}"))
    }

    /// The ids of this municipality that stand in a text.
    fn leaked_in(&self, text: &str) -> BTreeSet<Uuid> {
        ids_in(text).intersection(&self.all).copied().collect()
    }
}

/// Both municipalities get the very same report, so that all but the ids is the same.
pub(crate) async fn filled(world: &World, slug: &'static str) -> Filled {
    let tenant = if slug == "norrvik" { world.norrvik } else { world.alvsund };
    let person = world.person(&format!("filler of {slug}"), &[tenant], ALL).await;
    // Three sources say the same, so that the first finding has others related to it.
    for source in ["one", "two", "three"] {
        person.import(&format!("format=nuclei&source={source}"), related()).await.expect(201);
    }
    person.import("", fixture("nessus/norrvik.nessus")).await.expect(201);
    person.import("", fixture("sarif/alvsund.sarif")).await.expect(201);
    world.test_store.execute("UPDATE asset SET provenance = 'inventoried'").await;
    let findings = person.get("/v1/findings").await.expect(200).items();
    for merged in &findings[3..5] {
        let merge = format!("/v1/findings/{}/merge", merged["id"].as_str().expect("an id"));
        let tag = format!("\"{}-0\"", merged["seq"]);
        person.write(Method::POST, &merge, Some(&tag), json!({"into": findings[0]["id"]})).await.expect(200);
    }
    let client = json!({"name": "Koppling", "purpose": "Provar", "scopes": ["clients:manage"]});
    person.write(Method::POST, "/v1/clients", None, client).await.expect(201);
    let finding = person.get("/v1/findings?limit=1").await.expect(200).items()[0]["id"].clone();
    let risk = json!({"findings": [finding], "reason": "Byts ut.", "standstill_days": 1, "cost_per_day": 1, "fix_cost": 1,
        "expires_at": "2026-12-24T12:00:00Z"});
    person.write(Method::POST, "/v1/risk-acceptances", None, risk).await.expect(201);
    // The first asset: others may be merged into the last.
    let asset = person.get("/v1/assets?limit=1").await.expect(200).items()[0]["id"].clone();
    let service = json!({"name": "Löner", "asset_ids": [asset]});
    person.write(Method::POST, "/v1/services", None, service).await.expect(201);
    let mut one = BTreeMap::from([("tenants", slug.to_owned())]);
    let mut all = BTreeSet::from([tenant.0]);
    for resource in
        ["findings", "assets", "services", "tasks", "imports", "sources", "clients", "grants", "risk-acceptances"]
    {
        let page = person.get(&format!("/v1/{resource}?limit=500")).await.expect(200);
        all.extend(ids_in(&page.text));
        one.insert(resource, page.items()[0]["id"].as_str().expect("an id").to_owned());
    }
    // The last one with work left: the first findings are merged and accepted, and their tasks are done with them.
    let open = person.get("/v1/tasks?status=open&limit=500").await.expect(200).items();
    one.insert("tasks", open[open.len() - 1]["id"].as_str().expect("an id").to_owned());
    for target in ["findings", "tasks"] {
        // Two of each, so that every list has a second page.
        let path = format!("/v1/{target}/{}", one[target]);
        for text in ["Är detta rätt?", "Ja."] {
            let said = person.write(Method::POST, &format!("{path}/comments"), None, json!({"text": text})).await;
            one.entry("comments").or_insert(id_of(&said.expect(201)));
            if target == "findings" {
                let file =
                    person.write(Method::POST, &format!("{path}/attachments"), None, json!({"text": text})).await;
                one.entry("attachments").or_insert(id_of(&file.expect(201)));
            }
        }
    }
    let finding = format!("/v1/findings/{}", one["findings"]);
    for _ in 0..2 {
        let tag = person.get(&finding).await.expect(200).etag();
        let seen = json!({"method": "scan", "result": "not_fixed"});
        let retest = person.write(Method::POST, &format!("{finding}/retests"), Some(&tag), seen).await;
        one.entry("retests").or_insert(id_of(&retest.expect(201)));
    }
    for system in ["jira", "rt"] {
        let ticket = format!("/v1/tasks/{}/tickets/{system}", one["tasks"]);
        person.write(Method::PUT, &ticket, None, json!({"key": "X-1"})).await.expect(201);
    }
    one.insert("sources", findings[0]["source_id"].as_str().expect("an id").to_owned());
    // A task holds findings at least; the first finding may have no evidence, but one has.
    all.extend(ids_in(&person.get("/v1/changes?limit=1000&mode=events").await.expect(200).text));
    Filled { one, all }
}

fn id_of(answer: &Answer) -> String {
    answer.json()["id"].as_str().expect("an id").to_owned()
}

/// A finding with a CVE, evidence and a task.
fn related() -> Vec<u8> {
    let info = json!({"name": "Fjärrkörning", "severity": "high", "classification": {"cve-id": ["CVE-2024-3400"]}});
    json!({"template-id": "CVE-2024-3400", "type": "http", "host": "portal.norrvik.example", "info": info,
        "matched-at": "https://portal.norrvik.example/x", "extracted-results": ["bevis"]})
    .to_string()
    .into_bytes()
}

fn ids_in(text: &str) -> BTreeSet<Uuid> {
    let parts = text.split(|c: char| !c.is_ascii_hexdigit() && c != '-');
    parts.filter(|part| part.len() == 36).filter_map(|part| part.parse().ok()).collect()
}

/// An answer without what differs from request to request.
fn without_trace(answer: &Answer) -> Value {
    let mut body = answer.json();
    // Nor what is left of a budget that every document lessens.
    for moving in ["/trace_id", "/extensions/cost/budget"] {
        if let Some(value) = body.pointer_mut(moving) {
            *value = Value::Null;
        }
    }
    body
}

/// All scopes but these.
pub(crate) fn all_but(scopes: &[&str]) -> String {
    ALL.split_whitespace().filter(|scope| !scopes.contains(scope)).collect::<Vec<_>>().join(" ")
}

async fn with_scopes(world: &World, scopes: &str) -> Person {
    world.person(&format!("with {scopes}"), &[world.norrvik], scopes).await
}

fn a_change() -> Value {
    json!({"assignee": "Åsa"})
}
