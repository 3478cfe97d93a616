//! What a complete report covers: assets, networks and rules that are named, and named scans.

use super::{Host, complete, finding, is_at, nessus, path, scanner};
use crate::support::{Kind, World, on_both_stores};
use serde_json::json;

on_both_stores!(what_is_named_is_what_is_covered, named_scans_are_told_apart, an_empty_report_covers_what_is_named);

const RULES: &[u32] = &[10, 11, 12, 13, 14];

async fn what_is_named_is_what_is_covered(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    let hosts =
        |plugins| [Host("a.norrvik.example", "192.0.2.1", plugins), Host("b.norrvik.example", "198.51.100.1", plugins)];
    scanner.import("", nessus(-100, &hosts(RULES))).await.expect(201);
    scanner.import("source=other", nessus(-100, &hosts(RULES))).await.expect(201);
    let gone = async |query: &str| {
        let report = nessus(-1, &hosts(&RULES[2..]));
        let refused = complete(&scanner, query, report).await;
        if refused.status == 201 {
            return (0, refused.json()["gone"].as_i64().expect("a count"));
        }
        let problem = refused.expect(409).json();
        let count = |name: &str| problem[name].as_i64().expect("a count");
        (count("in_scope"), count("would_mark_gone"))
    };
    // Of the same source alone, and within what is named.
    assert_eq!(gone("").await, (10, 4));
    assert_eq!(gone("&scope_networks=192.0.2.0/24").await, (5, 2));
    assert_eq!(gone("&scope_networks=203.0.113.0/24").await, (0, 0));
    assert_eq!(gone("&scope_assets=b.norrvik.example").await, (5, 2));
    assert_eq!(gone("&scope_assets=198.51.100.1&scope_networks=192.0.2.0/24").await, (10, 4));
    assert_eq!(gone("&scope_rules=10,12").await, (4, 2));
    assert_eq!(gone("&scope_rules=12,13").await, (0, 0));
    let asset = lead.get("/v1/assets?identifier=a.norrvik.example").await.items()[0]["id"].clone();
    assert_eq!(gone(&format!("&scope_assets={}", asset.as_str().expect("an id"))).await, (5, 2));
    assert!(lead.get("/v1/findings?gone=true").await.items().is_empty());
    world.end().await;
}

async fn named_scans_are_told_apart(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    let host = |plugins| [Host("a.norrvik.example", "192.0.2.1", plugins)];
    let all = [RULES, &[20, 21]].concat();
    for (query, hour, rules) in [
        ("&scope=inside", -90, &all[..]),
        ("&scope=outside&scope_networks=192.0.2.0/24", -80, &all[..6]),
        // It comes in late, and is missed by the scan from inside before.
        ("&scope=outside", -95, &all[..]),
        ("&scope=outside", -60, &all[..6]),
    ] {
        let import = complete(&scanner, query, nessus(hour, &host(rules))).await.expect(201).json();
        assert_eq!(import["scope"]["name"], query.split(['=', '&']).nth(2).expect("a name"), "{import}");
    }
    let lost = finding(&lead, "a.norrvik.example", 21).await;
    is_at(&lost["gone_at"], -80);
    let items = lead.get(&format!("{}/sightings", path(&lost))).await.expect(200).json()["items"].clone();
    assert_eq!(items.as_array().expect("items").len(), 3);
    let shown = |at: usize, scope: Option<&str>, times: [Option<i64>; 3], observed: i64| {
        assert_eq!(items[at]["scope"], json!(scope));
        for (name, hour) in ["first_seen", "last_seen", "gone_at"].iter().zip(times) {
            match hour {
                Some(hour) => is_at(&items[at][*name], hour),
                None => assert_eq!(items[at][*name], json!(null)),
            }
        }
        is_at(&items[at]["observed_at"], observed);
    };
    shown(0, None, [Some(-95), Some(-90), Some(-80)], -90);
    shown(1, Some("inside"), [Some(-90), Some(-90), None], -90);
    shown(2, Some("outside"), [Some(-95), Some(-95), Some(-80)], -60);
    let ask = "query($id: ID!) { findingSightings(id: $id) { items { scope firstSeen goneAt } } }";
    let told = lead.graphql(ask, json!({"id": lost["id"]})).await;
    assert_eq!(told["data"]["findingSightings"]["items"][2]["scope"], "outside", "{told}");
    let source = lead.get("/v1/sources").await.expect(200).items().remove(0);
    let names: Vec<_> = source["scopes"].as_array().expect("scopes").iter().map(|scan| scan["name"].clone()).collect();
    assert_eq!(names, ["inside", "outside"]);
    assert_eq!(source["scopes"][1]["networks"], json!([]), "as the latest report of it says");
    is_at(&source["scopes"][1]["last_complete_at"], -60);
    world.end().await;
}

async fn an_empty_report_covers_what_is_named(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    let result = json!({"template-id": "t", "host": "a.norrvik.example", "info": {"name": "t", "severity": "high"}});
    scanner.import("format=nuclei", result.to_string().into_bytes()).await.expect(201);
    world.advance(chrono::TimeDelta::hours(1));
    let nothing = async |more: &str| complete(&scanner, &format!("&format=nuclei{more}"), b"[]".to_vec()).await;
    assert_eq!(nothing("").await.expect(201).json()["gone"], 0, "it names nothing");
    let refused = nothing("&scope_assets=a.norrvik.example").await.expect(409).json();
    assert_eq!((&refused["would_mark_gone"], &refused["in_scope"]), (&json!(1), &json!(1)));
    assert_eq!(nothing("&scope_assets=a.norrvik.example&confirm_gone=1").await.expect(201).json()["gone"], 1);
    let gone = lead.get("/v1/findings?gone=true").await.expect(200).items();
    is_at(&gone[0]["gone_at"], 1);
    world.end().await;
}
