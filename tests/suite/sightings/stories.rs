//! The stories: a fix that a rescan verifies, a subnet that was missed, a report that is doubted.

use super::{Host, complete, events, finding, is_at, moved, nessus, path, scanner};
use crate::support::{Kind, World, on_both_stores};
use chrono::TimeDelta;
use serde_json::json;

on_both_stores!(
    the_wages_server_from_discovery_to_verified_fix,
    a_scan_that_missed_a_subnet_closes_nothing,
    what_is_implausible_waits_for_its_count,
    a_host_without_findings_is_covered,
    only_what_was_seen_later_is_there_again,
    a_claim_that_failed_is_not_verified_by_a_late_report,
    complete_reports_take_more_than_the_right_to_import,
);

const OTHERS: &[u32] = &[11, 12, 13, 14, 15];
const LON: &str = "lon.norrvik.example";

async fn the_wages_server_from_discovery_to_verified_fix(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    let admin =
        world.person("admin", &[world.norrvik], "findings:read findings:write findings:verify imports:write").await;
    let all = [&[10][..], OTHERS].concat();
    scanner.import("", nessus(0, &[Host(LON, "192.0.2.10", &all)])).await.expect(201);
    let weakness = finding(&lead, LON, 10).await;
    moved(&lead, &weakness, "confirmed").await.expect(200);
    moved(&lead, &weakness, "in_progress").await.expect(200);
    world.advance(TimeDelta::hours(24));
    moved(&admin, &weakness, "fix_claimed").await.expect(200);

    // Another rule is gone as well, of which nobody claims a fix.
    let rescan = |hour| nessus(hour, &[Host(LON, "192.0.2.10", &OTHERS[1..])]);
    world.advance(TimeDelta::hours(24));
    assert_eq!(complete(&scanner, "", rescan(23)).await.expect(409).code(), "coverage_implausible");
    let before = complete(&scanner, "&confirm_gone=2", rescan(23)).await.expect(201).json();
    assert_eq!((&before["gone"], &before["verified"]), (&json!(2), &json!(0)), "a scan from before the claim");
    let own = complete(&admin, "", rescan(47)).await.expect(201).json();
    assert_eq!((&own["gone"], &own["verified"]), (&json!(0), &json!(0)), "nobody verifies their own claim: {own}");
    let shown = lead.get(&path(&weakness)).await.json();
    assert_eq!(shown["status"], "fix_claimed");
    is_at(&shown["gone_at"], 23);

    let verified = complete(&scanner, "", rescan(48)).await.expect(201).json();
    assert_eq!(verified["verified"], 1, "{verified}");
    let shown = lead.get(&path(&weakness)).await.json();
    assert_eq!(shown["status"], "verified_fixed");
    let other = finding(&lead, LON, 11).await;
    assert_eq!(other["status"], "new", "not observed is not fixed");
    is_at(&other["gone_at"], 23);
    let told = events(&lead, &weakness).await;
    let expected = ["created", "status_changed", "status_changed", "status_changed", "gone", "status_changed"];
    assert_eq!(told, expected.map(|kind| format!("finding.{kind}")));

    world.advance(TimeDelta::hours(24));
    scanner.import("", nessus(60, &[Host(LON, "192.0.2.10", &[10])])).await.expect(201);
    let back = lead.get(&path(&weakness)).await.json();
    assert_eq!(
        (&back["status"], &back["reopened_count"], &back["gone_at"]),
        (&json!("confirmed"), &json!(1), &json!(null))
    );
    world.end().await;
}

async fn a_scan_that_missed_a_subnet_closes_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    let whole = [
        Host("a.norrvik.example", "192.0.2.1", OTHERS),
        Host("b.norrvik.example", "198.51.100.1", OTHERS),
        Host("c.norrvik.example", "192.0.2.3", OTHERS),
    ];
    scanner.import("", nessus(-100, &whole)).await.expect(201);
    let dead = String::from_utf8(nessus(
        -1,
        &[Host("a.norrvik.example", "192.0.2.1", OTHERS), Host("c.norrvik.example", "192.0.2.3", &[10180])],
    ))
    .expect("text");
    let dead = dead.replacen(
        "pluginID=\"10180\" pluginName=\"Brist 10180\"><description>Beskrivning</description>",
        "pluginID=\"10180\" pluginName=\"Ping\"><plugin_output>c is considered as dead - not scanning</plugin_output>",
        1,
    );
    assert!(dead.contains("considered as dead"));
    let networks = "&scope_networks=192.0.2.0/24,198.51.100.0/24";
    let import = complete(&scanner, networks, dead.into_bytes()).await.expect(201).json();
    assert_eq!(import["gone"], 0, "{import}");
    assert!(lead.get("/v1/findings?gone=true").await.expect(200).items().is_empty());
    // A scan that was cut off has an end for those hosts alone that it came to.
    let cut = String::from_utf8(nessus(-1, &[Host("a.norrvik.example", "192.0.2.1", &[])])).expect("text");
    let cut = cut.split("<tag name=\"HOST_END").next().expect("a head").to_owned();
    let cut = format!("{cut}</HostProperties></ReportHost></Report></NessusClientData_v2>");
    assert_eq!(complete(&scanner, networks, cut.into_bytes()).await.expect(201).json()["gone"], 0);
    world.end().await;
}

