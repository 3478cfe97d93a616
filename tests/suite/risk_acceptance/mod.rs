//! Risks that are borne until a date: asked for, decided by another person, and back when the time is over.

mod price;

use crate::{
    sla::{again, found, go_to, moved, path, told},
    support::{ALL, Answer, Kind, Person, World, counted_exactly, on_both_stores},
};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    an_accepted_risk_rests_at_a_price_and_comes_back,
    an_acceptance_expires_though_the_server_was_down,
    the_maximum_holds_on_every_path,
    what_is_wrong_is_named,
    a_finding_is_in_one_acceptance_at_a_time,
    others_are_left_out_with_their_status,
    what_was_closed_meanwhile_stays_closed,
    a_worse_risk_asks_for_another_look,
    no_other_way_leads_to_an_accepted_risk,
    graphql_does_the_same,
    another_municipality_sees_nothing,
    ten_approvals_are_one,
);

const ACCEPTANCES: &str = "/v1/risk-acceptances";

fn wish(findings: &[&Value], expires_at: &str) -> Value {
    let ids: Vec<_> = findings.iter().map(|finding| &finding["id"]).collect();
    json!({"findings": ids, "reason": "Systemet byts ut i vår.", "standstill_days": 10, "cost_per_day": 1_200_000,
        "fix_cost": 300_000, "expires_at": expires_at})
}

/// Two people of Norrvik: one asks, the other decides.
async fn people(world: &World) -> (Person, Person) {
    (world.lead().await, world.person("chief", &[world.norrvik], ALL).await)
}

async fn asked(who: &Person, findings: &[&Value], expires_at: &str) -> Value {
    who.write(Method::POST, ACCEPTANCES, None, wish(findings, expires_at)).await.expect(201).json()
}

fn place(acceptance: &Value) -> String {
    format!("{ACCEPTANCES}/{}", acceptance["id"].as_str().expect("an id"))
}

async fn done(who: &Person, acceptance: &Value, verb: &str, body: Value) -> Answer {
    let tag = who.get(&place(acceptance)).await.expect(200).etag();
    who.write(Method::POST, &format!("{}/{verb}", place(acceptance)), Some(&tag), body).await
}

async fn approved(who: &Person, acceptance: &Value) -> Value {
    done(who, acceptance, "approve", json!({})).await.expect(200).json()
}

fn outcomes(acceptance: &Value) -> Vec<(Value, Value)> {
    let findings = acceptance["findings"].as_array().expect("findings").iter();
    findings.map(|one| (one["finding_id"].clone(), one["outcome"].clone())).collect()
}

async fn an_accepted_risk_rests_at_a_price_and_comes_back(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, chief) = people(&world).await;
    let finding = found(&lead, "loner", "critical").await;
    let acceptance = asked(&lead, &[&finding], "2027-01-08T12:00:00Z").await;
    assert_eq!((&acceptance["status"], &acceptance["standstill_cost"]), (&json!("requested"), &json!(12_000_000)));
    assert_eq!((&acceptance["currency"], &acceptance["fix_cost"]), (&json!("SEK"), &json!(300_000)));
    assert_eq!(again(&lead, &finding).await["status"], "new", "asking changes nothing");
    let refused = done(&lead, &acceptance, "approve", json!({})).await.expect(403);
    assert_eq!(refused.code(), "same_person");
    // Two of its seven working days are gone when it comes to rest.
    go_to(&world, "2026-11-26T08:00:00Z");
    let approved = approved(&chief, &acceptance).await;
    assert_eq!(outcomes(&approved), [(finding["id"].clone(), json!("accepted"))]);
    let resting = again(&lead, &finding).await;
    assert_eq!((&resting["status"], &resting["acceptance_id"]), (&json!("risk_accepted"), &acceptance["id"]));
    assert_eq!(counted_exactly(&world.test_store).await, 0, "what rests is not open");
    go_to(&world, "2026-12-20T08:00:00Z");
    world.keep_house().await;
    assert!(told(&lead, "finding.overdue").await.is_empty(), "what rests is not late");
    go_to(&world, "2027-01-08T12:00:00Z");
    world.keep_house().await;
    let back = again(&lead, &finding).await;
    assert_eq!((&back["status"], &back["acceptance_id"]), (&json!("confirmed"), &Value::Null));
    assert_eq!(back["due_at"], "2027-01-15T22:59:59Z", "its other five working days are left");
    let ended = lead.get(&place(&acceptance)).await.expect(200).json();
    assert_eq!((&ended["status"], &ended["ended_at"]), (&json!("expired"), &json!("2027-01-08T12:00:00Z")));
    assert_eq!(outcomes(&ended), [(finding["id"].clone(), json!("returned"))]);
    let listed = lead.get(&format!("/v1/findings?acceptance={}", acceptance["id"].as_str().expect("an id"))).await;
    assert_eq!(listed.expect(200).items()[0]["id"], finding["id"], "it is still known what was in it");
    world.end().await;
}

