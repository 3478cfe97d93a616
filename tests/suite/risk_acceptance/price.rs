//! What a standstill costs, by the services that stand still; and risks that become worse from outside.

use super::{ACCEPTANCES, approved, asked, done, people, place, wish};
use crate::{
    sla::{again, found, told},
    support::{Kind, Person, World, enrich::catalogue, on_both_stores},
};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    the_price_is_copied_when_it_is_asked_for_and_when_it_is_decided,
    services_without_a_price_are_named,
    exploitation_asks_for_another_look_and_shortens_the_time,
);

async fn service(who: &Person, name: &str, cost: Value, days: Value) -> Value {
    let new = json!({"name": name, "cost_per_day": cost, "days_to_restore": days});
    who.write(Method::POST, "/v1/services", None, new).await.expect(201).json()
}

async fn now_costs(who: &Person, service: &Value, cost: Value) {
    let path = format!("/v1/services/{}", service["id"].as_str().expect("an id"));
    let tag = who.get(&path).await.expect(200).etag();
    who.write(Method::PATCH, &path, Some(&tag), json!({"cost_per_day": cost})).await.expect(200);
}

/// What is asked for, with its price left to services.
fn by_services(finding: &Value, services: &[&Value]) -> Value {
    let mut body = wish(&[finding], "2026-12-24T12:00:00Z");
    let fields = body.as_object_mut().expect("an object");
    fields.remove("standstill_days");
    fields.remove("cost_per_day");
    body["services"] = services.iter().map(|service| service["id"].clone()).collect();
    body
}

fn price(acceptance: &Value) -> (i64, i64, i64) {
    let number = |name: &str| acceptance[name].as_i64().expect("a number");
    (number("standstill_days"), number("cost_per_day"), number("standstill_cost"))
}

async fn the_price_is_copied_when_it_is_asked_for_and_when_it_is_decided(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, chief) = people(&world).await;
    let finding = found(&lead, "pris", "high").await;
    let wages = service(&lead, "Löner", json!(350_000), json!(12)).await;
    let care = service(&lead, "Journaler", json!(900_000), json!(21)).await;
    let body = by_services(&finding, &[&wages, &care]);
    let asked = lead.write(Method::POST, ACCEPTANCES, None, body).await.expect(201).json();
    assert_eq!(price(&asked), (21, 1_250_000, 26_250_000));
    now_costs(&lead, &care, json!(1_000_000)).await;
    let approved = approved(&chief, &asked).await;
    assert_eq!(price(&approved), (21, 1_350_000, 28_350_000), "as it was when it was decided");
    now_costs(&lead, &care, json!(5)).await;
    assert_eq!(price(&lead.get(&place(&asked)).await.expect(200).json()), (21, 1_350_000, 28_350_000));
    world.end().await;
}

async fn services_without_a_price_are_named(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, chief) = people(&world).await;
    let finding = found(&lead, "utan", "high").await;
    let wages = service(&lead, "Löner", json!(350_000), json!(12)).await;
    let heating = service(&lead, "Värme", Value::Null, json!(2)).await;
    let missing = json!({"id": "01900000-0000-7000-8000-000000000000"});
    for (services, pointer) in [(vec![&wages, &heating], "/services/1"), (vec![&missing], "/services/0")] {
        let refused = lead.write(Method::POST, ACCEPTANCES, None, by_services(&finding, &services)).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{}", refused.text);
    }
    // A foreign service is answered like a missing one.
    let other = world.person("other", &[world.alvsund], crate::support::ALL).await;
    let foreign = service(&other, "Löner", json!(1), json!(1)).await;
    let ask = async |service: &Value| {
        let mut answer = lead.write(Method::POST, ACCEPTANCES, None, by_services(&finding, &[service])).await.json();
        answer["trace_id"] = Value::Null;
        answer
    };
    assert_eq!(ask(&foreign).await, ask(&missing).await);
    // Its price is gone by the time that it is decided.
    let asked = lead.write(Method::POST, ACCEPTANCES, None, by_services(&finding, &[&wages])).await.expect(201).json();
    now_costs(&lead, &wages, Value::Null).await;
    assert_eq!(done(&chief, &asked, "approve", json!({})).await.expect(409).code(), "acceptance_state");
    assert_eq!(again(&lead, &finding).await["status"], "new");
    world.end().await;
}

/// A finding of a CVE on a host of its own.
async fn of_cve(who: &Person, rule: &str, cve: &str) -> Value {
    let report = json!({"template-id": rule, "host": format!("{rule}.norrvik.example"),
        "info": {"name": rule, "severity": "medium", "classification": {"cve-id": [cve]}}});
    who.import("format=nuclei", report.to_string().into_bytes()).await.expect(201);
    who.get(&format!("/v1/findings?rule_key={rule}")).await.expect(200).items()[0].clone()
}

async fn exploitation_asks_for_another_look_and_shortens_the_time(kind: Kind) {
    const CVE: &str = "CVE-2024-3400";
    let world = World::new(kind).await;
    let (lead, chief) = people(&world).await;
    let (resting, open) = (of_cve(&lead, "vilar", CVE).await, of_cve(&lead, "oppen", CVE).await);
    let acceptance = asked(&lead, &[&resting], "2026-12-24T12:00:00Z").await;
    approved(&chief, &acceptance).await;
    world.load_kev(catalogue("2024-05-01", &[CVE])).await;
    let now = again(&lead, &open).await;
    assert_eq!((&now["kev"], &now["due_at"]), (&json!(true), &json!("2026-12-14T22:59:59Z")), "fourteen working days");
    let flagged = lead.get(&place(&acceptance)).await.expect(200).json();
    let reason = format!("finding {}: known to be exploited", resting["id"].as_str().expect("an id"));
    assert_eq!((&flagged["status"], &flagged["review_reason"]), (&json!("approved"), &json!(reason)));
    assert_eq!(told(&lead, "risk_acceptance.review_needed").await.len(), 1);
    world.end().await;
}