async fn what_is_implausible_waits_for_its_count(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    scanner
        .import("", nessus(-100, &[Host("a.norrvik.example", "192.0.2.1", &[10, 11, 12, 13, 14])]))
        .await
        .expect(201);
    moved(&lead, &finding(&lead, "a.norrvik.example", 14).await, "confirmed").await.expect(200);
    let report = nessus(-1, &[Host("a.norrvik.example", "192.0.2.1", &[10, 11, 12, 20])]);
    let imports = lead.get("/v1/imports").await.items().len();
    for more in ["", "&confirm_gone=1", "&confirm_gone=3"] {
        let refused = complete(&scanner, more, report.clone()).await.expect(409);
        let problem = refused.json();
        assert_eq!(refused.code(), "coverage_implausible");
        assert_eq!((&problem["would_mark_gone"], &problem["in_scope"]), (&json!(2), &json!(5)), "{problem}");
    }
    assert_eq!(lead.get("/v1/imports").await.items().len(), imports, "nothing of it is stored");
    assert!(lead.get("/v1/findings?rule_key=20").await.items().is_empty());
    let send = "mutation($content: String!, $count: Int) { importReport(tenant: \"norrvik\", content: $content,
        coverage: COMPLETE, confirmGone: $count) { gone } }";
    let content = String::from_utf8(report.clone()).expect("text");
    let refused = lead.graphql(send, json!({"content": content})).await;
    let told = &refused["errors"][0]["extensions"];
    assert_eq!(
        (&told["code"], &told["wouldMarkGone"], &told["inScope"]),
        (&json!("coverage_implausible"), &json!(2), &json!(5))
    );

    let import = complete(&scanner, "&confirm_gone=2", report.clone()).await.expect(201).json();
    assert_eq!((&import["gone"], &import["created"], &import["gone_withheld"]), (&json!(2), &json!(1), &json!(0)));
    assert_eq!(lead.get("/v1/findings?gone=true").await.items().len(), 2);
    let gone = finding(&lead, "a.norrvik.example", 13).await;
    assert_eq!(events(&lead, &gone).await, ["finding.created", "finding.gone"]);
    // Sent again, it says the same and changes nothing.
    let again = complete(&scanner, "", report).await.expect(201).json();
    assert_eq!((&again["gone"], &again["updated"]), (&json!(0), &json!(0)), "{again}");
    assert_eq!(events(&lead, &gone).await.len(), 2);
    world.end().await;
}

async fn a_host_without_findings_is_covered(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    let host = |plugins| Host("a.norrvik.example", "192.0.2.1", plugins);
    scanner.import("", nessus(-100, &[host(&[10]), Host("b.norrvik.example", "192.0.2.2", OTHERS)])).await.expect(201);
    let import = complete(&scanner, "", nessus(-1, &[host(&[]), Host("b.norrvik.example", "192.0.2.2", OTHERS)])).await;
    assert_eq!(import.expect(201).json()["gone"], 1);
    is_at(&finding(&lead, "a.norrvik.example", 10).await["gone_at"], -1);
    // A host that nobody knew is known by being clean, also to an older report that tells of a weakness on it.
    let clean = [Host("new.norrvik.example", "192.0.2.9", &[])];
    let import = complete(&scanner, "", nessus(-2, &clean)).await.expect(201).json();
    assert_eq!((&import["read"], &import["assets_created"]), (&json!(0), &json!(1)), "{import}");
    scanner.import("", nessus(-5, &[Host("new.norrvik.example", "192.0.2.9", &[10])])).await.expect(201);
    is_at(&finding(&lead, "new.norrvik.example", 10).await["gone_at"], -2);
    world.end().await;
}