async fn an_acceptance_expires_though_the_server_was_down(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, chief) = people(&world).await;
    let finding = found(&lead, "natt", "high").await;
    let other = found(&lead, "ingen", "high").await;
    let acceptance = asked(&lead, &[&finding], "2026-12-01T03:00:00Z").await;
    let never_decided = asked(&lead, &[&other], "2026-12-01T03:00:00Z").await;
    approved(&chief, &acceptance).await;
    // It was off over the hour at which the acceptance ends.
    let world = world.down_for(TimeDelta::days(10)).await;
    let lead = world.lead().await;
    assert_eq!(again(&lead, &finding).await["status"], "confirmed");
    assert_eq!(again(&lead, &other).await["status"], "new");
    for _ in 0..2 {
        world.keep_house().await;
    }
    let world = world.down_for(TimeDelta::days(1)).await;
    let lead = world.lead().await;
    let expired = told(&lead, "risk_acceptance.expired").await;
    let mut about: Vec<_> = expired.iter().map(|item| item["resource_id"].clone()).collect();
    about.sort_by_key(ToString::to_string);
    assert_eq!(about, [acceptance["id"].clone(), never_decided["id"].clone()], "once each");
    let of_finding = told(&lead, "finding.status_changed").await;
    let moves: Vec<_> = of_finding.iter().map(|item| item["changed"]["status"]["after"].clone()).collect();
    assert_eq!(moves, ["risk_accepted", "confirmed"], "back once");
    let dropped = lead.get(&place(&never_decided)).await.expect(200).json();
    assert_eq!((&dropped["status"], &dropped["decided_by"]), (&json!("expired"), &Value::Null));
    assert_eq!(outcomes(&dropped), [(other["id"].clone(), json!("dropped"))]);
    world.end().await;
}

async fn the_maximum_holds_on_every_path(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, chief) = people(&world).await;
    let finding = found(&lead, "lange", "low").await;
    let too_long = wish(&[&finding], "2027-11-25T00:00:00Z");
    let refused = lead.write(Method::POST, ACCEPTANCES, None, too_long).await.expect(422);
    assert_eq!(refused.json()["errors"][0]["pointer"], "/expires_at");
    let mutation = "mutation($id: ID!, $to: DateTime!) { requestRiskAcceptance(input: {findings: [$id], reason: \"x\",
        standstillDays: 1, costPerDay: 1, fixCost: 1, expiresAt: $to}) { id } }";
    let ask = async |to: &str| lead.graphql(mutation, json!({"id": finding["id"], "to": to})).await;
    let answer = ask("2027-11-25T00:00:00Z").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "invalid_body", "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["errors"][0]["pointer"], "/expires_at");
    let mut endless = wish(&[&finding], "");
    endless.as_object_mut().expect("an object").remove("expires_at");
    let refused = lead.write(Method::POST, ACCEPTANCES, None, endless).await.expect(422);
    assert!(refused.text.contains("expires_at"), "{}", refused.text);
    // The last second of the last day is allowed; by the time it is decided, less is.
    let acceptance = asked(&lead, &[&finding], "2027-11-24T22:59:59Z").await;
    let settings = "/v1/tenants/norrvik/settings";
    let tag = lead.get(settings).await.etag();
    lead.write(Method::PATCH, settings, Some(&tag), json!({"max_acceptance_days": 30})).await.expect(200);
    let refused = done(&chief, &acceptance, "approve", json!({})).await.expect(409);
    assert_eq!(refused.code(), "acceptance_state");
    assert_eq!(again(&lead, &finding).await["status"], "new");
    // Nor once its time is over, even before a job has ended it.
    let short = found(&lead, "kort", "low").await;
    let short = asked(&lead, &[&short], "2026-11-24T08:00:01Z").await;
    world.advance(TimeDelta::seconds(1));
    let late = done(&chief, &short, "approve", json!({})).await;
    assert!([409, 412].contains(&late.status.as_u16()), "{}", late.text);
    world.end().await;
}

