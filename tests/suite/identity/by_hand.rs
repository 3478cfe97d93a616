//! Merging and splitting by hand.

use super::{a_day_later, again, aliases, change, counts, findings, history, path, result, send};
use crate::support::{Kind, World, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    a_merged_finding_lives_on_in_the_other_until_it_is_split,
    a_merged_finding_of_another_source_only_tells_that_it_is_there,
    what_cannot_be_merged_or_split_is_refused,
    what_was_merged_before_comes_along,
    a_merged_finding_that_is_confirmed_again_is_itself_again,
    marked_findings_are_not_split_by_guessing,
);

const HOST: &str = "a.norrvik.example";

/// Two places of one weakness.
fn two() -> [Value; 2] {
    ["https://a.norrvik.example/en", "https://a.norrvik.example/två"].map(|at| result("xss", HOST, at, &json!({})))
}

async fn a_merged_finding_lives_on_in_the_other_until_it_is_split(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    assert_eq!(counts(&send(&lead, "nuclei", &two()).await), [2, 0, 0]);
    let all = findings(&lead).await;
    let (survivor, merged) = (&all[0], &all[1]);
    let answer = change(&lead, merged, "merge", json!({"into": survivor["id"], "comment": "Samma sak"})).await;
    let duplicate = answer.expect(200).json();
    let told = ["status", "justification", "status_comment", "duplicate_of"].map(|name| duplicate[name].clone());
    assert_eq!(told, [json!("duplicate"), json!("same_as_other"), json!("Samma sak"), survivor["id"].clone()]);
    let named = aliases(&lead, survivor).await;
    assert_eq!(
        (named.len(), &named[0]["merged"], &named[0]["fingerprint"]),
        (1, &merged["id"], &merged["fingerprint"])
    );

    // A later report of the merged one is a sighting of both, and no more.
    a_day_later(&world);
    let only_merged = &two()[1..];
    assert_eq!(counts(&send(&lead, "nuclei", only_merged).await), [0, 0, 1]);
    let (kept, still) = (again(&lead, survivor).await, again(&lead, merged).await);
    assert!(kept["last_seen"].as_str() > survivor["last_seen"].as_str(), "{kept}");
    assert_eq!((&kept["location"], &kept["status"]), (&survivor["location"], &json!("new")));
    assert_eq!((&still["seen_after_dismissal"], &still["last_seen"]), (&json!(false), &kept["last_seen"]));

    let split = change(&lead, survivor, "split", json!({"fingerprints": [merged["fingerprint"]]})).await.expect(200);
    assert_eq!(split.json()["id"], survivor["id"]);
    let back = again(&lead, merged).await;
    assert_eq!((&back["status"], &back["fingerprint"]), (&json!("confirmed"), &merged["fingerprint"]));
    assert!(back["duplicate_of"].is_null() && aliases(&lead, survivor).await.is_empty());
    a_day_later(&world);
    assert_eq!(counts(&send(&lead, "nuclei", only_merged).await), [0, 0, 1]);
    let seen = again(&lead, merged).await;
    assert!(seen["last_seen"].as_str() > back["last_seen"].as_str(), "a report reaches it again: {seen}");
    assert_eq!(history(&lead, merged).await, ["finding.created", "finding.merged", "finding.split"]);
    assert_eq!(history(&lead, survivor).await, ["finding.created", "finding.merged", "finding.split"]);
    world.end().await;
}

async fn a_merged_finding_of_another_source_only_tells_that_it_is_there(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let [one, _] = two();
    send(&lead, "nuclei", std::slice::from_ref(&one)).await;
    let survivor = findings(&lead).await.remove(0);
    send(&lead, "zap", std::slice::from_ref(&one)).await;
    let merged = findings(&lead).await.remove(1);
    assert_eq!(survivor["fingerprint"], merged["fingerprint"], "the same place of the same asset");
    change(&lead, &merged, "merge", json!({"into": survivor["id"]})).await.expect(200);
    change(&lead, &survivor, "transition", json!({"to": "fix_claimed"})).await.expect(200);
    a_day_later(&world);
    let mut renamed = one.clone();
    renamed["info"]["name"] = json!("Ett annat namn");
    assert_eq!(counts(&send(&lead, "zap", &[renamed.clone()]).await), [0, 1, 0]);
    let seen = again(&lead, &survivor).await;
    assert_eq!(
        (&seen["title"], &seen["source"]),
        (&survivor["title"], &json!("nuclei")),
        "fields are of its own source"
    );
    assert_eq!(seen["status"], "confirmed", "whoever sees it: the fix did not hold");
    // Its own source still has the word about it.
    send(&lead, "nuclei", &[renamed]).await;
    assert_eq!(again(&lead, &survivor).await["title"], "Ett annat namn");
    assert_eq!(findings(&lead).await.len(), 2);
    world.end().await;
}

