//! The feed that goes on: server-sent events, and subscriptions over WebSocket.

use super::{findings, lose, page, rate};
use crate::support::{Kind, Person, World, fixture, on_both_stores, socket::Socket};
use futures_util::{Stream, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    pin::Pin,
    time::{Duration, Instant},
};

on_both_stores!(
    events_go_on_where_they_were_left,
    a_stream_ends_with_its_rights,
    a_client_has_so_many_streams,
    a_subscription_goes_on_where_it_was_left,
    a_subscription_ends_with_its_rights,
    a_connection_says_who_it_is,
);

/// An event as a browser reads it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) data: String,
}

impl Event {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {}", self.data))
    }
}

type Bytes = Pin<Box<dyn Stream<Item = reqwest::Result<Vec<u8>>> + Send>>;

/// A reader of server-sent events.
pub(super) struct Events {
    bytes: Bytes,
    read: String,
}

impl Events {
    pub(super) async fn of(who: &Person, query: &str, last: Option<&str>) -> reqwest::Result<Self> {
        let mut request =
            who.request(Method::GET, &format!("/v1/changes?{query}")).header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = request.send().await?;
        let kind = answer.headers().get("content-type").cloned();
        assert_eq!(answer.status().as_u16(), 200, "{}", answer.text().await?);
        assert_eq!(kind.unwrap(), "text/event-stream");
        let bytes = Box::pin(answer.bytes_stream().map(|bytes| bytes.map(|bytes| bytes.to_vec())));
        Ok(Self { bytes, read: String::new() })
    }

    /// The next event with data; none at the end.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.read.find("\n\n") {
                let block: String = self.read.drain(..end + 2).collect();
                let mut event = Event::default();
                for (name, value) in block.lines().filter_map(|line| line.split_once(": ")) {
                    match name {
                        "id" => event.id = value.to_owned(),
                        "event" => event.kind = value.to_owned(),
                        "data" => event.data = value.to_owned(),
                        _ => {}
                    }
                }
                if !event.data.is_empty() {
                    return Some(event);
                }
            }
            self.read.push_str(std::str::from_utf8(&self.bytes.next().await?.ok()?).expect("UTF-8"));
        }
    }
}

async fn filled(kind: Kind) -> (World, Person) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    (world, lead)
}

async fn events_go_on_where_they_were_left(kind: Kind) {
    let (world, lead) = filled(kind).await;
    let (items, _) = page(&lead, "types=finding&limit=1000").await;
    let mut events = Events::of(&lead, "types=finding", None).await.unwrap();
    let mut told = Vec::new();
    for _ in &items {
        told.push(events.next().await.expect("an event"));
    }
    let data: Vec<Value> = told.iter().map(Event::json).collect();
    assert_eq!(data, items);
    // After each one it goes on with the next.
    for at in [0, items.len() / 2, items.len() - 2] {
        let mut rest = Events::of(&lead, "types=finding", Some(&told[at].id)).await.unwrap();
        assert_eq!(rest.next().await.expect("an event").json(), items[at + 1], "after {at}");
    }
    let mut latest = Events::of(&lead, "cursor=latest&severity=low&mode=events", None).await.unwrap();
    let finding = findings(&lead, "critical,high").await.remove(0);
    let began = Instant::now();
    rate(&lead, &finding, "low").await;
    for events in [&mut events, &mut latest] {
        let event = events.next().await.expect("an event");
        assert_eq!((&event.json()["resource_id"], event.kind.as_str()), (&finding["id"], ""));
    }
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let answer = lead.request(Method::GET, "/v1/changes").header("accept", "text/event-stream");
    let answer = answer.header("last-event-id", "not a cursor").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 400);
    world.end().await;
}

async fn a_stream_ends_with_its_rights(kind: Kind) {
    let world = World::new(kind).await;
    let both = world.person("both", &[world.norrvik, world.alvsund], crate::support::ALL).await;
    let mut events = Events::of(&both, "", None).await.unwrap();
    lose(&world, &both, "both", true).await;
    let event = events.next().await.expect("an event").json();
    assert_eq!((&event["event"], &event["tenant_id"]), (&json!("access_lost"), &json!(world.alvsund.0)));
    world.test_store.execute("UPDATE \"grant\" SET revoked_at = valid_from").await;
    world.test_store.execute("UPDATE auth_epoch SET value = value + 1").await;
    let began = Instant::now();
    let end = events.next().await.expect("the last event");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!((end.kind.as_str(), &end.json()["code"]), ("end", &json!("forbidden")));
    assert!(end.json()["cursor"].is_string());
    assert_eq!(events.next().await, None, "the connection ends");
    world.end().await;
}

