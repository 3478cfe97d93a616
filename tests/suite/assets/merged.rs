//! Merging: a host nobody knew, and all that goes with one.

use super::{change, enter, host, keeper, path, report};
use crate::support::{Kind, World, look, on_both_stores, within_five_seconds};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    a_host_nobody_knew,
    what_cannot_be_merged_is_refused,
    ids_of_merged_assets_lead_to_the_last_survivor,
    a_large_merge_goes_on_by_itself,
);

async fn a_host_nobody_knew(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let server =
        json!({"name": "Löneservern", "criticality": "high", "identifiers": [{"kind": "serial", "value": "S1"}]});
    let server = enter(&lead, server).await.expect(201).json();
    lead.import("format=nuclei", report(&["lon01"], 0..2, "high")).await.expect(201);
    // A scan names a host that is in no inventory: no finding is lost, and it stands in the queue.
    let queue = lead.get("/v1/assets?queue=unknown").await.expect(200).items();
    assert_eq!(
        (queue.len(), &queue[0]["provenance"], &queue[0]["open_findings"]["high"]),
        (1, &json!("discovered"), &json!(2))
    );
    let unknown = queue[0].clone();
    let service = json!({"name": "Löner", "asset_ids": [unknown["id"]]});
    let service = lead.write(Method::POST, "/v1/services", None, service).await.expect(201).json();
    let findings = lead.get("/v1/findings").await.expect(200).items();
    let finding = format!("/v1/findings/{}", findings[0]["id"].as_str().expect("an id"));
    change(&lead, &finding, "/transition", json!({"to": "confirmed"})).await.expect(200);
    let tasks = lead.get("/v1/tasks").await.expect(200).items();
    // Somebody looks at it: it is the wages server, which the inventory knows by its serial number.
    change(&lead, &path(&unknown), "/review", json!({"exposure": "internet"})).await.expect(200);
    assert!(lead.get("/v1/assets?queue=unknown").await.expect(200).items().is_empty());
    world.advance(chrono::TimeDelta::hours(1));
    let alias = change(&lead, &path(&unknown), "/merge", json!({"into": server["id"]})).await.expect(200).json();
    assert_eq!((&alias["merged_into"], &alias["identifiers"]), (&server["id"], &json!([])));
    let survivor = lead.get(&path(&server)).await.expect(200).json();
    assert_eq!(survivor["identifiers"], json!([{"kind": "serial", "value": "S1"}, host("lon01")]));
    assert_eq!((&survivor["criticality"], &survivor["exposure"]), (&json!("high"), &json!("internet")));
    assert_eq!((&survivor["open_findings"]["high"], &alias["open_findings"]["high"]), (&json!(2), &json!(0)));
    assert_eq!(survivor["service_ids"], json!([service["id"]]));
    assert_eq!(lead.get("/v1/assets").await.expect(200).items().len(), 1, "an alias is no asset");
    let moved =
        lead.get(&format!("/v1/findings?asset={}", server["id"].as_str().expect("an id"))).await.expect(200).items();
    let kept = |finding: &Value| (finding["id"].clone(), finding["status"].clone(), finding["fingerprint"].clone());
    assert_eq!(moved.iter().map(kept).collect::<Vec<_>>()[0].1, "confirmed", "what people decided stays");
    assert_eq!(
        moved.iter().map(|f| &f["id"]).collect::<Vec<_>>(),
        findings.iter().map(|f| &f["id"]).collect::<Vec<_>>()
    );
    assert_eq!(lead.get("/v1/tasks").await.expect(200).items()[0]["finding_count"], tasks[0]["finding_count"]);
    // History tells where it was.
    let changes = lead.get("/v1/changes?mode=events&types=finding&limit=1000").await.expect(200).items();
    let moves: Vec<_> = changes.iter().filter_map(|change| change["changed"].get("asset_id")).collect();
    assert_eq!(moves, [&json!({"before": unknown["id"], "after": server["id"]}); 2]);
    // The next scan hits the survivor, and what came with the alias is the same finding still.
    let same = lead.import("format=nuclei", report(&["lon01"], 0..2, "high")).await.expect(201).json();
    assert_eq!([&same["created"], &same["assets_created"]], [&json!(0), &json!(0)], "{same}");
    let again = lead.import("format=nuclei", report(&["lon01"], 7..8, "high")).await.expect(201).json();
    assert_eq!((&again["created"], &again["assets_created"]), (&json!(1), &json!(0)));
    assert_eq!(lead.get(&path(&server)).await.json()["open_findings"]["high"], 3);
    world.end().await;
}

