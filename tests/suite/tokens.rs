//! What a token must be.

use crate::support::{Kind, World, look, on_both_stores};
use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

on_both_stores!(
    only_a_whole_valid_token_is_taken,
    a_header_that_names_its_own_key_is_refused_however_well_signed,
    claims_are_held_to_the_letter,
    a_token_opens_no_tenant_without_a_grant,
    a_revoked_token_ends_within_five_seconds,
    both_kinds_of_keys_sign_and_verify,
);

const ISSUER: &str = "http://127.0.0.1:8080";

/// A key whose public half the store holds, so that a test signs what it likes and the signature is right.
struct Signer {
    key: Ed25519KeyPair,
    /// When the test's clock stands.
    now: i64,
}

impl Signer {
    const KID: &str = "key-of-the-test";

    async fn known_to(world: &World, kind: Kind) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let key = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let x = encode(key.public_key().as_ref());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "alg": "EdDSA", "kid": Self::KID, "use": "sig"});
        let no_bytes = if kind == Kind::Sqlite { "x''" } else { "''" };
        // Older than the store's own key, which goes on to sign.
        let insert = "INSERT INTO signing_key (kid, algorithm, public_jwk, sealed_private_key, created_at)";
        let row = format!("('{}', 'EdDSA', '{jwk}', {no_bytes}, '2020-01-01T00:00:00+00:00')", Self::KID);
        world.test_store.execute(&format!("{insert} VALUES {row}; UPDATE auth_epoch SET value = value + 1")).await;
        let now = world.auth.service().clock.now().timestamp();
        Self { key, now }
    }

    /// What a good token of the lead says.
    fn claims(&self) -> Value {
        json!({"iss": ISSUER, "sub": "lead", "aud": "fynd", "exp": self.now + 600, "nbf": self.now, "iat": self.now,
            "jti": "one-of-the-test", "scope": "findings:read", "tenants": ["norrvik"]})
    }

    fn header() -> Value {
        json!({"alg": "EdDSA", "kid": Self::KID, "typ": "JWT"})
    }

    fn sign(&self, header: &Value, claims: &str) -> String {
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims));
        format!("{signed}.{}", encode(self.key.sign(signed.as_bytes())))
    }

    /// A token whose claims are these instead; null leaves one out.
    fn with_claims(&self, changed: Value) -> String {
        let mut claims = self.claims();
        let claims_map = claims.as_object_mut().unwrap();
        claims_map.extend(changed.as_object().unwrap().clone());
        claims_map.retain(|_, value| !value.is_null());
        self.sign(&Self::header(), &claims.to_string())
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The slugs of the tenants that the token opens.
async fn opened(world: &World, token: &str) -> Vec<String> {
    let me = world.bearer(token).get("/v1/me").await.expect(200).json();
    me["tenants"].as_array().unwrap().iter().map(|tenant| tenant["slug"].as_str().unwrap().to_owned()).collect()
}

async fn refused(world: &World, token: &str, why: &str) {
    let answer = world.bearer(token).get("/v1/me").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "unauthenticated"), "{why}: {}", answer.text);
}

