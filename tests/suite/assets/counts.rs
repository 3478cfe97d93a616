//! What assets count is what a recount counts, whatever happened.

use super::{change, report};
use crate::support::{ALL, Answer, Kind, Person, World, look, on_both_stores};
use chrono::TimeDelta;
use proptest::{
    prelude::*,
    sample::select,
    strategy::ValueTree,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_both_stores!(the_counts_are_those_of_a_recount_after_any_commands);

const HOSTS: [&str; 3] = ["a", "b", "c"];

/// Something that somebody or something does.
#[derive(Clone, Debug)]
enum Step {
    /// A scan sees so many weaknesses of a severity on a host.
    Scan { host: &'static str, from: usize, severity: &'static str },
    /// A scan says that it holds all there is on a host.
    Complete { host: &'static str, from: usize },
    /// Somebody moves a finding.
    Move { finding: usize, to: &'static str },
    /// Somebody moves many at once.
    Bulk { from: usize, to: &'static str },
    /// Somebody says another severity, or takes it back.
    Rate { finding: usize, severity: Option<&'static str> },
    /// Somebody merges two findings.
    MergeFindings { from: usize, into: usize },
    /// Somebody takes what was merged apart again.
    Split { finding: usize },
    /// One asks to bear a risk, and another one agrees.
    Accept { finding: usize },
    /// Somebody merges two assets.
    Merge { from: usize, into: usize },
    /// Somebody says how much depends on an asset.
    Weigh { asset: usize, criticality: &'static str },
    /// Somebody takes an asset out of use, or into use again.
    Retire { asset: usize, back: bool },
    /// Days go by: acceptances expire, and due dates pass.
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    let severity = || select(vec!["info", "low", "medium", "high", "critical"]);
    let to = || {
        select(vec!["confirmed", "in_progress", "fix_claimed", "false_positive", "not_applicable", "verified_fixed"])
    };
    let rated = select(vec!["informational", "low", "medium", "high", "critical"]);
    prop_oneof![
        4 => (select(HOSTS.to_vec()), 0..6_usize, severity()).prop_map(|(host, from, severity)| Step::Scan { host, from, severity }),
        2 => (select(HOSTS.to_vec()), 0..6_usize).prop_map(|(host, from)| Step::Complete { host, from }),
        5 => (0..20_usize, to()).prop_map(|(finding, to)| Step::Move { finding, to }),
        2 => (0..20_usize, to()).prop_map(|(from, to)| Step::Bulk { from, to }),
        3 => (0..20_usize, prop::option::of(rated)).prop_map(|(finding, severity)| Step::Rate { finding, severity }),
        2 => (0..20_usize, 0..20_usize).prop_map(|(from, into)| Step::MergeFindings { from, into }),
        2 => (0..20_usize).prop_map(|finding| Step::Split { finding }),
        2 => (0..20_usize).prop_map(|finding| Step::Accept { finding }),
        1 => (0..3_usize, 0..3_usize).prop_map(|(from, into)| Step::Merge { from, into }),
        1 => (0..3_usize, select(vec!["low", "critical"])).prop_map(|(asset, criticality)| Step::Weigh { asset, criticality }),
        2 => (0..3_usize, any::<bool>()).prop_map(|(asset, back)| Step::Retire { asset, back }),
        1 => Just(Step::Wait),
    ]
}

/// Those who act: one who asks and one who decides.
struct People {
    lead: Person,
    chief: Person,
}

impl People {
    /// A resource by its place in the list, and its path.
    async fn nth(&self, list: &str, at: usize) -> Option<(Value, String)> {
        let all = self.lead.get(&format!("/v1/{list}?limit=500")).await.expect(200).items();
        let found = all.get(at % all.len().max(1))?.clone();
        let path = format!("/v1/{list}/{}", found["id"].as_str().expect("an id"));
        Some((found, path))
    }

    /// Does the step; says whether it was allowed. What the rules refuse is a step too.
    async fn take(&self, world: &World, step: &Step) -> Option<bool> {
        let lead = &self.lead;
        let dismissal = |to: &str| matches!(to, "false_positive" | "not_applicable").then_some("component_not_present");
        let answer = match step {
            Step::Scan { host, from, severity } => {
                lead.import("format=nuclei", report(&[host], *from..*from + 3, severity)).await.expect(201)
            }
            Step::Complete { host, from } => self.complete(host, *from).await,
            Step::Move { finding, to } => {
                let wish = json!({"to": to, "justification": dismissal(to)});
                change(lead, &self.nth("findings", *finding).await?.1, "/transition", wish).await
            }
            Step::Bulk { from, to } => {
                let all = lead.get("/v1/findings?limit=500").await.expect(200).items();
                let ids: Vec<_> = all.iter().skip(*from).take(5).map(|finding| finding["id"].clone()).collect();
                let wish = json!({"ids": ids, "transition": {"to": to, "justification": dismissal(to)}});
                lead.write(Method::POST, "/v1/findings/bulk", None, wish).await
            }
            Step::Rate { finding, severity } => {
                let wish = json!({"severity": severity, "severity_reason": severity.map(|_| "x")});
                change(lead, &self.nth("findings", *finding).await?.1, "", wish).await
            }
            Step::MergeFindings { from, into } => {
                let into = self.nth("findings", *into).await?.0;
                change(lead, &self.nth("findings", *from).await?.1, "/merge", json!({"into": into["id"]})).await
            }
            Step::Split { finding } => self.split(*finding).await?,
            Step::Accept { finding } => self.accept(world, &self.nth("findings", *finding).await?.0).await,
            Step::Merge { from, into } => {
                let into = self.nth("assets", *into).await?.0;
                change(lead, &self.nth("assets", *from).await?.1, "/merge", json!({"into": into["id"]})).await
            }
            Step::Weigh { asset, criticality } => {
                let place = self.nth("assets", *asset).await?.1;
                change(lead, &place, "", json!({"criticality": criticality})).await.expect(200)
            }
            Step::Retire { asset, back } => {
                let (action, body) = if *back { ("/restore", json!({})) } else { ("/retire", json!({"reason": "x"})) };
                change(lead, &self.nth("assets", *asset).await?.1, action, body).await
            }
            Step::Wait => {
                world.advance(TimeDelta::days(4));
                world.keep_house().await;
                return Some(true);
            }
        };
        Some(answer.status.is_success())
    }

    /// A complete scan by the other one, who verifies thereby what the lead claims.
    async fn complete(&self, host: &str, from: usize) -> Answer {
        let query = format!("format=nuclei&coverage=complete&scope_assets={host}.norrvik.example");
        let report = || report(&[host], from..from + 2, "high");
        let answer = self.chief.import(&query, report()).await;
        if answer.status != 409 {
            return answer;
        }
        let gone = answer.json()["would_mark_gone"].clone();
        self.chief.import(&format!("{query}&confirm_gone={gone}"), report()).await
    }

    /// Takes apart the first finding after this place that others were merged into.
    async fn split(&self, from: usize) -> Option<Answer> {
        let all = self.lead.get("/v1/findings?status=duplicate&limit=500").await.expect(200).items();
        let duplicate = all.get(from % all.len().max(1))?;
        let original = format!("/v1/findings/{}", duplicate["duplicate_of"].as_str().expect("an original"));
        Some(change(&self.lead, &original, "/split", json!({"fingerprints": [duplicate["fingerprint"]]})).await)
    }

    async fn accept(&self, world: &World, finding: &Value) -> Answer {
        let expires_at = (world.now() + TimeDelta::days(6)).to_rfc3339();
        let wish = json!({"findings": [finding["id"]], "reason": "Byts ut", "standstill_days": 1, "cost_per_day": 1,
            "fix_cost": 1, "expires_at": expires_at});
        let asked = self.lead.write(Method::POST, "/v1/risk-acceptances", None, wish).await;
        if !asked.status.is_success() {
            return asked;
        }
        let place = format!("/v1/risk-acceptances/{}", asked.json()["id"].as_str().expect("an id"));
        change(&self.chief, &place, "/approve", json!({})).await
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

/// Steps that are the same in each run of the test.
fn steps(seed: u8) -> Vec<Step> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    prop::collection::vec(step(), 45).new_tree(&mut runner).expect("steps").current()
}

async fn the_counts_are_those_of_a_recount_after_any_commands(kind: Kind) {
    let (mut counted, mut allowed) = (0, BTreeSet::new());
    for seed in 1..=3 {
        let world = World::new(kind).await;
        let people = People { lead: world.lead().await, chief: world.person("chief", &[world.norrvik], ALL).await };
        for (at, step) in steps(seed).iter().enumerate() {
            world.advance(TimeDelta::hours(7));
            if people.take(&world, step).await == Some(true) {
                allowed.insert(format!("{step:?}").split(' ').next().expect("a name").to_owned());
            }
            for row in look(&world.test_store, RECOUNT).await {
                let (stored, counted_again) = row.split_once(' ').expect("two counts");
                assert_eq!(stored, counted_again, "seed {seed}, after step {at}: {step:?}");
                counted += usize::from(stored != "0|0|0|0|0|0");
            }
        }
        world.end().await;
    }
    assert!(counted > 100, "there is something to count: {counted}");
    assert_eq!(allowed.len(), 12, "each kind of step was done: {allowed:?}");
}
