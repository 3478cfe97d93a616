//! What was, asked for later: a finding, a list and the counts as they were at a moment.

use crate::support::{
    ALL, Kind, Person, World,
    enrich::{catalogue, scores},
    fixture, on_both_stores,
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(the_past_is_what_it_was, nobody_learns_from_the_past_what_is_withheld_now, the_future_is_not_known);

/// Filters that different moments answer differently.
const FILTERS: &[&str] = &[
    "",
    "&status=new",
    "&status=confirmed,fix_claimed",
    "&severity=low",
    "&assignee=%C3%85sa",
    "&tag=100%25_l%C3%B6ner%22",
    "&tag=100x_l%C3%B6ner%22",
    "&tlp=red",
    "&source=Tenable.io,nessus",
    "&rule_key=90001",
    "&cve=CVE-2017-0144",
    "&kev=true",
    "&priority=act,attend",
    "&epss_band=from_90",
];

/// What two municipalities answer at a moment.
struct Moment {
    at: DateTime<Utc>,
    lists: Vec<Value>,
    counts: Vec<Value>,
}

fn now(world: &World) -> DateTime<Utc> {
    world.auth.service().clock.now()
}

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A list without what moves without a number.
fn steady(mut items: Vec<Value>) -> Value {
    for item in &mut items {
        let item = item.as_object_mut().unwrap();
        item.remove("last_seen");
        // Past scores are not kept.
        item.remove("epss");
    }
    items.into()
}

async fn answers(who: &Person, as_of: &str) -> (Vec<Value>, Vec<Value>) {
    let (mut lists, mut counts) = (Vec::new(), Vec::new());
    for filter in FILTERS {
        let list = format!("/v1/findings?limit=500&sort=-severity{filter}{as_of}");
        lists.push(steady(who.get(&list).await.expect(200).items()));
        let facets = format!("/v1/findings/facets?by=severity,status,source,tenant,priority,kev{filter}{as_of}");
        counts.push(who.get(&facets).await.expect(200).json());
    }
    (lists, counts)
}

async fn take(world: &World, who: &Person) -> Moment {
    world.advance(TimeDelta::minutes(1));
    let at = now(world);
    let (lists, counts) = answers(who, "").await;
    world.advance(TimeDelta::minutes(1));
    Moment { at, lists, counts }
}

async fn change(who: &Person, rule: &str, patch: Value) {
    let finding = who.get(&format!("/v1/findings?rule_key={rule}")).await.items()[0].clone();
    let path = format!("/v1/findings/{}", finding["id"].as_str().unwrap());
    let tag = who.get(&path).await.etag();
    if patch.get("to").is_some() {
        who.write(Method::POST, &format!("{path}/transition"), Some(&tag), patch).await.expect(200);
    } else {
        who.write(Method::PATCH, &path, Some(&tag), patch).await.expect(200);
    }
}

/// The same report later, with other words, one finding less severe and another name for a rule.
fn newer() -> Vec<u8> {
    let report = String::from_utf8(fixture("nessus/norrvik.nessus")).unwrap();
    let later = report.replace("<description>", "<description>Nytt: ").replace("severity=\"4\"", "severity=\"1\"");
    let at = later.find("HOST_END_TIMESTAMP\">").unwrap() + "HOST_END_TIMESTAMP\">".len();
    let stamp = &later[at..at + 10];
    later.replace(stamp, &(stamp.parse::<i64>().unwrap() + 3600).to_string()).into_bytes()
}

async fn the_past_is_what_it_was(kind: Kind) {
    let world = World::new(kind).await;
    let who = world.person("provider", &[world.norrvik, world.alvsund], ALL).await;
    let mut moments = vec![take(&world, &who).await];
    who.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    moments.push(take(&world, &who).await);
    change(&who, "90001", json!({"assignee": "Åsa", "tags": ["100%_löner\""]})).await;
    change(&who, "90001", json!({"to": "confirmed"})).await;
    world.load_epss(scores("2026-11-24", [("CVE-2017-0143", 0.94)])).await;
    moments.push(take(&world, &who).await);
    who.import("tenant=alvsund", fixture("nuclei/alvsund.json")).await.expect(201);
    change(&who, "90001", json!({"to": "fix_claimed", "comment": "Lagat."})).await;
    change(&who, "90001", json!({"severity": "low", "severity_reason": "Stängt nät."})).await;
    world.load_kev(catalogue("2026-11-24", &["CVE-2017-0143"])).await;
    moments.push(take(&world, &who).await);
    who.import("tenant=norrvik", newer()).await.expect(201);
    change(&who, "90001", json!({"assignee": null, "tags": null, "tlp": "red"})).await;
    moments.push(take(&world, &who).await);
    change(&who, "90001", json!({"tlp": null})).await;
    let different: std::collections::BTreeSet<String> =
        moments.iter().map(|moment| moment.lists[0].to_string()).collect();
    assert_eq!(different.len(), moments.len(), "the moments have become meaningless");
    for moment in &moments {
        let as_of = format!("&as_of={}", written(moment.at));
        let (lists, counts) = answers(&who, &as_of).await;
        for (at, filter) in FILTERS.iter().enumerate() {
            assert_eq!(lists[at], moment.lists[at], "{filter} as of {}", moment.at);
            assert_eq!(counts[at], moment.counts[at], "{filter} as of {}", moment.at);
        }
        for finding in moment.lists[0].as_array().unwrap() {
            let path = format!("/v1/findings/{}?as_of={}", finding["id"].as_str().unwrap(), written(moment.at));
            let one = who.get(&path).await.expect(200).json();
            assert_eq!(steady(vec![one]), json!([finding]));
        }
    }
    let newest = moments[4].lists[0][0]["id"].as_str().unwrap();
    let before = written(moments[0].at);
    who.get(&format!("/v1/findings/{newest}?as_of={before}")).await.expect(404);
    world.end().await;
}

async fn nobody_learns_from_the_past_what_is_withheld_now(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let open = take(&world, &lead).await;
    change(&lead, "90001", json!({"tlp": "red"})).await;
    let reader = world.person("reader", &[world.norrvik], "findings:read").await;
    let path = format!("/v1/findings?rule_key=90001&as_of={}", written(open.at));
    let past = reader.get(&path).await.expect(200).items()[0].clone();
    assert_eq!((&past["tlp"], &past["description"]), (&json!("amber"), &Value::Null), "{past}");
    assert!(past["withheld"].as_array().unwrap().contains(&json!("description")));
    assert_ne!(lead.get(&path).await.items()[0]["description"], Value::Null);
    world.end().await;
}

async fn the_future_is_not_known(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let tomorrow = written(now(&world) + TimeDelta::days(1));
    for path in ["/v1/findings?", "/v1/findings/facets?", "/v1/findings/01900000-0000-7000-8000-000000000000?"] {
        let refused = lead.get(&format!("{path}as_of={tomorrow}")).await.expect(400);
        assert_eq!(refused.json()["errors"][0]["pointer"], "as_of", "{}", refused.text);
    }
    let task = "01900000-0000-7000-8000-000000000000";
    lead.get(&format!("/v1/findings?task={task}&as_of=2026-01-01T00:00:00Z")).await.expect(400);
    world.end().await;
}
