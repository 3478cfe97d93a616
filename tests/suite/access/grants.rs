//! Grants: given, seen, shortened, revoked.

use super::{logged_in, made, scopes_in, within_five_seconds};
use crate::support::{Kind, Person, World, fixture, on_both_stores};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use service::platform::Platform;

on_both_stores!(
    a_grant_is_given_seen_shortened_and_revoked,
    nobody_gives_more_than_they_hold,
    a_provider_reaches_a_municipality_by_its_dated_grant_alone,
    a_viewer_here_and_an_editor_there_stay_what_they_are,
    a_grant_begins_and_ends_by_its_dates,
    revoking_cuts_an_open_cursor,
);

const LEAD: &str = "grants:manage clients:manage findings:read findings:write assets:read";

async fn give(by: &Person, body: Value) -> Value {
    by.write(Method::POST, "/v1/grants", None, body).await.expect(201).json()
}

async fn revoke(by: &Person, grant: &Value) {
    let path = format!("/v1/grants/{}", grant["id"].as_str().expect("an id"));
    by.send(by.request(Method::DELETE, &path)).await.expect(200);
}

/// Someone whose token asks for these scopes but who was granted nothing but `me`.
async fn asking(world: &World, name: &str, scopes: &str) -> Person {
    let person = world.person(name, &[world.norrvik, world.alvsund], scopes).await;
    let mine = format!("principal_id = (SELECT id FROM principal WHERE subject = '{name}')");
    world.test_store.execute(&format!("UPDATE \"grant\" SET revoked_at = valid_from WHERE {mine}")).await;
    world.test_store.execute("UPDATE auth_epoch SET value = value + 1").await;
    within_five_seconds("nothing is left", async || scopes_in(&person, "norrvik").await.is_empty()).await;
    person
}

async fn a_grant_is_given_seen_shortened_and_revoked(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.person("lead", &[world.norrvik], LEAD).await;
    let analyst = asking(&world, "analyst", "findings:read findings:write").await;
    let issuer = analyst.get("/v1/me").await.expect(200).json()["issuer"].clone();
    let body = json!({"issuer": issuer, "subject": "analyst", "scopes": ["findings:read", "findings:write"]});
    let grant = give(&lead, body).await;
    assert_eq!((&grant["origin"], &grant["holder"]["kind"]), (&json!("api"), &json!("principal")));
    within_five_seconds("it holds", async || scopes_in(&analyst, "norrvik").await.len() == 2).await;
    assert!(scopes_in(&analyst, "alvsund").await.is_empty());
    let because = analyst.get("/v1/me").await.expect(200).json()["tenants"][0]["because"].clone();
    assert_eq!((&because[0]["grant_id"], &because[0]["origin"]), (&grant["id"], &json!("api")));
    let path = format!("/v1/grants/{}", grant["id"].as_str().expect("an id"));
    let read = lead.get(&path).await.expect(200);
    let patch = async |tag: Option<&str>, body: Value| lead.write(Method::PATCH, &path, tag, body).await;
    assert_eq!(patch(None, json!({})).await.expect(428).code(), "precondition_required");
    let tag = read.etag();
    patch(Some(&tag), json!({"scopes": ["findings:read"], "valid_to": "2026-11-24T09:00:00Z"})).await.expect(200);
    assert_eq!(patch(Some(&tag), json!({})).await.expect(412).code(), "stale");
    within_five_seconds("it is narrower", async || scopes_in(&analyst, "norrvik").await == ["findings:read"]).await;
    let tag = lead.get(&path).await.etag();
    patch(Some(&tag), json!({"valid_to": "2026-11-24T10:00:00Z"})).await.expect(422);
    patch(Some(&tag), json!({"scopes": ["findings:read", "findings:write"]})).await.expect(422);
    revoke(&lead, &grant).await;
    revoke(&lead, &grant).await;
    within_five_seconds("it is revoked", async || scopes_in(&analyst, "norrvik").await.is_empty()).await;
    assert!(lead.get(&path).await.expect(200).json()["revoked_at"].is_string(), "it stays to be seen");
    let live = lead.get("/v1/grants?live=true").await.expect(200).text;
    assert!(!live.contains(grant["id"].as_str().expect("an id")));
    world.end().await;
}