async fn a_client_has_so_many_streams(kind: Kind) {
    let world = World::with(kind, |config| config.limits.client_streams = 2).await;
    let (lead, other) = (world.lead().await, world.person("other", &[world.norrvik], crate::support::ALL).await);
    let first = Events::of(&lead, "", None).await.unwrap();
    let mut socket = Socket::of(&lead).await;
    socket.ask("1", "subscription { changes { nextCursor } }", json!({})).await;
    assert_eq!(socket.hear().await.unwrap()["type"], "next");
    let third = lead.request(Method::GET, "/v1/changes").header("accept", "text/event-stream");
    assert_eq!(third.send().await.unwrap().status().as_u16(), 429);
    lead.get("/v1/changes?wait=1").await.expect(429);
    socket.ask("2", "subscription { changes { nextCursor } }", json!({})).await;
    let refused = socket.hear().await.unwrap();
    assert_eq!(refused["payload"]["errors"][0]["extensions"]["code"], "rate_limited");
    lead.get("/v1/changes").await.expect(200);
    Events::of(&other, "", None).await.unwrap();
    drop(first);
    let began = Instant::now();
    loop {
        let again = lead.request(Method::GET, "/v1/changes").header("accept", "text/event-stream");
        if again.send().await.unwrap().status().as_u16() == 200 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "a place that was left is free again");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    world.end().await;
}

const CHANGES: &str = "subscription Changes($after: String) { changes(filter: {types: [FINDING]}, first: 100, after: $after) { nextCursor hasMore items {
    eventId resourceId leftFilter resource { ... on Finding { id severity asset { name } } } } } }";

async fn a_subscription_goes_on_where_it_was_left(kind: Kind) {
    let (world, lead) = filled(kind).await;
    let (items, _) = page(&lead, "types=finding&limit=1000").await;
    let mut socket = Socket::of(&lead).await;
    socket.ask("a", CHANGES, json!({})).await;
    let (mut told, mut cursor) = (Vec::new(), Value::Null);
    while told.len() < items.len() {
        let next = socket.hear().await.unwrap();
        assert_eq!((&next["type"], &next["id"]), (&json!("next"), &json!("a")), "{next}");
        let changes = &next["payload"]["data"]["changes"];
        told.extend(changes["items"].as_array().unwrap_or_else(|| panic!("{next}")).clone());
        cursor = changes["nextCursor"].clone();
    }
    let ids = |name: &str, items: &[Value]| items.iter().map(|item| item[name].clone()).collect::<Vec<_>>();
    assert_eq!(ids("eventId", &told), ids("event_id", &items));
    let finding = findings(&lead, "critical,high").await.remove(0);
    rate(&lead, &finding, "low").await;
    let next = socket.hear().await.unwrap();
    let change = &next["payload"]["data"]["changes"]["items"][0];
    assert_eq!((&change["resourceId"], &change["resource"]["severity"]), (&finding["id"], &json!("LOW")), "{next}");
    assert_eq!(
        change["resource"]["asset"]["name"],
        lead.get(&format!("/v1/assets/{}", finding["asset_id"].as_str().unwrap())).await.json()["name"]
    );
    socket.say(json!({"type": "complete", "id": "a"})).await;
    assert_eq!(socket.hear().await.unwrap()["type"], "complete");
    socket.ask("b", CHANGES, json!({"after": cursor})).await;
    let next = socket.hear().await.unwrap();
    assert_eq!(
        ids("resourceId", next["payload"]["data"]["changes"]["items"].as_array().unwrap()),
        [finding["id"].clone()]
    );
    // Questions and changes are answered once.
    socket.ask("c", "{ me { issuer } }", json!({})).await;
    assert!(socket.hear().await.unwrap()["payload"]["data"]["me"].is_object());
    assert_eq!(socket.hear().await.unwrap(), json!({"type": "complete", "id": "c"}));
    for (query, code) in [
        ("subscription { findings { nodes { id } } }", "invalid_query"),
        ("subscription { a: changes { nextCursor } b: changes { nextCursor } }", "invalid_query"),
        ("subscription { changes(after: \"nothing\") { nextCursor } }", "cursor_invalid"),
        ("subscription { changes(first: 0) { nextCursor } }", "invalid_parameter"),
        ("subscription {", "invalid_query"),
    ] {
        socket.ask("d", query, json!({})).await;
        let refused = socket.hear().await.unwrap();
        assert_eq!(refused["payload"]["errors"][0]["extensions"]["code"], code, "{query}: {refused}");
        assert_eq!(socket.hear().await.unwrap()["type"], "complete", "{query}");
    }
    let posted = lead.graphql("subscription { changes { nextCursor } }", json!({})).await;
    assert_eq!(posted["errors"][0]["extensions"]["code"], "invalid_query");
    world.end().await;
}

