//! How much a client, a municipality or an address may ask, and what they are told.

use crate::support::{ALL, Answer, Kind, Person, World, slow::Slow};
use api::Config;
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

/// The store has no part in this: once is enough.
async fn world(change: impl FnOnce(&mut Config)) -> World {
    World::with(Kind::Sqlite, change).await
}

/// 2026-11-24T08:00:00Z, when the worlds begin.
const BEGAN: i64 = 1_795_507_200;

#[track_caller]
fn tells(answer: &Answer, limit: u32, remaining: u32, resets_in: i64) {
    let policy = format!("\"default\";q={limit};w=60");
    assert_eq!(answer.header("ratelimit-policy"), Some(policy.as_str()), "{} {}", answer.status, answer.text);
    let level = format!("\"default\";r={remaining};t={resets_in}");
    assert_eq!(answer.header("ratelimit"), Some(level.as_str()));
    assert_eq!(answer.header("x-ratelimit-limit"), Some(limit.to_string().as_str()));
    assert_eq!(answer.header("x-ratelimit-remaining"), Some(remaining.to_string().as_str()));
    let reset: i64 = answer.header("x-ratelimit-reset").expect("a time").parse().expect("Unix seconds");
    assert!(reset >= BEGAN + resets_in, "{reset}");
}

#[track_caller]
fn is_refused(answer: &Answer, seconds: u32) {
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (429, "rate_limited"), "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("retry-after"), Some(seconds.to_string().as_str()));
    assert_eq!(answer.json()["trace_id"].as_str(), answer.header("x-request-id"));
}

async fn ask(person: &Person) -> Value {
    person.graphql("{ me { issuer } }", json!({})).await
}

#[tokio::test]
async fn a_client_gets_back_evenly_what_it_has_used() {
    let world = world(|config| config.limits.requests_per_minute = 5).await;
    let (lead, other) = (world.lead().await, world.person("other", &[world.norrvik], ALL).await);
    let again = world.lead().await;
    tells(&lead.get("/v1/me").await.expect(200), 5, 4, 12);
    tells(&again.get("/v1/me").await.expect(200), 5, 3, 24);
    assert!(ask(&lead).await["data"].is_object(), "GraphQL is charged to the same bucket");
    tells(&lead.get("/v1/findings").await.expect(200), 5, 1, 48);
    let last = lead.get("/v1/me").await.expect(200);
    tells(&last, 5, 0, 60);
    assert_eq!(last.header("x-ratelimit-reset"), Some((BEGAN + 60).to_string().as_str()));
    assert_eq!(last.header("retry-after"), None);
    let refused = lead.get("/v1/me").await;
    is_refused(&refused, 12);
    tells(&refused, 5, 0, 12);
    assert_eq!(refused.header("x-ratelimit-reset"), Some((BEGAN + 12).to_string().as_str()));
    assert_eq!(ask(&again).await["code"], "rate_limited", "another token is the same client");
    tells(&other.get("/v1/me").await.expect(200), 5, 4, 12);

    world.advance(TimeDelta::milliseconds(11_999));
    is_refused(&lead.get("/v1/me").await, 1);
    world.advance(TimeDelta::milliseconds(1));
    lead.get("/v1/me").await.expect(200);
    is_refused(&lead.get("/v1/me").await, 12);
    world.advance(TimeDelta::hours(1));
    tells(&lead.get("/v1/me").await.expect(200), 5, 4, 12);
    world.end().await;
}

