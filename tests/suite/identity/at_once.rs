//! The same report from several senders at once: exact counts.

use super::{counts, report, result};
use crate::support::{Kind, Person, World, generated_report, on_both_stores};
use serde_json::{Value, json};

on_both_stores!(
    one_source_that_reports_twice_at_once_makes_each_finding_once,
    sources_that_report_the_same_at_once_stay_apart,
    the_order_of_records_and_reports_makes_no_difference,
);

const FINDINGS: usize = 1_500;

/// The same report in other bytes, so that it is not taken for one that is sent again.
fn in_other_bytes(report: &[u8], times: usize) -> Vec<u8> {
    [report, " ".repeat(times).as_bytes()].concat()
}

async fn at_once(who: &Person, reports: Vec<(&'static str, Vec<u8>)>) -> Vec<Value> {
    let mut sending = tokio::task::JoinSet::new();
    for (source, report) in reports {
        let who = who.clone();
        sending.spawn(async move {
            who.import(&format!("tenant=norrvik&source={source}"), report).await.expect(201).json()
        });
    }
    sending.join_all().await
}

async fn total(who: &Person) -> Value {
    who.get("/v1/findings/facets").await.expect(200).json()["total"].clone()
}

async fn one_source_that_reports_twice_at_once_makes_each_finding_once(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let report = generated_report(FINDINGS);
    let imports = at_once(&lead, (0..3).map(|n| ("nessus", in_other_bytes(&report, n))).collect()).await;
    let sum = |at: usize| imports.iter().map(|import| counts(import)[at]).sum::<i64>();
    assert_eq!((sum(0), sum(1), sum(2)), (FINDINGS as i64, 0, 2 * FINDINGS as i64));
    assert_eq!(total(&lead).await, FINDINGS);
    world.end().await;
}

async fn sources_that_report_the_same_at_once_stay_apart(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let report = generated_report(FINDINGS);
    let imports = at_once(&lead, vec![("ett", report.clone()), ("två", in_other_bytes(&report, 1))]).await;
    assert!(imports.iter().all(|import| counts(import) == [FINDINGS as i64, 0, 0]), "{imports:?}");
    assert_eq!(total(&lead).await, 2 * FINDINGS);
    let assets = imports.iter().map(|import| import["assets_created"].as_i64().expect("a count")).sum::<i64>();
    assert_eq!(assets, FINDINGS as i64 / 50, "both speak of the same machines");
    world.end().await;
}

async fn the_order_of_records_and_reports_makes_no_difference(kind: Kind) {
    let world = World::new(kind).await;
    let at =
        |place: &str| result("xss", "a.norrvik.example", &format!("https://a.norrvik.example/{place}"), &json!({}));
    let (one, two) = (["en", "två", "tre", "en"].map(at), ["två", "fyra"].map(at));
    let turned: Vec<Value> = one.iter().rev().cloned().collect();
    let mut places = Vec::new();
    for (tenant, reports) in [(world.norrvik, [&one[..], &two[..]]), (world.alvsund, [&two[..], &turned[..]])] {
        let sender = world.person("sender", &[tenant], crate::support::ALL).await;
        for results in reports {
            sender.import(&format!("tenant={tenant}&format=nuclei"), report(results)).await.expect(201);
        }
        let found = sender.get(&format!("/v1/findings?tenant={tenant}")).await.expect(200).items();
        let mut of_tenant: Vec<String> = found.iter().map(|one| one["location"]["url"].to_string()).collect();
        of_tenant.sort();
        places.push(of_tenant);
    }
    assert_eq!((places[0].len(), &places[0]), (4, &places[1]));
    world.end().await;
}
