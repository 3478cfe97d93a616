//! The life of a client.

use super::{TestClient, ask_as, credentials, logged_in, made, scopes_in, within_five_seconds};
use crate::support::{Kind, look, on_both_stores};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};

on_both_stores!(
    a_client_is_made_used_and_seen,
    a_secret_is_shown_once_and_kept_nowhere,
    two_secrets_count_while_one_is_rotated,
    a_disabled_client_ends_within_five_seconds,
    a_clients_tokens_end_together,
    a_client_never_gets_more_than_its_maker_holds,
    a_client_of_two_municipalities_is_managed_by_who_manages_both,
    a_client_ends_when_it_expires,
    basic_is_for_clients_that_may,
);

const MANAGER: &str = "clients:manage grants:manage findings:read tasks:read tasks:claim";

async fn a_client_is_made_used_and_seen(kind: Kind) {
    let world = crate::support::World::new(kind).await;
    let manager = world.person("manager", &[world.norrvik], MANAGER).await;
    let client = made(&manager, json!(["norrvik"]), "tasks:read tasks:claim").await;
    let path = format!("/v1/clients/{}", client.id);
    assert!(manager.get(&path).await.expect(200).json()["last_used_at"].is_null());
    let answer = ask_as(&world, &client, &[("scope", "tasks:read")]).await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let token = answer.json();
    assert_eq!(
        (&token["token_type"], &token["scope"], &token["expires_in"]),
        (&json!("Bearer"), &json!("tasks:read"), &json!(3600))
    );
    let program = world.bearer(token["access_token"].as_str().expect("a token"));
    assert_eq!(scopes_in(&program, "norrvik").await, ["tasks:read"]);
    program.get("/v1/tasks").await.expect(200);
    program.get("/v1/findings").await.expect(403);
    let shown = manager.get(&path).await.expect(200).json();
    assert_eq!(shown["last_used_at"], "2026-11-24T08:00:00Z");
    let me = program.get("/v1/me").await.expect(200).json();
    assert_eq!(me["tenants"][0]["because"][0]["origin"], "client");
    assert_eq!(me["principal_id"], shown["principal_id"]);
    let listed = manager.get("/v1/clients").await.expect(200).items();
    assert_eq!((listed.len(), &listed[0]["id"]), (1, &json!(client.id)));
    let stranger = world.person("other manager", &[world.alvsund], MANAGER).await;
    stranger.get(&path).await.expect(404);
    assert!(stranger.get("/v1/clients").await.expect(200).items().is_empty());
    world.end().await;
}