#[tokio::test]
async fn every_answer_to_a_known_client_tells_and_costs_one_request() {
    let world = world(|config| config.limits.requests_per_minute = 60).await;
    let reader = world.person("reader", &[world.norrvik], "findings:read").await;
    let tag = reader.get("/v1/findings").await.etag();
    let unchanged = reader.request(Method::GET, "/v1/findings").header("if-none-match", tag);
    tells(&reader.send(unchanged).await.expect(304), 60, 58, 2);
    tells(&reader.get("/v1/findings?nothing=1").await.expect(400), 60, 57, 3);
    tells(&reader.get("/v1/tasks").await.expect(403), 60, 56, 4);
    tells(&reader.get("/v1/nothing").await.expect(404), 60, 55, 5);
    tells(&reader.send(reader.request(Method::PUT, "/v1/findings")).await.expect(405), 60, 54, 6);
    tells(&reader.write(Method::POST, "/graphql", None, json!({"query": 7})).await.expect(422), 60, 53, 7);
    tells(&reader.get("/openapi.json").await.expect(200), 60, 52, 8);
    for stranger in [world.bearer(""), world.bearer("no token")] {
        assert_eq!(stranger.get("/v1/me").await.expect(401).header("ratelimit"), None);
        assert_eq!(stranger.get("/openapi.json").await.expect(200).header("ratelimit"), None);
    }
    for _ in 0..100 {
        reader.get("/healthz").await.expect(200);
    }
    tells(&reader.get("/v1/findings").await.expect(200), 60, 51, 9);
    world.end().await;
}

#[tokio::test]
async fn a_municipality_that_is_busy_leaves_the_others_and_their_provider_alone() {
    let world = world(|config| config.limits.tenant_requests_per_minute = 4).await;
    let of = async |name: &str, tenants: &[_]| world.person(name, tenants, "findings:read").await;
    let (one, two) = (of("one", &[world.norrvik]).await, of("two", &[world.norrvik]).await);
    let (other, provider) =
        (of("other", &[world.alvsund]).await, of("provider", &[world.norrvik, world.alvsund]).await);
    for client in [&one, &two, &one, &two] {
        client.get("/v1/findings").await.expect(200);
    }
    is_refused(&one.get("/v1/findings").await, 15);
    is_refused(&two.get("/v1/findings").await, 15);
    for _ in 0..4 {
        other.get("/v1/findings").await.expect(200);
        provider.get("/v1/findings").await.expect(200);
    }
    is_refused(&other.get("/v1/findings").await, 15);
    provider.get("/v1/findings").await.expect(200);
    world.advance(TimeDelta::seconds(15));
    two.get("/v1/findings").await.expect(200);
    is_refused(&one.get("/v1/findings").await, 15);
    world.end().await;
}

#[tokio::test]
async fn a_client_has_so_many_requests_in_work_and_no_more() {
    let world = world(|config| config.limits.client_concurrent_requests = 2).await;
    let (lead, other) = (world.lead().await, world.person("other", &[world.norrvik], ALL).await);
    lead.get("/v1/me").await.expect(200);
    let held = Slow::question(&world, &lead).await;
    let second = Slow::question(&world, &lead).await;
    let refused = lead.get("/v1/me").await;
    is_refused(&refused, 1);
    assert!(refused.header("ratelimit").is_some());
    other.get("/v1/me").await.expect(200);
    assert!(held.end().await.starts_with("HTTP/1.1 200"));
    lead.get("/v1/me").await.expect(200);
    assert!(second.end().await.starts_with("HTTP/1.1 200"));
    world.end().await;
}

#[tokio::test]
async fn graphql_documents_are_paid_for_by_their_cost() {
    let world = world(|config| config.limits.graphql_cost_per_minute = 12).await;
    let (lead, other) = (world.lead().await, world.person("other", &[world.norrvik], ALL).await);
    let dear = "{ me { issuer subject principal: subject } }";
    for _ in 0..3 {
        assert!(lead.graphql(dear, json!({})).await["data"]["me"].is_object());
    }
    let refused = lead.graphql(dear, json!({})).await;
    assert_eq!(refused["data"], Value::Null);
    assert_eq!(refused["errors"][0]["extensions"], json!({"code": "rate_limited", "retry_after": 20}));
    // What is refused for itself costs nothing, and REST has its own limit.
    assert_eq!(lead.graphql("{ nothing }", json!({})).await["errors"][0]["extensions"]["code"], "invalid_query");
    lead.get("/v1/findings").await.expect(200);
    assert!(other.graphql(dear, json!({})).await["data"]["me"].is_object());
    world.advance(TimeDelta::seconds(10));
    assert!(ask(&lead).await["data"].is_object(), "what costs half comes back in half the time");
    assert_eq!(ask(&lead).await["errors"][0]["extensions"]["retry_after"], 10);
    // A document that is dearer than the whole budget takes all of it.
    let too_dear = "{ findings(first: 5) { nodes { id title } } }";
    let wait = lead.graphql(too_dear, json!({})).await["errors"][0]["extensions"]["retry_after"].clone();
    assert_eq!(wait, 60);
    world.advance(TimeDelta::seconds(60));
    assert!(lead.graphql(too_dear, json!({})).await["data"]["findings"].is_object());
    assert_eq!(ask(&lead).await["errors"][0]["extensions"]["code"], "rate_limited");
    world.end().await;
}

