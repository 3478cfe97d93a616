//! Lists in every form: JSON page by page, NDJSON and CSV whole; counted, with what they lead to, and without a body.

use crate::support::{
    ALL, Answer, Kind, Person, World, document::Operation, fixture, generated_report, on_both_stores,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

on_both_stores!(
    every_list_comes_as_lines_and_as_a_table,
    lines_and_tables_hold_all_of_a_long_list,
    a_table_has_its_columns_when_it_is_empty,
    a_form_that_is_not_there_is_refused,
    each_form_has_a_tag_of_its_own,
    a_list_is_counted_on_request,
    a_page_brings_along_what_it_leads_to,
    what_is_brought_along_needs_its_own_right,
    head_says_what_get_says,
    who_wants_no_body_gets_none,
    a_fixed_path_knows_its_methods,
    a_list_parameter_may_come_in_several,
);

async fn filled(world: &World) -> Person {
    let lead = world.lead().await;
    lead.import("", fixture("nessus/norrvik.nessus")).await.expect(201);
    lead
}

async fn as_form(who: &Person, path: &str, accept: &str) -> Answer {
    who.send(who.request(Method::GET, path).header("accept", accept)).await
}

fn lines(answer: &Answer) -> Vec<Value> {
    answer.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

async fn every_list_comes_as_lines_and_as_a_table(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    let finding = lead.get("/v1/findings").await.items()[0]["id"].as_str().expect("an id").to_owned();
    let task = lead.get("/v1/tasks").await.items()[0]["id"].as_str().expect("an id").to_owned();
    let lists = Operation::all().into_iter().filter(|operation| operation.pages() && operation.path != "/v1/changes");
    let mut shown = 0;
    for list in lists {
        let id = if list.path.contains("/tasks/") { &task } else { &finding };
        let path = list.path.replace("{id}", id);
        let page = lead.get(&format!("{path}?limit=500")).await.expect(200).items();
        let answer = as_form(&lead, &path, "application/x-ndjson").await.expect(200);
        assert_eq!(lines(&answer), page, "{path}");
        let table = as_form(&lead, &path, "text/csv").await.expect(200);
        assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8"));
        let rows = rows(&table.text);
        assert_eq!(rows.len(), page.len(), "{path}");
        for (row, item) in rows.iter().zip(&page) {
            let item = item.as_object().expect("an object");
            assert_eq!(row.keys().collect::<BTreeSet<_>>(), item.keys().collect::<BTreeSet<_>>(), "{path}");
            let texts = item.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
            for (name, text) in texts.filter(|(_, text)| !text.starts_with(['=', '+', '-', '@'])) {
                assert_eq!(row[name], text, "{name} of {path}");
            }
        }
        shown += page.len();
    }
    assert!(shown > 10, "{shown} items prove little");
    world.end().await;
}

async fn lines_and_tables_hold_all_of_a_long_list(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("", generated_report(1_234)).await.expect(201);
    let all =
        as_form(&lead, "/v1/findings?sort=-severity&fields=id,severity", "application/x-ndjson").await.expect(200);
    let ids: BTreeSet<String> = lines(&all).iter().map(|one| one["id"].to_string()).collect();
    assert_eq!((lines(&all).len(), ids.len()), (1_234, 1_234));
    let ranks = ["critical", "high", "medium", "low", "informational"];
    let order =
        lines(&all).iter().map(|one| ranks.iter().position(|rank| one["severity"] == *rank)).collect::<Vec<_>>();
    assert!(order.is_sorted(), "the order holds over pages");
    let table = as_form(&lead, "/v1/findings?fields=id", "text/csv").await.expect(200);
    assert_eq!(rows(&table.text).len(), 1_234);
    // With a limit it is one page.
    let some = as_form(&lead, "/v1/findings?limit=7", "application/x-ndjson").await.expect(200);
    assert_eq!(lines(&some).len(), 7);
    assert!(some.header("link").expect("a link").ends_with("rel=\"next\""));
    world.end().await;
}

async fn a_table_has_its_columns_when_it_is_empty(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let empty = as_form(&lead, "/v1/findings?fields=title,id", "text/csv").await.expect(200);
    assert_eq!(empty.text, "id,title\r\n");
    let all = as_form(&lead, "/v1/findings", "text/csv").await.expect(200);
    assert_eq!(all.text.trim_end().split(',').collect::<Vec<_>>(), domain::Finding::FIELDS);
    let marked = as_form(&lead, "/v1/findings?fields=id", "text/csv;bom=true").await.expect(200);
    assert_eq!(marked.text.trim_start_matches('\u{feff}'), "id\r\n");
    assert!(as_form(&lead, "/v1/findings", "application/x-ndjson").await.expect(200).text.is_empty());
    // A formula in a title is a text in a table.
    let report = json!({"template-id": "x", "host": "h.norrvik.example", "type": "http",
        "info": {"name": "=cmd|' /C calc'!A0", "severity": "low"}});
    lead.import("", report.to_string().into_bytes()).await.expect(201);
    let table = as_form(&lead, "/v1/findings?fields=title", "text/csv").await.expect(200);
    assert_eq!(rows(&table.text)[0]["title"], "'=cmd|' /C calc'!A0");
    world.end().await;
}

async fn a_form_that_is_not_there_is_refused(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    for accept in ["application/xml", "text/html", "application/json;q=0"] {
        assert_eq!(as_form(&lead, "/v1/findings", accept).await.expect(406).code(), "not_acceptable", "{accept}");
    }
    for (path, name) in [("/v1/findings?count=exact", "count"), ("/v1/findings?include=assets", "include")] {
        let refused = as_form(&lead, path, "text/csv").await.expect(400);
        assert_eq!(refused.json()["errors"][0]["pointer"], name);
    }
    world.end().await;
}

async fn each_form_has_a_tag_of_its_own(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    let mut tags = BTreeSet::new();
    for accept in ["application/json", "application/x-ndjson", "text/csv", "text/csv;bom=true"] {
        let tag = as_form(&lead, "/v1/findings", accept).await.expect(200).etag();
        let again = lead.request(Method::GET, "/v1/findings").header("accept", accept).header("if-none-match", &tag);
        lead.send(again).await.expect(304);
        tags.insert(tag);
    }
    assert_eq!(tags.len(), 4);
    world.end().await;
}

async fn a_list_is_counted_on_request(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    let all = lead.get("/v1/findings?limit=500").await.expect(200);
    assert!(all.json().get("count").is_none());
    let items = all.items();
    let high = items.iter().filter(|one| one["severity"] == "high").count();
    for (query, expected) in
        [("count=exact", items.len()), ("count=bounded", items.len()), ("count=exact&severity=high", high)]
    {
        let counted = lead.get(&format!("/v1/findings?limit=1&{query}")).await.expect(200).json();
        assert_eq!(counted["count"], json!({"value": expected, "is_exact": true}), "{query}");
    }
    for list in ["assets", "tasks", "sources", "imports", "services", "risk-acceptances", "tickets"] {
        let all = lead.get(&format!("/v1/{list}?limit=500")).await.expect(200).items().len();
        let counted = lead.get(&format!("/v1/{list}?limit=1&count=bounded")).await.expect(200).json();
        assert_eq!(counted["count"], json!({"value": all, "is_exact": true}), "{list}");
    }
    lead.get("/v1/findings?count=roughly").await.expect(400);
    world.end().await;
}

/// The distinct values of a field, over all items.
fn distinct(items: &[Value], field: &str) -> BTreeSet<String> {
    items.iter().filter_map(|item| Some(item[field].as_str()?.to_owned())).collect()
}

async fn a_page_brings_along_what_it_leads_to(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    let page =
        lead.get("/v1/findings?include=assets,tasks,sources&fields=id,asset_id,source_id").await.expect(200).json();
    let (items, included) = (page["items"].as_array().expect("items"), &page["included"]);
    for (name, field) in [("assets", "asset_id"), ("sources", "source_id")] {
        let brought = included[name].as_array().unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(distinct(brought, "id"), distinct(items, field));
        assert_eq!(brought.len(), distinct(brought, "id").len(), "each once");
    }
    let tasks = included["tasks"].as_array().expect("tasks");
    let ids = distinct(items, "id");
    assert!(!tasks.is_empty());
    for task in tasks {
        let of_task = task["finding_ids"].as_array().expect("findings");
        assert!(of_task.iter().any(|id| ids.contains(id.as_str().expect("an id"))));
    }
    let page = lead.get("/v1/tasks?include=findings,assets").await.expect(200).json();
    let of_tasks: BTreeSet<String> = page["items"]
        .as_array()
        .expect("items")
        .iter()
        .flat_map(|task| task["finding_ids"].as_array().expect("findings").clone())
        .map(|id| id.as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(distinct(page["included"]["findings"].as_array().expect("findings"), "id"), of_tasks);
    assert!(!page["included"]["assets"].as_array().expect("assets").is_empty());
    lead.get("/v1/findings?include=everything").await.expect(400);
    // What is too much for one answer is refused, and a smaller page is not.
    lead.import("", generated_report(1_500)).await.expect(201);
    let much = lead.get("/v1/tasks?limit=500&include=findings").await;
    assert_eq!((much.status.as_u16(), much.code()), (400, "include_too_large".into()));
    let many = lead.get("/v1/findings?limit=500&include=assets,tasks,sources").await.expect(200).json();
    assert_eq!(many["items"].as_array().expect("items").len(), 500);
    world.end().await;
}

async fn what_is_brought_along_needs_its_own_right(kind: Kind) {
    let world = World::new(kind).await;
    filled(&world).await;
    let reader = world.person("reader", &[world.norrvik], "findings:read").await;
    let page = reader.get("/v1/findings?include=assets,tasks,sources").await.expect(200).json();
    assert_eq!((&page["included"]["assets"], &page["included"]["tasks"]), (&json!([]), &json!([])));
    assert!(!page["included"]["sources"].as_array().expect("sources").is_empty());
    let worker = world.person("worker", &[world.norrvik], "tasks:read").await;
    let page = worker.get("/v1/tasks?include=findings,assets").await.expect(200).json();
    assert_eq!(page["included"], json!({"findings": [], "assets": []}));
    // Rights of two municipalities are never put together.
    let split = world.person("split", &[world.norrvik, world.alvsund], ALL).await;
    assert!(!split.get("/v1/findings?include=assets").await.expect(200).json()["included"]["assets"].is_null());
    world.end().await;
}

async fn head_says_what_get_says(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    let finding = lead.get("/v1/findings").await.items()[0]["id"].as_str().expect("an id").to_owned();
    for path in ["/v1/findings?limit=2", &format!("/v1/findings/{finding}"), "/v1/me", "/openapi.json"] {
        let get = lead.request(Method::GET, path).send().await.expect("an answer");
        let head = lead.request(Method::HEAD, path).send().await.expect("an answer");
        assert_eq!((head.status(), head.headers().get("etag")), (get.status(), get.headers().get("etag")), "{path}");
        assert_eq!(head.headers().get("content-type"), get.headers().get("content-type"), "{path}");
        assert!(head.text().await.expect("no body").is_empty(), "{path}");
    }
    let missing = lead.request(Method::HEAD, "/v1/findings/x").send().await.expect("an answer");
    assert_eq!(missing.status(), 404);
    assert_eq!(lead.request(Method::HEAD, "/v1/tasks/claim").send().await.expect("an answer").status(), 405);
    world.end().await;
}

async fn who_wants_no_body_gets_none(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    let task =
        lead.request(Method::POST, "/v1/tasks").header("prefer", "return=minimal").json(&json!({"title": "Ett"}));
    let made = task.send().await.expect("an answer");
    assert_eq!(
        (made.status().as_u16(), made.headers()["preference-applied"].to_str().ok()),
        (201, Some("return=minimal"))
    );
    assert!(made.headers().contains_key("etag") && made.text().await.expect("a body").is_empty());
    let finding = lead.get("/v1/findings").await.items()[0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/findings/{finding}");
    let tag = lead.get(&path).await.etag();
    let patch = lead.request(Method::PATCH, &path).header("prefer", "return=minimal").header("if-match", &tag);
    let changed = lead.send(patch.json(&json!({"assignee": "Åsa"}))).await.expect(204);
    assert_eq!(lead.get(&path).await.etag(), changed.etag());
    // A secret cannot be read again.
    let client = json!({"name": "Redmine", "purpose": "Hämtar", "scopes": ["tasks:read"]});
    let request = lead.request(Method::POST, "/v1/clients").header("prefer", "return=minimal").json(&client);
    assert!(lead.send(request).await.expect(201).json()["secret"].is_string());
    world.end().await;
}

async fn a_fixed_path_knows_its_methods(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    for (method, path, allow) in [
        (Method::PATCH, "/v1/tasks/claim", "POST"),
        (Method::GET, "/v1/findings/bulk", "POST"),
        (Method::PATCH, "/v1/findings/facets", "GET, HEAD"),
        (Method::DELETE, "/v1/findings", "GET, HEAD"),
    ] {
        let answer = lead.request(method, path).send().await.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.headers()["allow"].to_str().ok()), (405, Some(allow)), "{path}");
    }
    world.end().await;
}

async fn a_list_parameter_may_come_in_several(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    let one = lead.get("/v1/findings?severity=high,critical").await.expect(200).items();
    let several = lead.get("/v1/findings?severity=high&severity=critical").await.expect(200).items();
    assert!(!one.is_empty());
    assert_eq!(one, several);
    let refused = lead.get("/v1/findings?cve=CVE-2024-1&cve=CVE-2024-2").await.expect(400);
    assert_eq!(refused.json()["errors"][0]["pointer"], "cve");
    let unknown = lead.get("/v1/findings?foo=1").await.expect(400).json();
    let detail = unknown["detail"].as_str().expect("a detail");
    assert!(detail.contains("foo") && detail.contains("`sort`") && detail.contains("`severity`"), "{detail}");
    world.end().await;
}
