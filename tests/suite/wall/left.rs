//! Who is known but has no right left; and what somebody else's ids and cursors are worth.

use super::{
    MISSING, filled,
    rest::{path, resource, walled},
    with_scopes, without_trace,
};
use crate::support::{ALL, Kind, Person, World, document::Operation, on_both_stores, within_five_seconds};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;
use service::platform::Platform;
use std::time::Duration;

on_both_stores!(
    no_operation_opens_to_who_has_no_right_left,
    foreign_ids_in_filters_and_bodies_are_missing,
    a_cursor_is_its_principals_alone,
    a_connection_keeps_nothing_of_who_had_it_before,
);

async fn has_nothing(who: &Person) -> bool {
    who.get("/v1/tenants").await.expect(200).items().is_empty()
}

/// People whose tokens are good and whose rights are not: revoked, over, or a provider's without the municipality's.
async fn without_rights(world: &World) -> Vec<(&'static str, Person)> {
    let lead = world.lead().await;
    let issuer = lead.get("/v1/me").await.expect(200).json()["issuer"].clone();
    let issuer = issuer.as_str().expect("an issuer");
    let revoked = world.person("revoked", &[world.norrvik], ALL).await;
    let mine = "principal_id = (SELECT id FROM principal WHERE subject = 'revoked')";
    world.test_store.execute(&format!("UPDATE \"grant\" SET revoked_at = valid_from WHERE {mine}")).await;
    let expired = world.person("expired", &[world.norrvik], ALL).await;
    let mine = "principal_id = (SELECT id FROM principal WHERE subject = 'expired')";
    world
        .test_store
        .execute(&format!("UPDATE \"grant\" SET valid_to = '2026-11-24T08:00:01+00:00' WHERE {mine}"))
        .await;
    let provider = world.person("provider", &[world.norrvik, world.alvsund], ALL).await;
    let platform = Platform::new(world.auth.service().store.clone());
    let organisation =
        platform.add_provider("Nordskydd AB", world.auth.service().clock.now()).await.expect("a provider");
    platform.belongs_to(issuer, "provider", organisation).await.expect("a member");
    world.advance(TimeDelta::seconds(2));
    let all = vec![("revoked grant", revoked), ("expired grant", expired), ("provider without grant", provider)];
    for (name, who) in &all {
        within_five_seconds(name, async || has_nothing(who).await).await;
    }
    all
}

async fn no_operation_opens_to_who_has_no_right_left(kind: Kind) {
    let world = World::new(kind).await;
    let norrvik = filled(&world, "norrvik").await;
    for (name, who) in without_rights(&world).await {
        for operation in walled() {
            let path = path(operation, norrvik.one.get(resource(operation)).map_or("", String::as_str));
            let answer = super::rest::call(&who, operation, &path, "\"1-0\"").await;
            let expected = match operation.id() {
                "getMe" | "listLabels" | "listTenants" => 200,
                "getTenant" => 404,
                _ => 403,
            };
            assert_eq!(answer.status.as_u16(), expected, "{} by {name}: {}", operation.id(), answer.text);
            assert!(norrvik.leaked_in(&answer.text).is_empty(), "{} by {name}", operation.id());
        }
        let query = "{ findings { nodes { id } } me { tenants { id } } }";
        let answer = who.graphql(query, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "forbidden", "{name}: {answer}");
    }
    world.end().await;
}

/// The resource that a filter's id is of. A new filter by id fails the walk until it is here.
fn filtered_by(operation: Operation, name: &str) -> &'static str {
    match (operation.id(), name) {
        (_, "asset") => "assets",
        (_, "service") => "services",
        (_, "task") => "tasks",
        (_, "acceptance") => "risk-acceptances",
        (_, "finding") => "findings",
        (_, "principal") => "principal",
        (id, new) => panic!("{id} filters by {new}: the walk has no sample for it"),
    }
}