async fn what_cannot_be_merged_or_split_is_refused(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    send(&lead, "nuclei", &[two()[0].clone(), two()[1].clone(), result("sqli", HOST, "x", &json!({}))]).await;
    let all = findings(&lead).await;
    let other = world.person("other", &[world.alvsund], crate::support::ALL).await;
    other.import("format=nuclei", super::report(&two())).await.expect(201);
    let foreign = findings(&other).await.remove(0);
    let refused = async |body: Value, pointer: &str| {
        let answer = change(&lead, &all[1], "merge", body).await.expect(422);
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{}", answer.text);
        answer.text
    };
    refused(json!({"into": all[1]["id"]}), "/into").await;
    refused(json!({"into": all[0]["id"], "comment": "\u{7}"}), "/comment").await;
    refused(json!({"into": all[0]["id"], "colour": "red"}), "/colour").await;
    let missing = "01900000-0000-7000-8000-000000000000";
    let told = refused(json!({"into": foreign["id"]}), "/into").await;
    let told_of = |text: &str| text.split("trace_id").next().map(str::to_owned);
    assert_eq!(told_of(&told), told_of(&refused(json!({"into": missing}), "/into").await));

    let merge = format!("{}/merge", path(&all[1]));
    let into = json!({"into": all[0]["id"]});
    lead.write(Method::POST, &merge, None, into.clone()).await.expect(428);
    lead.write(Method::POST, &merge, Some("\"1-0\""), into.clone()).await.expect(412);
    let reader = world.person("reader", &[world.norrvik], "findings:read").await;
    change(&reader, &all[1], "merge", into.clone()).await.expect(403);
    change(&lead, &all[1], "merge", into.clone()).await.expect(200);
    let seq = again(&lead, &all[1]).await["seq"].clone();
    change(&lead, &all[1], "merge", into).await.expect(200);
    assert_eq!(again(&lead, &all[1]).await["seq"], seq, "repeating it changes nothing");
    let twice = change(&lead, &all[2], "merge", json!({"into": all[1]["id"]})).await.expect(422);
    assert!(twice.text.contains("is a duplicate itself"), "{}", twice.text);
    assert_eq!(
        change(&lead, &all[1], "merge", json!({"into": all[2]["id"]})).await.expect(409).code(),
        "transition_refused"
    );

    for (fingerprints, pointer) in [
        (json!([]), "/fingerprints"),
        (json!(["x"]), "/fingerprints/0"),
        (json!([all[1]["fingerprint"], "0".repeat(64)]), "/fingerprints/1"),
    ] {
        let answer = change(&lead, &all[0], "split", json!({"fingerprints": fingerprints})).await.expect(422);
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{}", answer.text);
    }
    assert_eq!(again(&lead, &all[1]).await["status"], "duplicate", "nothing was split");
    world.end().await;
}

async fn what_was_merged_before_comes_along(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let [one, two] = two();
    let three = result("xss", HOST, "https://a.norrvik.example/tre", &json!({}));
    send(&lead, "nuclei", &[one.clone(), two.clone(), three.clone()]).await;
    let all = findings(&lead).await;
    change(&lead, &all[2], "merge", json!({"into": all[1]["id"]})).await.expect(200);
    change(&lead, &all[1], "merge", json!({"into": all[0]["id"]})).await.expect(200);
    assert_eq!(again(&lead, &all[2]).await["duplicate_of"], all[0]["id"]);
    assert_eq!(aliases(&lead, &all[0]).await.len(), 2);
    a_day_later(&world);
    assert_eq!(counts(&send(&lead, "nuclei", &[one, two, three.clone()]).await), [0, 0, 3]);
    // What is split takes its own name, and leaves the others.
    change(&lead, &all[0], "split", json!({"fingerprints": [all[1]["fingerprint"]]})).await.expect(200);
    let left = aliases(&lead, &all[0]).await;
    assert_eq!((left.len(), &left[0]["merged"]), (1, &all[2]["id"]));
    a_day_later(&world);
    let before = again(&lead, &all[0]).await;
    send(&lead, "nuclei", &[three]).await;
    assert!(again(&lead, &all[0]).await["last_seen"].as_str() > before["last_seen"].as_str());
    world.end().await;
}

async fn a_merged_finding_that_is_confirmed_again_is_itself_again(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    send(&lead, "nuclei", &two()).await;
    let all = findings(&lead).await;
    change(&lead, &all[1], "merge", json!({"into": all[0]["id"]})).await.expect(200);
    change(&lead, &all[1], "transition", json!({"to": "confirmed"})).await.expect(200);
    assert!(aliases(&lead, &all[0]).await.is_empty());
    a_day_later(&world);
    send(&lead, "nuclei", &two()[1..]).await;
    let (survivor, own) = (again(&lead, &all[0]).await, again(&lead, &all[1]).await);
    assert_eq!(survivor["last_seen"], all[0]["last_seen"]);
    assert!(own["last_seen"].as_str() > all[1]["last_seen"].as_str());
    world.end().await;
}

async fn marked_findings_are_not_split_by_guessing(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("format=nuclei&source=nuclei&tlp=red", super::report(&two())).await.expect(201);
    let all = findings(&lead).await;
    change(&lead, &all[1], "merge", json!({"into": all[0]["id"]})).await.expect(200);
    let writer = world.person("writer", &[world.norrvik], "findings:read findings:write").await;
    let named = aliases(&writer, &all[0]).await;
    assert_eq!((&named[0]["fingerprint"], &named[0]["withheld"]), (&Value::Null, &json!(true)));
    let split = async |fingerprint: &Value| {
        change(&writer, &all[0], "split", json!({"fingerprints": [fingerprint]})).await.expect(422).json()["detail"]
            .clone()
    };
    assert_eq!(split(&all[1]["fingerprint"]).await, split(&json!("0".repeat(64))).await);
    change(&lead, &all[0], "split", json!({"fingerprints": [all[1]["fingerprint"]]})).await.expect(200);
    world.end().await;
}
