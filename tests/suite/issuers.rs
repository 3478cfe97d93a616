//! Outside issuers: an OpenID provider of the test's own, whose keys and lies the test chooses.

use crate::support::{Answer, Kind, Person, World, on_both_stores, within_five_seconds};
use actix_web::{App, HttpResponse, HttpServer, web};
use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

on_both_stores!(
    a_token_of_an_outside_issuer_gets_what_the_municipality_grants_its_role,
    what_a_municipality_takes_back_stays_taken,
    keys_rotate_under_traffic_and_an_issuer_may_be_away,
    nobody_passes_for_an_issuer,
    unknown_keys_are_asked_for_at_a_bounded_rate,
    a_private_address_is_not_asked_unless_it_is_allowed,
    a_key_that_is_replaced_takes_its_tokens_along,
    an_issuer_that_hangs_holds_nobody,
    a_token_of_many_groups_gets_in,
);

/// A key by its `kid`.
type NamedKey = (String, Arc<Ed25519KeyPair>);

/// An OpenID provider.
#[derive(Clone)]
struct Provider {
    url: String,
    keys: Arc<Mutex<Vec<NamedKey>>>,
    /// What its discovery says it is.
    named: Arc<Mutex<String>>,
    asked: Arc<AtomicU64>,
    /// How long it thinks about its keys, in milliseconds.
    thinks: Arc<AtomicU64>,
    stop: Arc<Mutex<Option<actix_web::dev::ServerHandle>>>,
}

fn key() -> Arc<Ed25519KeyPair> {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    Arc::new(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap())
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let keys = Arc::new(Mutex::new(vec![("one".to_owned(), key())]));
        let named = Arc::new(Mutex::new(url.clone()));
        let (asked, thinks, stop) = (Arc::default(), Arc::default(), Arc::default());
        let provider = Self { url, keys, named, asked, thinks, stop };
        let (told, started) = tokio::sync::oneshot::channel();
        let serving = provider.clone();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let data = web::Data::new(serving);
                let server = HttpServer::new(move || {
                    App::new()
                        .app_data(data.clone())
                        .route("/.well-known/openid-configuration", web::get().to(discovery))
                        .route("/jwks", web::get().to(jwks))
                });
                let server = server.workers(1).listen(listener).unwrap().run();
                told.send(server.handle()).ok().unwrap();
                server.await.unwrap();
            });
        });
        let handle = started.await.unwrap();
        provider.stop.lock().unwrap().replace(handle);
        provider
    }

    async fn stop(&self) {
        let handle = self.stop.lock().unwrap().take();
        handle.expect("a running provider").stop(false).await;
    }

    fn settings(&self) -> Value {
        json!({"issuer": self.url, "audience": "fynd", "algorithms": ["EdDSA"], "tenants": ["norrvik", "alvsund"],
            "scopes": ["findings:read", "findings:write", "assets:read"], "claims": {"roles": ["realm_access.roles"]},
            "roles": [{"role": "reader", "tenants": ["norrvik", "alvsund"], "scopes": ["findings:read"]},
                {"role": "editor", "tenants": ["norrvik"], "scopes": ["findings:read", "findings:write"]}]})
    }

    fn claims(&self, roles: &[&str]) -> Value {
        let now = "2026-11-24T08:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp();
        json!({"iss": self.url, "sub": "anna", "aud": "fynd", "exp": now + 3600, "iat": now, "jti": "x",
            "realm_access": {"roles": roles}})
    }

    fn signed(&self, header: &Value, claims: &Value) -> String {
        let (_, key) = self.keys.lock().unwrap().last().unwrap().clone();
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())))
    }

    fn token(&self, roles: &[&str]) -> String {
        let kid = self.keys.lock().unwrap().last().unwrap().0.clone();
        self.signed(&json!({"alg": "EdDSA", "kid": kid, "typ": "at+jwt"}), &self.claims(roles))
    }
}

async fn discovery(provider: web::Data<Provider>) -> HttpResponse {
    let named = provider.named.lock().unwrap().clone();
    HttpResponse::Ok().json(json!({"issuer": named, "jwks_uri": format!("{}/jwks", provider.url)}))
}

