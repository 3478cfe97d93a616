//! Business services: the assets that they need, and what is open on those.

use super::{change, enter, host, keeper, report};
use crate::support::{Kind, World, on_both_stores};
use reqwest::{Method, header};
use serde_json::{Value, json};

on_both_stores!(
    the_wages_need_a_server_and_cost_when_they_stand_still,
    what_a_service_cannot_be_is_named,
    a_service_counts_what_is_open_on_its_assets,
    an_asset_of_many_services_shows_the_first_and_counts_them_all,
);

async fn the_wages_need_a_server_and_cost_when_they_stand_still(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let server = enter(&lead, json!({"name": "Löneservern"})).await.expect(201).json();
    let printer = enter(&lead, json!({"name": "Skrivaren"})).await.expect(201).json();
    let new = json!({"name": "Löner", "criticality": "high", "cost_per_day": 350_000, "days_to_restore": 12,
        "manual_fallback": "Förra månadens löner betalas ut igen", "asset_ids": [server["id"], server["id"]]});
    let made = lead.write(Method::POST, "/v1/services", None, new).await.expect(201);
    let wages = made.json();
    let path = format!("/v1/services/{}", wages["id"].as_str().expect("an id"));
    assert_eq!(
        (&wages["currency"], &wages["asset_ids"], &wages["asset_count"]),
        (&json!("SEK"), &json!([server["id"]]), &json!(1))
    );
    let server_path = super::path(&server);
    let tag = lead.get(&server_path).await.etag();
    assert_eq!(lead.get(&server_path).await.json()["service_ids"], json!([wages["id"]]));
    let patch = json!({"cost_per_day": null, "currency": "EUR", "add_asset_ids": [printer["id"]], "remove_asset_ids": [server["id"]]});
    let patched = lead.write(Method::PATCH, &path, Some(&made.etag()), patch.clone()).await.expect(200);
    assert_eq!(
        (&patched.json()["cost_per_day"], &patched.json()["asset_ids"]),
        (&Value::Null, &json!([printer["id"]]))
    );
    assert_ne!(lead.get(&server_path).await.etag(), tag, "its services are part of the tag");
    assert_eq!(lead.write(Method::PATCH, &path, Some(&made.etag()), patch).await.expect(412).code(), "stale");
    let query = "{ assets { nodes { name services { name currency } } } businessServices { nodes { name assetIds } } }";
    let answer = lead.graphql(query, json!({})).await;
    assert_eq!(answer["data"]["assets"]["nodes"][1]["services"], json!([{"name": "Löner", "currency": "EUR"}]));
    assert_eq!(answer["data"]["businessServices"]["nodes"][0]["assetIds"], json!([printer["id"]]));
    let delete = lead.request(Method::DELETE, &path).header(header::IF_MATCH, patched.etag());
    lead.send(delete).await.expect(200);
    lead.get(&path).await.expect(404);
    assert_eq!(lead.get(&super::path(&printer)).await.json()["service_ids"], json!([]));
    let events = lead.get("/v1/changes?mode=events&types=business_service").await.expect(200).items();
    let told: Vec<_> =
        events.iter().map(|event| (event["event"].as_str().expect("a kind"), event["deleted"] == true)).collect();
    let expected = ["business_service.created", "business_service.updated", "business_service.deleted"];
    assert_eq!(told, expected.map(|kind| (kind, true)), "its row is gone");
    let state = lead.get("/v1/changes?types=business_service").await.expect(200).items();
    assert_eq!((state.len(), &state[0]["event"]), (1, &json!("business_service.deleted")));
    world.end().await;
}

