//! Callers that nobody may let in.

use super::{ALL, Person, World};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Scopes;
use serde_json::{Value, json};
use service::{
    Auth,
    auth::{AuthOptions, NewToken},
    outbound::Outbound,
};
use std::time::Duration;

/// One of each kind, with the name of what is wrong with it. Expires one by moving the clock.
pub(crate) async fn strangers(world: &World) -> Vec<(&'static str, Person)> {
    let good = world.lead().await.token;
    let expired = issue(&world.auth, world, Duration::from_secs(60)).await;
    let elsewhere = other_auth(world, "fynd", "https://other.example").await;
    let wrong_audience = other_auth(world, "another-service", &issuer(&good)).await;
    let long = Duration::from_secs(3600);
    let revoked = world.lead().await.token;
    world.auth.revoke_jti(part(&revoked, 1)["jti"].as_str().expect("a jti")).await.expect("revoked");
    let strangers = vec![
        ("anonymous", String::new()),
        ("revoked", revoked),
        ("disabled client", disabled_client(world).await),
        ("expired", expired),
        ("wrong audience", issue(&wrong_audience, world, long).await),
        ("wrong issuer", issue(&elsewhere, world, long).await),
        ("wrong key", signed_by_a_stranger(&good)),
        ("alg none", unsigned(&good)),
        ("no token at all", "norrvik".to_owned()),
    ];
    world.advance(chrono::TimeDelta::seconds(61));
    // What was revoked and disabled counts within five seconds.
    for (name, token) in &strangers[1..3] {
        let began = std::time::Instant::now();
        while world.bearer(token).get("/v1/me").await.status != 401 {
            assert!(began.elapsed() < Duration::from_secs(5), "{name}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    strangers.into_iter().map(|(name, token)| (name, world.bearer(&token))).collect()
}

/// A token of a client that was disabled after it got it.
async fn disabled_client(world: &World) -> String {
    let lead = world.lead().await;
    let body = json!({"name": "x", "purpose": "x", "scopes": ALL.split_whitespace().collect::<Vec<_>>()});
    let made = lead.write(reqwest::Method::POST, "/v1/clients", None, body).await.expect(201);
    let (tag, made) = (made.etag(), made.json());
    let (id, secret) = (made["client"]["id"].as_str().expect("an id"), made["secret"].as_str().expect("a secret"));
    let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    let nobody = world.bearer("");
    let answer = nobody.send(nobody.request(reqwest::Method::POST, "/oauth/token").form(&form)).await.expect(200);
    let off = json!({"disabled": true});
    lead.write(reqwest::Method::PATCH, &format!("/v1/clients/{id}"), Some(&tag), off).await.expect(200);
    answer.json()["access_token"].as_str().expect("a token").to_owned()
}

/// The same keys under other names.
async fn other_auth(world: &World, audience: &str, issuer: &str) -> Auth {
    let service = world.auth.service();
    let options = AuthOptions {
        issuer: issuer.into(),
        audience: audience.into(),
        algorithm: Default::default(),
        token_life: Duration::from_secs(3600),
        issuers: Vec::new(),
    };
    let (store, clock, vault) = (service.store.clone(), service.clock.clone(), service.vault.clone());
    Auth::start(store, clock, vault, options, &Outbound::new(&[]).expect("no networks")).await.expect("keys")
}

async fn issue(auth: &Auth, world: &World, ttl: Duration) -> String {
    let tenants = vec![world.norrvik, world.alvsund];
    let new = NewToken { subject: "stranger".into(), tenants, scopes: Scopes::parse(ALL).expect("scopes"), ttl };
    auth.issue(new, "cli").await.expect("a token")
}

fn part(token: &str, at: usize) -> Value {
    let part = token.split('.').nth(at).expect("a part");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

fn issuer(token: &str) -> String {
    part(token, 1)["iss"].as_str().expect("an issuer").to_owned()
}

/// All claims and the key id are right; only the key is not.
fn signed_by_a_stranger(good: &str) -> String {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
    let key = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("a key");
    assert_eq!(key.public_key().as_ref().len(), 32);
    let (signed, _) = good.rsplit_once('.').expect("a signature");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())))
}

fn unsigned(good: &str) -> String {
    let header = json!({"alg": "none", "typ": "JWT", "kid": part(good, 0)["kid"]});
    let claims = good.split('.').nth(1).expect("claims");
    format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(header.to_string()))
}