async fn what_cannot_be_merged_is_refused(kind: Kind) {
    let world = World::new(kind).await;
    let who = keeper(&world).await;
    let mut all = Vec::new();
    for name in ["a", "b", "c", "d"] {
        all.push(enter(&who, json!({"name": name, "identifiers": [host(name)]})).await.expect(201).json());
    }
    let [a, b, c, d] = &all[..] else { panic!("four assets") };
    let other = world.person("other", &[world.alvsund], "assets:read assets:write").await;
    let foreign = enter(&other, json!({"name": "x"})).await.expect(201).json();
    let merge = async |asset: &Value, into: &Value| change(&who, &path(asset), "/merge", json!({"into": into})).await;
    merge(a, &b["id"]).await.expect(200);
    change(&who, &path(d), "/retire", json!({"reason": "Skrotad"})).await.expect(200);
    let missing = json!("01900000-0000-7000-8000-000000000000");
    for (into, said) in [(&c["id"], "itself"), (&a["id"], "merged"), (&d["id"], "out of use"), (&missing, "no asset")] {
        let refused = merge(c, into).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["pointer"], "/into");
        assert!(refused.text.contains(said), "{said}: {}", refused.text);
    }
    let errors = async |into: &Value| merge(c, into).await.json()["errors"].clone();
    assert_eq!(errors(&foreign["id"]).await, errors(&missing).await, "a foreign asset is a missing one");
    for (action, body) in [
        ("", json!({"name": "x"})),
        ("/retire", json!({"reason": "x"})),
        ("/restore", json!({})),
        ("/merge", json!({"into": c["id"]})),
    ] {
        let refused = change(&who, &path(a), action, body).await.expect(409);
        assert_eq!(refused.code(), "asset_merged");
        assert!(refused.text.contains(b["id"].as_str().expect("an id")));
    }
    let service = who.write(Method::POST, "/v1/services", None, json!({"name": "x", "asset_ids": [a["id"]]})).await;
    assert!(service.expect(422).text.contains("merged"));
    merge(d, &c["id"]).await.expect(200);
    world.end().await;
}

async fn ids_of_merged_assets_lead_to_the_last_survivor(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("format=nuclei", report(&["a", "b", "c"], 0..1, "medium")).await.expect(201);
    let all = lead.get("/v1/assets").await.expect(200).items();
    for (from, into) in [(0, 1), (1, 2)] {
        change(&lead, &path(&all[from]), "/merge", json!({"into": all[into]["id"]})).await.expect(200);
    }
    for merged in &all[..2] {
        assert_eq!(lead.get(&path(merged)).await.expect(200).json()["merged_into"], all[2]["id"]);
    }
    let survivor = lead.get(&path(&all[2])).await.expect(200).json();
    assert_eq!(
        (&survivor["open_findings"]["medium"], survivor["identifiers"].as_array().map(Vec::len)),
        (&json!(3), Some(3))
    );
    assert_eq!(survivor["provenance"], "discovered", "nobody has reviewed any of them");
    world.end().await;
}

async fn a_large_merge_goes_on_by_itself(kind: Kind) {
    const FINDINGS: usize = 2_300;
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("format=nuclei", report(&["a"], 0..FINDINGS, "low")).await.expect(201);
    let unknown = lead.get("/v1/assets").await.expect(200).items().remove(0);
    let server = enter(&lead, json!({"name": "b"})).await.expect(201).json();
    change(&lead, &path(&unknown), "/merge", json!({"into": server["id"]})).await.expect(200);
    let all_there = async || lead.get(&path(&server)).await.json()["open_findings"]["low"] == FINDINGS;
    within_five_seconds("all findings have moved", all_there).await;
    let left =
        "SELECT CAST(count(*) AS text) FROM finding JOIN asset ON asset.id = asset_id WHERE merged_into IS NOT NULL";
    assert_eq!(look(&world.test_store, left).await, ["0"]);
    assert_eq!(look(&world.test_store, "SELECT name FROM asset WHERE moved_finding IS NOT NULL").await.len(), 0);
    world.end().await;
}