async fn jwks(provider: web::Data<Provider>) -> HttpResponse {
    provider.asked.fetch_add(1, Ordering::Relaxed);
    let thinks = provider.thinks.load(Ordering::Relaxed);
    actix_web::rt::time::sleep(Duration::from_millis(thinks)).await;
    let jwk = |(kid, key): &NamedKey| {
        let x = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig"})
    };
    let mut keys: Vec<Value> = provider.keys.lock().unwrap().iter().map(jwk).collect();
    // What others have in their sets: a key to encrypt with, a shared secret, and one of an unknown kind.
    keys.push(json!({"kty": "oct", "k": "c2VjcmV0", "kid": "shared", "alg": "HS256"}));
    keys.push(json!({"kty": "XYZ", "kid": "new"}));
    HttpResponse::Ok().json(json!({"keys": keys}))
}

async fn world(kind: Kind, providers: &[&Provider]) -> World {
    let settings: Vec<Value> = providers.iter().map(|provider| provider.settings()).collect();
    let world = World::with(kind, |config| {
        config.issuers = serde_json::from_value(settings.into()).unwrap();
        config.outbound.allow = vec!["127.0.0.0/8".into()];
    })
    .await;
    // Its municipalities were made after it started.
    world.auth.offer_grants().await.unwrap();
    world
}

async fn rights(who: &Person) -> Value {
    let me = who.get("/v1/me").await.expect(200).json();
    let tenants = me["tenants"].as_array().unwrap();
    tenants.iter().map(|tenant| (tenant["slug"].as_str().unwrap().to_owned(), tenant["scopes"].clone())).collect()
}

async fn a_token_of_an_outside_issuer_gets_what_the_municipality_grants_its_role(kind: Kind) {
    let provider = Provider::start().await;
    let world = world(kind, &[&provider]).await;
    let as_role = async |roles: &[&str]| rights(&world.bearer(&provider.token(roles))).await;
    within_five_seconds("the grants hold", async || as_role(&["reader"]).await != json!({})).await;
    assert_eq!(as_role(&["reader"]).await, json!({"norrvik": ["findings:read"], "alvsund": ["findings:read"]}));
    assert_eq!(as_role(&["editor"]).await, json!({"norrvik": ["findings:read", "findings:write"]}));
    let both = json!({"norrvik": ["findings:read", "findings:write"], "alvsund": ["findings:read"]});
    assert_eq!(as_role(&["editor", "reader", "unknown"]).await, both, "an editor here stays a reader there");
    assert_eq!(as_role(&[]).await, json!({}));
    assert_eq!(as_role(&["*"]).await, json!({}), "no token calls itself every token");
    let header = json!({"alg": "EdDSA", "kid": "one", "x5t": "abc"});
    let mut narrow = provider.claims(&["editor"]);
    narrow["scope"] = "findings:write openid".into();
    let narrow = world.bearer(&provider.signed(&header, &narrow));
    assert_eq!(rights(&narrow).await, json!({"norrvik": ["findings:write"]}), "the token asks for less");
    let me = world.bearer(&provider.token(&["editor"])).get("/v1/me").await.expect(200).json();
    assert_eq!((&me["issuer"], &me["subject"]), (&json!(provider.url), &json!("anna")));
    assert_eq!(me["tenants"][0]["because"][0]["origin"], "issuer");
    assert_eq!(me["tenants"][0]["because"][0]["holder"], "role");
    world.end().await;
}

async fn what_a_municipality_takes_back_stays_taken(kind: Kind) {
    let provider = Provider::start().await;
    let world = world(kind, &[&provider]).await;
    let lead = world.person("lead", &[world.norrvik], "grants:manage").await;
    let reader = world.bearer(&provider.token(&["reader"]));
    within_five_seconds("the grants hold", async || rights(&reader).await["norrvik"].is_array()).await;
    let grants = lead.get("/v1/grants?live=true").await.expect(200).items();
    let of_role = |role: &str| {
        let grant = grants.iter().find(|grant| grant["holder"]["role"] == role).expect("a grant of the role");
        format!("/v1/grants/{}", grant["id"].as_str().unwrap())
    };
    let editor = of_role("editor");
    let tag = lead.get(&editor).await.expect(200).etag();
    let fewer = json!({"scopes": ["findings:read"]});
    lead.write(Method::PATCH, &editor, Some(&tag), fewer).await.expect(200);
    lead.send(lead.request(Method::DELETE, &of_role("reader"))).await.expect(200);
    let writer = world.bearer(&provider.token(&["editor"]));
    for _ in 0..2 {
        within_five_seconds("it is taken back", async || {
            let (reader, writer) = (rights(&reader).await, rights(&writer).await);
            reader == json!({"alvsund": ["findings:read"]}) && writer == json!({"norrvik": ["findings:read"]})
        })
        .await;
        // A restart offers all of it again.
        world.auth.offer_grants().await.unwrap();
    }
    // A replica that does not know the issuer withdraws what it offered; the next one offers it anew.
    let sql = "UPDATE \"grant\" SET origin = 'issuer_withdrawn' WHERE origin = 'issuer'";
    world.test_store.execute(sql).await;
    world.auth.offer_grants().await.unwrap();
    world.auth.offer_grants().await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(rights(&reader).await, json!({"alvsund": ["findings:read"]}), "revoked is revoked");
    assert_eq!(rights(&writer).await, json!({"norrvik": ["findings:read"]}), "narrowed is narrowed");
    world.end().await;
}