async fn what_is_wrong_is_named(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, chief) = people(&world).await;
    let finding = found(&lead, "fel", "high").await;
    let good = wish(&[&finding], "2026-12-24T12:00:00Z");
    let but = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let missing = "01900000-0000-7000-8000-000000000000";
    for (body, pointer) in [
        (but("findings", json!([])), "/findings"),
        (but("findings", json!([missing])), "/findings/0"),
        (but("findings", json!([finding["id"], missing])), "/findings/1"),
        (but("findings", json!([finding["id"], finding["id"]])), "/findings/1"),
        (but("reason", json!("  ")), "/reason"),
        (but("reason", json!("a\u{0}b")), "/reason"),
        (but("cost_per_day", json!(-1)), "/cost_per_day"),
        (but("standstill_days", json!(null)), "/standstill_days"),
        (but("fix_cost", json!(1e30)), "/fix_cost"),
        (but("services", json!([missing])), "/services/0"),
        (but("currency", json!("kr")), "/currency"),
        (but("expires_at", json!("2026-11-24T08:00:00Z")), "/expires_at"),
        (but("expires_at", json!("i morgon")), "/expires_at"),
        (but("colour", json!("red")), "colour"),
    ] {
        let refused = lead.write(Method::POST, ACCEPTANCES, None, body).await.expect(422);
        assert!(refused.text.contains(pointer), "{pointer}: {}", refused.text);
    }
    let acceptance = lead.write(Method::POST, ACCEPTANCES, None, good).await.expect(201);
    let (tag, acceptance) = (acceptance.etag(), acceptance.json());
    let approve = format!("{}/approve", place(&acceptance));
    assert_eq!(chief.write(Method::POST, &approve, None, json!({})).await.expect(428).code(), "precondition_required");
    assert_eq!(done(&chief, &acceptance, "refuse", json!({"reason": " "})).await.expect(422).code(), "invalid_body");
    assert_eq!(
        done(&chief, &acceptance, "revoke", json!({"reason": "x"})).await.expect(409).code(),
        "acceptance_state"
    );
    let refused = done(&chief, &acceptance, "refuse", json!({"reason": "För dyrt."})).await.expect(200).json();
    assert_eq!((&refused["status"], &refused["decision_reason"]), (&json!("refused"), &json!("För dyrt.")));
    assert_eq!(chief.write(Method::POST, &approve, Some(&tag), json!({})).await.expect(412).code(), "stale");
    let decided = done(&chief, &acceptance, "approve", json!({})).await.expect(409);
    assert_eq!(decided.code(), "acceptance_state");
    let reader = world.person("reader", &[world.norrvik], "findings:read").await;
    reader.get(&place(&acceptance)).await.expect(200);
    done(&reader, &acceptance, "refuse", json!({"reason": "x"})).await.expect(403);
    world.end().await;
}

async fn a_finding_is_in_one_acceptance_at_a_time(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, chief) = people(&world).await;
    let (one, two) = (found(&lead, "ett", "high").await, found(&lead, "tva", "high").await);
    let first = asked(&lead, &[&one], "2026-12-24T12:00:00Z").await;
    let both = wish(&[&two, &one], "2026-12-24T12:00:00Z");
    let taken = async || lead.write(Method::POST, ACCEPTANCES, None, both.clone()).await;
    let refused = taken().await.expect(409);
    assert_eq!(
        (refused.code(), &refused.json()["errors"][0]["pointer"]),
        ("already_in_acceptance".into(), &json!("/findings/1"))
    );
    approved(&chief, &first).await;
    assert_eq!(taken().await.expect(409).code(), "already_in_acceptance");
    let revoked = done(&chief, &first, "revoke", json!({"reason": "Lösningen är här."})).await.expect(200).json();
    assert_eq!((&revoked["status"], &revoked["revocation_reason"]), (&json!("revoked"), &json!("Lösningen är här.")));
    assert_eq!(again(&lead, &one).await["status"], "confirmed");
    taken().await.expect(201);
    world.end().await;
}

