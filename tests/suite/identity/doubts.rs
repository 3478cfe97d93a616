//! Rules over findings that people have merged, marked and accepted.

use super::{a_day_later, again, change, counts, findings, path, result, rules::apply, send};
use crate::support::{ALL, Kind, World, on_both_stores};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    an_older_finding_that_was_merged_into_a_younger_one_gives_its_name_away,
    a_rule_is_taken_back_after_reports_have_come,
    what_becomes_one_is_marked_as_the_narrower_of_both,
    nothing_disappears_under_an_acceptance,
    a_merged_risk_leaves_its_acceptance,
);

const HOST: &str = "a.norrvik.example";

fn at_port(port: u16) -> Value {
    result("tls", HOST, &format!("https://{HOST}:{port}/"), &json!({}))
}

async fn an_older_finding_that_was_merged_into_a_younger_one_gives_its_name_away(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let ports = [at_port(443), at_port(8443)];
    send(&lead, "nuclei", &ports).await;
    let all = findings(&lead).await;
    change(&lead, &all[0], "merge", json!({"into": all[1]["id"]})).await.expect(200);
    // Under the new rule both have one name, and the older one's turn comes first.
    apply(&lead, json!({"parts": ["rule_key"]})).await;
    a_day_later(&world);
    assert_eq!(counts(&send(&lead, "nuclei", &ports).await)[0], 0);
    let survivor = again(&lead, &all[1]).await;
    assert!(survivor["last_seen"].as_str() > all[1]["last_seen"].as_str());
    apply(&lead, json!({"parts": ["rule_key", "identity"]})).await;
    a_day_later(&world);
    assert_eq!(counts(&send(&lead, "nuclei", &ports).await)[0], 0);
    let merged = again(&lead, &all[0]).await;
    assert_eq!((&merged["status"], &merged["duplicate_of"]), (&json!("duplicate"), &all[1]["id"]));
    world.end().await;
}

async fn a_rule_is_taken_back_after_reports_have_come(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let ports = [at_port(443), at_port(8443)];
    send(&lead, "nuclei", &ports).await;
    let all = findings(&lead).await;
    apply(&lead, json!({"parts": ["rule_key"]})).await;
    a_day_later(&world);
    // The survivor says from now on what the report of the merged one says, its place included.
    let told = result("tls", HOST, &format!("https://{HOST}:8443/"), &json!({"extracted-results": ["nytt"]}));
    send(&lead, "nuclei", &[told]).await;
    apply(&lead, json!({"parts": ["rule_key", "identity"]})).await;
    a_day_later(&world);
    assert_eq!(counts(&send(&lead, "nuclei", &ports).await)[0], 0);
    assert_eq!(findings(&lead).await.len(), 2);
    let survivor = again(&lead, &all[0]).await;
    assert_eq!(survivor["status"], "new");
    world.end().await;
}

async fn what_becomes_one_is_marked_as_the_narrower_of_both(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    send(&lead, "nuclei", &[at_port(443)]).await;
    let secret = super::report(&[at_port(8443)]);
    lead.import("tenant=norrvik&format=nuclei&source=nuclei&tlp=red", secret).await.expect(201);
    let all = findings(&lead).await;
    assert_eq!([&all[0]["tlp"], &all[1]["tlp"]], ["amber", "red"]);
    apply(&lead, json!({"parts": ["rule_key"]})).await;
    a_day_later(&world);
    // Sent without a mark, the report of the one lands in the other, where the mark is by now.
    send(&lead, "nuclei", &[at_port(8443)]).await;
    assert_eq!(again(&lead, &all[0]).await["tlp"], "red");
    let reader = world.person("reader", &[world.norrvik], "findings:read").await;
    let shown = reader.get(&path(&all[0])).await.expect(200);
    assert!(!shown.text.contains("8443"), "{}", shown.text);
    world.end().await;
}

/// The first finding rests through an acceptance.
async fn accepted(world: &World, finding: &Value) -> Value {
    let (lead, chief) = (world.lead().await, world.person("chief", &[world.norrvik], ALL).await);
    let end = (world.auth.service().clock.now() + TimeDelta::days(30)).to_rfc3339();
    let wish = json!({"findings": [finding["id"]], "reason": "Byts ut.", "standstill_days": 1, "cost_per_day": 1,
        "fix_cost": 1, "expires_at": end});
    let asked = lead.write(Method::POST, "/v1/risk-acceptances", None, wish).await.expect(201);
    let approve = format!("/v1/risk-acceptances/{}/approve", asked.json()["id"].as_str().expect("an id"));
    chief.write(Method::POST, &approve, Some(&asked.etag()), json!({})).await.expect(200).json()
}

async fn nothing_disappears_under_an_acceptance(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    send(&lead, "nuclei", &[at_port(443), at_port(8443)]).await;
    let all = findings(&lead).await;
    accepted(&world, &all[0]).await;
    assert_eq!(again(&lead, &all[0]).await["status"], "risk_accepted");
    let refused = change(&lead, &all[1], "merge", json!({"into": all[0]["id"]})).await;
    assert_eq!(refused.code(), "acceptance_required", "{}", refused.text);
    assert_eq!(again(&lead, &all[1]).await["status"], "new");
    // Nor the other way round: what rests is taken back first.
    let refused = change(&lead, &all[0], "merge", json!({"into": all[1]["id"]})).await;
    assert_eq!(refused.code(), "transition_refused", "{}", refused.text);
    world.end().await;
}

async fn a_merged_risk_leaves_its_acceptance(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    send(&lead, "nuclei", &[at_port(443), at_port(8443)]).await;
    let all = findings(&lead).await;
    let acceptance = accepted(&world, &all[0]).await;
    change(&lead, &all[1], "transition", json!({"to": "confirmed"})).await.expect(200);
    apply(&lead, json!({"parts": ["rule_key"]})).await;
    assert_eq!(again(&lead, &all[0]).await["status"], "confirmed", "what is open stays open");
    let shown = lead.get(&format!("/v1/risk-acceptances/{}", acceptance["id"].as_str().expect("an id"))).await.json();
    assert_eq!(shown["findings"][0]["outcome"], "closed", "{shown}");
    // It may be asked for again at once.
    accepted(&world, &all[0]).await;
    assert_eq!(again(&lead, &all[0]).await["status"], "risk_accepted");
    world.end().await;
}
