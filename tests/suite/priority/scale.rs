//! A daily file over many findings: only what crossed a band is written, and nobody waits for it.
//!
//! `FYND_TEST_SCALE=1` takes 100,000 findings and 300,000 scores; a hundredth is the default.

use crate::support::{Kind, Person, World, enrich::scores, generated_report, look, on_both_stores};
use reqwest::Method;
use serde_json::json;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

on_both_stores!(a_daily_file_writes_only_what_crossed_a_band);

fn scale() -> f64 {
    std::env::var("FYND_TEST_SCALE").ok().map_or(0.01, |scale| scale.parse().expect("a number"))
}

/// The day's scores of all CVEs there are, those of the findings (CVE-2024-1000 to 1899) among them.
fn daily(day: &str, lines: usize, score: impl Fn(usize) -> f64) -> Vec<u8> {
    let cves: Vec<String> = (0..lines).map(|at| format!("CVE-2024-{}", 1000 + at)).collect();
    scores(day, cves.iter().enumerate().map(|(at, cve)| (cve.as_str(), score(at))))
}

/// Somebody who works on while findings are prioritised: the times that their changes take.
async fn works(who: &Person, path: &str, done: &AtomicBool) -> Vec<Duration> {
    let mut times = Vec::new();
    let mut tag = who.get(path).await.expect(200).etag();
    while !done.load(Ordering::Relaxed) || times.len() < 20 {
        let began = Instant::now();
        let body = json!({"assignee": format!("Åsa {}", times.len())});
        let answer = who.write(Method::PATCH, path, Some(&tag), body.clone()).await;
        // The finding itself may be prioritised in between; reading it again is a person's work as well.
        tag = if answer.status == 412 { who.get(path).await.expect(200).etag() } else { answer.expect(200).etag() };
        times.push(began.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    times.sort();
    times
}

#[expect(clippy::print_stdout, reason = "what it measures is worth reading")]
async fn a_daily_file_writes_only_what_crossed_a_band(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let (findings, lines) = ((100_000.0 * scale()) as usize, (300_000.0 * scale()) as usize);
    world.load_epss(daily("2026-11-21", lines, |_| 0.02)).await;
    for part in 0..10 {
        // Ten reports, since each is a source of its own.
        let query = format!("tenant=norrvik&source=del{part}");
        lead.import(&query, generated_report(findings / 10)).await.expect(201);
    }
    let events = async || -> u64 {
        let count = "SELECT CAST(count(*) AS text) FROM event WHERE resource_type = 'finding'";
        look(&world.test_store, count).await[0].parse().expect("a number")
    };
    assert_eq!(events().await as usize, findings);
    let worked_on = lead.get("/v1/findings?limit=1").await.items()[0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/findings/{worked_on}");

    // A usual day: every score moves, and those of three CVEs cross a limit.
    let holding = async |cves: std::ops::Range<usize>| -> usize {
        let cves: Vec<String> = cves.map(|at| format!("'CVE-2024-{}'", 1000 + at)).collect();
        let count = format!(
            "SELECT CAST(count(*) AS text) FROM finding_term WHERE kind = 'cve' AND term IN ({})",
            cves.join(",")
        );
        look(&world.test_store, &count).await[0].parse().expect("a number")
    };
    let (few, many) = (holding(110..113).await, holding(100..275).await);
    assert!(few > 0 && many > findings / 3, "{few} and {many} of {findings}");
    for (day, crossed, expected) in [("2026-11-22", 110..113, few), ("2026-11-23", 100..275, many)] {
        let file = daily(day, lines, |at| match (crossed.contains(&at), day) {
            (true, "2026-11-22") => 0.15,
            (true, _) => 0.95,
            // The few stay where they were put the day before.
            (false, _) if (110..113).contains(&at) => 0.16,
            _ => 0.02 + (at % 70) as f64 / 1000.0,
        });
        let (before, done, began) = (events().await, AtomicBool::new(false), Instant::now());
        let load = async {
            world.load_epss(file).await;
            done.store(true, Ordering::Relaxed);
            began.elapsed()
        };
        let (took, times) = tokio::join!(load, works(&lead, &path, &done));
        let by_hand = times.len() as u64;
        let written = events().await - before;
        let p99 = times[times.len() * 99 / 100];
        println!(
            "{kind:?} {day}: {findings} findings, {lines} scores; {expected} crossed a band; loaded and prioritised in \
             {took:?}; {by_hand} changes by a person meanwhile, median {:?}, p99 {p99:?}, longest {:?}",
            times[times.len() / 2],
            times[times.len() - 1],
        );
        assert!(written <= expected as u64 + by_hand && written >= expected as u64, "{written}, {expected}, {by_hand}");
        assert!(p99 < Duration::from_secs(1), "{p99:?}");
    }
    let high = lead.get("/v1/findings/facets?epss_band=from_90").await.expect(200).json();
    assert_eq!(high["total"], json!(many));
    world.end().await;
}
