//! `q`: full text over titles, CVEs, rules, tags and the names of assets.

use crate::support::{ALL, Kind, Person, TestStore, World, fixture, look, on_both_stores};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;

on_both_stores!(
    findings_are_found_by_the_beginnings_of_words,
    what_changes_is_found_at_once,
    nobody_finds_what_they_may_not_see,
    a_search_that_cannot_be_read_is_refused,
    a_search_goes_with_filters_orders_pages_counts_and_bulk,
    what_was_stored_before_there_was_a_search_is_found,
);

/// A report of nuclei with one finding a line: rule, title, CVE, host.
fn report(findings: &[(&str, &str, &str, &str)]) -> Vec<u8> {
    let line = |(rule, title, cve, host): &(&str, &str, &str, &str)| {
        let classification = if cve.is_empty() { json!({}) } else { json!({"cve-id": [cve]}) };
        json!({"template-id": rule, "host": host, "matched-at": format!("https://{host}/"), "type": "http",
            "info": {"name": title, "severity": "high", "tags": [], "classification": classification}})
        .to_string()
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n").into_bytes()
}

fn asking(q: &str) -> String {
    let url = reqwest::Url::parse_with_params("http://fynd.example/v1/findings", [("q", q)]).expect("an address");
    format!("{}?{}", url.path(), url.query().expect("a query"))
}

async fn found(who: &Person, q: &str) -> BTreeSet<String> {
    let items = who.get(&asking(q)).await.expect(200).items();
    items.iter().map(|one| one["title"].as_str().expect("a title").to_owned()).collect()
}

fn titles(expected: &[&str]) -> BTreeSet<String> {
    expected.iter().map(|title| (*title).to_owned()).collect()
}

const LDAP: &str = "LDAP utan signering";
const GLOBAL: &str = "GlobalProtect: kommandoinjektion";
const ATKOMST: &str = "Åtkomst utan lösenord";

async fn filled(world: &World) -> Person {
    let lead = world.lead().await;
    let findings = [
        ("ldap-signing", LDAP, "", "lon.norrvik.example"),
        ("CVE-2024-3400", GLOBAL, "CVE-2024-3400", "vpn.norrvik.example"),
        ("open-share", ATKOMST, "", "fil-ö.norrvik.example"),
    ];
    lead.import("", report(&findings)).await.expect(201);
    lead
}

async fn findings_are_found_by_the_beginnings_of_words(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    for (q, expected) in [
        ("ldap", &[LDAP][..]),
        ("SIGN ldap", &[LDAP]),
        ("cve-2024-34", &[GLOBAL]),
        ("2024-3400", &[GLOBAL]),
        ("utan", &[LDAP, ATKOMST]),
        ("åtkomst", &[ATKOMST]),
        ("A\u{30a}TKOMST", &[ATKOMST]),
        ("lösen", &[ATKOMST]),
        ("losen", &[]),
        ("fil-ö", &[ATKOMST]),
        ("norrvik.ex", &[LDAP, GLOBAL, ATKOMST]),
        ("vpn injekt", &[]),
        ("vpn kommandoinj", &[GLOBAL]),
        ("utan vpn", &[]),
        ("open-sh", &[ATKOMST]),
        ("gnering", &[]),
        ("ldap_", &[LDAP]),
    ] {
        assert_eq!(found(&lead, q).await, titles(expected), "{q}");
        let query = "query($q: String!) { findings(filter: {q: $q}) { nodes { title } } }";
        let nodes = lead.graphql(query, json!({"q": q})).await;
        let nodes = nodes["data"]["findings"]["nodes"].as_array().unwrap_or_else(|| panic!("{nodes}"));
        let shown: BTreeSet<String> =
            nodes.iter().map(|one| one["title"].as_str().expect("a title").to_owned()).collect();
        assert_eq!(shown, titles(expected), "{q}");
    }
    world.end().await;
}

async fn what_changes_is_found_at_once(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    let finding = lead.get("/v1/findings?cve=CVE-2024-3400").await.expect(200).items()[0].clone();
    let path = format!("/v1/findings/{}", finding["id"].as_str().expect("an id"));
    let tag = lead.get(&path).await.etag();
    lead.write(Method::PATCH, &path, Some(&tag), json!({"tags": ["Höst-testet"]})).await.expect(200);
    assert_eq!(found(&lead, "höst").await, titles(&[GLOBAL]));
    let tag = lead.get(&path).await.etag();
    lead.write(Method::PATCH, &path, Some(&tag), json!({"tags": null})).await.expect(200);
    assert_eq!(found(&lead, "höst").await, titles(&[]));
    let asset = format!("/v1/assets/{}", finding["asset_id"].as_str().expect("an asset"));
    let tag = lead.get(&asset).await.etag();
    lead.write(Method::PATCH, &asset, Some(&tag), json!({"name": "Fjärråtkomst väst"})).await.expect(200);
    assert_eq!(found(&lead, "fjärr").await, titles(&[GLOBAL]));
    assert_eq!(found(&lead, "vpn").await, titles(&[]));
    // The scanner tells of another title for the same weakness.
    world.advance(TimeDelta::days(1));
    lead.import("", report(&[("ldap-signing", "LDAP tar emot allt", "", "lon.norrvik.example")])).await.expect(201);
    assert_eq!(found(&lead, "ldap").await, titles(&["LDAP tar emot allt"]));
    assert_eq!(found(&lead, "signering").await, titles(&[]));
    world.end().await;
}

async fn nobody_finds_what_they_may_not_see(kind: Kind) {
    let world = World::new(kind).await;
    filled(&world).await;
    let other = world.person("other", &[world.alvsund], ALL).await;
    assert_eq!(found(&other, "ldap").await, titles(&[]));
    // The name of an asset is for those who may read assets.
    let without_assets = world.person("blind", &[world.norrvik], "findings:read").await;
    assert_eq!(found(&without_assets, "vpn").await, titles(&[]));
    assert_eq!(found(&without_assets, "kommando").await, titles(&[GLOBAL]));
    other.import("", report(&[("x", "LDAP hos grannen", "", "lon.alvsund.example")])).await.expect(201);
    let both = world.person("both", &[world.norrvik, world.alvsund], ALL).await;
    assert_eq!(found(&both, "ldap").await, titles(&[LDAP, "LDAP hos grannen"]));
    assert_eq!(found(&both, "lon alvsund").await, titles(&["LDAP hos grannen"]));
    world.end().await;
}

async fn a_search_that_cannot_be_read_is_refused(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    let long = "a".repeat(201);
    for q in ["", "   ", "%", "--", "a b c d e f g h i j k l", long.as_str(), "a\0b"] {
        let answer = lead.get(&asking(q)).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["errors"][0]["pointer"]), (400, &json!("q")), "{q:?}");
    }
    lead.get("/v1/findings?q=ldap&as_of=2026-11-24T08:00:00Z").await.expect(400);
    world.end().await;
}

