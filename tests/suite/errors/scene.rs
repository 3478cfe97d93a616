//! A municipality in which everything that can be refused is at hand.

use crate::support::{ALL, Answer, Kind, Person, World, generated_report};
use reqwest::{Method, header};
use serde_json::{Value, json};

/// Who asks, and what there is.
pub(super) struct Scene {
    pub(super) world: World,
    /// May do everything in Norrvik.
    pub(super) lead: Person,
    /// May do everything in two municipalities.
    pub(super) both: Person,
    /// May read findings alone.
    pub(super) reader: Person,
    /// May manage clients alone.
    pub(super) manager: Person,
    /// Findings that nothing has happened to.
    pub(super) findings: Vec<Value>,
    /// A finding whose fix the lead has claimed.
    pub(super) claimed: Value,
    /// An acceptance that the lead has asked for.
    pub(super) acceptance: Value,
    /// Tasks; the first five have the tickets `X-0` to `X-4` in `rt`, the last is claimed for `jira`.
    pub(super) tasks: Vec<Value>,
    /// A comment that was deleted.
    pub(super) comment: Value,
    /// A file that a retest rests on.
    pub(super) attachment: Value,
    /// An asset with 101 identifiers, one with 100, and one that was merged.
    pub(super) assets: Vec<Value>,
    /// A cursor into the list of findings.
    pub(super) cursor: String,
}

pub(super) fn id(of: &Value) -> &str {
    of["id"].as_str().unwrap_or_else(|| panic!("no id: {of}"))
}

/// The tag of the version that was read.
pub(super) fn tag(of: &Value) -> String {
    format!("\"{}-0\"", of["seq"])
}

async fn post(who: &Person, path: &str, tag: Option<&str>, body: Value) -> Value {
    let answer = who.write(Method::POST, path, tag, body).await;
    assert!(answer.status.is_success(), "{path}: {}", answer.text);
    answer.json()
}

impl Scene {
    pub(super) async fn new() -> Self {
        let world = World::with(Kind::Sqlite, |config| config.attachments.tenant_bytes = 20_000).await;
        let lead = world.lead().await;
        let both = world.person("provider", &[world.norrvik, world.alvsund], ALL).await;
        let reader = world.person("reader", &[world.norrvik], "findings:read").await;
        let manager = world.person("manager", &[world.norrvik], "clients:manage").await;
        lead.import("", generated_report(1_010)).await.expect(201);
        lead.import("source=other", generated_report(50)).await.expect(201);
        let page = lead.get("/v1/findings?limit=20").await.expect(200);
        let cursor = page.json()["next_cursor"].as_str().expect("a cursor").to_owned();
        let mut findings = page.items();
        let claimed = claimed(&lead, &findings.remove(0)).await;
        let acceptance = asked(&lead, &findings.remove(0)).await;
        let (attachment, of_attachment) = (attached(&lead, &findings.remove(0)).await, findings.remove(0));
        let comment = deleted(&lead, &of_attachment).await;
        let tasks = with_tickets(&world, &lead).await;
        made_once(&lead).await;
        let assets = assets(&lead).await;
        Self {
            world,
            lead,
            both,
            reader,
            manager,
            findings,
            claimed,
            acceptance,
            tasks,
            comment,
            attachment,
            assets,
            cursor,
        }
    }
}

async fn claimed(lead: &Person, finding: &Value) -> Value {
    let path = format!("/v1/findings/{}/transition", id(finding));
    let confirmed = post(lead, &path, Some(&tag(finding)), json!({"to": "confirmed"})).await;
    post(lead, &path, Some(&tag(&confirmed)), json!({"to": "fix_claimed"})).await
}

pub(super) fn acceptance_of(finding: &Value) -> Value {
    json!({"findings": [finding["id"]], "reason": "Byts ut.", "standstill_days": 1, "cost_per_day": 1, "fix_cost": 1,
        "expires_at": "2026-12-24T12:00:00Z"})
}

async fn asked(lead: &Person, finding: &Value) -> Value {
    post(lead, "/v1/risk-acceptances", None, acceptance_of(finding)).await
}

async fn attached(lead: &Person, finding: &Value) -> Value {
    let path = format!("/v1/findings/{}", id(finding));
    let file = lead.request(Method::POST, &format!("{path}/attachments?filename=x.txt"));
    let file = lead.send(file.header(header::CONTENT_TYPE, "text/plain").body("bevis")).await.expect(201).json();
    let seen = json!({"method": "scan", "result": "not_fixed", "attachment_id": file["id"]});
    let read = lead.get(&path).await.etag();
    post(lead, &format!("{path}/retests"), Some(&read), seen).await;
    file
}

async fn deleted(lead: &Person, finding: &Value) -> Value {
    let path = format!("/v1/findings/{}/comments", id(finding));
    let said = post(lead, &path, None, json!({"text": "Är detta rätt?"})).await;
    let gone = lead.request(Method::DELETE, &format!("/v1/comments/{}", id(&said)));
    let gone: Answer = lead.send(gone.header(header::IF_MATCH, tag(&said))).await;
    gone.expect(200).json()
}

async fn with_tickets(world: &World, lead: &Person) -> Vec<Value> {
    let tasks = lead.get("/v1/tasks?status=open&limit=7").await.expect(200).items();
    for (at, task) in tasks.iter().take(5).enumerate() {
        let ticket = format!("/v1/tasks/{}/tickets/rt", id(task));
        lead.write(Method::PUT, &ticket, None, json!({"key": format!("X-{at}")})).await.expect(201);
    }
    let puller = world.person("puller", &[world.norrvik], "tasks:read tasks:claim").await;
    let claimed = post(&puller, "/v1/tasks/claim", None, json!({"system": "jira", "limit": 1})).await;
    world.advance(chrono::TimeDelta::minutes(1));
    tasks.into_iter().take(6).chain([claimed["items"][0]["task"].clone()]).collect()
}

/// Two tasks under keys that count for nothing else from now on.
async fn made_once(lead: &Person) {
    let task = lead.request(Method::POST, "/v1/tasks").header("idempotency-key", "scene");
    lead.send(task.json(&json!({"title": "Ett"}))).await.expect(201);
    let query = "mutation { createTask(input: {title: \"Ett\"}, idempotencyKey: \"scene\") { id } }";
    let made = lead.graphql(query, json!({})).await;
    assert!(made["data"]["createTask"]["id"].is_string(), "{made}");
}

async fn assets(lead: &Person) -> Vec<Value> {
    let named = |prefix: &str, many: usize| -> Value {
        (0..many).map(|at| json!({"kind": "hostname", "value": format!("{prefix}{at}")})).collect()
    };
    let mut assets = Vec::new();
    for (name, many) in [("a", 101), ("b", 100), ("c", 1)] {
        let new = json!({"name": name, "identifiers": named(name, many)});
        assets.push(post(lead, "/v1/assets", None, new).await);
    }
    let merge = format!("/v1/assets/{}/merge", id(&assets[2]));
    assets[2] = post(lead, &merge, Some(&tag(&assets[2])), json!({"into": assets[1]["id"]})).await;
    let read = lead.get(&format!("/v1/assets/{}", id(&assets[1]))).await.expect(200).json();
    assets[1] = read;
    assets
}
