//! Lists of assets: what is in them, in which order, and the queue of what nobody knew.

use super::{change, enter, host, keeper, path, report};
use crate::support::{Kind, World, on_both_stores};
use serde_json::{Value, json};

on_both_stores!(
    every_filter_finds_what_it_says,
    the_queue_has_the_worst_first_and_every_order_goes_on_over_pages,
    wrong_filters_are_named,
);

fn names(items: &[Value]) -> Vec<&str> {
    items.iter().map(|asset| asset["name"].as_str().expect("a name")).collect()
}

async fn every_filter_finds_what_it_says(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let wages = json!({"name": "Ålderdomshemmet 50%", "criticality": "critical", "exposure": "internet", "owner_unit": "Vård",
        "identifiers": [host("lon01"), {"kind": "serial", "value": "SÅ-1_X"}]});
    let wages = enter(&lead, wages).await.expect(201).json();
    enter(&lead, json!({"name": "Skrivaren", "criticality": "low"})).await.expect(201);
    let gone = enter(&lead, json!({"name": "Faxen"})).await.expect(201).json();
    change(&lead, &path(&gone), "/retire", json!({"reason": "Ingen faxar"})).await.expect(200);
    lead.import("format=nuclei", report(&["lon01"], 0..2, "high")).await.expect(201);
    lead.import("format=nuclei", report(&["okand"], 0..1, "low")).await.expect(201);
    let service = json!({"name": "Vård", "asset_ids": [wages["id"]]});
    let service = lead.write(reqwest::Method::POST, "/v1/services", None, service).await.expect(201).json();
    let service = format!("service={}", service["id"].as_str().expect("an id"));
    for (query, expected) in [
        ("", &["Ålderdomshemmet 50%", "Skrivaren", "Faxen", "okand.norrvik.example"][..]),
        ("criticality=critical,high", &["Ålderdomshemmet 50%"]),
        ("exposure=internet", &["Ålderdomshemmet 50%"]),
        ("owner_unit=V%C3%A5rd", &["Ålderdomshemmet 50%"]),
        ("retired=true", &["Faxen"]),
        ("retired=false&reviewed=true", &["Ålderdomshemmet 50%", "Skrivaren"]),
        ("has_open=true", &["Ålderdomshemmet 50%", "okand.norrvik.example"]),
        ("has_open=false", &["Skrivaren", "Faxen"]),
        ("worst_severity=medium", &["Ålderdomshemmet 50%"]),
        ("worst_severity=low", &["Ålderdomshemmet 50%", "okand.norrvik.example"]),
        ("worst_severity=critical", &[]),
        ("queue=unknown", &["okand.norrvik.example"]),
        ("provenance=discovered&reviewed=false", &["okand.norrvik.example"]),
        ("merged=true", &[]),
        ("identifier=lon01.norrvik.example", &["Ålderdomshemmet 50%"]),
        (service.as_str(), &["Ålderdomshemmet 50%"]),
        // Whatever the case, of Swedish letters too; and what means something to LIKE means nothing here.
        ("q=%C3%A5LDERdoms", &["Ålderdomshemmet 50%"]),
        ("q=s%C3%A5-1_x", &["Ålderdomshemmet 50%"]),
        ("q=0%25", &["Ålderdomshemmet 50%"]),
        ("q=%25%25", &[]),
        ("q=LON01", &["Ålderdomshemmet 50%"]),
        ("q=_k_", &[]),
        ("sort=name", &["Faxen", "Skrivaren", "okand.norrvik.example", "Ålderdomshemmet 50%"]),
        ("sort=-open_findings&has_open=true", &["Ålderdomshemmet 50%", "okand.norrvik.example"]),
        ("sort=open_findings&has_open=true", &["okand.norrvik.example", "Ålderdomshemmet 50%"]),
    ] {
        let items = lead.get(&format!("/v1/assets?{query}")).await.expect(200).items();
        assert_eq!(names(&items), expected, "{query}");
    }
    let first = lead.get(&path(&wages)).await.expect(200).json();
    assert_eq!((&first["worst_severity"], &first["open_findings"]["high"]), (&json!("high"), &json!(2)));
    world.end().await;
}

async fn the_queue_has_the_worst_first_and_every_order_goes_on_over_pages(kind: Kind) {
    let world = World::new(kind).await;
    let both =
        world.person("provider", &[world.norrvik, world.alvsund], "assets:read imports:write findings:read").await;
    for (tenant, host, findings, severity) in [
        ("norrvik", "a", 3, "low"),
        ("norrvik", "b", 1, "critical"),
        ("alvsund", "c", 2, "high"),
        ("alvsund", "d", 3, "high"),
        ("norrvik", "e", 1, "critical"),
    ] {
        let report = report(&[host], 0..findings, severity);
        both.import(&format!("tenant={tenant}&format=nuclei"), report).await.expect(201);
    }
    for (query, expected) in
        [("queue=unknown", "ebdca"), ("sort=name", "abcde"), ("sort=-name", "edcba"), ("sort=-id", "edcba")]
    {
        let (mut found, mut next) = (String::new(), format!("/v1/assets?{query}&limit=2"));
        loop {
            let page = both.get(&next).await.expect(200).json();
            let items = page["items"].as_array().expect("items");
            found.extend(names(items).iter().map(|name| name.chars().next().expect("a letter")));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            next = format!("/v1/assets?{query}&limit=2&cursor={cursor}");
        }
        assert_eq!(found, expected, "{query}");
    }
    let query =
        "{ assets(filter: {queue: UNKNOWN}, first: 2) { nodes { name openFindings { critical } worstSeverity } } }";
    let nodes = both.graphql(query, json!({})).await["data"]["assets"]["nodes"].clone();
    assert_eq!(
        nodes[0],
        json!({"name": "e.norrvik.example", "openFindings": {"critical": 1}, "worstSeverity": "CRITICAL"})
    );
    for (arguments, query) in [
        ("descending: true", "sort=-id"),
        ("sort: ID, descending: true", "sort=-id"),
        ("sort: NAME, descending: true", "sort=-name"),
        ("descending: false", "sort=id"),
        ("filter: {queue: UNKNOWN}, descending: true", "queue=unknown"),
    ] {
        let answer = both.graphql(&format!("{{ assets({arguments}) {{ nodes {{ name }} }} }}"), json!({})).await;
        let nodes = answer["data"]["assets"]["nodes"].as_array().expect("nodes").clone();
        let of_rest = both.get(&format!("/v1/assets?{query}")).await.expect(200).items();
        assert_eq!(names(&nodes), names(&of_rest), "{arguments}");
    }
    world.end().await;
}

async fn wrong_filters_are_named(kind: Kind) {
    let world = World::new(kind).await;
    let who = keeper(&world).await;
    for (query, parameter) in [
        ("queue=all", "queue"),
        ("q=x", "q"),
        ("q=%00%00", "q"),
        ("retired=maybe", "retired"),
        ("worst_severity=bad", "worst_severity"),
        ("service=x", "service"),
        ("sort=criticality", "sort"),
        ("colour=red", "colour"),
    ] {
        let refused = who.get(&format!("/v1/assets?{query}")).await.expect(400);
        assert_eq!(
            (refused.code().as_str(), &refused.json()["errors"][0]["pointer"]),
            ("invalid_parameter", &json!(parameter))
        );
    }
    world.end().await;
}
