//! One command over many findings.

use crate::support::{ALL, Answer, Kind, Person, World, fixture, generated_report, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    each_finding_has_an_outcome_of_its_own,
    a_filter_is_looked_at_before_it_is_used,
    what_is_too_much_or_makes_no_sense_is_refused_whole,
    a_dry_run_changes_nothing_and_tells_the_same,
    who_may_not_see_cannot_unlock_in_bulk_either,
    findings_of_two_municipalities_leave_a_row_in_each,
    a_municipality_that_fails_loses_no_outcome_of_another,
    many_findings_take_as_many_statements_as_few,
    bulk_is_the_same_over_graphql,
);

async fn filled(world: &World) -> (Person, Vec<Value>) {
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let findings = lead.get("/v1/findings?fields=id,seq,status").await.expect(200).items();
    assert!(findings.len() >= 4);
    (lead, findings)
}

async fn bulk(who: &Person, body: Value) -> Answer {
    who.write(Method::POST, "/v1/findings/bulk", None, body).await
}

/// The outcome of each item: its result, or the code of its refusal.
fn outcomes(answer: &Answer) -> Vec<String> {
    let told = |item: &Value| item["code"].as_str().or(item["outcome"].as_str()).expect("a text").to_owned();
    answer.json()["items"].as_array().expect("items").iter().map(told).collect()
}

const MISSING: &str = "01900000-0000-7000-8000-000000000000";

async fn each_finding_has_an_outcome_of_its_own(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, findings) = filled(&world).await;
    let other = world.person("other", &[world.alvsund], ALL).await;
    other.import("", fixture("nessus/norrvik.nessus")).await.expect(201);
    let foreign = other.get("/v1/findings").await.expect(200).items()[0]["id"].clone();
    let id = |at: usize| findings[at]["id"].clone();
    let first = bulk(&lead, json!({"ids": [id(1)], "transition": {"to": "confirmed"}})).await.expect(200);
    assert_eq!(outcomes(&first), ["done"]);
    let items = json!([
        {"id": id(0), "seq": findings[0]["seq"]}, {"id": foreign}, {"id": MISSING}, {"id": id(1)},
        {"id": id(2), "seq": 1}, {"id": id(3)}
    ]);
    let answer = bulk(&lead, json!({"items": items, "transition": {"to": "confirmed"}})).await.expect(200);
    assert_eq!(outcomes(&answer), ["done", "not_found", "not_found", "transition_refused", "stale", "done"]);
    let body = answer.json();
    let counts = ["count", "done", "unchanged", "refused"].map(|name| body[name].as_i64().expect("a count"));
    assert_eq!((counts, &body["dry_run"]), ([6, 2, 0, 4], &json!(false)));
    assert_eq!(
        body["items"][1],
        json!({"id": foreign, "outcome": "refused", "seq": null, "code": "not_found",
        "detail": body["items"][2]["detail"]})
    );
    for at in [0, 5] {
        let path = format!("/v1/findings/{}", body["items"][at]["id"].as_str().expect("an id"));
        let now = lead.get(&path).await.expect(200).json();
        assert_eq!((&now["status"], &now["seq"]), (&json!("confirmed"), &body["items"][at]["seq"]));
    }
    let rows = lead.get("/v1/audit?action=finding.bulk_transition").await.expect(200).items();
    assert_eq!(rows.len(), 2, "one row a command");
    let newest = rows.iter().find(|row| row["detail"]["done"] == 2).expect("a row");
    assert_eq!(newest["detail"], json!({"done": 2, "unchanged": 0, "refused": 2}), "of its own municipality's");
    let patch = json!({"ids": [id(0), id(1)], "patch": {"assignee": "Åsa"}});
    assert_eq!(outcomes(&bulk(&lead, patch.clone()).await.expect(200)), ["done", "done"]);
    assert_eq!(outcomes(&bulk(&lead, patch).await.expect(200)), ["unchanged", "unchanged"]);
    assert_eq!(lead.get("/v1/audit?action=finding.bulk_patch").await.expect(200).items().len(), 1);
    // Each has the event that its own command would have.
    let events = lead.get("/v1/changes?mode=events&limit=1000").await.expect(200).items();
    let moved = events.iter().filter(|event| event["event"] == "finding.status_changed");
    let expected = json!({"status": {"before": "new", "after": "confirmed"}});
    let moves: Vec<_> = moved.map(|event| &event["changed"]["status"]).collect();
    assert_eq!(moves, [&expected["status"]; 3]);
    world.end().await;
}

