//! Keys and secrets rotated under traffic: nothing that is right is refused.

use super::{TestClient, ask_as, credentials, made};
use crate::support::{Kind, World, on_both_stores};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;
use service::auth::SigningAlgorithm;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

on_both_stores!(nothing_is_refused_while_keys_and_secrets_rotate, a_leaked_key_ends_at_once);

/// How long the traffic lasts: a minute at full scale, a hundredth of it in CI, but long enough for some rotations.
fn duration() -> Duration {
    let scale: f64 = std::env::var("FYND_TEST_SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(0.01);
    Duration::from_secs_f64((60.0 * scale).max(4.0))
}

async fn nothing_is_refused_while_keys_and_secrets_rotate(kind: Kind) {
    let world = Arc::new(World::new(kind).await);
    let manager = world.person("manager", &[world.norrvik], "clients:manage findings:read").await;
    let current: Arc<Mutex<TestClient>> = Arc::new(Mutex::new(made(&manager, json!([]), "findings:read").await));
    let (stop, requests) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let traffic: Vec<_> = (0..3)
        .map(|_| {
            let (world, current) = (world.clone(), current.clone());
            let (stop, requests) = (stop.clone(), requests.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    // Read before it is used: a program holds its secret while another one is made.
                    let client = current.lock().expect("the client").clone();
                    let token = ask_as(&world, &client, &[]).await.expect(200).json();
                    let program = world.bearer(token["access_token"].as_str().expect("a token"));
                    for _ in 0..5 {
                        program.get("/v1/findings?limit=1").await.expect(200);
                        requests.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    let (began, mut rotations) = (Instant::now(), 0_u32);
    while began.elapsed() < duration() {
        let algorithm = if rotations % 2 == 0 { SigningAlgorithm::ES256 } else { SigningAlgorithm::EdDSA };
        let (lead, overlap) = (Duration::ZERO, Duration::from_secs(3600));
        world.auth.rotate_keys(algorithm, lead, overlap).await.expect("a new key");
        let (id, tag) = {
            let client = current.lock().expect("the client");
            (client.id.clone(), client.tag.clone())
        };
        let body = json!({"overlap_seconds": 60});
        let rotated = manager.write(Method::POST, &format!("/v1/clients/{id}/secrets"), Some(&tag), body).await;
        *current.lock().expect("the client") = credentials(&rotated.expect(201));
        rotations += 1;
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    stop.store(true, Ordering::Relaxed);
    for task in traffic {
        task.await.expect("no request was refused");
    }
    let requests = requests.load(Ordering::Relaxed);
    #[expect(clippy::print_stdout, reason = "the figure is what a run of the whole minute is for")]
    {
        println!("{requests} requests over {rotations} rotations in {:?}, none refused", began.elapsed());
    }
    assert!(rotations >= 3 && requests > 50, "{requests} requests over {rotations} rotations");
    Arc::into_inner(world).expect("the world").end().await;
}

async fn a_leaked_key_ends_at_once(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.get("/v1/me").await.expect(200);
    let keys = async || world.bearer("").get("/.well-known/jwks.json").await.expect(200).json()["keys"].clone();
    world.auth.rotate_keys(SigningAlgorithm::EdDSA, Duration::from_secs(60), Duration::from_secs(60)).await.unwrap();
    super::within_five_seconds("both keys are told", async || {
        lead.get("/v1/me").await.expect(200);
        keys().await.as_array().expect("keys").len() == 2
    })
    .await;
    let kid = |token: &str| token.split('.').next().expect("a header").to_owned();
    assert_eq!(kid(&world.lead().await.token), kid(&lead.token), "the new key does not sign yet");
    world.advance(TimeDelta::seconds(61));
    let second = world.lead().await;
    assert_ne!(kid(&second.token), kid(&lead.token), "it does now");
    lead.get("/v1/me").await.expect(200);
    world.auth.rotate_keys(SigningAlgorithm::EdDSA, Duration::ZERO, Duration::ZERO).await.unwrap();
    super::within_five_seconds("the old keys are gone", async || lead.get("/v1/me").await.status == 401).await;
    second.get("/v1/me").await.expect(401);
    world.lead().await.get("/v1/me").await.expect(200);
    assert_eq!(keys().await.as_array().expect("keys").len(), 1);
    world.end().await;
}