async fn only_a_whole_valid_token_is_taken(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.get("/v1/me").await.expect(200);
    let [header, claims, signature] = lead.token.split('.').collect::<Vec<_>>()[..] else { panic!("a token") };
    let kid: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    let kid = kid["kid"].as_str().unwrap();
    let with_header = |header: String| format!("{}.{claims}.{signature}", encode(header));
    let forged = [
        String::new(),
        "x".repeat(9000),
        format!("{}.{claims}.", encode(r#"{"alg":"none"}"#)),
        with_header(format!(r#"{{"alg":"none","kid":"{kid}"}}"#)),
        with_header(format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#)),
        with_header(r#"{"alg":"EdDSA","kid":"../../etc/passwd"}"#.into()),
        with_header(r#"{"alg":"EdDSA","kid":"' OR 1=1 --"}"#.into()),
        format!("{header}.{}.{signature}", encode("{}")),
        format!("{header}.{claims}.{}", encode("0".repeat(64))),
    ];
    for token in forged {
        refused(&world, &token, &token).await;
    }
    world.advance(chrono::TimeDelta::days(366));
    lead.get("/v1/me").await.expect(401);
    world.end().await;
}

async fn a_header_that_names_its_own_key_is_refused_however_well_signed(kind: Kind) {
    let world = World::new(kind).await;
    world.lead().await;
    let signer = Signer::known_to(&world, kind).await;
    let claims = signer.claims().to_string();
    assert_eq!(opened(&world, &signer.sign(&Signer::header(), &claims)).await, ["norrvik"]);
    let public = encode(signer.key.public_key().as_ref());
    for (name, value) in [
        ("jku", json!("https://evil.example/jwks")),
        ("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": public})),
        ("x5u", json!("https://evil.example/chain")),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
    ] {
        let mut header = Signer::header();
        header[name] = value;
        refused(&world, &signer.sign(&header, &claims), name).await;
    }
    for (alg, key) in [("HS256", signer.key.public_key().as_ref()), ("HS256", public.as_bytes())] {
        let mut header = Signer::header();
        header["alg"] = alg.into();
        let signed = format!("{}.{}", encode(header.to_string()), encode(&claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes());
        refused(&world, &format!("{signed}.{}", encode(tag)), "the public key as a shared secret").await;
    }
    world.end().await;
}

async fn claims_are_held_to_the_letter(kind: Kind) {
    let world = World::new(kind).await;
    world.lead().await;
    let signer = Signer::known_to(&world, kind).await;
    for good in [json!({}), json!({"nbf": null}), json!({"aud": ["other", "fynd"]}), json!({"aud": ["fynd"]})] {
        assert_eq!(opened(&world, &signer.with_claims(good.clone())).await, ["norrvik"], "{good}");
    }
    let later = signer.now + 60;
    for bad in [
        json!({"exp": null}),
        json!({"exp": later.to_string()}),
        json!({"exp": 1e300}),
        json!({"exp": i64::MAX}),
        json!({"exp": u64::MAX}),
        json!({"exp": signer.now}),
        json!({"exp": -1}),
        json!({"nbf": later}),
        json!({"iat": later}),
        json!({"iat": null}),
        json!({"jti": null}),
        json!({"sub": null}),
        json!({"iss": "https://other.example"}),
        json!({"iss": null}),
        json!({"aud": null}),
        json!({"aud": "other"}),
        json!({"aud": []}),
        json!({"aud": ["other", "fynd2"]}),
        json!({"tenants": "norrvik"}),
    ] {
        refused(&world, &signer.with_claims(bad.clone()), &bad.to_string()).await;
    }
    let claims = signer.claims().to_string();
    for twice in [r#","sub":"lead"}"#, r#","exp":99999999999}"#, r#","scope":"findings:write"}"#] {
        let claims = format!("{}{twice}", claims.strip_suffix('}').unwrap());
        refused(&world, &signer.sign(&Signer::header(), &claims), twice).await;
    }
    world.end().await;
}

async fn a_token_opens_no_tenant_without_a_grant(kind: Kind) {
    let world = World::new(kind).await;
    world.lead().await;
    let signer = Signer::known_to(&world, kind).await;
    let both = signer.with_claims(json!({"tenants": ["norrvik", "alvsund", "nowhere", "*", ""]}));
    assert_eq!(opened(&world, &both).await, ["norrvik"]);
    assert!(opened(&world, &signer.with_claims(json!({"tenants": ["alvsund"]}))).await.is_empty());
    assert!(opened(&world, &signer.with_claims(json!({"tenants": null}))).await.is_empty());
    refused(&world, &signer.with_claims(json!({"sub": "nobody"})), "a subject that nobody knows").await;
    world.end().await;
}

async fn a_revoked_token_ends_within_five_seconds(kind: Kind) {
    let world = World::new(kind).await;
    let (revoked, other) = (world.lead().await, world.lead().await);
    revoked.get("/v1/me").await.expect(200);
    let claims = URL_SAFE_NO_PAD.decode(revoked.token.split('.').nth(1).unwrap()).unwrap();
    let jti = serde_json::from_slice::<Value>(&claims).unwrap()["jti"].as_str().unwrap().to_owned();
    let times = "'2027-12-01T00:00:00+00:00', '2026-11-24T08:00:00+00:00'";
    let insert = format!("INSERT INTO revoked_token (jti, expires_at, revoked_at) VALUES ('{jti}', {times})");
    world.test_store.execute(&format!("{insert}; UPDATE auth_epoch SET value = value + 1")).await;
    assert_eq!(look(&world.test_store, "SELECT jti FROM revoked_token").await, [jti]);
    let began = Instant::now();
    while revoked.get("/v1/me").await.status != 401 {
        assert!(began.elapsed() < Duration::from_secs(5), "the token is still taken");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    other.get("/v1/me").await.expect(200);
    world.end().await;
}

async fn both_kinds_of_keys_sign_and_verify(kind: Kind) {
    use service::auth::SigningAlgorithm::{ES256, EdDSA};
    for (algorithm, name, key) in [(EdDSA, "EdDSA", "OKP"), (ES256, "ES256", "EC")] {
        let world = World::with(kind, |config| config.signing_algorithm = algorithm).await;
        let lead = world.lead().await;
        lead.get("/v1/me").await.expect(200);
        let header = URL_SAFE_NO_PAD.decode(lead.token.split('.').next().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        let jwks = world.bearer("").get("/.well-known/jwks.json").await.expect(200).json();
        let public = &jwks["keys"][0];
        assert_eq!((&header["alg"], &header["kid"]), (&name.into(), &public["kid"]));
        assert_eq!((&public["alg"], &public["kty"], &public["use"]), (&name.into(), &key.into(), &"sig".into()));
        assert!(public.get("d").is_none(), "the private half stays where it is");
        // Who has nothing but the published key can verify the token.
        let jwk = serde_json::from_value(public.clone()).unwrap();
        let decoding = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
        let mut validation = jsonwebtoken::Validation::new(name.parse().unwrap());
        validation.set_audience(&["fynd"]);
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Value>(&lead.token, &decoding, &validation).unwrap().claims;
        assert_eq!(claims["sub"], "lead");
        world.end().await;
    }
}