async fn a_secret_is_shown_once_and_kept_nowhere(kind: Kind) {
    let world = crate::support::World::new(kind).await;
    let manager = world.person("manager", &[world.norrvik], MANAGER).await;
    let client = made(&manager, json!([]), "tasks:read").await;
    assert!(client.secret.starts_with("fynd_") && client.secret.len() == 48, "256 bits and a prefix");
    let hex = if kind == Kind::Sqlite { "lower(hex(digest))" } else { "encode(digest, 'hex')" };
    let kept = look(&world.test_store, &format!("SELECT {hex} FROM client_secret")).await;
    let plain: String = Sha256::digest(client.secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(
        kept.len() == 1 && kept[0].len() == 64 && kept[0] != plain,
        "a keyed digest, which a stolen store cannot try"
    );
    for path in ["/v1/clients", &format!("/v1/clients/{}", client.id), "/v1/grants"] {
        assert!(!manager.get(path).await.expect(200).text.contains(&client.secret), "{path}");
    }
    world.end().await;
}

async fn two_secrets_count_while_one_is_rotated(kind: Kind) {
    let world = crate::support::World::new(kind).await;
    let manager = world.person("manager", &[world.norrvik], MANAGER).await;
    let first = made(&manager, json!([]), "tasks:read").await;
    let path = format!("/v1/clients/{}/secrets", first.id);
    let rotate = async |tag: &str, overlap: u64| {
        let body = json!({"overlap_seconds": overlap});
        manager.write(Method::POST, &path, Some(tag), body).await
    };
    let second = credentials(&rotate(&first.tag, 3600).await.expect(201));
    ask_as(&world, &first, &[]).await.expect(200);
    ask_as(&world, &second, &[]).await.expect(200);
    assert_eq!(rotate(&first.tag, 0).await.expect(412).code(), "stale");
    let third = credentials(&rotate(&second.tag, 3600).await.expect(201));
    within_five_seconds("only two secrets count", async || ask_as(&world, &first, &[]).await.status == 401).await;
    ask_as(&world, &second, &[]).await.expect(200);
    ask_as(&world, &third, &[]).await.expect(200);
    world.advance(TimeDelta::seconds(3601));
    ask_as(&world, &second, &[]).await.expect(401);
    ask_as(&world, &third, &[]).await.expect(200);
    world.end().await;
}

async fn change(
    manager: &crate::support::Person,
    client: &TestClient,
    body: serde_json::Value,
) -> crate::support::Answer {
    let path = format!("/v1/clients/{}", client.id);
    let tag = manager.get(&path).await.expect(200).etag();
    manager.write(Method::PATCH, &path, Some(&tag), body).await
}

async fn a_disabled_client_ends_within_five_seconds(kind: Kind) {
    let world = crate::support::World::new(kind).await;
    let manager = world.person("manager", &[world.norrvik], MANAGER).await;
    let client = made(&manager, json!([]), "findings:read").await;
    let program = logged_in(&world, &client).await;
    program.get("/v1/findings").await.expect(200);
    change(&manager, &client, json!({"disabled": true})).await.expect(200);
    within_five_seconds("the token ends", async || program.get("/v1/findings").await.status == 401).await;
    let answer = ask_as(&world, &client, &[]).await.expect(401);
    assert_eq!(answer.json()["error"], "invalid_client");
    change(&manager, &client, json!({"disabled": false})).await.expect(200);
    within_five_seconds("it is enabled", async || ask_as(&world, &client, &[]).await.status == 200).await;
    change(&manager, &client, json!({"scopes": ["tasks:read"]})).await.expect(200);
    within_five_seconds("fewer scopes count for tokens that are out", async || {
        program.get("/v1/findings").await.status == 403
    })
    .await;
    world.end().await;
}

async fn a_clients_tokens_end_together(kind: Kind) {
    let world = crate::support::World::new(kind).await;
    let manager = world.person("manager", &[world.norrvik], MANAGER).await;
    let client = made(&manager, json!([]), "findings:read").await;
    let other = logged_in(&world, &made(&manager, json!([]), "findings:read").await).await;
    let (one, two) = (logged_in(&world, &client).await, logged_in(&world, &client).await);
    let revoke = format!("/v1/clients/{}/revoke-tokens", client.id);
    manager.send(manager.request(Method::POST, &revoke)).await.expect(200);
    for program in [one, two] {
        within_five_seconds("its tokens end", async || program.get("/v1/findings").await.status == 401).await;
    }
    other.get("/v1/findings").await.expect(200);
    // In the very same second it gets a token that counts.
    logged_in(&world, &client).await.get("/v1/findings").await.expect(200);
    world.end().await;
}

async fn a_client_never_gets_more_than_its_maker_holds(kind: Kind) {
    let world = crate::support::World::new(kind).await;
    let manager = world.person("manager", &[world.norrvik], "clients:manage findings:read").await;
    let wish = |scopes: serde_json::Value, tenants: serde_json::Value| json!({"name": "x", "purpose": "x", "scopes": scopes, "tenants": tenants});
    let post = async |body| manager.write(Method::POST, "/v1/clients", None, body).await;
    let more = post(wish(json!(["findings:read", "findings:write"]), json!([]))).await.expect(403);
    assert_eq!(more.code(), "exceeds_own_rights");
    assert!(more.text.contains("findings:write"));
    assert_eq!(post(wish(json!(["findings:read"]), json!(["alvsund"]))).await.expect(404).code(), "unknown_tenant");
    assert_eq!(post(wish(json!(["findings:raed"]), json!([]))).await.expect(422).code(), "invalid_body");
    assert_eq!(post(wish(json!([]), json!([]))).await.expect(422).code(), "invalid_body");
    let client = made(&manager, json!([]), "findings:read").await;
    let wider = change(&manager, &client, json!({"scopes": ["findings:read", "tasks:read"]})).await.expect(403);
    assert_eq!(wider.code(), "exceeds_own_rights");
    // Who manages clients can always stop one, whatever it holds.
    let guard = world.person("guard", &[world.norrvik], "clients:manage").await;
    change(&guard, &client, json!({"disabled": true})).await.expect(200);
    assert_eq!(change(&guard, &client, json!({"disabled": false})).await.expect(403).code(), "exceeds_own_rights");
    let path = format!("/v1/clients/{}/secrets", client.id);
    let tag = guard.get(&format!("/v1/clients/{}", client.id)).await.expect(200).etag();
    let rotated = guard.write(Method::POST, &path, Some(&tag), json!({})).await.expect(403);
    assert_eq!(rotated.code(), "exceeds_own_rights", "a secret opens what the client may do");
    world.end().await;
}

async fn a_client_of_two_municipalities_is_managed_by_who_manages_both(kind: Kind) {
    let world = crate::support::World::new(kind).await;
    let both = world.person("both", &[world.norrvik, world.alvsund], MANAGER).await;
    let of_norrvik = world.person("norrvik's", &[world.norrvik], MANAGER).await;
    let client = made(&both, json!(["norrvik", "alvsund"]), "findings:read").await;
    let path = format!("/v1/clients/{}", client.id);
    let seen = of_norrvik.get(&path).await.expect(200);
    assert_eq!(seen.json()["tenants"], json!([world.norrvik.to_string()]), "the other one is not named");
    let rotate = format!("{path}/secrets");
    // Its secret would open Älvsund.
    let refused = of_norrvik.write(Method::POST, &rotate, Some(&seen.etag()), json!({})).await.expect(403);
    assert_eq!(refused.code(), "forbidden");
    of_norrvik.write(Method::PATCH, &path, Some(&seen.etag()), json!({"disabled": true})).await.expect(403);
    let program = logged_in(&world, &client).await;
    assert_eq!(scopes_in(&program, "norrvik").await, ["findings:read"]);
    let principal = seen.json()["principal_id"].as_str().expect("an id").to_owned();
    let grants = of_norrvik.get(&format!("/v1/grants?principal={principal}")).await.expect(200).items();
    assert_eq!(grants.len(), 1, "it sees the grant in its own municipality");
    let revoke = format!("/v1/grants/{}", grants[0]["id"].as_str().expect("an id"));
    of_norrvik.send(of_norrvik.request(Method::DELETE, &revoke)).await.expect(200);
    within_five_seconds("Norrvik is closed", async || scopes_in(&program, "norrvik").await.is_empty()).await;
    assert_eq!(scopes_in(&program, "alvsund").await, ["findings:read"]);
    // What a municipality has revoked does not come back with a change of the client.
    let tag = both.get(&path).await.expect(200).etag();
    both.write(Method::PATCH, &path, Some(&tag), json!({"scopes": ["tasks:read"]})).await.expect(200);
    within_five_seconds("Älvsund follows", async || {
        scopes_in(&logged_in(&world, &client).await, "alvsund").await == ["tasks:read"]
    })
    .await;
    let program = logged_in(&world, &client).await;
    assert!(scopes_in(&program, "norrvik").await.is_empty());
    world.end().await;
}

async fn a_client_ends_when_it_expires(kind: Kind) {
    let world = crate::support::World::new(kind).await;
    let manager = world.person("manager", &[world.norrvik], MANAGER).await;
    let body = json!({"name": "x", "purpose": "x", "scopes": ["findings:read"], "expires_at": "2026-11-24T08:30:00Z"});
    let client = credentials(&manager.write(Method::POST, "/v1/clients", None, body).await.expect(201));
    let token = ask_as(&world, &client, &[]).await.expect(200).json();
    assert_eq!(token["expires_in"], 1800, "no token outlives its client");
    let program = world.bearer(token["access_token"].as_str().expect("a token"));
    program.get("/v1/findings").await.expect(200);
    world.advance(TimeDelta::seconds(1800));
    program.get("/v1/findings").await.expect(401);
    ask_as(&world, &client, &[]).await.expect(401);
    let over = json!({"name": "x", "purpose": "x", "scopes": ["findings:read"], "expires_at": "2026-11-24T08:30:00Z"});
    manager.write(Method::POST, "/v1/clients", None, over).await.expect(422);
    world.end().await;
}

async fn basic_is_for_clients_that_may(kind: Kind) {
    let world = crate::support::World::new(kind).await;
    let manager = world.person("manager", &[world.norrvik], MANAGER).await;
    let client = made(&manager, json!([]), "findings:read").await;
    let nobody = world.bearer("");
    let ask = async |secret: &str| {
        nobody.send(nobody.request(Method::GET, "/v1/findings").basic_auth(&client.id, Some(secret))).await
    };
    assert_eq!(ask(&client.secret).await.expect(401).code(), "unauthenticated");
    change(&manager, &client, json!({"basic_allowed": true})).await.expect(200);
    within_five_seconds("it may", async || ask(&client.secret).await.status == 200).await;
    ask("fynd_wrong").await.expect(401);
    let as_token =
        nobody.request(Method::GET, "/v1/findings").header("authorization", format!("Token {}", manager.token));
    nobody.send(as_token).await.expect(200);
    world.end().await;
}
