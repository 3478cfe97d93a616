//! Somebody looks whether a fix worked, round by round.

use crate::support::{Answer, Kind, Person, World, fixture, on_both_stores};
use reqwest::{Method, header};
use serde_json::{Value, json};

on_both_stores!(
    a_fix_is_retested_until_it_holds_and_again_next_year,
    who_claimed_a_fix_does_not_retest_it,
    a_result_says_only_what_it_can,
    what_a_retest_rests_on_is_kept,
    of_what_is_marked_red_only_the_result_is_told,
    a_retest_is_the_same_over_graphql,
    a_finding_shows_its_last_hundred_rounds,
);

struct Story {
    world: World,
    lead: Person,
    tester: Person,
    finding: String,
}

impl Story {
    async fn begin(kind: Kind) -> Self {
        let world = World::new(kind).await;
        let lead = world.lead().await;
        lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
        let id = lead.get("/v1/findings").await.expect(200).items()[0]["id"].as_str().expect("an id").to_owned();
        let scopes = "findings:read findings:verify evidence:read evidence:write feed:read";
        let tester = world.person("tester", &[world.norrvik], scopes).await;
        Self { world, lead, tester, finding: format!("/v1/findings/{id}") }
    }

    async fn read(&self) -> Value {
        self.lead.get(&self.finding).await.expect(200).json()
    }

    async fn post(&self, who: &Person, what: &str, body: Value) -> Answer {
        let tag = who.get(&self.finding).await.expect(200).etag();
        who.write(Method::POST, &format!("{}/{what}", self.finding), Some(&tag), body).await
    }

    async fn move_to(&self, who: &Person, status: &str) {
        self.post(who, "transition", json!({"to": status})).await.expect(200);
    }

    async fn retest(&self, who: &Person, result: &str) -> Answer {
        self.post(who, "retests", json!({"method": "exploit", "result": result})).await
    }
}

async fn a_fix_is_retested_until_it_holds_and_again_next_year(kind: Kind) {
    let story = Story::begin(kind).await;
    let Story { world, lead, tester, finding } = &story;
    story.move_to(lead, "fix_claimed").await;
    let failed = story.retest(tester, "partly").await.expect(201).json();
    let told = |retest: &Value| ["round", "result", "status_before", "status_after"].map(|name| retest[name].clone());
    assert_eq!(told(&failed), [json!(1), json!("partly"), json!("fix_claimed"), json!("confirmed")]);
    assert_eq!(failed["finding_seq"], story.read().await["seq"]);
    story.move_to(lead, "fix_claimed").await;
    let held = story.retest(tester, "fixed").await.expect(201).json();
    assert_eq!(told(&held), [json!(2), json!("fixed"), json!("fix_claimed"), json!("verified_fixed")]);
    assert_eq!(story.read().await["reopened_count"], 0);
    world.advance(chrono::TimeDelta::days(200));
    assert_eq!(told(&story.retest(tester, "fixed").await.expect(201).json())[0], json!(3), "it still holds");
    let back = story.retest(tester, "not_fixed").await.expect(201).json();
    assert_eq!(told(&back), [json!(4), json!("not_fixed"), json!("verified_fixed"), json!("confirmed")]);
    let now = story.read().await;
    assert_eq!((&now["status"], &now["reopened_count"]), (&json!("confirmed"), &json!(1)));
    let rounds = lead.get(&format!("{finding}/retests")).await.expect(200).items();
    assert_eq!(rounds.iter().map(|retest| retest["round"].as_i64()).collect::<Vec<_>>(), [1, 2, 3, 4].map(Some));
    assert_eq!(rounds[3], back);
    let first = lead.get(&format!("{finding}/retests?limit=3")).await.expect(200).json();
    let next = format!("{finding}/retests?limit=3&cursor={}", first["next_cursor"].as_str().expect("a cursor"));
    assert_eq!(lead.get(&next).await.expect(200).items(), [back]);
    let events = lead.get("/v1/changes?mode=events&limit=1000&types=finding,retest").await.expect(200).items();
    let with = events.iter().filter(|event| !event["changed"]["retest"].is_null());
    let results: Vec<_> = with.map(|event| (&event["event"], &event["changed"]["retest"]["after"]["result"])).collect();
    let expected = [
        ("finding.status_changed", "partly"),
        ("finding.status_changed", "fixed"),
        ("finding.updated", "fixed"),
        ("finding.reopened", "not_fixed"),
    ];
    assert_eq!(
        results,
        expected
            .map(|(event, result)| (json!(event), json!(result)))
            .iter()
            .map(|(event, result)| (event, result))
            .collect::<Vec<_>>()
    );
    assert_eq!(events.iter().filter(|event| event["event"] == "retest.recorded").count(), 4);
    story.world.end().await;
}

