//! The token endpoint: RFC 6749, 7009, 7523, 8414 and 9728.

use super::{TestClient, ask, ask_as, logged_in, made, within_five_seconds};
use crate::support::{Kind, Person, World, on_both_stores};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

on_both_stores!(
    errors_are_those_of_the_rfc,
    a_client_signs_instead_of_telling_a_secret,
    an_assertion_is_held_to_the_letter,
    a_client_revokes_its_own_tokens_and_no_others,
    the_metadata_leads_to_a_token,
    unknown_and_wrong_are_one_answer_after_the_same_time,
);

const MANAGER: &str = "clients:manage findings:read tasks:read";

async fn manager(world: &World) -> Person {
    world.person("manager", &[world.norrvik], MANAGER).await
}

async fn errors_are_those_of_the_rfc(kind: Kind) {
    let world = World::new(kind).await;
    let client = made(&manager(&world).await, json!([]), "findings:read").await;
    let (id, secret) = (("client_id", client.id.as_str()), ("client_secret", client.secret.as_str()));
    let grant = ("grant_type", "client_credentials");
    for (fields, status, error) in [
        (vec![grant], 401, "invalid_client"),
        (vec![grant, id], 401, "invalid_client"),
        (vec![grant, id, ("client_secret", "fynd_x")], 401, "invalid_client"),
        (vec![grant, ("client_id", "norrvik"), secret], 401, "invalid_client"),
        (vec![grant, secret], 400, "invalid_request"),
        (vec![id, secret], 400, "invalid_request"),
        (vec![grant, id, id, secret], 400, "invalid_request"),
        (vec![("grant_type", "password"), id, secret], 400, "unsupported_grant_type"),
        (vec![grant, id, secret, ("scope", "findings:write")], 400, "invalid_scope"),
        (vec![grant, id, secret, ("scope", "no:such")], 400, "invalid_scope"),
        (vec![grant, id, secret, ("tenant", "alvsund")], 400, "invalid_target"),
        (vec![grant, id, secret, ("tenant", "nowhere")], 400, "invalid_target"),
        (vec![grant, id, secret, ("client_assertion", "x")], 400, "invalid_request"),
    ] {
        let answer = ask(&world, &fields).await.expect(status);
        assert_eq!(answer.json()["error"], error, "{fields:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let nobody = world.bearer("");
    let post = || nobody.request(Method::POST, "/oauth/token");
    nobody.send(post().json(&json!({"grant_type": "client_credentials"}))).await.expect(400);
    let basic = nobody.send(post().basic_auth(&client.id, Some("wrong")).form(&[grant])).await.expect(401);
    assert!(basic.header("www-authenticate").is_some_and(|way| way.starts_with("Basic")));
    nobody.send(post().basic_auth(&client.id, Some(&client.secret)).form(&[grant])).await.expect(200);
    let twice = post().basic_auth(&client.id, Some(&client.secret)).form(&[grant, id, secret]);
    nobody.send(twice).await.expect(400);
    nobody
        .send(post().header("content-type", "application/x-www-form-urlencoded").body("x".repeat(2 << 20)))
        .await
        .expect(413);
    world.end().await;
}

/// A client that signs.
struct Signing {
    id: String,
    key: Ed25519KeyPair,
    now: i64,
}

impl Signing {
    async fn made(world: &World, by: &Person) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        let key = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("a key");
        let x = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
        let jwks = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "one"}]});
        let body = json!({"name": "x", "purpose": "x", "scopes": ["findings:read"], "public_jwks": jwks});
        let answer = by.write(Method::POST, "/v1/clients", None, body).await.expect(201).json();
        assert!(answer["secret"].is_null(), "who signs has no secret");
        let id = answer["client"]["id"].as_str().expect("an id").to_owned();
        Self { id, key, now: world.auth.service().clock.now().timestamp() }
    }

    fn claims(&self, jti: &str) -> Value {
        json!({"iss": self.id, "sub": self.id, "aud": "http://127.0.0.1:8080", "exp": self.now + 60, "iat": self.now,
            "jti": jti})
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes())))
    }

    async fn ask(&self, world: &World, header: &Value, claims: &Value) -> crate::support::Answer {
        let assertion = self.sign(header, claims);
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", kind),
            ("client_assertion", assertion.as_str()),
        ];
        ask(world, &fields).await
    }
}

fn good_header() -> Value {
    json!({"alg": "EdDSA", "kid": "one", "typ": "JWT"})
}

async fn a_client_signs_instead_of_telling_a_secret(kind: Kind) {
    let world = World::new(kind).await;
    let client = Signing::made(&world, &manager(&world).await).await;
    let answer = client.ask(&world, &good_header(), &client.claims("one")).await.expect(200);
    let program = world.bearer(answer.json()["access_token"].as_str().expect("a token"));
    program.get("/v1/findings").await.expect(200);
    client.ask(&world, &good_header(), &client.claims("one")).await.expect(401);
    client.ask(&world, &good_header(), &client.claims("two")).await.expect(200);
    world.end().await;
}

