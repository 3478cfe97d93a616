//! What people do with findings.

use crate::support::{Kind, Person, World, fixture, generated_report, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    a_list_is_paged_without_gap_or_repeat,
    an_unchanged_list_is_a_304,
    a_patch_needs_the_version_read,
    what_a_person_set_no_import_touches,
    a_fix_is_verified_by_somebody_else,
    relations_take_a_fixed_number_of_statements,
    a_wrong_parameter_is_named,
);

async fn filled(world: &World) -> Person {
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    lead
}

async fn a_list_is_paged_without_gap_or_repeat(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    for sort in ["id", "-severity", "priority", "first_seen", "-updated_at"] {
        let all = lead.get(&format!("/v1/findings?limit=500&sort={sort}")).await.expect(200).items();
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = lead.get(&format!("/v1/findings?limit=2&sort={sort}{cursor}")).await.expect(200);
            paged.extend(page.items());
            let body = page.json();
            assert_eq!(body["has_more"].as_bool().unwrap(), page.header("link").is_some());
            match body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(paged, all, "{sort}");
    }
    world.end().await;
}

async fn an_unchanged_list_is_a_304(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    let first = lead.get("/v1/findings").await.expect(200);
    let poll = |tag: String| lead.send(lead.request(Method::GET, "/v1/findings").header("if-none-match", tag));
    poll(first.etag()).await.expect(304);
    let finding = &first.items()[0];
    let path = format!("/v1/findings/{}", finding["id"].as_str().unwrap());
    let tag = lead.get(&path).await.etag();
    lead.write(Method::PATCH, &path, Some(&tag), json!({"assignee": "Åsa"})).await.expect(200);
    poll(first.etag()).await.expect(200);
    world.end().await;
}

async fn a_patch_needs_the_version_read(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    let id = lead.get("/v1/findings").await.items()[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/findings/{id}");
    let tag = lead.get(&path).await.etag();
    let patch = |tag: Option<String>, body: Value| {
        let (lead, path) = (lead.clone(), path.clone());
        async move { lead.write(Method::PATCH, &path, tag.as_deref(), body).await }
    };
    assert_eq!(patch(None, json!({"assignee": "x"})).await.expect(428).code(), "precondition_required");
    let changed = patch(Some(tag.clone()), json!({"assignee": "Åsa", "tags": ["Löner"]})).await.expect(200);
    assert_eq!((&changed.json()["assignee"], &changed.json()["tags"]), (&json!("Åsa"), &json!(["löner"])));
    assert_eq!(patch(Some(tag), json!({"assignee": "x"})).await.expect(412).code(), "stale");
    let wrong = patch(Some(changed.etag()), json!({"severity": "huge"})).await.expect(422);
    assert_eq!(wrong.json()["errors"][0]["pointer"], "/severity");
    assert_eq!(lead.get("/v1/findings?tag=LÖNER").await.items().len(), 1);
    world.end().await;
}

async fn what_a_person_set_no_import_touches(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    let finding = lead.get("/v1/findings?rule_key=90001").await.items()[0].clone();
    let path = format!("/v1/findings/{}", finding["id"].as_str().unwrap());
    let tag = lead.get(&path).await.etag();
    let own = json!({"severity": "low", "severity_reason": "isolerad", "tags": ["löner"], "assignee": "Åsa"});
    lead.write(Method::PATCH, &path, Some(&tag), own.clone()).await.expect(200);
    let import = lead.import("tenant=norrvik", newer_report()).await.expect(201).json();
    assert!(import["updated"].as_i64().unwrap() > 0, "{import}");
    let after = lead.get(&path).await.json();
    for (field, value) in own.as_object().unwrap() {
        assert_eq!(&after[field], value, "{field}");
    }
    assert!(after["description"].as_str().unwrap().starts_with("Nytt: "), "{after}");
    world.end().await;
}

/// The report that [`filled`] imports, a day later, with another description of everything.
fn newer_report() -> Vec<u8> {
    let report = String::from_utf8(fixture("nessus/norrvik.nessus")).unwrap();
    let newer = report.replace("Mon Nov  2", "Tue Nov  3").replace("1793658600", "1793745000");
    assert_ne!(newer, report);
    newer.replace("<description>", "<description>Nytt: ").into_bytes()
}

async fn a_fix_is_verified_by_somebody_else(kind: Kind) {
    let world = World::new(kind).await;
    let lead = filled(&world).await;
    let tester = world.person("tester", &[world.norrvik], "findings:read findings:verify").await;
    let id = lead.get("/v1/findings").await.items()[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/findings/{id}");
    let move_to = async |who: &Person, body: Value| {
        let tag = who.get(&path).await.etag();
        who.write(Method::POST, &format!("{path}/transition"), Some(&tag), body).await
    };
    assert_eq!(move_to(&tester, json!({"to": "fix_claimed"})).await.expect(403).code(), "forbidden");
    move_to(&lead, json!({"to": "fix_claimed"})).await.expect(200);
    assert_eq!(move_to(&lead, json!({"to": "verified_fixed"})).await.expect(403).code(), "same_person");
    move_to(&tester, json!({"to": "verified_fixed"})).await.expect(200);
    assert_eq!(move_to(&lead, json!({"to": "in_progress"})).await.expect(409).code(), "transition_refused");
    let reopened = move_to(&lead, json!({"to": "confirmed"})).await.expect(200).json();
    assert_eq!(reopened["reopened_count"], 1);
    world.end().await;
}

async fn relations_take_a_fixed_number_of_statements(kind: Kind) {
    // The count is of the whole store: the sweeper must not run beside it.
    let world = World::with(kind, |config| {
        config.imports.lease_seconds = 3600;
        config.limits.graphql_complexity = 10_000_000;
    })
    .await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", generated_report(300)).await.expect(201);
    for (list, relations) in [
        ("findings", "asset { name findings { id } } tasks { id }"),
        ("tasks", "findings { id asset { name } }"),
        ("assets", "findings { id tasks { id } }"),
    ] {
        let query = format!("query($n: Int) {{ {list}(first: $n) {{ edges {{ node {{ id {relations} }} }} }} }}");
        // Ten, since the first two findings are too slight for a task.
        let few = statements(&world, &lead, &query, 10).await;
        let many = statements(&world, &lead, &query, 200).await;
        assert_eq!(few, many, "{list}");
    }
    world.end().await;
}

/// How many statements the query takes; the least of several tries, since now and then a request looks at the grants.
async fn statements(world: &World, lead: &Person, query: &str, first: usize) -> u64 {
    let mut least = u64::MAX;
    for _ in 0..5 {
        let before = world.store.statements();
        let answer = lead.graphql(query, json!({"n": first})).await;
        least = least.min(world.store.statements() - before);
        assert!(answer["errors"].is_null(), "{answer}");
    }
    least
}

async fn a_wrong_parameter_is_named(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    for (query, name) in [
        ("sevrity=high", "sevrity"),
        ("severity=huge", "severity"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("fields=id,titel", "fields"),
        ("sort=colour", "sort"),
    ] {
        let refused = lead.get(&format!("/v1/findings?{query}")).await.expect(400);
        assert_eq!(refused.json()["errors"][0]["pointer"], name, "{}", refused.text);
    }
    assert_eq!(lead.get("/v1/findings?cursor=abc").await.expect(400).code(), "cursor_invalid");
    world.end().await;
}