async fn foreign_ids_in_filters_and_bodies_are_missing(kind: Kind) {
    let world = World::new(kind).await;
    let (_norrvik, alvsund) = (filled(&world, "norrvik").await, filled(&world, "alvsund").await);
    let lead = with_scopes(&world, ALL).await;
    let other = world.person("älvsund's", &[world.alvsund], ALL).await;
    let principal = other.get("/v1/me").await.expect(200).json()["principal_id"].as_str().expect("an id").to_owned();
    let mut filters = 0;
    for operation in walled().into_iter().filter(|operation| operation.method == "get") {
        for name in operation.id_filters() {
            let foreign = match filtered_by(operation, name) {
                "principal" => principal.as_str(),
                resource => alvsund.id(resource),
            };
            let ask = async |id: &str| lead.get(&format!("{}?{name}={id}", operation.path)).await.expect(200);
            let (foreign, missing) = (ask(foreign).await, ask(MISSING).await);
            assert_eq!(foreign.json(), missing.json(), "{} by {name}", operation.id());
            filters += 1;
        }
    }
    assert!(filters >= 3, "the walk finds the filters in the document");
    let grant = async |id: &str| {
        let body = json!({"principal_id": id, "scopes": ["findings:read"]});
        lead.write(Method::POST, "/v1/grants", None, body).await.expect(422)
    };
    assert_eq!(without_trace(&grant(&principal).await), without_trace(&grant(MISSING).await));
    let client = async |tenant: &str| {
        let body = json!({"name": "x", "purpose": "x", "tenants": [tenant], "scopes": ["findings:read"]});
        lead.write(Method::POST, "/v1/clients", None, body).await.expect(404)
    };
    assert_eq!(without_trace(&client(&world.alvsund.to_string()).await), without_trace(&client(MISSING).await));
    world.end().await;
}

/// Asks for an acceptance of one finding more, so that there is a second page of them.
async fn another_acceptance(lead: &Person) {
    for finding in lead.get("/v1/findings").await.expect(200).items() {
        let body = json!({"findings": [finding["id"]], "reason": "Byts ut.", "standstill_days": 1, "cost_per_day": 1,
            "fix_cost": 1, "expires_at": "2026-12-24T12:00:00Z"});
        if lead.write(Method::POST, "/v1/risk-acceptances", None, body).await.status == 201 {
            return;
        }
    }
}

async fn a_cursor_is_its_principals_alone(kind: Kind) {
    let world = World::new(kind).await;
    let norrvik = filled(&world, "norrvik").await;
    let lead = with_scopes(&world, ALL).await;
    let twin = world.person("twin", &[world.norrvik], ALL).await;
    let mut lists = 0;
    for operation in walled().into_iter().filter(|operation| operation.pages()) {
        // Some lists are of one row so far.
        for at in 0..3 {
            let new = json!({"name": format!("k{at}"), "purpose": "x", "scopes": ["clients:manage"]});
            lead.write(Method::POST, "/v1/clients", None, new).await.expect(201);
            lead.write(Method::POST, "/v1/services", None, json!({"name": format!("s{at}")})).await.expect(201);
        }
        another_acceptance(&lead).await;
        let list = path(operation, norrvik.one.get(resource(operation)).map_or("", String::as_str));
        let page = lead.get(&format!("{list}?limit=1")).await.expect(200).json();
        let cursor = page["next_cursor"].as_str().unwrap_or_else(|| panic!("{} has one page", operation.id()));
        let next = format!("{list}?limit=1&cursor={cursor}");
        lead.get(&next).await.expect(200);
        assert_eq!(twin.get(&next).await.expect(400).code(), "cursor_invalid", "{}", operation.id());
        lists += 1;
    }
    assert!(lists >= 6, "the walk finds the lists in the document");
    world.end().await;
}

/// Two municipalities' people take turns on one connection, and every other request is given up on its way.
async fn a_connection_keeps_nothing_of_who_had_it_before(kind: Kind) {
    let world = World::with(kind, |config| config.database_connections = 1).await;
    let (norrvik, alvsund) = (filled(&world, "norrvik").await, filled(&world, "alvsund").await);
    let of_norrvik = with_scopes(&world, ALL).await;
    let of_alvsund = world.person("älvsund's", &[world.alvsund], ALL).await;
    let people = [(&of_norrvik, &norrvik, &alvsund), (&of_alvsund, &alvsund, &norrvik)];
    let mut read = 0;
    for round in 0..240_u64 {
        let (who, own, foreign) = people[usize::from(round % 2 == 1)];
        let path = ["/v1/findings?limit=100", "/v1/tasks?limit=100", "/v1/changes?limit=100"][round as usize % 3];
        let request = who.request(Method::GET, path);
        if round % 4 < 2 {
            let _ = tokio::time::timeout(Duration::from_micros(200 + round * 30), request.send()).await;
            continue;
        }
        let answer = who.send(request).await.expect(200);
        assert_eq!(foreign.leaked_in(&answer.text), Default::default(), "{path}");
        assert!(!own.leaked_in(&answer.text).is_empty(), "{path} shows nothing of its own");
        read += 1;
    }
    assert_eq!(read, 120);
    world.end().await;
}
