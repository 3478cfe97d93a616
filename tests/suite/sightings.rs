//! What complete reports say about what they do not hold.

mod doubts;
mod killed;
mod random;
mod scopes;
mod stories;
mod together;

use crate::support::{Answer, Person, World};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use std::fmt::Write;

/// When the world begins.
pub(super) fn start() -> DateTime<Utc> {
    "2026-11-24T08:00:00Z".parse().expect("a time")
}

/// A host in a report: its name, the last part of its address, and the plugins that found something.
pub(super) struct Host<'a>(pub(super) &'a str, pub(super) &'a str, pub(super) &'a [u32]);

/// A Nessus report, observed so many hours after the world began.
pub(super) fn nessus(hour: i64, hosts: &[Host<'_>]) -> Vec<u8> {
    let ended = (start() + TimeDelta::hours(hour)).timestamp();
    let mut report = String::from("<?xml version=\"1.0\"?><NessusClientData_v2><Report name=\"r\">");
    for Host(name, address, plugins) in hosts {
        write!(
            report,
            "<ReportHost name=\"{name}\"><HostProperties><tag name=\"host-fqdn\">{name}</tag><tag name=\"host-ip\">{address}</tag>\
             <tag name=\"HOST_START_TIMESTAMP\">{0}</tag><tag name=\"HOST_END_TIMESTAMP\">{ended}</tag></HostProperties>",
            ended - 600
        )
        .expect("text");
        for plugin in *plugins {
            write!(
                report,
                "<ReportItem port=\"443\" protocol=\"tcp\" severity=\"3\" pluginID=\"{plugin}\" pluginName=\"Brist {plugin}\">\
                 <description>Beskrivning</description></ReportItem>"
            )
            .expect("text");
        }
        report.push_str("</ReportHost>");
    }
    report.push_str("</Report></NessusClientData_v2>");
    report.into_bytes()
}

/// Sends a complete report.
pub(super) async fn complete(who: &Person, more: &str, report: Vec<u8>) -> Answer {
    who.import(&format!("coverage=complete{more}"), report).await
}

/// The finding of a rule on a host.
pub(super) async fn finding(who: &Person, host: &str, rule: u32) -> Value {
    let assets = who.get(&format!("/v1/assets?identifier={host}")).await.expect(200).items();
    let asset = assets[0]["id"].as_str().expect("an id");
    let found = who.get(&format!("/v1/findings?asset={asset}&rule_key={rule}")).await.expect(200).items();
    assert_eq!(found.len(), 1, "{host} {rule}");
    found[0].clone()
}

pub(super) fn path(finding: &Value) -> String {
    format!("/v1/findings/{}", finding["id"].as_str().expect("an id"))
}

pub(super) async fn moved(who: &Person, finding: &Value, to: &str) -> Answer {
    let path = path(finding);
    let tag = who.get(&path).await.expect(200).etag();
    who.write(Method::POST, &format!("{path}/transition"), Some(&tag), json!({"to": to})).await
}

/// The same instant, however it is written.
#[track_caller]
pub(super) fn is_at(value: &Value, hour: i64) {
    let time: DateTime<Utc> = value.as_str().unwrap_or_else(|| panic!("{value} is no time")).parse().expect("a time");
    assert_eq!(time, start() + TimeDelta::hours(hour));
}

/// The kinds of the events of a finding, in order.
pub(super) async fn events(who: &Person, finding: &Value) -> Vec<String> {
    let all = who.get("/v1/changes?mode=events&limit=1000&types=finding").await.expect(200).items();
    let own = all.into_iter().filter(|event| event["resource_id"] == finding["id"]);
    own.map(|event| event["event"].as_str().expect("a kind").to_owned()).collect()
}

/// Somebody who may send complete reports.
pub(super) async fn scanner(world: &World) -> Person {
    world.person("scanner", &[world.norrvik], "imports:write findings:verify").await
}
