//! What takes two people: each step of an acceptance leaves one row, in the name of who took it.

use super::{rows, text};
use crate::support::{ALL, Answer, Kind, Person, World, fixture, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(every_step_of_an_acceptance_leaves_one_row);

/// The steps with the actions that they leave, in an order in which each can be taken. The first of each group is
/// the lead's, the others are the chief's.
pub(super) const STEPS: &[(&str, &str)] = &[
    ("postRiskAcceptance", "risk_acceptance.request"),
    ("postRiskAcceptanceApproval", "risk_acceptance.approve"),
    ("postRiskAcceptanceRevocation", "risk_acceptance.revoke"),
    ("mutation requestRiskAcceptance", "risk_acceptance.request"),
    ("mutation approveRiskAcceptance", "risk_acceptance.approve"),
    ("mutation revokeRiskAcceptance", "risk_acceptance.revoke"),
    ("postRiskAcceptance", "risk_acceptance.request"),
    ("postRiskAcceptanceRefusal", "risk_acceptance.refuse"),
    ("mutation requestRiskAcceptance", "risk_acceptance.request"),
    ("mutation refuseRiskAcceptance", "risk_acceptance.refuse"),
];

async fn step(who: &Person, operation: &str) -> Answer {
    let finding = who.get("/v1/findings").await.expect(200).items()[0]["id"].clone();
    let last = who.get("/v1/risk-acceptances").await.expect(200).items().pop().unwrap_or_default();
    let path = format!("/v1/risk-acceptances/{}", last["id"].as_str().unwrap_or_default());
    let tag = format!("\"{}-0\"", last["seq"]);
    let post =
        async |verb: &str, body: Value| who.write(Method::POST, &format!("{path}/{verb}"), Some(&tag), body).await;
    let graphql = async |field: &str, arguments: String| {
        let body = json!({"query": format!("mutation {{ {field}({arguments}) {{ id }} }}")});
        who.write(Method::POST, "/graphql", None, body).await
    };
    let known = format!("id: {}, ifMatch: {}", last["id"], last["seq"]);
    match operation {
        "postRiskAcceptance" => {
            let body = json!({"findings": [finding], "reason": "x", "standstill_days": 1, "cost_per_day": 1, "fix_cost": 1,
                "expires_at": "2026-12-24T12:00:00Z"});
            who.write(Method::POST, "/v1/risk-acceptances", None, body).await
        }
        "postRiskAcceptanceApproval" => post("approve", json!({})).await,
        "postRiskAcceptanceRefusal" => post("refuse", json!({"reason": "x"})).await,
        "postRiskAcceptanceRevocation" => post("revoke", json!({"reason": "x"})).await,
        "mutation requestRiskAcceptance" => {
            let input = format!(
                "input: {{findings: [{finding}], reason: \"x\", standstillDays: 1, costPerDay: 1, fixCost: 1, \
                 expiresAt: \"2026-12-24T12:00:00Z\"}}"
            );
            graphql("requestRiskAcceptance", input).await
        }
        "mutation approveRiskAcceptance" => graphql("approveRiskAcceptance", known).await,
        "mutation refuseRiskAcceptance" => {
            graphql("refuseRiskAcceptance", format!("{known}, input: {{reason: \"x\"}}")).await
        }
        "mutation revokeRiskAcceptance" => {
            graphql("revokeRiskAcceptance", format!("{known}, input: {{reason: \"x\"}}")).await
        }
        new => panic!("{new}: the test does not know how to send it"),
    }
}

async fn every_step_of_an_acceptance_leaves_one_row(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, chief) = (world.lead().await, world.person("chief", &[world.norrvik], ALL).await);
    lead.import("", fixture("nessus/norrvik.nessus")).await.expect(201);
    let mut known: std::collections::BTreeSet<String> = rows(&lead).await.iter().map(|row| text(&row["id"])).collect();
    for (operation, action) in STEPS {
        let who = if action.ends_with("request") { &lead } else { &chief };
        let me = who.get("/v1/me").await.json()["principal_id"].clone();
        let answer = step(who, operation).await;
        assert!(answer.status.is_success() && !answer.text.contains("errors"), "{operation}: {}", answer.text);
        let new: Vec<Value> = rows(&lead).await.into_iter().filter(|row| known.insert(text(&row["id"]))).collect();
        assert_eq!(new.len(), 1, "{operation}: {new:?}");
        assert_eq!((&new[0]["action"], &new[0]["principal_id"]), (&json!(action), &me), "{operation}");
        assert_eq!((&new[0]["outcome"], &new[0]["resource_type"]), (&json!("done"), &json!("risk_acceptance")));
        assert!(new[0]["first_seq"].as_i64() > Some(0), "{operation}");
        assert!(answer.text.contains(new[0]["resource_id"].as_str().expect("an id")), "{operation}");
    }
    world.end().await;
}