async fn others_are_left_out_with_their_status(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, chief) = people(&world).await;
    let (open, claimed) = (found(&lead, "oppen", "high").await, found(&lead, "pastadd", "high").await);
    let acceptance = asked(&lead, &[&open, &claimed], "2026-12-24T12:00:00Z").await;
    moved(&lead, &claimed, json!({"to": "fix_claimed"})).await;
    let approved = approved(&chief, &acceptance).await;
    assert_eq!((&approved["accepted_count"], &approved["skipped_count"]), (&json!(1), &json!(1)));
    let skipped = json!({"finding_id": claimed["id"], "outcome": "skipped", "found_status": "fix_claimed"});
    assert_eq!(approved["findings"][0], skipped, "those that were left out stand first");
    assert_eq!(again(&lead, &claimed).await["status"], "fix_claimed");
    let query = format!("{ACCEPTANCES}?finding={}&status=approved", open["id"].as_str().expect("an id"));
    assert_eq!(lead.get(&query).await.expect(200).items().len(), 1);
    for (query, count) in [("status=requested", 0), ("expires_to=2026-12-24T12:00:00Z", 0), ("review_needed=false", 1)]
    {
        assert_eq!(lead.get(&format!("{ACCEPTANCES}?{query}")).await.expect(200).items().len(), count, "{query}");
    }
    world.end().await;
}

async fn what_was_closed_meanwhile_stays_closed(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, chief) = people(&world).await;
    let finding = found(&lead, "stangd", "high").await;
    let acceptance = asked(&lead, &[&finding], "2026-12-24T12:00:00Z").await;
    approved(&chief, &acceptance).await;
    // What a complete scan would do with one that is gone.
    let close = "UPDATE finding SET status = 'verified_fixed', acceptance_id = NULL WHERE status = 'risk_accepted'";
    world.test_store.execute(close).await;
    go_to(&world, "2026-12-24T12:00:00Z");
    world.keep_house().await;
    assert_eq!(again(&lead, &finding).await["status"], "verified_fixed");
    let ended = lead.get(&place(&acceptance)).await.expect(200).json();
    let closed = json!({"finding_id": finding["id"], "outcome": "closed", "found_status": "verified_fixed"});
    assert_eq!((&ended["status"], &ended["findings"][0]), (&json!("expired"), &closed));
    world.end().await;
}

async fn a_worse_risk_asks_for_another_look(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, chief) = people(&world).await;
    let finding = found(&lead, "varre", "medium").await;
    let acceptance = asked(&lead, &[&finding], "2026-12-24T12:00:00Z").await;
    approved(&chief, &acceptance).await;
    world.advance(TimeDelta::minutes(1));
    found(&lead, "varre", "low").await;
    assert_eq!(lead.get(&place(&acceptance)).await.json()["review_needed"], false, "less is no reason");
    world.advance(TimeDelta::minutes(1));
    found(&lead, "varre", "critical").await;
    let flagged = lead.get(&place(&acceptance)).await.expect(200).json();
    let reason = format!("finding {}: severity critical instead of low", finding["id"].as_str().expect("an id"));
    assert_eq!((&flagged["review_needed"], &flagged["review_reason"]), (&json!(true), &json!(reason)));
    assert_eq!(flagged["status"], "approved", "it goes on until somebody decides");
    assert_eq!(again(&lead, &finding).await["status"], "risk_accepted");
    let news = told(&lead, "risk_acceptance.review_needed").await;
    assert_eq!((news.len(), &news[0]["resource"]["id"]), (1, &acceptance["id"]));
    assert_eq!(lead.get(&format!("{ACCEPTANCES}?review_needed=true")).await.expect(200).items().len(), 1);
    world.end().await;
}

async fn no_other_way_leads_to_an_accepted_risk(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, chief) = people(&world).await;
    let finding = found(&lead, "vag", "high").await;
    let transition = format!("{}/transition", path(&finding));
    let tag = lead.get(&path(&finding)).await.etag();
    let refused = lead.write(Method::POST, &transition, Some(&tag), json!({"to": "risk_accepted"})).await.expect(409);
    assert_eq!(refused.code(), "acceptance_required");
    let acceptance = asked(&lead, &[&finding], "2026-12-24T12:00:00Z").await;
    approved(&chief, &acceptance).await;
    for to in ["confirmed", "in_progress", "fix_claimed", "verified_fixed"] {
        let tag = lead.get(&path(&finding)).await.etag();
        let refused = lead.write(Method::POST, &transition, Some(&tag), json!({"to": to})).await.expect(409);
        assert_eq!(refused.code(), "transition_refused", "{to}");
    }
    world.end().await;
}