async fn keys_rotate_under_traffic_and_an_issuer_may_be_away(kind: Kind) {
    let provider = Provider::start().await;
    let world = world(kind, &[&provider]).await;
    let ask = async |token: &str| -> Answer { world.bearer(token).get("/v1/me").await };
    for turn in 0..3 {
        let old = provider.token(&["reader"]);
        ask(&old).await.expect(200);
        provider.keys.lock().unwrap().push((format!("turn {turn}"), key()));
        let (new, same) = (provider.token(&["reader"]), provider.token(&["editor"]));
        let (first, second, third) = tokio::join!(ask(&new), ask(&same), ask(&old));
        for answer in [first, second, third] {
            answer.expect(200);
        }
    }
    provider.keys.lock().unwrap().drain(..2);
    let token = provider.token(&["reader"]);
    provider.stop().await;
    ask(&token).await.expect(200);
    ask(&provider.token(&["editor"])).await.expect(200);
    world.end().await;
}

async fn nobody_passes_for_an_issuer(kind: Kind) {
    let (provider, other) = (Provider::start().await, Provider::start().await);
    let world = world(kind, &[&provider, &other]).await;
    let lead = world.lead().await;
    let refused = async |token: &str, why: &str| {
        assert_eq!(world.bearer(token).get("/v1/me").await.expect(401).code(), "unauthenticated", "{why}");
    };
    world.bearer(&provider.token(&["reader"])).get("/v1/me").await.expect(200);
    world.bearer(&other.token(&["reader"])).get("/v1/me").await.expect(200);
    let header = json!({"alg": "EdDSA", "kid": "one"});
    refused(&other.signed(&header, &provider.claims(&["reader"])), "another issuer's key of the same name").await;
    let own: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(lead.token.split('.').next().unwrap()).unwrap()).unwrap();
    let mut of_fynd = provider.claims(&["reader"]);
    of_fynd["iss"] = "http://127.0.0.1:8080".into();
    of_fynd["sub"] = "lead".into();
    refused(&provider.signed(&header, &of_fynd), "an outside key for an own token").await;
    refused(&provider.signed(&own, &of_fynd), "the id of an own key").await;
    let claims = provider.claims(&["reader"]).to_string();
    let public = provider.keys.lock().unwrap()[0].1.public_key().as_ref().to_vec();
    for (kid, secret) in [("one", public.as_slice()), ("shared", b"secret")] {
        let head = json!({"alg": "HS256", "kid": kid}).to_string();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(&claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
        refused(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag)), "a shared secret").await;
    }
    for bad in [
        json!({"alg": "none", "kid": "one"}),
        json!({"alg": "ES256", "kid": "one"}),
        json!({"alg": "EdDSA"}),
        json!({"alg": "EdDSA", "kid": "one", "jku": "https://evil.example"}),
        json!({"alg": "EdDSA", "kid": "one", "jwk": {}}),
        json!({"alg": "EdDSA", "kid": "one", "x5u": "https://evil.example"}),
        json!({"alg": "EdDSA", "kid": "one", "crit": ["exp"]}),
        json!({"alg": "EdDSA", "kid": "one", "typ": "logout+jwt"}),
    ] {
        refused(&provider.signed(&bad, &provider.claims(&["reader"])), &bad.to_string()).await;
    }
    for bad in [json!({"aud": "other"}), json!({"exp": 1}), json!({"nbf": 9_999_999_999_i64}), json!({"sub": null})] {
        let mut claims = provider.claims(&["reader"]);
        claims.as_object_mut().unwrap().extend(bad.as_object().unwrap().clone());
        refused(&provider.signed(&header, &claims), &bad.to_string()).await;
    }
    let twice = provider.claims(&["reader"]).to_string().replacen('{', r#"{"sub":"lead","#, 1);
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(twice));
    let key = provider.keys.lock().unwrap()[0].1.clone();
    refused(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()))), "a claim that stands twice")
        .await;
    world.end().await;
}