async fn a_filter_is_looked_at_before_it_is_used(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, _) = filled(&world).await;
    let matching = lead.get("/v1/findings?severity=high,critical&limit=500").await.expect(200).items().len();
    assert!(matching > 1);
    let request = |more: Value| {
        let mut body = json!({"filter": {"severity": ["high", "critical"]}, "patch": {"tags": ["Kvartal 4"]}});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };
    assert!(bulk(&lead, request(json!({}))).await.expect(422).text.contains("/expected_count"));
    let dry = bulk(&lead, request(json!({"dry_run": true}))).await.expect(200).json();
    assert_eq!((&dry["count"], &dry["done"]), (&json!(matching), &json!(matching)));
    assert!(lead.get("/v1/findings?tag=kvartal%204").await.expect(200).items().is_empty());
    let mismatch = bulk(&lead, request(json!({"expected_count": matching + 1}))).await.expect(409);
    assert_eq!(mismatch.code(), "count_mismatch");
    assert!(mismatch.text.contains(&matching.to_string()));
    bulk(&lead, request(json!({"expected_count": matching}))).await.expect(200);
    assert_eq!(lead.get("/v1/findings?tag=kvartal%204&limit=500").await.expect(200).items().len(), matching);
    let past = json!({"filter": {"as_of": "2026-11-24T08:00:00Z"}, "dry_run": true, "patch": {"tags": []}});
    assert!(bulk(&lead, past).await.expect(422).text.contains("/filter/as_of"));
    let writer = world.person("writer", &[world.norrvik], "findings:write").await;
    assert_eq!(bulk(&writer, request(json!({"dry_run": true}))).await.expect(403).code(), "forbidden");
    let foreign = json!({"filter": {"tenant": ["alvsund"]}, "dry_run": true, "patch": {"tags": []}});
    assert_eq!(bulk(&lead, foreign).await.expect(404).code(), "unknown_tenant");
    world.end().await;
}

async fn what_is_too_much_or_makes_no_sense_is_refused_whole(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", generated_report(1_001)).await.expect(201);
    let all = bulk(&lead, json!({"filter": {}, "dry_run": true, "transition": {"to": "confirmed"}})).await.expect(400);
    assert_eq!(all.code(), "too_many");
    assert!(all.text.contains("1001"), "{}", all.text);
    let ids: Vec<Value> = (0..1_001).map(|at| json!(format!("01900000-0000-7000-8000-{at:012}"))).collect();
    let to = json!({"to": "confirmed"});
    for (body, pointer) in [
        (json!({"ids": ids, "transition": to}), "/ids"),
        (json!({"ids": [], "transition": to}), "/ids"),
        (json!({"ids": [MISSING, MISSING], "transition": to}), "/ids/1"),
        (json!({"ids": [MISSING]}), "transition"),
        (json!({"ids": [MISSING], "transition": to, "patch": {}}), "transition"),
        (json!({"transition": to}), "filter"),
        (json!({"ids": [MISSING], "filter": {}, "transition": to}), "filter"),
        (json!({"ids": [MISSING], "patch": {"assignee": "a\nb"}}), "/patch/assignee"),
        (json!({"ids": [MISSING], "patch": {"colour": "red"}}), "colour"),
        (json!({"filter": {"colour": "red"}, "dry_run": true, "transition": to}), "colour"),
        (json!({"ids": ["x"], "transition": to}), "/ids/0"),
    ] {
        let refused = bulk(&lead, body).await.expect(422);
        assert!(refused.text.contains(pointer), "{pointer}: {}", refused.text);
    }
    let reader = world.person("reader", &[world.norrvik], "findings:read").await;
    bulk(&reader, json!({"ids": [MISSING], "transition": to})).await.expect(403);
    let thousand = json!({"ids": &ids[..1_000], "transition": to});
    assert_eq!(bulk(&lead, thousand).await.expect(200).json()["refused"], 1_000);
    world.end().await;
}

async fn a_dry_run_changes_nothing_and_tells_the_same(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, findings) = filled(&world).await;
    let ids: Vec<&Value> = findings.iter().map(|finding| &finding["id"]).chain([]).collect();
    bulk(&lead, json!({"ids": &ids[..2], "transition": {"to": "confirmed"}})).await.expect(200);
    let clock = async || lead.get("/v1/changes?mode=events&limit=1000").await.expect(200).items().len();
    let (before, rows) = (clock().await, lead.get("/v1/audit").await.expect(200).items().len());
    let request = |dry: bool| json!({"ids": ids, "transition": {"to": "in_progress"}, "dry_run": dry});
    let dry = bulk(&lead, request(true)).await.expect(200);
    assert_eq!((clock().await, lead.get("/v1/audit").await.expect(200).items().len()), (before, rows));
    let real = bulk(&lead, request(false)).await.expect(200);
    assert_eq!(outcomes(&dry), outcomes(&real));
    assert_eq!(outcomes(&real)[..3], ["done", "done", "transition_refused"]);
    assert!(dry.json()["items"].as_array().expect("items").iter().all(|item| item["seq"].is_null()));
    assert_eq!(clock().await, before + 2);
    world.end().await;
}

async fn who_may_not_see_cannot_unlock_in_bulk_either(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, findings) = filled(&world).await;
    let (red, open) = (&findings[0]["id"], &findings[1]["id"]);
    bulk(&lead, json!({"ids": [red], "patch": {"tlp": "red"}})).await.expect(200);
    let writer = world.person("writer", &[world.norrvik], "findings:read findings:write").await;
    let mark = json!({"ids": [red, open], "patch": {"tlp": "green"}});
    assert_eq!(outcomes(&bulk(&writer, mark.clone()).await.expect(200)), ["forbidden", "done"]);
    assert_eq!(outcomes(&bulk(&lead, mark).await.expect(200)), ["done", "unchanged"]);
    world.end().await;
}