async fn graphql_does_the_same(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, chief) = people(&world).await;
    let finding = found(&lead, "graf", "high").await;
    let ask = "mutation($id: ID!) { requestRiskAcceptance(input: {findings: [$id], reason: \"Byts ut.\", standstillDays: 2,
        costPerDay: 50000, fixCost: 10000, currency: \"EUR\", expiresAt: \"2026-12-24T12:00:00Z\"}) { id seq standstillCost } }";
    let asked = lead.graphql(ask, json!({"id": finding["id"]})).await["data"]["requestRiskAcceptance"].clone();
    assert_eq!(asked["standstillCost"], 100_000);
    let decide = async |who: &Person, verb: &str, seq: &Value, input: &str| {
        let call = format!("mutation {{ {verb}(id: {}, ifMatch: {seq}{input}) {{ seq status }} }}", asked["id"]);
        who.graphql(&call, json!({})).await
    };
    let own = decide(&lead, "approveRiskAcceptance", &asked["seq"], "").await;
    assert_eq!(own["errors"][0]["extensions"]["code"], "same_person", "{own}");
    let yes = decide(&chief, "approveRiskAcceptance", &asked["seq"], "").await["data"]["approveRiskAcceptance"].clone();
    assert_eq!(yes["status"], "APPROVED");
    let of_finding = "query($id: ID!) { finding(id: $id) { status acceptanceId dueAt overdue dueSoon } }";
    let shown = lead.graphql(of_finding, json!({"id": finding["id"]})).await["data"]["finding"].clone();
    assert_eq!((&shown["status"], &shown["acceptanceId"]), (&json!("RISK_ACCEPTED"), &asked["id"]));
    let stale = decide(&chief, "revokeRiskAcceptance", &asked["seq"], ", input: {reason: \"x\"}").await;
    assert_eq!(stale["errors"][0]["extensions"]["code"], "stale");
    let back = decide(&chief, "revokeRiskAcceptance", &yes["seq"], ", input: {reason: \"x\"}").await;
    assert_eq!(back["data"]["revokeRiskAcceptance"]["status"], "REVOKED", "{back}");
    let list = "{ riskAcceptances(filter: {status: [REVOKED]}) { nodes { id findings { outcome } } } }";
    let listed = lead.graphql(list, json!({})).await["data"]["riskAcceptances"]["nodes"].clone();
    assert_eq!(listed, json!([{"id": asked["id"], "findings": [{"outcome": "RETURNED"}]}]));
    world.end().await;
}

async fn another_municipality_sees_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, _) = people(&world).await;
    let finding = found(&lead, "mur", "high").await;
    let acceptance = asked(&lead, &[&finding], "2026-12-24T12:00:00Z").await;
    let other = world.person("other", &[world.alvsund], ALL).await;
    other.get(&place(&acceptance)).await.expect(404);
    assert!(other.get(ACCEPTANCES).await.expect(200).items().is_empty());
    let approve = format!("{}/approve", place(&acceptance));
    other.write(Method::POST, &approve, Some("\"1-0\""), json!({})).await.expect(404);
    // A foreign finding is answered like a missing one.
    let ask = async |id: Value| {
        let mut body = wish(&[&finding], "2026-12-24T12:00:00Z");
        body["findings"] = json!([id]);
        let mut answer = other.write(Method::POST, ACCEPTANCES, None, body).await.expect(422).json();
        answer["trace_id"] = Value::Null;
        answer
    };
    assert_eq!(ask(finding["id"].clone()).await, ask(json!("01900000-0000-7000-8000-000000000000")).await);
    let both = world.person("provider", &[world.norrvik, world.alvsund], ALL).await;
    let body = wish(&[&finding], "2026-12-24T12:00:00Z");
    assert_eq!(both.write(Method::POST, ACCEPTANCES, None, body).await.expect(400).code(), "tenant_required");
    world.end().await;
}

async fn ten_approvals_are_one(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, chief) = people(&world).await;
    let finding = found(&lead, "samtidigt", "high").await;
    let acceptance = asked(&lead, &[&finding], "2026-12-24T12:00:00Z").await;
    let tag = chief.get(&place(&acceptance)).await.etag();
    let mut deciders = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (chief, tag, approve) = (chief.clone(), tag.clone(), format!("{}/approve", place(&acceptance)));
        deciders.spawn(async move { chief.write(Method::POST, &approve, Some(&tag), json!({})).await.status.as_u16() });
    }
    let mut statuses = deciders.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [&[200][..], &[412; 9]].concat());
    assert_eq!(told(&lead, "risk_acceptance.approved").await.len(), 1);
    world.end().await;
}
