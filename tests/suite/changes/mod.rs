//! The feed.

mod consumers;
mod retention;
mod streams;

use crate::support::{Kind, Person, World, fixture, on_both_stores};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

on_both_stores!(
    the_feed_is_gapless_and_leads_to_the_state,
    a_types_own_right_is_needed,
    a_filter_tells_what_comes_and_what_leaves,
    what_left_between_two_pages_is_told_as_well,
    reading_begins_where_it_is_asked_to,
    a_municipality_that_is_lost_is_told_of_once,
    waiting_ends_when_something_happens,
    what_cannot_be_asked_is_refused,
);

/// A page of the feed, and where it ends.
async fn page(who: &Person, query: &str) -> (Vec<Value>, String) {
    let page = who.get(&format!("/v1/changes?{query}")).await.expect(200).json();
    let cursor = page["next_cursor"].as_str().expect("a cursor").to_owned();
    (page["items"].as_array().expect("items").clone(), cursor)
}

/// Findings of Norrvik, by their severity and id.
async fn findings(who: &Person, severity: &str) -> Vec<Value> {
    who.get(&format!("/v1/findings?limit=500&severity={severity}")).await.expect(200).items()
}

/// Gives a finding another severity.
async fn rate(who: &Person, finding: &Value, severity: &str) {
    let path = format!("/v1/findings/{}", finding["id"].as_str().expect("an id"));
    let tag = who.get(&path).await.expect(200).etag();
    let reason = json!({"severity": severity, "severity_reason": "Bedömd på plats."});
    who.write(Method::PATCH, &path, Some(&tag), reason).await.expect(200);
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["resource_id"].as_str().expect("an id")).collect()
}

async fn a_filter_tells_what_comes_and_what_leaves(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let severe = findings(&lead, "high,critical").await;
    let other = findings(&lead, "low,medium").await;
    assert!(severe.len() >= 2 && other.len() >= 2, "the fixture has some of both");
    for mode in ["state", "events"] {
        let query = format!("mode={mode}&severity=high,critical&limit=1000");
        let (items, cursor) = page(&lead, &query).await;
        assert!(mode == "events" || items.len() == severe.len(), "{items:?}");
        assert!(items.iter().all(|item| item["resource_type"] == "finding"));
        assert!(mode == "events" || items.iter().all(|item| item["left_filter"] == false));
        let (first, newly) = (&severe[0], &other[0]);
        rate(&lead, first, "low").await;
        rate(&lead, newly, "critical").await;
        rate(&lead, &other[1], "low").await;
        let (items, cursor) = page(&lead, &format!("{query}&cursor={cursor}")).await;
        assert_eq!(ids(&items), [first["id"].as_str().unwrap(), newly["id"].as_str().unwrap()], "{mode}");
        assert_eq!((&items[0]["left_filter"], &items[1]["left_filter"]), (&json!(true), &json!(false)), "{mode}");
        assert_eq!(items[0]["resource"]["severity"], "low");
        assert!(page(&lead, &format!("{query}&cursor={cursor}")).await.0.is_empty());
        // As it was, for the other mode.
        rate(&lead, first, "critical").await;
        rate(&lead, newly, "medium").await;
    }
    // Who begins now knows nothing that could have left.
    rate(&lead, &severe[0], "low").await;
    let (items, _) = page(&lead, "severity=high,critical&limit=1000").await;
    assert_eq!(items.len(), severe.len() - 1);
    assert!(items.iter().all(|item| item["left_filter"] == false));
    let (items, _) = page(&lead, "status=confirmed&limit=1000").await;
    assert!(items.is_empty(), "nothing was ever confirmed");
    world.end().await;
}

/// What passes only while somebody is in the middle of the pages has to be told as left, or it would stay with them.
async fn what_left_between_two_pages_is_told_as_well(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let low = findings(&lead, "low,medium").await;
    let (one, more) = (&low[0], &low[1]);
    rate(&lead, one, "critical").await;
    let query = "severity=critical";
    let (known, cursor) = page(&lead, &format!("{query}&limit=1000")).await;
    assert!(ids(&known).contains(&one["id"].as_str().unwrap()));
    // It leaves, then something else comes: a page of one ends before the last state of the first.
    rate(&lead, one, "low").await;
    rate(&lead, more, "critical").await;
    rate(&lead, one, "medium").await;
    let (first, cursor) = page(&lead, &format!("{query}&limit=1&cursor={cursor}")).await;
    assert_eq!(ids(&first), [more["id"].as_str().unwrap()]);
    let (second, cursor) = page(&lead, &format!("{query}&limit=1&cursor={cursor}")).await;
    assert_eq!((ids(&second), &second[0]["left_filter"]), (vec![one["id"].as_str().unwrap()], &json!(true)));
    // Told once; that it changes again outside is nobody's business.
    rate(&lead, one, "low").await;
    assert!(page(&lead, &format!("{query}&limit=1&cursor={cursor}")).await.0.is_empty());
    // So is what leaves while the first reading goes on.
    let (first, begun) = page(&lead, &format!("{query}&limit=1")).await;
    let known = lead.get(&format!("/v1/findings/{}", ids(&first)[0])).await.json();
    rate(&lead, &known, "low").await;
    let (rest, _) = page(&lead, &format!("{query}&limit=1000&cursor={begun}")).await;
    let left = rest.iter().find(|item| item["resource_id"] == known["id"]).expect("it is told");
    assert_eq!(left["left_filter"], true);
    world.end().await;
}