async fn only_what_was_seen_later_is_there_again(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    let host = |plugins| Host("a.norrvik.example", "192.0.2.1", plugins);
    let all = [&[10][..], OTHERS].concat();
    scanner.import("", nessus(-100, &[host(&all)])).await.expect(201);
    complete(&scanner, "", nessus(-50, &[host(OTHERS)])).await.expect(201);
    let gone_at = async || finding(&lead, "a.norrvik.example", 10).await["gone_at"].clone();
    is_at(&gone_at().await, -50);
    // An older report neither brings it back nor makes it go earlier than it was seen.
    scanner.import("", nessus(-60, &[host(&[10])])).await.expect(201);
    is_at(&gone_at().await, -50);
    complete(&scanner, "", nessus(-70, &[host(OTHERS)])).await.expect(201);
    is_at(&gone_at().await, -50);
    complete(&scanner, "", nessus(-30, &[host(OTHERS)])).await.expect(201);
    is_at(&gone_at().await, -50);
    scanner.import("", nessus(-40, &[host(&[10])])).await.expect(201);
    is_at(&gone_at().await, -30);
    scanner.import("", nessus(-20, &[host(&[10])])).await.expect(201);
    assert_eq!(gone_at().await, json!(null));
    let told = events(&lead, &finding(&lead, "a.norrvik.example", 10).await).await;
    let expected = ["created", "gone", "updated", "updated"];
    assert_eq!(told, expected.map(|kind| format!("finding.{kind}")));
    let sightings = format!("{}/sightings", path(&finding(&lead, "a.norrvik.example", 10).await));
    let shown = lead.get(&sightings).await.expect(200);
    let item = &shown.json()["items"][0];
    is_at(&item["first_seen"], -100);
    is_at(&item["last_seen"], -20);
    assert_eq!((&item["scope"], &item["gone_at"]), (&json!(null), &json!(null)));
    let again = lead.request(reqwest::Method::GET, &sightings).header("if-none-match", shown.etag());
    lead.send(again).await.expect(304);
    world.end().await;
}

async fn a_claim_that_failed_is_not_verified_by_a_late_report(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    let host = |plugins| Host("a.norrvik.example", "192.0.2.1", plugins);
    let all = [&[10][..], OTHERS].concat();
    scanner.import("", nessus(-100, &[host(&all)])).await.expect(201);
    let weakness = finding(&lead, "a.norrvik.example", 10).await;
    moved(&lead, &weakness, "fix_claimed").await.expect(200);
    world.advance(TimeDelta::hours(100));
    let missed = complete(&scanner, "", nessus(60, &[host(OTHERS)])).await.expect(201).json();
    assert_eq!(missed["verified"], 1);
    // It was there after the claim all the same, as a report says that comes in late.
    scanner.import("", nessus(40, &[host(&[10])])).await.expect(201);
    let shown = lead.get(&path(&weakness)).await.json();
    assert_eq!((&shown["status"], &shown["reopened_count"]), (&json!("confirmed"), &json!(0)));
    is_at(&shown["gone_at"], 60);
    world.end().await;
}

async fn complete_reports_take_more_than_the_right_to_import(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, scanner) = (world.lead().await, scanner(&world).await);
    let importer = world.person("importer", &[world.norrvik], "imports:write").await;
    let report = || nessus(-1, &[Host("a.norrvik.example", "192.0.2.1", OTHERS)]);
    importer.import("", report()).await.expect(201);
    assert_eq!(complete(&importer, "", report()).await.expect(403).code(), "forbidden");
    let both = world.person("both", &[world.norrvik, world.alvsund], "imports:write findings:verify").await;
    assert_eq!(complete(&both, "", report()).await.expect(400).code(), "tenant_required");
    for (query, place) in [
        ("scope=x", "scope"),
        ("scope_rules=1", "scope"),
        ("confirm_gone=1", "confirm_gone"),
        ("coverage=complete&scope_networks=192.0.2.0/33", "scope_networks"),
        ("coverage=complete&scope_assets=nobody.norrvik.example", "scope_assets"),
        ("coverage=complete&scope=%20x", "scope"),
        ("coverage=some", "coverage"),
    ] {
        let refused = scanner.import(query, report()).await.expect(400).json();
        assert_eq!((&refused["code"], &refused["errors"][0]["pointer"]), (&json!("invalid_parameter"), &json!(place)));
    }
    // Another municipality's asset is as unknown as one that is not there.
    world
        .person("other", &[world.alvsund], "imports:write")
        .await
        .import("", nessus(-1, &[Host("x.alvsund.example", "203.0.113.9", &[1])]))
        .await
        .expect(201);
    let refusal = async |asset: &str| {
        let refused = scanner.import(&format!("coverage=complete&scope_assets={asset}"), report()).await.expect(400);
        refused.json()["detail"].as_str().expect("text").replace(asset, "")
    };
    assert_eq!(refusal("x.alvsund.example").await, refusal("y.alvsund.example").await);
    assert_eq!(lead.get("/v1/imports").await.items().len(), 1);
    world.end().await;
}