async fn nobody_gives_more_than_they_hold(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.person("lead", &[world.norrvik], "grants:manage findings:read").await;
    let post = async |body: Value| lead.write(Method::POST, "/v1/grants", None, body).await;
    let to = |scopes: Value| json!({"issuer": "https://id.example", "subject": "x", "scopes": scopes});
    assert_eq!(post(to(json!(["findings:write"]))).await.expect(403).code(), "exceeds_own_rights");
    assert_eq!(post(to(json!(["audit:read", "findings:read"]))).await.expect(403).code(), "exceeds_own_rights");
    post(to(json!(["findings:read"]))).await.expect(201);
    post(json!({"scopes": ["findings:read"]})).await.expect(422);
    post(json!({"issuer": "x", "subject": "y", "role": "z", "scopes": ["findings:read"]})).await.expect(422);
    post(json!({"organisation": "Nobody AB", "scopes": ["findings:read"]})).await.expect(422);
    let nobody = "01900000-0000-7000-8000-000000000000";
    post(json!({"principal_id": nobody, "scopes": ["findings:read"]})).await.expect(422);
    world.end().await;
}

/// A provider's analyst and manager, of an organisation of their own.
async fn provider(world: &World) -> (Person, Person) {
    let platform = Platform::new(world.auth.service().store.clone());
    let now = world.auth.service().clock.now();
    let organisation = platform.add_provider("Nordskydd AB", now).await.expect("a provider");
    let both = [world.norrvik, world.alvsund];
    let analyst = world.person("analyst", &both, "findings:read findings:write").await;
    let manager = world.person("manager", &both, "clients:manage grants:manage findings:read").await;
    let issuer = analyst.get("/v1/me").await.json()["issuer"].as_str().expect("an issuer").to_owned();
    for subject in ["analyst", "manager"] {
        platform.belongs_to(&issuer, subject, organisation).await.expect("a member");
    }
    within_five_seconds("a provider without grants has nothing", async || {
        scopes_in(&analyst, "norrvik").await.is_empty() && scopes_in(&manager, "norrvik").await.is_empty()
    })
    .await;
    (analyst, manager)
}

async fn a_provider_reaches_a_municipality_by_its_dated_grant_alone(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.person("lead", &[world.norrvik], LEAD).await;
    let (analyst, manager) = provider(&world).await;
    let organisation = |scopes: Value| json!({"organisation": "Nordskydd AB", "scopes": scopes});
    let endless =
        lead.write(Method::POST, "/v1/grants", None, organisation(json!(["findings:read"]))).await.expect(422);
    assert!(endless.text.contains("/valid_to"));
    let mut body = organisation(json!(["findings:read", "clients:manage", "grants:manage", "assets:read"]));
    body["valid_to"] = "2026-12-24T00:00:00Z".into();
    let grant = give(&lead, body).await;
    within_five_seconds("the grant opens Norrvik", async || !scopes_in(&analyst, "norrvik").await.is_empty()).await;
    assert_eq!(scopes_in(&analyst, "norrvik").await, ["findings:read"], "neither more than its own nor than the grant");
    assert!(scopes_in(&analyst, "alvsund").await.is_empty());
    // Its clients stand and fall with the grant, and it gives no grants to others.
    let program = logged_in(&world, &made(&manager, json!(["norrvik"]), "findings:read").await).await;
    assert_eq!(scopes_in(&program, "norrvik").await, ["findings:read"]);
    let to_friend = json!({"issuer": "https://id.example", "subject": "friend", "scopes": ["findings:read"]});
    manager.write(Method::POST, "/v1/grants", None, to_friend).await.expect(403);
    revoke(&lead, &grant).await;
    for who in [&analyst, &program, &manager] {
        within_five_seconds("revoked, it is out", async || scopes_in(who, "norrvik").await.is_empty()).await;
    }
    world.end().await;
}