async fn a_search_goes_with_filters_orders_pages_counts_and_bulk(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    lead.import("", fixture("nessus/norrvik.nessus")).await.expect(201);
    let all = found(&lead, "norrvik").await;
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = lead.get(&format!("/v1/findings?q=norrvik&sort=-severity&limit=2&count=exact{cursor}")).await;
        let page = page.expect(200).json();
        let items = page["items"].as_array().expect("items");
        paged.extend(items.iter().map(|one| one["title"].as_str().expect("a title").to_owned()));
        assert!(page["count"]["value"].as_i64().expect("a count") as usize >= all.len());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged.iter().cloned().collect::<BTreeSet<_>>(), all);
    let counted = lead.get("/v1/findings/facets?q=norrvik&by=severity").await.expect(200).json();
    assert_eq!(counted["total"], paged.len());
    let count = lead.get("/v1/findings?q=ldap&count=exact").await.expect(200).json()["count"]["value"].clone();
    let bulk = json!({"filter": {"q": "ldap"}, "transition": {"to": "confirmed"}, "expected_count": count});
    let done = lead.write(Method::POST, "/v1/findings/bulk", None, bulk).await.expect(200).json();
    assert_eq!(done["done"], count);
    let confirmed = lead.get("/v1/findings?q=ldap&status=confirmed").await.expect(200).items();
    assert!(!confirmed.is_empty() && count == confirmed.len());
    assert!(lead.get("/v1/findings?status=new").await.expect(200).items().len() > 1);
    world.end().await;
}

async fn what_was_stored_before_there_was_a_search_is_found(kind: Kind) {
    let world = World::new(kind).await;
    filled(&world).await;
    let world = world
        .while_down(async |store: &TestStore| {
            for sql in [
                "DELETE FROM finding_term WHERE kind = 'word'",
                "DELETE FROM asset_term",
                "INSERT INTO search_progress (tenant_id, of_assets, reached) SELECT id, true, NULL FROM tenant",
            ] {
                store.execute(sql).await;
            }
        })
        .await;
    world.keep_house().await;
    let lead = world.lead().await;
    assert_eq!(found(&lead, "ldap").await, titles(&[LDAP]));
    assert_eq!(found(&lead, "vpn").await, titles(&[GLOBAL]));
    assert_eq!(look(&world.test_store, "SELECT 'x' FROM search_progress").await, Vec::<String>::new());
    world.end().await;
}
