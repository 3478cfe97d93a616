//! Duties that two people must share, whatever tokens they use.

use super::{logged_in, made};
use crate::support::{Kind, Person, World, fixture, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};
use service::platform::Platform;

on_both_stores!(
    a_person_does_not_verify_its_own_claim_with_another_login,
    an_owner_does_not_verify_what_its_client_claimed,
    nobody_approves_what_they_or_their_client_asked_for,
    who_may_only_import_reads_nothing_back,
);

const ALL: &str = "findings:read findings:write findings:verify clients:manage imports:write";

/// A finding that somebody has claimed to have fixed.
async fn claimed_by(who: &Person, reader: &Person, at: usize) -> String {
    let found = reader.get("/v1/findings?limit=500&status=new").await.expect(200).items();
    let path = format!("/v1/findings/{}", found[at]["id"].as_str().expect("an id"));
    moved(who, &path, "fix_claimed").await.expect(200);
    path
}

async fn moved(who: &Person, path: &str, to: &str) -> crate::support::Answer {
    let tag = who.get(path).await.expect(200).etag();
    who.write(Method::POST, &format!("{path}/transition"), Some(&tag), json!({"to": to})).await
}

async fn filled(kind: Kind) -> (World, Person) {
    let world = World::new(kind).await;
    let lead = world.person("lead", &[world.norrvik], ALL).await;
    lead.import("", fixture("nessus/norrvik.nessus")).await.expect(201);
    (world, lead)
}

async fn a_person_does_not_verify_its_own_claim_with_another_login(kind: Kind) {
    let (world, lead) = filled(kind).await;
    let (work, home) =
        (world.person("anna", &[world.norrvik], ALL).await, world.person("anna@home", &[world.norrvik], ALL).await);
    let platform = Platform::new(world.auth.service().store.clone());
    let now = world.auth.service().clock.now();
    let anna = platform.add_person("Anna Ek", None, now).await.expect("a person");
    let issuer = work.get("/v1/me").await.json()["issuer"].as_str().expect("an issuer").to_owned();
    let finding = claimed_by(&work, &lead, 0).await;
    for login in ["anna", "anna@home"] {
        let principal = platform.known_principal(&issuer, login, now).await.expect("a principal");
        platform.link_person(anna, principal).await.expect("linked");
    }
    assert_eq!(moved(&home, &finding, "verified_fixed").await.expect(403).code(), "same_person");
    assert_eq!(moved(&work, &finding, "verified_fixed").await.expect(403).code(), "same_person");
    moved(&lead, &finding, "verified_fixed").await.expect(200);
    world.end().await;
}

async fn an_owner_does_not_verify_what_its_client_claimed(kind: Kind) {
    let (world, lead) = filled(kind).await;
    let owner = world.person("owner", &[world.norrvik], ALL).await;
    let client = made(&owner, json!([]), "findings:read findings:write findings:verify").await;
    let program = logged_in(&world, &client).await;
    let finding = claimed_by(&program, &lead, 0).await;
    assert_eq!(moved(&owner, &finding, "verified_fixed").await.expect(403).code(), "same_person");
    let second = logged_in(&world, &made(&owner, json!([]), "findings:read findings:verify").await).await;
    assert_eq!(moved(&second, &finding, "verified_fixed").await.expect(403).code(), "same_person");
    moved(&lead, &finding, "verified_fixed").await.expect(200);
    let own = claimed_by(&owner, &lead, 0).await;
    assert_eq!(moved(&program, &own, "verified_fixed").await.expect(403).code(), "same_person");
    world.end().await;
}

async fn nobody_approves_what_they_or_their_client_asked_for(kind: Kind) {
    const RISK: &str = "findings:read clients:manage risk:request risk:approve";
    let (world, lead) = filled(kind).await;
    let found = lead.get("/v1/findings?limit=500").await.expect(200).items();
    let ask = async |who: &Person, at: usize| {
        let body = json!({"findings": [found[at]["id"]], "reason": "Byts ut.", "standstill_days": 1, "cost_per_day": 1,
            "fix_cost": 1, "expires_at": "2026-12-24T12:00:00Z"});
        let asked = who.write(Method::POST, "/v1/risk-acceptances", None, body).await.expect(201);
        (format!("/v1/risk-acceptances/{}/approve", asked.json()["id"].as_str().expect("an id")), asked.etag())
    };
    let approve =
        async |who: &Person, (path, tag): &(String, String)| who.write(Method::POST, path, Some(tag), json!({})).await;
    // One person with two logins.
    let (work, home) =
        (world.person("anna", &[world.norrvik], RISK).await, world.person("anna@home", &[world.norrvik], RISK).await);
    let platform = Platform::new(world.auth.service().store.clone());
    let now = world.auth.service().clock.now();
    let anna = platform.add_person("Anna Ek", None, now).await.expect("a person");
    let issuer = work.get("/v1/me").await.json()["issuer"].as_str().expect("an issuer").to_owned();
    for login in ["anna", "anna@home"] {
        let principal = platform.known_principal(&issuer, login, now).await.expect("a principal");
        platform.link_person(anna, principal).await.expect("linked");
    }
    let of_anna = ask(&work, 0).await;
    for login in [&work, &home] {
        assert_eq!(approve(login, &of_anna).await.expect(403).code(), "same_person");
    }
    // An owner nobody is known for, and its program: either way round.
    let owner = world.person("owner", &[world.norrvik], RISK).await;
    let program = logged_in(&world, &made(&owner, json!([]), "findings:read risk:request risk:approve").await).await;
    let (of_program, of_owner) = (ask(&program, 1).await, ask(&owner, 2).await);
    assert_eq!(approve(&owner, &of_program).await.expect(403).code(), "same_person");
    assert_eq!(approve(&program, &of_owner).await.expect(403).code(), "same_person");
    approve(&program, &of_anna).await.expect(200);
    approve(&work, &of_program).await.expect(200);
    world.end().await;
}

async fn who_may_only_import_reads_nothing_back(kind: Kind) {
    let (world, lead) = filled(kind).await;
    let importer = world.person("importer", &[world.norrvik], "imports:write").await;
    let import = importer.import("", fixture("sarif/alvsund.sarif")).await.expect(201).json();
    let own = format!("/v1/imports/{}", import["id"].as_str().expect("an id"));
    importer.get(&own).await.expect(200);
    let listed: Vec<Value> = importer.get("/v1/imports").await.expect(200).items();
    assert_eq!(listed.len(), 1, "its own and no other");
    let finding = lead.get("/v1/findings?limit=1").await.items()[0]["id"].as_str().expect("an id").to_owned();
    for path in ["findings", &format!("findings/{finding}"), "findings/facets", "assets", "tasks", "changes", "clients"]
    {
        let answer = importer.get(&format!("/v1/{path}")).await.expect(403);
        assert_eq!(answer.code(), "forbidden", "{path}");
    }
    world.end().await;
}