async fn an_assertion_is_held_to_the_letter(kind: Kind) {
    let world = World::new(kind).await;
    let by = manager(&world).await;
    let (client, other) = (Signing::made(&world, &by).await, Signing::made(&world, &by).await);
    let (now, other_id) = (client.now, other.id.clone());
    for changed in [
        json!({"iss": other_id}),
        json!({"sub": other_id}),
        json!({"iss": other_id, "sub": other_id}),
        json!({"aud": "https://other.example"}),
        json!({"aud": null}),
        json!({"exp": now}),
        json!({"exp": now + 86_400}),
        json!({"exp": null}),
        json!({"nbf": now + 60}),
        json!({"iat": now + 60}),
        json!({"jti": null}),
        json!({"jti": ""}),
        json!({"jti": "x".repeat(201)}),
    ] {
        let mut claims = client.claims("x");
        claims.as_object_mut().expect("claims").extend(changed.as_object().expect("claims").clone());
        claims.as_object_mut().expect("claims").retain(|_, value| !value.is_null());
        client.ask(&world, &good_header(), &claims).await.expect(401);
    }
    for changed in [
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"kid": "two"}),
        json!({"jwk": {"kty": "OKP"}}),
        json!({"jku": "https://evil.example"}),
        json!({"crit": ["exp"]}),
    ] {
        let mut header = good_header();
        header.as_object_mut().expect("a header").extend(changed.as_object().expect("a header").clone());
        client.ask(&world, &header, &client.claims("y")).await.expect(401);
    }
    client.ask(&world, &good_header(), &client.claims("y")).await.expect(200);
    for bad in [
        json!({"keys": []}),
        json!({}),
        json!({"keys": [{"kty": "oct", "k": "AAAA"}]}),
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "d": "AAAA"}]}),
        json!({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}),
    ] {
        let body = json!({"name": "x", "purpose": "x", "scopes": ["findings:read"], "public_jwks": bad});
        let refused = by.write(Method::POST, "/v1/clients", None, body).await.expect(422);
        assert!(refused.text.contains("/public_jwks"), "{}", refused.text);
    }
    world.end().await;
}

async fn a_client_revokes_its_own_tokens_and_no_others(kind: Kind) {
    let world = World::new(kind).await;
    let by = manager(&world).await;
    let (client, other) = (made(&by, json!([]), "findings:read").await, made(&by, json!([]), "findings:read").await);
    let (own, second, foreign) =
        (logged_in(&world, &client).await, logged_in(&world, &client).await, logged_in(&world, &other).await);
    let nobody = world.bearer("");
    let revoke = async |who: &TestClient, token: &str| {
        let fields = [("token", token), ("client_id", who.id.as_str()), ("client_secret", who.secret.as_str())];
        nobody.send(nobody.request(Method::POST, "/oauth/revoke").form(&fields)).await
    };
    revoke(&client, &own.token).await.expect(200);
    revoke(&client, &foreign.token).await.expect(200);
    revoke(&client, "no token").await.expect(200);
    let wrong = TestClient { secret: "fynd_wrong".into(), ..client.clone() };
    revoke(&wrong, &second.token).await.expect(401);
    within_five_seconds("its own token ends", async || own.get("/v1/findings").await.status == 401).await;
    second.get("/v1/findings").await.expect(200);
    foreign.get("/v1/findings").await.expect(200);
    world.end().await;
}

async fn the_metadata_leads_to_a_token(kind: Kind) {
    let world = World::new(kind).await;
    let client = made(&manager(&world).await, json!([]), "findings:read").await;
    let nobody = world.bearer("");
    let resource = nobody.get("/.well-known/oauth-protected-resource").await.expect(200).json();
    let server = nobody.get("/.well-known/oauth-authorization-server").await.expect(200).json();
    assert_eq!(resource["authorization_servers"][0], server["issuer"]);
    assert_eq!(server["token_endpoint"], "http://127.0.0.1:8080/oauth/token");
    assert!(server["scopes_supported"].as_array().expect("scopes").contains(&json!("grants:manage")));
    let program = logged_in(&world, &client).await;
    assert_eq!(program.get("/v1/me").await.json()["issuer"], server["issuer"]);
    world.end().await;
}

/// The middle one of many times, which a busy machine does not move far.
async fn time(world: &World, id: &str, secret: &str) -> Duration {
    let client = TestClient { id: id.to_owned(), secret: secret.to_owned(), tag: String::new() };
    let mut times = Vec::new();
    for _ in 0..15 {
        let began = Instant::now();
        ask_as(world, &client, &[]).await.expect(401);
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times[7]
}

async fn unknown_and_wrong_are_one_answer_after_the_same_time(kind: Kind) {
    let world = World::new(kind).await;
    let client = made(&manager(&world).await, json!([]), "findings:read").await;
    let missing = "01900000-0000-7000-8000-000000000000";
    let wrong = TestClient { secret: "fynd_wrong".into(), ..client.clone() };
    let unknown = TestClient { id: missing.into(), ..wrong.clone() };
    let (wrong_answer, unknown_answer) = (ask_as(&world, &wrong, &[]).await, ask_as(&world, &unknown, &[]).await);
    assert_eq!(wrong_answer.text, unknown_answer.text);
    let (of_wrong, of_unknown) = (time(&world, &client.id, "x").await, time(&world, missing, "x").await);
    // Both look once more at the store, at the pace that looks have; neither is quicker than the other by much.
    let ratio = of_wrong.as_secs_f64() / of_unknown.as_secs_f64();
    assert!((0.5..2.0).contains(&ratio), "{of_wrong:?} for a wrong secret, {of_unknown:?} for an unknown client");
    world.end().await;
}