async fn reading_begins_where_it_is_asked_to(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let (none, latest) = page(&lead, "types=finding&cursor=latest").await;
    assert!(none.is_empty());
    world.advance(TimeDelta::hours(1));
    let moment = world.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let finding = findings(&lead, "critical,high").await.remove(0);
    rate(&lead, &finding, "low").await;
    world.advance(TimeDelta::hours(1));
    let later = world.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    rate(&lead, &finding, "medium").await;
    for (query, expected) in [
        (format!("mode=events&since={moment}"), 2),
        (format!("mode=events&since={later}"), 1),
        (format!("since={moment}"), 1),
        (format!("mode=events&recorded_from={moment}"), 2),
        (format!("mode=events&recorded_from={moment}&recorded_to={later}"), 1),
        (format!("recorded_to={moment}&recorded_from={moment}"), 0),
    ] {
        let query = format!("types=finding&{query}");
        let (items, cursor) = page(&lead, &query).await;
        assert!(items.iter().all(|item| item["resource_id"] == finding["id"]), "{query}: {items:?}");
        assert_eq!(items.len(), expected, "{query}");
        let on = query.split('&').filter(|pair| !pair.starts_with("since")).collect::<Vec<_>>().join("&");
        assert!(page(&lead, &format!("{on}&cursor={cursor}")).await.0.is_empty(), "{query} goes on where it ended");
    }
    let (items, _) = page(&lead, &format!("types=finding&cursor={latest}")).await;
    assert_eq!(ids(&items), [finding["id"].as_str().unwrap()]);
    let lines = lead.send(
        lead.request(Method::GET, &format!("/v1/changes?types=finding&mode=events&since={moment}"))
            .header("accept", "application/x-ndjson"),
    );
    let lines = lines.await.expect(200);
    assert_eq!(lines.text.lines().count(), 2);
    assert!(lines.header("x-next-cursor").is_some());
    world.end().await;
}

async fn a_municipality_that_is_lost_is_told_of_once(kind: Kind) {
    let world = World::new(kind).await;
    let both = world.person("both", &[world.norrvik, world.alvsund], crate::support::ALL).await;
    both.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    both.import("tenant=alvsund", fixture("nuclei/alvsund.json")).await.expect(201);
    for (query, severity) in
        [("types=finding&limit=1000", "low"), ("types=finding&limit=1000&tenant=norrvik,alvsund", "medium")]
    {
        let (_, cursor) = page(&both, query).await;
        lose(&world, &both, "both", true).await;
        let (items, after) = page(&both, &format!("{query}&cursor={cursor}")).await;
        let [lost] = items.as_slice() else { panic!("{query}: {items:?}") };
        assert_eq!(
            (&lost["event"], &lost["resource_type"], &lost["tenant_id"], &lost["deleted"]),
            (&json!("access_lost"), &json!("tenant"), &json!(world.alvsund.0), &json!(true))
        );
        let (again, _) = page(&both, &format!("{query}&cursor={cursor}")).await;
        assert_eq!(again[0]["event_id"], lost["event_id"], "the same item however often it is told");
        let finding = both.get("/v1/findings?tenant=norrvik").await.items().remove(0);
        rate(&both, &finding, severity).await;
        let (items, after) = page(&both, &format!("{query}&cursor={after}")).await;
        assert_eq!(ids(&items), [finding["id"].as_str().unwrap()], "the rest goes on");
        // What comes back begins anew.
        lose(&world, &both, "both", false).await;
        let (items, _) = page(&both, &format!("{query}&cursor={after}")).await;
        assert!(!items.is_empty() && items.iter().all(|item| item["tenant_id"] == json!(world.alvsund.0)), "{query}");
    }
    world.end().await;
}

