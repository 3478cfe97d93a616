//! Random reports in two orders: what stands in the end is the same, and what a plain model says.

use super::{Host, complete, nessus, start};
use crate::support::{ALL, Kind, Person, World, on_both_stores};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

on_both_stores!(the_order_of_reports_does_not_matter);

const HOSTS: &[(&str, &str)] = &[("a.example", "192.0.2.1"), ("b.example", "192.0.2.2"), ("c.example", "192.0.2.3")];

/// A report: when, whether it is complete, and what it found on each host that it looked at.
#[derive(Clone, Debug)]
struct Report {
    hour: i64,
    is_complete: bool,
    hosts: Vec<(usize, BTreeSet<u32>)>,
}

/// What was found on a host; none where it was not looked at.
type Found = Option<BTreeSet<u32>>;

fn reports() -> impl Strategy<Value = Vec<Report>> {
    let host = prop::option::weighted(0.7, prop::collection::btree_set(1..5_u32, 0..4));
    let report = (any::<bool>(), prop::collection::vec(host, HOSTS.len()));
    prop::collection::vec(report, 3..9).prop_map(|reports| {
        let of = |(at, (is_complete, hosts)): (usize, (bool, Vec<Found>))| {
            let hosts = hosts.into_iter().enumerate().filter_map(|(host, rules)| Some((host, rules?))).collect();
            Report { hour: at as i64 - 100, is_complete, hosts }
        };
        reports.into_iter().enumerate().map(of).collect()
    })
}

async fn send(who: &Person, tenant: &str, source: &str, report: &Report) {
    let rules: Vec<(usize, Vec<u32>)> =
        report.hosts.iter().map(|(host, rules)| (*host, rules.iter().copied().collect())).collect();
    let hosts: Vec<Host<'_>> = rules.iter().map(|(host, rules)| Host(HOSTS[*host].0, HOSTS[*host].1, rules)).collect();
    let body = nessus(report.hour, &hosts);
    let query = format!("&tenant={tenant}&source={source}");
    if !report.is_complete {
        who.import(&query[1..], body).await.expect(201);
        return;
    }
    let answer = complete(who, &query, body.clone()).await;
    if answer.status != 201 {
        let count = answer.expect(409).json()["would_mark_gone"].clone();
        complete(who, &format!("{query}&confirm_gone={count}"), body).await.expect(201);
    }
}

/// Host and rule, first and last seen, and since when gone.
type State = BTreeMap<(String, String), (DateTime<Utc>, DateTime<Utc>, Option<DateTime<Utc>>)>;

async fn state(who: &Person, tenant: &str, source: &str) -> State {
    let assets = who.get(&format!("/v1/assets?tenant={tenant}")).await.expect(200).items();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let time = |value: &Value| value.as_str().map(|time| time.parse().expect("a time"));
    let names: BTreeMap<String, String> =
        assets.iter().map(|asset| (text(&asset["id"]), text(&asset["name"]))).collect();
    let found = who.get(&format!("/v1/findings?tenant={tenant}&source={source}&limit=500")).await.expect(200).items();
    let of = |row: &Value| {
        let times = (time(&row["first_seen"]).expect("a time"), time(&row["last_seen"]).expect("a time"));
        ((names[&text(&row["asset_id"])].clone(), text(&row["rule_key"])), (times.0, times.1, time(&row["gone_at"])))
    };
    found.iter().map(of).collect()
}

/// What a set of reports says, without any order.
fn model(reports: &[Report]) -> State {
    let mut state = State::new();
    let at = |report: &Report| start() + TimeDelta::hours(report.hour);
    for (host, (name, _)) in HOSTS.iter().enumerate() {
        for rule in 1..5 {
            let on_host = |report: &&Report| report.hosts.iter().any(|(named, _)| *named == host);
            let holds =
                |report: &&Report| report.hosts.iter().any(|(named, rules)| *named == host && rules.contains(&rule));
            let seen: Vec<_> = reports.iter().filter(holds).map(at).collect();
            let (Some(first), Some(last)) = (seen.iter().min(), seen.iter().max()) else { continue };
            let missed = reports.iter().filter(|report| report.is_complete && on_host(report) && !holds(report));
            let gone = missed.map(at).filter(|missed| missed >= last).min();
            state.insert(((*name).to_owned(), rule.to_string()), (*first, *last, gone));
        }
    }
    state
}

fn cases() -> usize {
    let scale: f64 = std::env::var("FYND_TEST_SCALE").ok().map_or(0.03, |scale| scale.parse().expect("a number"));
    (200.0 * scale).ceil() as usize
}

async fn the_order_of_reports_does_not_matter(kind: Kind) {
    let world = World::new(kind).await;
    let both = world.person("provider", &[world.norrvik, world.alvsund], ALL).await;
    let mut runner = TestRunner::deterministic();
    for case in 0..cases() {
        let reports = reports().new_tree(&mut runner).expect("reports").current();
        let shuffled = Just(reports.clone()).prop_shuffle().new_tree(&mut runner).expect("an order").current();
        let source = format!("s{case}");
        for (tenant, reports) in [("norrvik", &reports), ("alvsund", &shuffled)] {
            for report in reports {
                send(&both, tenant, &source, report).await;
            }
            assert_eq!(state(&both, tenant, &source).await, model(reports), "{tenant}: {reports:?}");
        }
    }
    world.end().await;
}
