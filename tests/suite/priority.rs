//! What to do first: by what is known about CVEs, and by what depends on an asset.

mod feeds;
mod scale;

use crate::support::{
    Kind, Person, World,
    enrich::{catalogue, scores},
    on_both_stores,
};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    what_is_known_counts_from_the_first_moment,
    what_becomes_known_changes_only_what_it_is_about,
    lists_and_counts_go_by_priority,
    what_depends_on_an_asset_reaches_all_of_its_findings,
    other_municipalities_follow_as_well,
);

const REMOTE_TOTAL: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";

/// A critical vulnerability with this CVE.
fn result(cve: &str, host: &str) -> Value {
    let info = json!({"name": cve, "severity": "critical",
        "classification": {"cve-id": [cve], "cvss-metrics": REMOTE_TOTAL}});
    json!({"template-id": cve, "host": host, "matched-at": "here", "type": "tcp",
        "timestamp": "2026-11-20T08:00:00Z", "info": info})
}

fn report(results: &[Value]) -> Vec<u8> {
    results.iter().map(|result| format!("{result}\n")).collect::<String>().into_bytes()
}

const CVES: [&str; 4] = ["CVE-2024-0001", "CVE-2024-0002", "CVE-2024-0003", "CVE-2024-0004"];

/// Four findings on one server: exploited, likely, unlikely and unheard of.
async fn filled(world: &World) -> Person {
    let lead = world.lead().await;
    world.load_kev(catalogue("2026-11-23", &CVES[..1])).await;
    world.load_epss(scores("2026-11-23", [(CVES[0], 0.001), (CVES[1], 0.95), (CVES[2], 0.05)])).await;
    let results = CVES.map(|cve| result(cve, "portal.norrvik.example"));
    lead.import("tenant=norrvik", report(&results)).await.expect(201);
    lead
}

async fn finding(who: &Person, cve: &str) -> Value {
    who.get(&format!("/v1/findings?rule_key={cve}")).await.expect(200).items().remove(0)
}

async fn events(who: &Person) -> Vec<Value> {
    who.get("/v1/changes?mode=events&types=finding&limit=1000").await.expect(200).items()
}

async fn what_is_known_counts_from_the_first_moment(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    for (cve, kev, epss, band, priority) in [
        (CVES[0], true, json!(0.001), json!("below_1"), "act"),
        (CVES[1], false, json!(0.95), json!("from_90"), "track_closely"),
        (CVES[2], false, json!(0.05), json!("from_1"), "track"),
        (CVES[3], false, json!(null), json!(null), "track"),
    ] {
        let finding = finding(&lead, cve).await;
        assert_eq!((&finding["kev"], &finding["epss"]), (&json!(kev), &epss), "{finding}");
        assert_eq!((&finding["epss_band"], &finding["priority"]), (&band, &json!(priority)), "{finding}");
        assert_eq!(finding["priority_reasons"].as_array().map(Vec::len), Some(4), "{finding}");
    }
    assert_eq!(events(&lead).await.len(), 4, "made right, and not changed after");
    world.end().await;
}

async fn what_becomes_known_changes_only_what_it_is_about(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    let path = |finding: &Value| format!("/v1/findings/{}", finding["id"].as_str().unwrap());
    let likely = finding(&lead, CVES[1]).await;
    let (tag, seen) = (lead.get(&path(&likely)).await.etag(), events(&lead).await.len());
    // Within its band, across a limit, and a CVE that no finding has.
    let next = [(CVES[0], 0.002), (CVES[1], 0.97), (CVES[2], 0.2), ("CVE-2024-9999", 0.99)];
    let loaded = world.load_epss(scores("2026-11-24", next)).await;
    assert_eq!((loaded.read, loaded.changed, loaded.rejected), (4, 4, 0));
    let all = events(&lead).await;
    assert_eq!(all.len(), seen + 1, "{all:#?}");
    let changed = &all.last().unwrap()["changed"];
    assert_eq!(changed["epss_band"], json!({"before": "from_1", "after": "from_10"}), "{changed}");
    assert_eq!(changed["priority"], json!({"before": "track", "after": "track_closely"}), "{changed}");
    assert!(changed["priority_reasons"]["after"][0].as_str().unwrap().contains("10 %"), "{changed}");
    // The score moves without a number, and an If-None-Match knows.
    let request = lead.request(Method::GET, &path(&likely)).header("if-none-match", tag);
    let after = lead.send(request).await.expect(200).json();
    assert_eq!((&after["epss"], &after["seq"]), (&json!(0.97), &likely["seq"]));
    // The catalogue is whole: what it leaves out is not exploited.
    world.load_kev(catalogue("2026-11-24", &CVES[3..])).await;
    let (gone, new) = (finding(&lead, CVES[0]).await, finding(&lead, CVES[3]).await);
    assert_eq!((&gone["kev"], &gone["priority"], &gone["epss"]), (&json!(false), &json!("track"), &json!(0.002)));
    assert_eq!((&new["kev"], &new["priority"], &new["epss"]), (&json!(true), &json!("act"), &json!(null)));
    assert_eq!(events(&lead).await.len(), seen + 3);
    // The same once more is nothing.
    assert_eq!(world.load_kev(catalogue("2026-11-24", &CVES[3..])).await.changed, 0);
    assert_eq!(world.load_epss(scores("2026-11-24", next)).await.changed, 0);
    assert_eq!(events(&lead).await.len(), seen + 3);
    world.end().await;
}