/// Takes Älvsund's grant from a principal, or gives it back, and waits until that counts.
async fn lose(world: &World, who: &Person, name: &str, lost: bool) {
    let to = if lost { "valid_from" } else { "NULL" };
    // On both stores an id can be told by how it is written.
    let tenants = "SELECT id FROM tenant WHERE slug = 'alvsund'";
    let mine =
        format!("principal_id = (SELECT id FROM principal WHERE subject = '{name}') AND tenant_id = ({tenants})");
    world.test_store.execute(&format!("UPDATE \"grant\" SET revoked_at = {to} WHERE {mine}")).await;
    world.test_store.execute("UPDATE auth_epoch SET value = value + 1").await;
    let began = Instant::now();
    let count = if lost { 1 } else { 2 };
    while who.get("/v1/me").await.expect(200).json()["tenants"].as_array().map(Vec::len) != Some(count) {
        assert!(began.elapsed() < Duration::from_secs(5), "it counts within five seconds");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn waiting_ends_when_something_happens(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let (_, cursor) = page(&lead, "types=finding&limit=1000").await;
    let query = format!("types=finding&limit=1000&cursor={cursor}");
    let began = Instant::now();
    assert!(page(&lead, &format!("{query}&wait=1")).await.0.is_empty());
    assert!(began.elapsed() >= Duration::from_secs(1), "it has waited");
    let finding = findings(&lead, "critical,high").await.remove(0);
    let (waiter, asked) = (lead.clone(), format!("{query}&wait=30"));
    let waiting = tokio::spawn(async move { (page(&waiter, &asked).await.0, Instant::now()) });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished(), "nothing has happened yet");
    rate(&lead, &finding, "low").await;
    let changed = Instant::now();
    let (items, told) = waiting.await.unwrap();
    assert_eq!(ids(&items), [finding["id"].as_str().unwrap()]);
    assert!(told.saturating_duration_since(changed) < Duration::from_secs(3), "{:?}", told - changed);
    // From now on means from when it was asked, also where it takes some time until something else comes.
    let (waiter, other) = (lead.clone(), findings(&lead, "medium").await.remove(0));
    let waiting = tokio::spawn(async move { page(&waiter, "types=finding&cursor=latest&wait=30").await.0 });
    tokio::time::sleep(Duration::from_millis(500)).await;
    rate(&lead, &other, "high").await;
    assert_eq!(ids(&waiting.await.unwrap()), [other["id"].as_str().unwrap()]);
    let (_, cursor) = page(&lead, "types=finding&limit=1000").await;
    let query = format!("types=finding&limit=1000&cursor={cursor}");
    // A poller that has seen it all waits on its tag as well.
    let seen = lead.get(&format!("/v1/changes?{query}")).await.expect(200).etag();
    let again = lead.request(Method::GET, &format!("/v1/changes?{query}&wait=1")).header("if-none-match", seen);
    lead.send(again).await.expect(304);
    world.end().await;
}

async fn what_cannot_be_asked_is_refused(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let (_, cursor) = page(&lead, "limit=1").await;
    for (query, named) in [
        ("wait=31", "wait"),
        ("wait=-1", "wait"),
        ("severity=high&types=asset", "severity"),
        ("status=new&types=finding,task", "status"),
        ("since=2026-01-01T00:00:00Z&cursor=latest", "since"),
        ("since=yesterday", "since"),
        ("severity=bad", "severity"),
    ] {
        let refused = lead.get(&format!("/v1/changes?{query}")).await.expect(400).json();
        assert_eq!((&refused["code"], &refused["errors"][0]["pointer"]), (&json!("invalid_parameter"), &json!(named)));
    }
    let other = lead.get(&format!("/v1/changes?severity=high&cursor={cursor}")).await.expect(400);
    assert_eq!(other.code(), "cursor_filter_mismatch");
    for form in ["text/html", "text/csv"] {
        lead.send(lead.request(Method::GET, "/v1/changes").header("accept", form)).await.expect(406);
    }
    world.end().await;
}

async fn the_feed_is_gapless_and_leads_to_the_state(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let (mut seqs, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = lead.get(&format!("/v1/changes?mode=events&limit=7{cursor}")).await.expect(200).json();
        seqs.extend(page["items"].as_array().unwrap().iter().map(|item| item["seq"].as_i64().unwrap()));
        cursor = format!("&cursor={}", page["next_cursor"].as_str().unwrap());
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>());
    let finding = lead.get("/v1/findings").await.items()[0].clone();
    let path = format!("/v1/findings/{}", finding["id"].as_str().unwrap());
    let tag = lead.get(&path).await.etag();
    lead.write(Method::PATCH, &path, Some(&tag), json!({"assignee": "Åsa"})).await.expect(200);
    let delta = lead.get(&format!("/v1/changes?mode=events&limit=7{cursor}")).await.expect(200).items();
    assert_eq!(delta.len(), 1);
    assert_eq!(delta[0]["changed"]["assignee"], json!({"before": null, "after": "Åsa"}));
    assert_eq!(delta[0]["resource"]["assignee"], "Åsa");
    let state = lead.get("/v1/changes?limit=1000&types=finding").await.expect(200).items();
    let mut of_feed: Vec<_> = state.iter().map(|item| item["resource"].to_string()).collect();
    let mut of_list: Vec<_> =
        lead.get("/v1/findings?limit=500").await.items().iter().map(ToString::to_string).collect();
    of_feed.sort();
    of_list.sort();
    assert_eq!(of_feed, of_list);
    world.end().await;
}

async fn a_types_own_right_is_needed(kind: Kind) {
    let world = World::new(kind).await;
    world.lead().await.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let siem = world.person("siem", &[world.norrvik], "feed:read tasks:read").await;
    let items = siem.get("/v1/changes?limit=1000").await.expect(200).items();
    assert!(!items.is_empty() && items.iter().all(|item| item["resource_type"] == "task"));
    world.end().await;
}
