//! What a municipality decides about itself, and what the operator does to it.

use crate::support::{Kind, World, generated_report, look, on_both_stores, within_five_seconds};
use reqwest::Method;
use serde_json::json;
use service::platform::Platform;

on_both_stores!(
    settings_are_read_changed_and_checked,
    a_suspended_municipality_is_closed_to_everybody_and_comes_back,
    a_running_import_stops_with_its_municipality_and_goes_on_after,
);

const PATH: &str = "/v1/tenants/norrvik/settings";

async fn settings_are_read_changed_and_checked(kind: Kind) {
    let world = World::new(kind).await;
    let administrator = world.person("administrator", &[world.norrvik], "tenants:manage").await;
    let viewer = world.person("viewer", &[world.norrvik], "tasks:read").await;
    let read = viewer.get(PATH).await.expect(200);
    assert_eq!((&read.json()["calendar"], &read.json()["time_zone"]), (&json!("se"), &json!("Europe/Stockholm")));
    let patch = async |tag: Option<&str>, body| administrator.write(Method::PATCH, PATH, tag, body).await;
    let tag = administrator.get(PATH).await.expect(200).etag();
    assert_eq!(patch(None, json!({})).await.expect(428).code(), "precondition_required");
    let wish = json!({"sla_critical_days": 3, "language": "en", "time_zone": "Europe/Helsinki"});
    let changed = patch(Some(&tag), wish).await.expect(200);
    assert_eq!((&changed.json()["sla_critical_days"], &changed.json()["sla_high_days"]), (&json!(3), &json!(30)));
    assert_eq!(patch(Some(&tag), json!({"language": "sv"})).await.expect(412).code(), "stale");
    let tag = changed.etag();
    for (body, pointer) in [
        (json!({"sla_low_days": 0}), "/sla_low_days"),
        (json!({"max_acceptance_days": 4000}), "/max_acceptance_days"),
        (json!({"time_zone": "Europe/Norrvik"}), "/time_zone"),
        (json!({"calendar": "fi"}), "/calendar"),
        (json!({"colour": "red"}), "colour"),
        (json!({"sla_critical_days": 31}), "must not have more time"),
    ] {
        let refused = patch(Some(&tag), body).await.expect(422);
        assert!(refused.text.contains(pointer), "{}", refused.text);
    }
    viewer.write(Method::PATCH, PATH, Some(&tag), json!({"language": "sv"})).await.expect(403);
    let other = world.person("other", &[world.alvsund], "tenants:manage").await;
    other.get(PATH).await.expect(404);
    let of_graphql =
        administrator.graphql("{ tenantSettings(tenant: \"norrvik\") { language version } }", json!({})).await;
    assert_eq!(of_graphql["data"]["tenantSettings"], json!({"language": "EN", "version": 2}));
    world.end().await;
}

async fn a_suspended_municipality_is_closed_to_everybody_and_comes_back(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let both = world.person("both", &[world.norrvik, world.alvsund], "findings:read").await;
    let platform = Platform::new(world.auth.service().store.clone());
    platform.suspend(world.norrvik, Some(world.auth.service().clock.now())).await.expect("suspended");
    let status_becomes = async |status: u16| {
        within_five_seconds("the status changes", async || lead.get("/v1/findings").await.status == status).await;
    };
    status_becomes(403).await;
    lead.get(PATH).await.expect(403);
    assert_eq!(both.get("/v1/tenants").await.expect(200).items().len(), 1, "Älvsund goes on");
    assert_eq!(both.get("/v1/findings?tenant=norrvik").await.expect(404).code(), "unknown_tenant");
    platform.suspend(world.norrvik, None).await.expect("resumed");
    status_becomes(200).await;
    world.end().await;
}

async fn a_running_import_stops_with_its_municipality_and_goes_on_after(kind: Kind) {
    const RECORDS: usize = 5_000;
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let body = generated_report(RECORDS);
    let request = lead.request(Method::POST, "/v1/imports").header("prefer", "wait=0");
    let begun = lead.send(request.body(body.clone())).await.expect(202).json();
    let platform = Platform::new(world.auth.service().store.clone());
    platform.suspend(world.norrvik, Some(world.auth.service().clock.now())).await.expect("suspended");
    let closed = async || lead.get("/v1/findings").await.status == 403;
    within_five_seconds("the municipality is closed", closed).await;
    let stored = async || look(&world.test_store, "SELECT CAST(count(*) AS text) FROM finding").await;
    // The batch that was on its way when the door closed ends as well.
    let has_stopped = async || {
        let before = stored().await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        before == stored().await
    };
    within_five_seconds("the import has stopped", has_stopped).await;
    let then = stored().await;
    assert_eq!(look(&world.test_store, "SELECT status FROM import").await, ["running"], "it was stopped on its way");
    platform.suspend(world.norrvik, None).await.expect("resumed");
    world.advance(chrono::TimeDelta::hours(1));
    let path = format!("/v1/imports/{}", begun["id"].as_str().expect("an id"));
    let ended = async || {
        let answer = lead.get(&path).await;
        answer.status == 200 && answer.json()["status"] != "running"
    };
    // The server's own sweep comes by within seconds, or later where the machine has much else to do.
    world.keep_house().await;
    within_five_seconds("the municipality is open and its import interrupted", ended).await;
    assert_eq!((&lead.get(&path).await.json()["status"], stored().await), (&json!("interrupted"), then));
    let again = lead.import("", body).await.expect(201).json();
    assert_eq!((&again["id"], &again["status"], &again["read"]), (&begun["id"], &json!("completed"), &json!(RECORDS)));
    world.end().await;
}