async fn unknown_keys_are_asked_for_at_a_bounded_rate(kind: Kind) {
    let provider = Provider::start().await;
    let world = world(kind, &[&provider]).await;
    world.bearer(&provider.token(&["reader"])).get("/v1/me").await.expect(200);
    let (before, began) = (provider.asked.load(Ordering::Relaxed), Instant::now());
    let attempts: Vec<String> = (0..50)
        .map(|n| provider.signed(&json!({"alg": "EdDSA", "kid": format!("no {n}")}), &provider.claims(&["reader"])))
        .collect();
    let answers = futures_util::future::join_all(attempts.iter().map(|token| {
        let who = world.bearer(token);
        async move { who.get("/v1/me").await.status.as_u16() }
    }));
    assert!(answers.await.into_iter().all(|status| status == 401));
    let asked = provider.asked.load(Ordering::Relaxed) - before;
    let most = began.elapsed().as_secs() / 2 + 2;
    assert!(asked <= most, "the issuer was asked {asked} times in {:?}", began.elapsed());
    // Lying about who it is makes an issuer nobody.
    let liar = Provider::start().await;
    *liar.named.lock().unwrap() = provider.url.clone();
    let world_of_liar = self::world(kind, &[&liar]).await;
    world_of_liar.bearer(&liar.token(&["reader"])).get("/v1/me").await.expect(401);
    world_of_liar.end().await;
    world.end().await;
}

async fn a_private_address_is_not_asked_unless_it_is_allowed(kind: Kind) {
    let provider = Provider::start().await;
    let settings = json!([provider.settings()]);
    let world = World::with(kind, |config| config.issuers = serde_json::from_value(settings).unwrap()).await;
    world.bearer(&provider.token(&["reader"])).get("/v1/me").await.expect(401);
    assert_eq!(provider.asked.load(Ordering::Relaxed), 0);
    world.end().await;
}

async fn a_key_that_is_replaced_takes_its_tokens_along(kind: Kind) {
    let provider = Provider::start().await;
    let world = world(kind, &[&provider]).await;
    let old = world.bearer(&provider.token(&["reader"]));
    old.get("/v1/me").await.expect(200);
    // The key is lost: the issuer gives its name to another one, and a token of a third key brings the news.
    let new = key();
    *provider.keys.lock().unwrap() = vec![("one".into(), new.clone()), ("two".into(), key())];
    world.bearer(&provider.token(&["reader"])).get("/v1/me").await.expect(200);
    assert_eq!(old.get("/v1/me").await.expect(401).code(), "unauthenticated", "known as it is");
    provider.keys.lock().unwrap().push(("one".into(), new));
    let again = provider.token(&["reader"]);
    provider.keys.lock().unwrap().pop();
    world.bearer(&again).get("/v1/me").await.expect(200);
    world.end().await;
}

async fn an_issuer_that_hangs_holds_nobody(kind: Kind) {
    let provider = Provider::start().await;
    let world = world(kind, &[&provider]).await;
    let known = world.bearer(&provider.token(&["reader"]));
    known.get("/v1/me").await.expect(200);
    provider.thinks.store(60_000, Ordering::Relaxed);
    let unknown = provider.signed(&json!({"alg": "EdDSA", "kid": "no"}), &provider.claims(&["reader"]));
    let began = Instant::now();
    let unknown = world.bearer(&unknown);
    let (stranger, served) = tokio::join!(unknown.get("/v1/me"), known.get("/v1/me"));
    stranger.expect(401);
    served.expect(200);
    assert!(began.elapsed() < Duration::from_secs(9), "held for {:?}", began.elapsed());
    world.end().await;
}

async fn a_token_of_many_groups_gets_in(kind: Kind) {
    let provider = Provider::start().await;
    let world = world(kind, &[&provider]).await;
    // What Entra ID puts into a token at most.
    let groups: Vec<String> = (0..200).map(|_| uuid::Uuid::now_v7().to_string()).collect();
    let mut groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    groups.push("reader");
    let token = provider.token(&groups);
    assert!(token.len() > 8192, "{}", token.len());
    let many = world.bearer(&token);
    within_five_seconds("its role holds", async || rights(&many).await["norrvik"].is_array()).await;
    world.end().await;
}
