//! How severe a finding is: by its vector, by its source, and by people who say why.

use crate::support::{Answer, Kind, Person, World, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    whoever_differs_from_the_source_says_why,
    both_edges_ask_for_the_reason,
    the_vector_gives_the_score_and_a_broken_one_costs_no_record,
);

/// A Nuclei result of this severity and classification.
fn result(template: &str, severity: &str, classification: &Value) -> Vec<u8> {
    let info = json!({"name": template, "severity": severity, "classification": classification});
    let result = json!({"template-id": template, "host": "portal.norrvik.example", "matched-at": "here", "type": "tcp",
        "timestamp": "2026-11-20T08:00:00Z", "info": info});
    format!("{result}\n").into_bytes()
}

async fn with_one_finding(world: &World) -> (Person, String) {
    let lead = world.lead().await;
    lead.import("tenant=norrvik", result("a", "high", &json!({}))).await.expect(201);
    let id = lead.get("/v1/findings").await.expect(200).items()[0]["id"].as_str().unwrap().to_owned();
    (lead, format!("/v1/findings/{id}"))
}

async fn patch(who: &Person, path: &str, body: Value) -> Answer {
    let tag = who.get(path).await.expect(200).etag();
    who.write(Method::PATCH, path, Some(&tag), body).await
}

async fn whoever_differs_from_the_source_says_why(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, path) = with_one_finding(&world).await;
    let refused = patch(&lead, &path, json!({"severity": "low"})).await.expect(422);
    assert_eq!(
        (refused.code().as_str(), &refused.json()["errors"][0]["pointer"]),
        ("invalid_body", &json!("/severity_reason"))
    );
    world.advance(chrono::TimeDelta::minutes(1));
    let why = "Bara nåbar från driftnätet.\nSe ärende 12.";
    let low = patch(&lead, &path, json!({"severity": "low", "severity_reason": format!("  {why} ")}))
        .await
        .expect(200)
        .json();
    let me = lead.get("/v1/me").await.expect(200).json();
    assert_eq!((&low["severity"], &low["reported_severity"]), (&json!("low"), &json!("high")));
    assert_eq!((&low["severity_reason"], &low["severity_by"]), (&json!(why), &me["principal_id"]));
    assert_eq!(low["severity_at"], low["updated_at"]);
    // Saying it again is no change; another reason is one.
    let same = patch(&lead, &path, json!({"severity": "low"})).await.expect(200).json();
    assert_eq!(same["seq"], low["seq"]);
    let other = patch(&lead, &path, json!({"severity_reason": "Nätet är stängt."})).await.expect(200).json();
    assert_eq!((&other["severity"], &other["severity_reason"]), (&json!("low"), &json!("Nätet är stängt.")));
    patch(&lead, &path, json!({"severity": "critical"})).await.expect(422);
    let back = patch(&lead, &path, json!({"severity": null})).await.expect(200).json();
    assert_eq!(back["severity"], "high");
    assert!(back["severity_reason"].is_null() && back["severity_by"].is_null() && back["severity_at"].is_null());
    let events = lead.get("/v1/changes?mode=events&types=finding&limit=1000").await.expect(200).items();
    let first = &events.iter().find(|event| event["seq"] == low["seq"]).expect("its event")["changed"];
    assert_eq!(first["severity"], json!({"before": "high", "after": "low"}));
    assert_eq!(first["severity_reason"], json!({"before": null, "after": why}));
    assert_eq!(first["severity_by"]["after"], me["principal_id"]);
    world.end().await;
}

async fn both_edges_ask_for_the_reason(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, path) = with_one_finding(&world).await;
    let long = "x".repeat(1001);
    let mutation = "mutation($id: ID!, $seq: Long!, $input: FindingPatchInput!) {
        updateFinding(id: $id, ifMatch: $seq, input: $input) { severity reportedSeverity severityReason severityBy } }";
    for (rest, graphql) in [
        (json!({"severity": "low"}), json!({"severity": "LOW"})),
        (json!({"severity": "low", "severity_reason": null}), json!({"severity": "LOW", "severityReason": null})),
        (json!({"severity": "low", "severity_reason": " "}), json!({"severity": "LOW", "severityReason": " "})),
        (
            json!({"severity": "low", "severity_reason": "a\u{7}"}),
            json!({"severity": "LOW", "severityReason": "a\u{7}"}),
        ),
        (json!({"severity": "low", "severity_reason": long}), json!({"severity": "LOW", "severityReason": long})),
        (json!({"severity_reason": "why"}), json!({"severityReason": "why"})),
        (json!({"severity": null, "severity_reason": "why"}), json!({"severity": null, "severityReason": "why"})),
    ] {
        let read = lead.get(&path).await.expect(200).json();
        let refused = patch(&lead, &path, rest.clone()).await.expect(422).json();
        let variables = json!({"id": read["id"], "seq": read["seq"], "input": graphql});
        let answer = lead.graphql(mutation, variables).await;
        let error = &answer["errors"][0]["extensions"];
        assert_eq!((&error["code"], &error["errors"]), (&refused["code"], &refused["errors"]), "{rest}: {answer}");
        assert_eq!(refused["errors"][0]["pointer"], "/severity_reason", "{refused}");
    }
    let read = lead.get(&path).await.expect(200).json();
    let input = json!({"severity": "LOW", "severityReason": "x".repeat(1000)});
    let answer = lead.graphql(mutation, json!({"id": read["id"], "seq": read["seq"], "input": input})).await;
    let changed = &answer["data"]["updateFinding"];
    assert_eq!((&changed["severity"], &changed["reportedSeverity"]), (&json!("LOW"), &json!("HIGH")), "{answer}");
    let equal = patch(&lead, &path, json!({"severity": "high"})).await.expect(200).json();
    assert!(equal["severity_reason"].is_null() && !equal["severity_by"].is_null(), "agreeing needs no reason: {equal}");
    world.end().await;
}

async fn the_vector_gives_the_score_and_a_broken_one_costs_no_record(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N";
    let cases = [
        ("valid", json!({"cvss-metrics": vector, "cvss-score": 1.0}), (json!(vector), json!(7.5))),
        ("broken", json!({"cvss-metrics": "CVSS:3.1/AV:N", "cvss-score": 6.1}), (json!(null), json!(6.1))),
        ("nonsense", json!({"cvss-metrics": "[".repeat(1000), "cvss-score": 11}), (json!(null), json!(null))),
        ("none", json!({}), (json!(null), json!(null))),
    ];
    let report: Vec<u8> = cases.iter().flat_map(|(name, said, _)| result(name, "medium", said)).collect();
    let import = lead.import("tenant=norrvik", report).await.expect(201).json();
    assert_eq!((&import["created"], &import["rejected"]), (&json!(4), &json!(0)), "{import}");
    for (name, said, (vector, score)) in cases {
        let finding = lead.get(&format!("/v1/findings?rule_key={name}")).await.expect(200).items().remove(0);
        assert_eq!((&finding["cvss_vector"], &finding["cvss_score"]), (&vector, &score), "{name}: {said}");
    }
    world.end().await;
}