async fn what_a_service_cannot_be_is_named(kind: Kind) {
    let world = World::new(kind).await;
    let who = keeper(&world).await;
    let other = world.person("other", &[world.alvsund], "assets:read assets:write").await;
    let foreign = enter(&other, json!({"name": "x"})).await.expect(201).json();
    let missing = json!("01900000-0000-7000-8000-000000000000");
    let post = async |body: Value| who.write(Method::POST, "/v1/services", None, body).await;
    for (body, pointer) in [
        (json!({"name": ""}), "/name"),
        (json!({"name": "x", "cost_per_day": -1}), "/cost_per_day"),
        (json!({"name": "x", "cost_per_day": 1.5}), "/cost_per_day"),
        (json!({"name": "x", "days_to_restore": 4000}), "/days_to_restore"),
        (json!({"name": "x", "currency": "XXX"}), "/currency"),
        (json!({"name": "x", "asset_ids": vec![missing.clone(); 1001]}), "/asset_ids"),
        (json!({"name": "x", "asset_ids": ["x"]}), "/asset_ids/0"),
        (json!({"name": "x", "colour": "red"}), "colour"),
    ] {
        let refused = post(body).await.expect(422);
        assert!(refused.text.contains(pointer), "{pointer}: {}", refused.text);
    }
    let refused = async |id: &Value| {
        let answer = post(json!({"name": "x", "asset_ids": [id]})).await.expect(422);
        answer.json()["errors"].to_string().replace(id.as_str().expect("an id"), "")
    };
    assert_eq!(refused(&foreign["id"]).await, refused(&missing).await, "a foreign asset is a missing one");
    world.end().await;
}

async fn a_service_counts_what_is_open_on_its_assets(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let mut assets = Vec::new();
    for name in ["a", "b", "c"] {
        assets.push(
            enter(&lead, json!({"name": name, "identifiers": [host(name)]})).await.expect(201).json()["id"].clone(),
        );
    }
    let service = async |name: &str, assets: &[Value]| {
        lead.write(Method::POST, "/v1/services", None, json!({"name": name, "asset_ids": assets}))
            .await
            .expect(201)
            .json()
    };
    let (wages, care) = (service("Löner", &assets[..2]).await, service("Vård", &assets[1..]).await);
    service("Tomt", &[]).await;
    let path = format!("/v1/services/{}", wages["id"].as_str().expect("an id"));
    let tag = lead.get(&path).await.etag();
    lead.import("format=nuclei", report(&["a", "b"], 0..3, "high")).await.expect(201);
    lead.import("format=nuclei", report(&["c"], 5..6, "critical")).await.expect(201);
    // The fewest of several, since the house is kept beside.
    let one_page = async || {
        let mut fewest = u64::MAX;
        for _ in 0..5 {
            let before = world.store.statements();
            lead.get("/v1/services").await.expect(200);
            fewest = fewest.min(world.store.statements() - before);
        }
        fewest
    };
    let of_three = one_page().await;
    let all = lead.get("/v1/services").await.expect(200).items();
    let open = |service: &Value| (service["open_findings"]["high"].clone(), service["worst_severity"].clone());
    let expected = [(json!(6), json!("high")), (json!(3), json!("critical")), (json!(0), Value::Null)];
    assert_eq!(all.iter().map(open).collect::<Vec<_>>(), expected);
    assert_ne!(lead.get(&path).await.etag(), tag, "the counts are part of the tag");
    for at in 0..20 {
        service(&format!("s{at}"), &assets).await;
    }
    assert_eq!(one_page().await, of_three, "no statement for each service");
    let care = format!("/v1/services/{}", care["id"].as_str().expect("an id"));
    change(&lead, &care, "", json!({"remove_asset_ids": [assets[2]]})).await.expect(200);
    assert_eq!(lead.get(&care).await.json()["worst_severity"], "high");
    world.end().await;
}

async fn an_asset_of_many_services_shows_the_first_and_counts_them_all(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let switch = enter(&lead, json!({"name": "Kärnväxeln"})).await.expect(201).json();
    enter(&lead, json!({"name": "Ingens"})).await.expect(201);
    let mut services = Vec::new();
    for at in 0..103 {
        let service = json!({"name": format!("Tjänst {at}"), "asset_ids": [switch["id"]]});
        services.push(lead.write(Method::POST, "/v1/services", None, service).await.expect(201).json()["id"].clone());
    }
    let all = lead.get("/v1/assets").await.expect(200).items();
    assert_eq!((&all[0]["service_ids"], &all[0]["service_count"]), (&json!(services[..100]), &json!(103)));
    assert_eq!((&all[1]["service_ids"], &all[1]["service_count"]), (&json!([]), &json!(0)));
    let tag = lead.get(&super::path(&switch)).await.etag();
    let last = format!("/v1/services/{}", services[102].as_str().expect("an id"));
    change(&lead, &last, "", json!({"remove_asset_ids": [switch["id"]]})).await.expect(200);
    assert_ne!(lead.get(&super::path(&switch)).await.etag(), tag, "how many there are is part of the tag");
    world.end().await;
}