async fn a_subscription_ends_with_its_rights(kind: Kind) {
    let (world, lead) = filled(kind).await;
    let mut socket = Socket::of(&lead).await;
    socket.ask("a", CHANGES, json!({"after": "latest"})).await;
    assert_eq!(socket.hear().await.unwrap()["type"], "next");
    world.test_store.execute("UPDATE \"grant\" SET revoked_at = valid_from").await;
    world.test_store.execute("UPDATE auth_epoch SET value = value + 1").await;
    let began = Instant::now();
    let end = socket.hear().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(end["payload"]["errors"][0]["extensions"]["code"], "forbidden", "{end}");
    assert_eq!(socket.hear().await.unwrap()["type"], "complete");
    world.end().await;
}

async fn a_connection_says_who_it_is(kind: Kind) {
    let (world, lead) = filled(kind).await;
    for payload in [json!({}), json!({"Authorization": "Bearer nonsense"}), json!({"Authorization": 7}), json!(null)] {
        let mut socket = Socket::open(&world.base).await;
        socket.say(json!({"type": "connection_init", "payload": payload})).await;
        assert_eq!(socket.hear().await.unwrap_err().map(|(code, _)| code), Some(4403), "{payload}");
    }
    let mut socket = Socket::open(&world.base).await;
    socket.ask("a", "{ me { issuer } }", json!({})).await;
    assert!(socket.hear().await.unwrap_err().is_some(), "nobody asks before they have said who they are");
    let mut socket = Socket::of(&lead).await;
    socket.say(json!({"type": "connection_init"})).await;
    assert_eq!(socket.hear().await.unwrap_err().map(|(code, _)| code), Some(4429));
    let mut socket = Socket::of(&lead).await;
    socket.say(json!(["nonsense"])).await;
    assert!(socket.hear().await.unwrap_err().is_some());
    let plain = lead.get("/graphql/ws").await;
    assert_eq!(plain.status.as_u16(), 400);
    world.end().await;
}

/// Who takes nothing is cut off, and costs no more than a page until then.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_reader_who_takes_nothing_is_cut_off() {
    use tokio::io::AsyncWriteExt;
    let world = World::with(Kind::Sqlite, |config| {
        (config.limits.stalled_seconds, config.limits.client_streams) = (2, 1);
    })
    .await;
    let lead = world.lead().await;
    // More than sockets hold.
    lead.import("tenant=norrvik", crate::support::generated_report(4_000)).await.expect(201);
    let address = world.base.strip_prefix("http://").unwrap();
    let mut slow = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = "GET /v1/changes?limit=100 HTTP/1.1\r\nHost: fynd\r\nAccept: text/event-stream\r\n";
    slow.write_all(format!("{head}Authorization: Bearer {}\r\n\r\n", lead.token).as_bytes()).await.unwrap();
    let stream = async || {
        let request = lead.request(Method::GET, "/v1/changes?cursor=latest").header("accept", "text/event-stream");
        request.send().await.unwrap().status().as_u16()
    };
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(stream().await, 429, "the place is taken");
    let began = Instant::now();
    while stream().await == 429 {
        assert!(began.elapsed() < Duration::from_secs(20), "it is still held");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    world.end().await;
    drop(slow);
}