async fn lists_and_counts_go_by_priority(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    let cves = async |query: &str| -> Vec<String> {
        let items = lead.get(&format!("/v1/findings?{query}")).await.expect(200).items();
        items.iter().map(|item| item["rule_key"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(cves("sort=-priority&limit=2").await, CVES[..2]);
    assert_eq!(cves("priority=act,track_closely").await, CVES[..2]);
    assert_eq!(cves("kev=true").await, CVES[..1]);
    assert_eq!(cves("kev=false&priority=track").await, CVES[2..]);
    assert_eq!(cves("epss_band=from_1,from_90").await, CVES[1..3]);
    for (query, parameter) in [("priority=urgent", "priority"), ("kev=ja", "kev"), ("epss_band=2", "epss_band")] {
        let refused = lead.get(&format!("/v1/findings?{query}")).await.expect(400).json();
        assert_eq!(refused["errors"][0]["pointer"], parameter, "{refused}");
    }
    let counts = lead.get("/v1/findings/facets?by=priority,kev").await.expect(200).json();
    let row = |by: &str, value: &str, count: i64| json!({"by": by, "value": value, "count": count});
    let expected = [
        row("priority", "track", 2),
        row("priority", "track_closely", 1),
        row("priority", "act", 1),
        row("kev", "false", 3),
        row("kev", "true", 1),
    ];
    assert_eq!(counts["items"], json!(expected));
    let query =
        "{ findings(filter: {kev: true, priority: [ACT], epssBand: [BELOW_1]}, sort: PRIORITY, descending: true) {
        nodes { kev epss epssBand priority priorityReasons } } }";
    let answer = lead.graphql(query, json!({})).await;
    let node = &answer["data"]["findings"]["nodes"][0];
    assert_eq!(
        (&node["epssBand"], &node["priority"], &node["epss"]),
        (&json!("BELOW_1"), &json!("ACT"), &json!(0.001)),
        "{answer}"
    );
    world.end().await;
}

async fn other_municipalities_follow_as_well(kind: Kind) {
    let world = World::new(kind).await;
    let both = world.person("provider", &[world.norrvik, world.alvsund], crate::support::ALL).await;
    for tenant in ["norrvik", "alvsund"] {
        let results = [result(CVES[0], &format!("portal.{tenant}.example"))];
        both.import(&format!("tenant={tenant}"), report(&results)).await.expect(201);
    }
    world.load_kev(catalogue("2026-11-23", &CVES)).await;
    assert_eq!(both.get("/v1/findings?kev=true&priority=act").await.expect(200).items().len(), 2);
    let system = both.get("/v1/changes?mode=events&types=finding&limit=1000").await.expect(200).items();
    let updates = system.iter().filter(|event| event["event"] == "finding.updated").count();
    assert_eq!(updates, 2, "{system:#?}");
    world.end().await;
}

/// More findings than one command prioritises.
const MANY: usize = 700;

async fn what_depends_on_an_asset_reaches_all_of_its_findings(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let results: Vec<Value> =
        (0..MANY).map(|at| result(&format!("CVE-2023-{}", 10_000 + at), "portal.norrvik.example")).collect();
    lead.import("tenant=norrvik", report(&results)).await.expect(201);
    let count = async |priority: &str| {
        let counts = lead.get(&format!("/v1/findings/facets?priority={priority}")).await.expect(200).json();
        counts["total"].as_u64().unwrap() as usize
    };
    assert_eq!((count("track").await, count("attend").await), (MANY, 0));
    world.test_store.execute("UPDATE asset SET criticality = 4, exposure = 'internet'").await;
    let nil = if kind == Kind::Sqlite { "zeroblob(16)" } else { "'00000000-0000-0000-0000-000000000000'::uuid" };
    let wait = format!("INSERT INTO asset_to_prioritise SELECT tenant_id, id, {nil} FROM asset");
    world.test_store.execute(&wait).await;
    crate::support::within_five_seconds("all are prioritised", async || count("attend").await == MANY).await;
    assert_eq!(count("track").await, 0);
    world.end().await;
}