async fn a_viewer_here_and_an_editor_there_stay_what_they_are(kind: Kind) {
    let world = World::new(kind).await;
    let of_norrvik = world.person("norrvik's lead", &[world.norrvik], LEAD).await;
    let of_alvsund = world.person("älvsund's lead", &[world.alvsund], LEAD).await;
    for importer in [("norrvik", world.norrvik), ("alvsund", world.alvsund)] {
        let person = world.person(&format!("importer of {}", importer.0), &[importer.1], "imports:write").await;
        person.import("", fixture("nessus/norrvik.nessus")).await.expect(201);
    }
    let åsa = asking(&world, "asa", "findings:read findings:write").await;
    let issuer = åsa.get("/v1/me").await.json()["issuer"].clone();
    let to = |scopes: Value| json!({"issuer": issuer, "subject": "asa", "scopes": scopes});
    give(&of_norrvik, to(json!(["findings:read", "findings:write"]))).await;
    give(&of_alvsund, to(json!(["findings:read"]))).await;
    within_five_seconds("both hold", async || {
        scopes_in(&åsa, "norrvik").await.len() == 2 && scopes_in(&åsa, "alvsund").await.len() == 1
    })
    .await;
    let first = async |slug: &str| {
        let found = åsa.get(&format!("/v1/findings?tenant={slug}&limit=1")).await.expect(200).items()[0].clone();
        format!("/v1/findings/{}", found["id"].as_str().expect("an id"))
    };
    let edit = async |path: &str| {
        let tag = åsa.get(path).await.expect(200).etag();
        åsa.write(Method::PATCH, path, Some(&tag), json!({"assignee": "Åsa"})).await
    };
    edit(&first("norrvik").await).await.expect(200);
    edit(&first("alvsund").await).await.expect(404);
    let both = åsa.get("/v1/findings?limit=500").await.expect(200).items();
    assert!(both.iter().any(|finding| finding["tenant_id"] == world.alvsund.to_string().as_str()));
    world.end().await;
}

async fn a_grant_begins_and_ends_by_its_dates(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.person("lead", &[world.norrvik], LEAD).await;
    let analyst = asking(&world, "analyst", "findings:read").await;
    let issuer = analyst.get("/v1/me").await.json()["issuer"].clone();
    let mut body = json!({"issuer": issuer, "subject": "analyst", "scopes": ["findings:read"]});
    body["valid_from"] = "2026-11-24T09:00:00Z".into();
    body["valid_to"] = "2026-11-24T10:00:00Z".into();
    give(&lead, body.clone()).await;
    assert!(scopes_in(&analyst, "norrvik").await.is_empty());
    world.advance(TimeDelta::hours(1));
    within_five_seconds("it begins", async || scopes_in(&analyst, "norrvik").await.len() == 1).await;
    world.advance(TimeDelta::hours(1));
    assert!(scopes_in(&analyst, "norrvik").await.is_empty(), "it ends to the second");
    lead.write(Method::POST, "/v1/grants", None, body).await.expect(422);
    world.end().await;
}

async fn revoking_cuts_an_open_cursor(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.person("lead", &[world.norrvik], LEAD).await;
    let importer = world.person("importer", &[world.norrvik], "imports:write").await;
    importer.import("", fixture("nessus/norrvik.nessus")).await.expect(201);
    let client = made(&lead, json!([]), "findings:read").await;
    let program = logged_in(&world, &client).await;
    let page = program.get("/v1/findings?limit=2").await.expect(200).json();
    let next = format!("/v1/findings?limit=2&cursor={}", page["next_cursor"].as_str().expect("a cursor"));
    program.get(&next).await.expect(200);
    assert_eq!(lead.get(&next).await.expect(400).code(), "cursor_invalid", "a cursor is its principal's alone");
    let grants = lead.get("/v1/grants?live=true").await.expect(200).items();
    let own = grants.iter().find(|grant| grant["origin"] == "client").expect("the client's grant");
    revoke(&lead, own).await;
    within_five_seconds("the cursor is cut", async || program.get(&next).await.status == 403).await;
    world.end().await;
}
