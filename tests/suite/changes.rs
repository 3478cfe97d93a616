//! The feed.

use crate::support::{Kind, World, fixture, on_both_stores};
use reqwest::Method;
use serde_json::json;

on_both_stores!(the_feed_is_gapless_and_leads_to_the_state, a_types_own_right_is_needed);

async fn the_feed_is_gapless_and_leads_to_the_state(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let (mut seqs, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = lead.get(&format!("/v1/changes?mode=events&limit=7{cursor}")).await.expect(200).json();
        seqs.extend(page["items"].as_array().unwrap().iter().map(|item| item["seq"].as_i64().unwrap()));
        cursor = format!("&cursor={}", page["next_cursor"].as_str().unwrap());
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>());
    let finding = lead.get("/v1/findings").await.items()[0].clone();
    let path = format!("/v1/findings/{}", finding["id"].as_str().unwrap());
    let tag = lead.get(&path).await.etag();
    lead.write(Method::PATCH, &path, Some(&tag), json!({"assignee": "Åsa"})).await.expect(200);
    let delta = lead.get(&format!("/v1/changes?mode=events&limit=7{cursor}")).await.expect(200).items();
    assert_eq!(delta.len(), 1);
    assert_eq!(delta[0]["changed"]["assignee"], json!({"before": null, "after": "Åsa"}));
    assert_eq!(delta[0]["resource"]["assignee"], "Åsa");
    let state = lead.get("/v1/changes?limit=1000&types=finding").await.expect(200).items();
    let mut of_feed: Vec<_> = state.iter().map(|item| item["resource"].to_string()).collect();
    let mut of_list: Vec<_> =
        lead.get("/v1/findings?limit=500").await.items().iter().map(ToString::to_string).collect();
    of_feed.sort();
    of_list.sort();
    assert_eq!(of_feed, of_list);
    world.end().await;
}

async fn a_types_own_right_is_needed(kind: Kind) {
    let world = World::new(kind).await;
    world.lead().await.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let siem = world.person("siem", &[world.norrvik], "feed:read tasks:read").await;
    let items = siem.get("/v1/changes?limit=1000").await.expect(200).items();
    assert!(!items.is_empty() && items.iter().all(|item| item["resource_type"] == "task"));
    world.end().await;
}