async fn findings_of_two_municipalities_leave_a_row_in_each(kind: Kind) {
    let world = World::new(kind).await;
    let both = world.person("provider", &[world.norrvik, world.alvsund], ALL).await;
    let mut ids = Vec::new();
    for slug in ["norrvik", "alvsund"] {
        both.import(&format!("tenant={slug}"), fixture("nessus/norrvik.nessus")).await.expect(201);
        ids.push(both.get(&format!("/v1/findings?tenant={slug}")).await.expect(200).items()[0]["id"].clone());
    }
    let body = json!({"ids": ids, "transition": {"to": "confirmed"}});
    assert_eq!(outcomes(&bulk(&both, body).await.expect(200)), ["done", "done"]);
    for slug in ["norrvik", "alvsund"] {
        let path = format!("/v1/audit?tenant={slug}&action=finding.bulk_transition");
        let rows = both.get(&path).await.expect(200).items();
        assert_eq!((rows.len(), &rows[0]["detail"]["done"]), (1, &json!(1)), "{slug}");
    }
    world.end().await;
}

async fn a_municipality_that_fails_loses_no_outcome_of_another(kind: Kind) {
    let world = World::new(kind).await;
    let both = world.person("provider", &[world.norrvik, world.alvsund], ALL).await;
    let mut ids = Vec::new();
    for slug in ["alvsund", "norrvik"] {
        both.import(&format!("tenant={slug}"), fixture("nessus/norrvik.nessus")).await.expect(201);
        ids.push(both.get(&format!("/v1/findings?tenant={slug}")).await.expect(200).items()[0]["id"].clone());
    }
    // Norrvik is the older one, and comes first; nothing is written in Älvsund without its clock.
    let clock = "DELETE FROM tenant_clock WHERE tenant_id = (SELECT id FROM tenant WHERE slug = 'alvsund')";
    world.test_store.execute(clock).await;
    let body = json!({"ids": ids, "transition": {"to": "confirmed"}});
    assert_eq!(outcomes(&bulk(&both, body).await.expect(200)), ["unavailable", "done"]);
    let task = both.get("/v1/tasks?tenant=norrvik").await.expect(200).items().len();
    let claimed = both.write(Method::POST, "/v1/tasks/claim", None, json!({"system": "jira", "limit": 100})).await;
    assert_eq!(claimed.expect(200).items().len(), task, "what was claimed is told");
    world.end().await;
}

async fn many_findings_take_as_many_statements_as_few(kind: Kind) {
    let world = World::with(kind, |config| config.imports.lease_seconds = 3600).await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", generated_report(500)).await.expect(201);
    let findings = lead.get("/v1/findings?limit=500&fields=id").await.expect(200).items();
    let ids: Vec<&Value> = findings.iter().map(|finding| &finding["id"]).collect();
    let statements = async |ids: &[&Value]| {
        let mut least = u64::MAX;
        for assignee in ["Åsa", "Bo", "Åsa", "Bo", "Åsa"] {
            let before = world.store.statements();
            bulk(&lead, json!({"ids": ids, "patch": {"assignee": assignee}})).await.expect(200);
            least = least.min(world.store.statements() - before);
        }
        least
    };
    let (few, many) = (statements(&ids[..10]).await, statements(&ids).await);
    // What is bound at once has a limit: wide rows take a statement for each few hundred.
    assert!(many <= few + 4, "{few} for 10, {many} for 500");
    world.end().await;
}

async fn bulk_is_the_same_over_graphql(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, findings) = filled(&world).await;
    let query = "mutation($input: BulkFindingsInput!) { bulkFindings(input: $input) { count done refused
        items { id outcome code seq } } }";
    let send = async |input: Value| lead.graphql(query, json!({"input": input})).await;
    let ids = json!([findings[0]["id"], MISSING]);
    let answer = send(json!({"ids": ids, "transition": {"to": "CONFIRMED"}})).await;
    let report = &answer["data"]["bulkFindings"];
    assert_eq!((&report["done"], &report["refused"]), (&json!(1), &json!(1)), "{answer}");
    assert_eq!((&report["items"][0]["outcome"], &report["items"][1]["code"]), (&json!("DONE"), &json!("not_found")));
    let filter = json!({"filter": {"severity": ["HIGH"]}, "patch": {"assignee": "Åsa"}, "dryRun": true});
    assert!(send(filter).await["data"]["bulkFindings"]["count"].as_i64() > Some(0));
    let wrong = send(json!({"filter": {}, "patch": {"assignee": "Åsa"}})).await;
    assert_eq!(wrong["errors"][0]["extensions"]["code"], "invalid_body");
    assert_eq!(wrong["errors"][0]["extensions"]["errors"][0]["pointer"], "/expected_count");
    world.end().await;
}
