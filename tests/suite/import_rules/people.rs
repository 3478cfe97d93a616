//! What people do to findings that imports made, by the same rules.

use super::{change, events, only_finding, report, result, send};
use crate::support::{Kind, World, on_both_stores};
use reqwest::Method;
use serde_json::json;

on_both_stores!(
    a_raised_severity_makes_a_task,
    a_finding_that_is_open_again_makes_a_task,
    an_empty_patch_is_no_change_and_a_mark_is_one,
    duplicates_make_no_chains,
);

async fn a_raised_severity_makes_a_task(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    send(&lead, report(&[result("a", "a.norrvik.example", &json!({"info": {"severity": "low"}}))])).await;
    assert!(lead.get("/v1/tasks").await.expect(200).items().is_empty());
    let (path, finding) = only_finding(&lead).await;
    change(&lead, Method::PATCH, &path, "", json!({"severity": "high", "severity_reason": "x"})).await.expect(200);
    let tasks = lead.get("/v1/tasks").await.expect(200).items();
    assert_eq!(tasks.len(), 1);
    assert_eq!((&tasks[0]["finding_ids"], &tasks[0]["severity"]), (&json!([finding["id"]]), &json!("high")));
    change(&lead, Method::PATCH, &path, "", json!({"severity": "critical", "severity_reason": "x"})).await.expect(200);
    let tasks = lead.get("/v1/tasks").await.expect(200).items();
    assert_eq!((tasks.len(), &tasks[0]["finding_count"]), (1, &json!(1)));
    world.end().await;
}

async fn a_finding_that_is_open_again_makes_a_task(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    send(&lead, report(&[result("a", "a.norrvik.example", &json!({"info": {"severity": "low"}}))])).await;
    let (path, _) = only_finding(&lead).await;
    let dismissed = json!({"to": "false_positive", "justification": "scanner_error"});
    change(&lead, Method::POST, &path, "/transition", dismissed).await.expect(200);
    change(&lead, Method::PATCH, &path, "", json!({"severity": "high", "severity_reason": "x"})).await.expect(200);
    assert!(lead.get("/v1/tasks").await.expect(200).items().is_empty());
    change(&lead, Method::POST, &path, "/transition", json!({"to": "confirmed"})).await.expect(200);
    assert_eq!(lead.get("/v1/tasks").await.expect(200).items().len(), 1);
    world.end().await;
}

async fn an_empty_patch_is_no_change_and_a_mark_is_one(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    send(&lead, report(&[result("a", "a.norrvik.example", &json!({}))])).await;
    let (path, _) = only_finding(&lead).await;
    let (tag, seen) = (lead.get(&path).await.etag(), events(&lead).await.len());
    for nothing in [json!({}), json!({"assignee": null}), json!({"tags": null})] {
        assert_eq!(change(&lead, Method::PATCH, &path, "", nothing).await.expect(200).etag(), tag);
    }
    assert_eq!(events(&lead).await.len(), seen);
    change(&lead, Method::PATCH, &path, "", json!({"severity": "medium"})).await.expect(200);
    let all = events(&lead).await;
    assert_eq!(all.len(), seen + 1);
    let changed = &all.last().unwrap()["changed"];
    assert_eq!(changed["set_by_person"], json!({"before": [], "after": ["severity"]}));
    let names: Vec<_> = changed.as_object().unwrap().keys().collect();
    assert_eq!(names, ["set_by_person", "severity_at", "severity_by"]);
    world.end().await;
}

async fn duplicates_make_no_chains(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let results = ["a", "b", "c"].map(|template| result(template, "a.norrvik.example", &json!({})));
    send(&lead, report(&results)).await;
    let findings = lead.get("/v1/findings?sort=id").await.expect(200).items();
    let id = |at: usize| findings[at]["id"].as_str().unwrap().to_owned();
    let duplicate = async |of: usize, original: String| {
        let wish = json!({"to": "duplicate", "justification": "same_as_other", "duplicate_of": original});
        change(&lead, Method::POST, &format!("/v1/findings/{}", id(of)), "/transition", wish).await
    };
    duplicate(0, id(1)).await.expect(200);
    for (of, original, why) in [
        (1, id(2), "original of others"),
        (2, id(0), "is a duplicate itself"),
        (2, "01900000-0000-7000-8000-000000000001".to_owned(), "is no finding"),
    ] {
        let refused = duplicate(of, original).await.expect(422).json();
        assert!(refused["detail"].as_str().unwrap().contains(why), "{refused}");
    }
    duplicate(2, id(1)).await.expect(200);
    world.end().await;
}