async fn who_claimed_a_fix_does_not_retest_it(kind: Kind) {
    let story = Story::begin(kind).await;
    let Story { world, lead, tester, .. } = &story;
    story.move_to(lead, "fix_claimed").await;
    for result in ["fixed", "partly", "not_fixed"] {
        assert_eq!(story.retest(lead, result).await.expect(403).code(), "same_person", "{result}");
    }
    story.retest(lead, "not_testable").await.expect(201);
    let writer = world.person("writer", &[world.norrvik], "findings:read findings:write").await;
    assert_eq!(story.retest(&writer, "fixed").await.expect(403).code(), "forbidden");
    story.retest(tester, "fixed").await.expect(201);
    story.world.end().await;
}

async fn a_result_says_only_what_it_can(kind: Kind) {
    let story = Story::begin(kind).await;
    let Story { lead, tester, finding, .. } = &story;
    assert_eq!(story.retest(tester, "fixed").await.expect(409).code(), "transition_refused");
    let seen = story.retest(tester, "not_fixed").await.expect(201).json();
    assert_eq!((&seen["status_before"], &seen["status_after"]), (&json!("new"), &json!("new")));
    let before = story.read().await;
    let unknown = story.retest(tester, "not_testable").await.expect(201);
    assert_eq!((&story.read().await["status"], &unknown.json()["round"]), (&before["status"], &json!(2)));
    let dismissal = json!({"to": "false_positive", "justification": "scanner_error"});
    story.post(lead, "transition", dismissal).await.expect(200);
    assert_eq!(story.retest(tester, "not_fixed").await.expect(409).code(), "transition_refused");
    for (body, pointer) in [
        (json!({"method": "dowsing", "result": "fixed"}), "/method"),
        (json!({"method": "scan", "result": "fixed", "comment": " "}), "/comment"),
        (json!({"method": "scan", "result": "fixed", "comment": "a\u{1b}"}), "/comment"),
        (json!({"method": "scan", "result": "fixed", "round": 9}), "round"),
    ] {
        let refused = story.post(tester, "retests", body).await.expect(422);
        assert!(refused.text.contains(pointer), "{}", refused.text);
    }
    let body = json!({"method": "scan", "result": "not_testable"});
    let stale = tester.write(Method::POST, &format!("{finding}/retests"), Some("\"1-0\""), body.clone()).await;
    assert_eq!(stale.expect(412).code(), "stale");
    tester.write(Method::POST, &format!("{finding}/retests"), None, body).await.expect(428);
    story.world.end().await;
}

async fn attach(who: &Person, finding: &str) -> Answer {
    let request = who.request(Method::POST, &format!("{finding}/attachments")).header("content-type", "text/plain");
    who.send(request.body("bevis")).await.expect(201)
}

async fn what_a_retest_rests_on_is_kept(kind: Kind) {
    let story = Story::begin(kind).await;
    let Story { lead, tester, finding, .. } = &story;
    let other = lead.get("/v1/findings").await.expect(200).items()[1]["id"].as_str().expect("an id").to_owned();
    let (own, foreign) = (attach(tester, finding).await, attach(tester, &format!("/v1/findings/{other}")).await);
    let with = async |attachment: &Value| {
        let body = json!({"method": "scan", "result": "not_fixed", "attachment_id": attachment});
        story.post(tester, "retests", body).await
    };
    for wrong in [&foreign.json()["id"], &json!("01900000-0000-7000-8000-000000000000")] {
        assert!(with(wrong).await.expect(422).text.contains("/attachment_id"));
    }
    let retest = with(&own.json()["id"]).await.expect(201).json();
    assert_eq!(retest["attachment_id"], own.json()["id"]);
    let path = |made: &Answer| format!("/v1/attachments/{}", made.json()["id"].as_str().expect("an id"));
    let delete = async |made: &Answer| {
        tester.send(tester.request(Method::DELETE, &path(made)).header(header::IF_MATCH, made.etag())).await
    };
    assert_eq!(delete(&own).await.expect(409).code(), "attachment_in_use");
    delete(&foreign).await.expect(200);
    story.world.end().await;
}

