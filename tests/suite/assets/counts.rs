//! What assets count is what a recount counts, whatever happened.

use super::{change, path, report};
use crate::support::{Kind, Person, World, look, on_both_stores};
use proptest::{prelude::*, sample::select, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};

on_both_stores!(the_counts_are_those_of_a_recount_after_any_commands);

const HOSTS: [&str; 3] = ["a", "b", "c"];

/// Something that somebody or something does.
#[derive(Clone, Debug)]
enum Step {
    /// A scan sees so many weaknesses of a severity on a host.
    Scan { host: &'static str, from: usize, severity: &'static str },
    /// Somebody moves a finding.
    Move { finding: usize, to: &'static str },
    /// Somebody says another severity, or takes it back.
    Rate { finding: usize, severity: Option<&'static str> },
    /// Somebody merges two assets.
    Merge { from: usize, into: usize },
    /// Somebody says how much depends on an asset.
    Weigh { asset: usize, criticality: &'static str },
}

fn step() -> impl Strategy<Value = Step> {
    let severity = || select(vec!["info", "low", "medium", "high", "critical"]);
    let to =
        select(vec!["confirmed", "in_progress", "fix_claimed", "false_positive", "not_applicable", "verified_fixed"]);
    let rated = select(vec!["informational", "low", "medium", "high", "critical"]);
    prop_oneof![
        4 => (select(HOSTS.to_vec()), 0..6_usize, severity()).prop_map(|(host, from, severity)| Step::Scan { host, from, severity }),
        6 => (0..20_usize, to).prop_map(|(finding, to)| Step::Move { finding, to }),
        3 => (0..20_usize, prop::option::of(rated)).prop_map(|(finding, severity)| Step::Rate { finding, severity }),
        1 => (0..3_usize, 0..3_usize).prop_map(|(from, into)| Step::Merge { from, into }),
        1 => (0..3_usize, select(vec!["low", "critical"])).prop_map(|(asset, criticality)| Step::Weigh { asset, criticality }),
    ]
}

/// Does the step. What the rules refuse is a step too.
async fn take(lead: &Person, step: &Step) {
    let nth = async |list: &str, at: usize| -> Option<Value> {
        let all = lead.get(&format!("/v1/{list}?limit=500")).await.expect(200).items();
        (!all.is_empty()).then(|| all[at % all.len()].clone())
    };
    match step {
        Step::Scan { host, from, severity } => {
            lead.import("format=nuclei", report(&[host], *from..*from + 3, severity)).await.expect(201);
        }
        Step::Move { finding, to } => {
            let Some(finding) = nth("findings", *finding).await else { return };
            let justification = matches!(*to, "false_positive" | "not_applicable").then_some("component_not_present");
            let wish = json!({"to": to, "justification": justification});
            let path = format!("/v1/findings/{}", finding["id"].as_str().expect("an id"));
            change(lead, &path, "/transition", wish).await;
        }
        Step::Rate { finding, severity } => {
            let Some(finding) = nth("findings", *finding).await else { return };
            let path = format!("/v1/findings/{}", finding["id"].as_str().expect("an id"));
            change(lead, &path, "", json!({"severity": severity, "severity_reason": severity.map(|_| "x")})).await;
        }
        Step::Merge { from, into } => {
            let (from, into) = (nth("assets", *from).await, nth("assets", *into).await);
            let Some((from, into)) = from.zip(into) else { return };
            change(lead, &path(&from), "/merge", json!({"into": into["id"]})).await;
        }
        Step::Weigh { asset, criticality } => {
            let Some(asset) = nth("assets", *asset).await else { return };
            change(lead, &path(&asset), "", json!({"criticality": criticality})).await.expect(200);
        }
    }
}

/// Each asset's counts, as they are stored and as they are counted again.
const RECOUNT: &str =
    "SELECT concat_ws('|', open_informational, open_low, open_medium, open_high, open_critical, overdue_count)
    || ' ' || (SELECT concat_ws('|', count(CASE WHEN severity = 0 THEN 1 END), count(CASE WHEN severity = 1 THEN 1 END),
        count(CASE WHEN severity = 2 THEN 1 END), count(CASE WHEN severity = 3 THEN 1 END),
        count(CASE WHEN severity = 4 THEN 1 END), count(CASE WHEN overdue THEN 1 END))
        FROM finding WHERE asset_id = asset.id AND status IN ('new', 'confirmed', 'in_progress', 'fix_claimed'))
    FROM asset";

async fn the_counts_are_those_of_a_recount_after_any_commands(kind: Kind) {
    let mut runner = TestRunner::deterministic();
    let steps = prop::collection::vec(step(), 60).new_tree(&mut runner).expect("steps").current();
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let mut counted = 0;
    for (at, step) in steps.iter().enumerate() {
        world.advance(chrono::TimeDelta::hours(7));
        take(&lead, step).await;
        for row in look(&world.test_store, RECOUNT).await {
            let (stored, counted_again) = row.split_once(' ').expect("two counts");
            assert_eq!(stored, counted_again, "after step {at}: {step:?}");
            counted += usize::from(stored != "0|0|0|0|0|0");
        }
    }
    assert!(counted > 50, "there is something to count: {counted}");
    world.end().await;
}
