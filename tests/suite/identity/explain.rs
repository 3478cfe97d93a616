//! Which findings say the same, and why two are one or are not.

use super::{change, findings, path, result, send};
use crate::support::{Kind, Person, World, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    other_sources_that_say_the_same_are_related,
    two_findings_are_explained_part_by_part,
    what_is_withheld_is_not_told_by_an_explanation_or_a_preview,
);

const HOST: &str = "a.norrvik.example";

fn with_cve(template: &str, host: &str, cve: &str) -> Value {
    let info = json!({"name": template, "severity": "high", "classification": {"cve-id": [cve]}});
    result(template, host, &format!("https://{host}/{template}"), &json!({"info": info}))
}

async fn other_sources_that_say_the_same_are_related(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    send(&lead, "one", &[with_cve("a", HOST, "CVE-2024-1000"), with_cve("b", HOST, "CVE-2024-1000")]).await;
    send(&lead, "two", &[with_cve("c", HOST, "CVE-2024-1000"), with_cve("d", HOST, "CVE-2024-2000")]).await;
    send(&lead, "three", &[with_cve("e", HOST, "CVE-2024-1000"), with_cve("f", "b.norrvik.example", "CVE-2024-1000")])
        .await;
    let all = findings(&lead).await;
    let one = |key: &str| all.iter().find(|one| one["rule_key"] == key).expect("a finding");
    let keys = |items: &[Value], name: &str| -> Vec<String> {
        items.iter().map(|item| item[name].as_str().expect("a key").to_owned()).collect()
    };
    let related =
        async |key: &str| keys(&lead.get(&format!("{}/related", path(one(key)))).await.expect(200).items(), "rule_key");
    assert_eq!(related("a").await, ["c", "e"]);
    assert_eq!(related("c").await, ["a", "b", "e"]);
    assert!(related("d").await.is_empty() && related("f").await.is_empty());
    let first = lead.get(&format!("{}/related?limit=1", path(one("c")))).await.expect(200).json();
    let next =
        format!("{}/related?limit=2&cursor={}", path(one("c")), first["next_cursor"].as_str().expect("a cursor"));
    assert_eq!(keys(&lead.get(&next).await.expect(200).items(), "rule_key"), ["b", "e"]);

    let query = "{ findings(first: 10) { nodes { ruleKey related { ruleKey } } } }";
    let told = lead.graphql(query, json!({})).await["data"]["findings"]["nodes"].clone();
    for node in told.as_array().expect("findings") {
        let key = node["ruleKey"].as_str().expect("a key");
        assert_eq!(keys(node["related"].as_array().expect("a list"), "ruleKey"), related(key).await, "{key}");
    }
    let other = world.person("other", &[world.alvsund], crate::support::ALL).await;
    other.get(&format!("{}/related", path(one("a")))).await.expect(404);
    world.end().await;
}

async fn explained(who: &Person, one: &Value, other: &Value) -> Value {
    let other = other["id"].as_str().expect("an id");
    who.get(&format!("{}/explain?other={other}", path(one))).await.expect(200).json()
}

fn part<'a>(explanation: &'a Value, name: &str) -> &'a Value {
    let parts = explanation["parts"].as_array().expect("parts");
    parts.iter().find(|part| part["part"] == name).expect("the part")
}

async fn two_findings_are_explained_part_by_part(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let at = |place: &str| result("xss", HOST, &format!("https://{HOST}/{place}"), &json!({}));
    send(&lead, "nuclei", &[at("en"), at("två")]).await;
    send(&lead, "zap", &[at("en")]).await;
    let all = findings(&lead).await;
    let told = explained(&lead, &all[0], &all[1]).await;
    assert_eq!((&told["sameness"], &told["rule_version"]), (&json!("different"), &json!(0)), "{told}");
    let identity = part(&told, "identity");
    assert_eq!((&identity["counts"], &identity["equal"]), (&json!(true), &json!(false)));
    assert_eq!((&part(&told, "title")["counts"], &part(&told, "title")["equal"]), (&json!(false), &json!(true)));
    assert!(told["reasons"].to_string().contains("`identity` differs"), "{told}");
    assert_eq!(explained(&lead, &all[0], &all[2]).await["sameness"], "different", "no CVE, another source");
    change(&lead, &all[1], "merge", json!({"into": all[0]["id"]})).await.expect(200);
    assert_eq!(explained(&lead, &all[1], &all[0]).await["sameness"], "merged");
    let query = "query($id: ID!, $other: ID!) { explainFindings(id: $id, other: $other) { sameness } }";
    let told = lead.graphql(query, json!({"id": all[0]["id"], "other": all[1]["id"]})).await;
    assert_eq!(told["data"]["explainFindings"]["sameness"], "MERGED", "{told}");

    let missing = "01900000-0000-7000-8000-000000000000";
    let foreign = world.person("other", &[world.alvsund], crate::support::ALL).await;
    foreign.import("format=nuclei", super::report(&[at("en")])).await.expect(201);
    let foreign = findings(&foreign).await.remove(0);
    for other in [missing, foreign["id"].as_str().expect("an id"), "x"] {
        lead.get(&format!("{}/explain?other={other}", path(&all[0]))).await.expect(404);
    }
    lead.get(&format!("{}/explain", path(&all[0]))).await.expect(400);
    world.end().await;
}

async fn what_is_withheld_is_not_told_by_an_explanation_or_a_preview(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let at = |place: &str| result("xss", HOST, &format!("https://{HOST}/{place}"), &json!({}));
    let red = [at("hemlig"), at("hemlig?a=1"), at("annan")];
    lead.import("format=nuclei&source=nuclei&tlp=red", super::report(&red)).await.expect(201);
    send(&lead, "nuclei", &[at("öppen")]).await;
    let all = findings(&lead).await;
    let reader = world.person("reader", &[world.norrvik], "findings:read findings:write tenants:manage").await;
    for other in &all[1..] {
        let told = explained(&reader, &all[0], other).await;
        assert!(!told.to_string().contains("hemlig") && !told.to_string().contains("annan"), "{told}");
        assert_eq!(told["sameness"], "unknown", "which of them are the same would tell where they are");
        assert!(part(&told, "url")["withheld"] == true && part(&told, "url")["equal"].is_null());
    }
    let rule = json!({"rule": {"parts": ["rule_key", "url_without_query"]}});
    let preview = format!("/v1/sources/{}/fingerprint-rule/preview", all[0]["source_id"].as_str().expect("an id"));
    let of = async |who: &Person| {
        let told = who.write(Method::POST, &preview, None, rule.clone()).await.expect(200).json();
        ["findings", "would_be", "merged", "withheld"].map(|name| told[name].as_i64().expect("a count"))
    };
    assert_eq!((of(&lead).await, of(&reader).await), ([4, 3, 1, 0], [1, 1, 0, 3]));
    world.end().await;
}