async fn of_what_is_marked_red_only_the_result_is_told(kind: Kind) {
    let story = Story::begin(kind).await;
    let Story { world, lead, tester, finding } = &story;
    let file = attach(tester, finding).await.json();
    let body =
        json!({"method": "exploit", "result": "not_fixed", "comment": "hemlig väg", "attachment_id": file["id"]});
    let whole = story.post(tester, "retests", body).await.expect(201).json();
    let tag = lead.get(finding).await.expect(200).etag();
    lead.write(Method::PATCH, finding, Some(&tag), json!({"tlp": "red"})).await.expect(200);
    let outsider = world.person("outsider", &[world.norrvik], &crate::wall::all_but(&["evidence:read"])).await;
    let path = format!("/v1/retests/{}", whole["id"].as_str().expect("an id"));
    let shown = outsider.get(&path).await.expect(200);
    assert_eq!((&shown.json()["result"], &shown.json()["withheld"]), (&json!("not_fixed"), &json!(true)));
    assert!(shown.json()["comment"].is_null() && shown.json()["attachment_id"].is_null());
    for list in [format!("{finding}/retests"), "/v1/changes?limit=1000&mode=events".to_owned()] {
        let text = outsider.get(&list).await.expect(200).text;
        assert!(!text.contains("hemlig väg") && !text.contains(file["id"].as_str().expect("an id")), "{list}");
    }
    let query = "query($id: ID!) { finding(id: $id) { retests { round withheld comment } } }";
    let nodes = outsider.graphql(query, json!({"id": finding.rsplit('/').next()})).await;
    let expected = json!([{"round": 1, "withheld": true, "comment": null}]);
    assert_eq!(nodes["data"]["finding"]["retests"], expected, "{nodes}");
    assert_eq!(lead.get(&path).await.expect(200).json(), whole);
    story.world.end().await;
}

async fn a_retest_is_the_same_over_graphql(kind: Kind) {
    let story = Story::begin(kind).await;
    let Story { lead, tester, finding, .. } = &story;
    story.move_to(lead, "fix_claimed").await;
    let query = "mutation($id: ID!, $seq: Int) { recordRetest(findingId: $id, ifMatch: $seq,
        input: {method: REVIEW, result: FIXED}) { id round statusAfter } }";
    let id = finding.rsplit('/').next();
    let record = async |who: &Person, seq: Value| who.graphql(query, json!({"id": id, "seq": seq})).await;
    let seq = story.read().await["seq"].clone();
    let code = |answer: &Value| answer["errors"][0]["extensions"]["code"].clone();
    assert_eq!(code(&record(tester, Value::Null).await), "precondition_required");
    assert_eq!(code(&record(tester, json!(1)).await), "stale");
    assert_eq!(code(&record(lead, seq.clone()).await), "same_person");
    let recorded = record(tester, seq).await["data"]["recordRetest"].clone();
    assert_eq!((&recorded["round"], &recorded["statusAfter"]), (&json!(1), &json!("VERIFIED_FIXED")));
    let of_rest = lead.get(&format!("{finding}/retests")).await.expect(200).items();
    assert_eq!(of_rest[0]["id"], recorded["id"]);
    story.world.end().await;
}

async fn a_finding_shows_its_last_hundred_rounds(kind: Kind) {
    let story = Story::begin(kind).await;
    for _ in 1..=102 {
        story.retest(&story.tester, "not_testable").await.expect(201);
    }
    let id = story.finding.rsplit('/').next().expect("an id");
    let query = "query($id: ID!) { finding(id: $id) { retests { round } } }";
    let answer = story.lead.graphql(query, json!({"id": id})).await;
    let retests = answer["data"]["finding"]["retests"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let rounds: Vec<i64> = retests.iter().map(|retest| retest["round"].as_i64().expect("a round")).collect();
    assert_eq!(rounds, (3..=102).collect::<Vec<_>>());
    story.world.end().await;
}