async fn asks_for_a_token(world: &World, client: &str, from: &str) -> Answer {
    let anyone = world.bearer("");
    let request = anyone.request(Method::POST, "/oauth/token").header("x-forwarded-for", from);
    let request = if client.is_empty() { request } else { request.basic_auth(client, Some("a guess")) };
    anyone.send(request.body("")).await
}

#[tokio::test]
async fn guessing_for_tokens_is_slow_by_client_and_address() {
    let world = world(|config| config.limits.oauth_per_minute = 2).await;
    for _ in 0..2 {
        assert_ne!(asks_for_a_token(&world, "ticketing", "192.0.2.1").await.status, 429);
    }
    is_refused(&asks_for_a_token(&world, "ticketing", "192.0.2.2").await, 30);
    assert_ne!(asks_for_a_token(&world, "siem", "192.0.2.1").await.status, 429, "another client behind this address");
    // Twenty of one address, four of which are gone; whatever the field says, there is no proxy that is believed.
    for at in 0..16 {
        assert_ne!(asks_for_a_token(&world, &format!("guess-{at}"), &format!("192.0.2.{at}")).await.status, 429);
    }
    is_refused(&asks_for_a_token(&world, "yet-another", "192.0.2.99").await, 3);
    is_refused(&asks_for_a_token(&world, "", "").await, 3);
    world.advance(TimeDelta::seconds(60));
    assert_ne!(asks_for_a_token(&world, "ticketing", "").await.status, 429);
    world.end().await;
}

#[tokio::test]
async fn addresses_are_told_apart_behind_a_proxy_that_is_trusted() {
    let world = world(|config| {
        config.limits.oauth_per_minute = 1;
        config.proxies = vec!["127.0.0.1".parse().expect("an address")];
    })
    .await;
    for from in ["192.0.2.1", "192.0.2.2", "198.51.100.1, 192.0.2.3", "2001:db8::1"] {
        assert_ne!(asks_for_a_token(&world, "ticketing", from).await.status, 429, "{from}");
    }
    for from in ["192.0.2.1", "203.0.113.9, 192.0.2.3", "2001:db8::2"] {
        is_refused(&asks_for_a_token(&world, "ticketing", from).await, 60);
    }
    world.end().await;
}

#[tokio::test]
async fn a_limit_of_nothing_is_none() {
    let world = world(|config| {
        let limits = &mut config.limits;
        (limits.requests_per_minute, limits.tenant_requests_per_minute) = (0, 0);
        (limits.graphql_cost_per_minute, limits.oauth_per_minute) = (0, 0);
        (limits.concurrent_requests, limits.client_concurrent_requests) = (0, 0);
        (limits.request_seconds, limits.upload_seconds) = (0, 0);
    })
    .await;
    let lead = world.lead().await;
    for _ in 0..100 {
        assert_eq!(lead.get("/v1/me").await.expect(200).header("ratelimit"), None);
        assert!(ask(&lead).await["data"].is_object());
        assert_ne!(asks_for_a_token(&world, "ticketing", "").await.status, 429);
    }
    world.end().await;
}
