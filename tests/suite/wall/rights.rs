//! Rights are per municipality and end when they end.

use super::filled;
use crate::support::{Kind, Person, World, on_both_stores};
use serde_json::json;
use std::time::{Duration, Instant};

on_both_stores!(rights_are_never_put_together_over_municipalities, a_revoked_grant_ends_requests_within_five_seconds);

/// Findings of both, but assets of Älvsund alone.
async fn provider(world: &World) -> Person {
    let both = [world.norrvik, world.alvsund];
    let provider = world.person("provider", &both, "findings:read assets:read").await;
    world.person("provider", &both, "findings:read").await;
    let revoke = "UPDATE \"grant\" SET revoked_at = valid_from WHERE scopes LIKE '%assets:read%' \
                  AND tenant_id = (SELECT id FROM tenant WHERE slug = 'norrvik') \
                  AND principal_id = (SELECT id FROM principal WHERE subject = 'provider')";
    world.test_store.execute(revoke).await;
    world.test_store.execute("UPDATE auth_epoch SET value = value + 1").await;
    let began = Instant::now();
    let rights = async || provider.get("/v1/me").await.expect(200).json()["tenants"].clone();
    while rights().await[0]["scopes"] != json!(["findings:read"]) {
        assert!(began.elapsed() < Duration::from_secs(5), "{}", rights().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    provider
}

async fn rights_are_never_put_together_over_municipalities(kind: Kind) {
    let world = World::new(kind).await;
    let (norrvik, alvsund) = (filled(&world, "norrvik").await, filled(&world, "alvsund").await);
    let provider = provider(&world).await;
    let assets = provider.get("/v1/assets?limit=500").await.expect(200);
    assert!(norrvik.leaked_in(&assets.text).is_empty() && !alvsund.leaked_in(&assets.text).is_empty());
    assert_eq!(provider.get("/v1/assets?tenant=norrvik").await.expect(404).code(), "unknown_tenant");
    provider.get(&format!("/v1/assets/{}", norrvik.id("assets"))).await.expect(404);
    let query = "{ findings(first: 200) { nodes { tenantId assetId asset { id findings { id } } } } }";
    let nodes = provider.graphql(query, json!({})).await["data"]["findings"]["nodes"].clone();
    let nodes = nodes.as_array().expect("nodes");
    let of = |tenant: String| nodes.iter().filter(move |node| node["tenantId"] == tenant && !node["assetId"].is_null());
    assert!(of(world.norrvik.to_string()).count() > 5 && of(world.alvsund.to_string()).count() > 5);
    assert!(of(world.norrvik.to_string()).all(|node| node["asset"].is_null()));
    assert!(of(world.alvsund.to_string()).all(|node| node["asset"]["id"] == node["assetId"]));
    world.end().await;
}

async fn a_revoked_grant_ends_requests_within_five_seconds(kind: Kind) {
    let world = World::new(kind).await;
    filled(&world, "norrvik").await;
    let lead = world.lead().await;
    let page = lead.get("/v1/findings?limit=2").await.expect(200);
    let next = page.json()["next_cursor"].as_str().expect("a cursor").to_owned();
    world.test_store.execute("UPDATE \"grant\" SET revoked_at = valid_from").await;
    world.test_store.execute("UPDATE auth_epoch SET value = value + 1").await;
    let began = Instant::now();
    while lead.get(&format!("/v1/findings?limit=2&cursor={next}")).await.status == 200 {
        assert!(began.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(lead.get("/v1/findings").await.expect(403).code(), "forbidden");
    world.end().await;
}
