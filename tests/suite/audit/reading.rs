//! Reading the audit: pages, lines and filters.

use super::{actions, first_finding, rows, text};
use crate::support::{Answer, Kind, Person, World, fixture, on_both_stores};
use chrono::TimeDelta;
use reqwest::{Method, header};
use serde_json::{Value, json};

on_both_stores!(
    the_audit_is_read_newest_first_page_by_page_and_line_by_line,
    filters_narrow_the_audit_the_same_in_rest_and_graphql,
);

/// A lead whose audit has rows of seven seconds.
pub(super) async fn with_history(world: &World) -> Person {
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let path = format!("/v1/findings/{}", first_finding(&lead).await);
    for at in 0..6 {
        world.advance(TimeDelta::seconds(1));
        let tag = lead.get(&path).await.etag();
        lead.write(Method::PATCH, &path, Some(&tag), json!({"assignee": format!("Åsa {at}")})).await.expect(200);
    }
    lead
}

async fn the_audit_is_read_newest_first_page_by_page_and_line_by_line(kind: Kind) {
    let world = World::new(kind).await;
    let lead = with_history(&world).await;
    let all = rows(&lead).await;
    assert_eq!(all.len(), 7);
    assert!(all.iter().map(|row| text(&row["recorded_at"])).is_sorted_by(|later, earlier| later > earlier));
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = lead.get(&format!("/v1/audit?limit=2{cursor}")).await.expect(200).json();
        paged.extend(page["items"].as_array().expect("items").clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        // What comes in between does not move the pages.
        lead.import("tenant=norrvik", fixture("nuclei/norrvik.jsonl")).await.expect(201);
        cursor = format!("&cursor={next}");
    }
    let of_lead = |rows: &[Value]| rows.iter().map(|row| text(&row["id"])).collect::<Vec<_>>();
    assert_eq!(of_lead(&paged), of_lead(&all)[..]);
    let lines = lines(&lead, "").await;
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    let lines: Vec<Value> = lines.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines, rows(&lead).await);
    let tag = lead.get("/v1/audit").await.etag();
    lead.send(lead.request(Method::GET, "/v1/audit").header(header::IF_NONE_MATCH, tag)).await.expect(304);
    world.end().await;
}

async fn lines(who: &Person, query: &str) -> Answer {
    let request = who.request(Method::GET, &format!("/v1/audit{query}")).header(header::ACCEPT, "application/x-ndjson");
    who.send(request).await
}

async fn filters_narrow_the_audit_the_same_in_rest_and_graphql(kind: Kind) {
    let world = World::new(kind).await;
    let lead = with_history(&world).await;
    let me = text(&lead.get("/v1/me").await.json()["principal_id"]);
    let all = rows(&lead).await;
    let third = text(&all[2]["recorded_at"]);
    for (query, filter, expected) in [
        ("action=import".to_owned(), json!({"action": ["import"]}), 1),
        ("outcome=refused,read".to_owned(), json!({"outcome": ["REFUSED", "READ"]}), 0),
        (format!("principal={me}"), json!({"principal": [me]}), 7),
        (format!("principal={}", world.norrvik), json!({"principal": [world.norrvik]}), 0),
        (format!("recorded_from={third}"), json!({"recordedFrom": third}), 3),
        (format!("recorded_to={third}"), json!({"recordedTo": third}), 4),
    ] {
        let of_rest = lead.get(&format!("/v1/audit?{query}")).await.expect(200).items();
        assert_eq!(of_rest.len(), expected, "{query}");
        assert_eq!(lines(&lead, &format!("?{query}")).await.expect(200).text.lines().count(), expected, "{query}");
        let ask = "query($filter: AuditFilter) { audit(filter: $filter) { nodes { id } } }";
        let nodes = lead.graphql(ask, json!({"filter": filter})).await["data"]["audit"]["nodes"].clone();
        let of_graphql: Vec<_> = nodes.as_array().expect("nodes").iter().map(|node| text(&node["id"])).collect();
        assert_eq!(of_graphql, of_rest.iter().map(|row| text(&row["id"])).collect::<Vec<_>>(), "{query}");
    }
    lead.get("/v1/audit?outcome=allowed").await.expect(400);
    assert_eq!(lines(&lead, "?cursor=x").await.expect(400).code(), "cursor_invalid");
    assert!(actions(&world.person("other", &[world.norrvik], "audit:read").await).await.len() == 7);
    world.end().await;
}
