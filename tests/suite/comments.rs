//! What people say about findings and tasks.

use crate::support::{Answer, Kind, Person, World, fixture, look, on_both_stores};
use domain::{TenantId, comment::MAX_TEXT};
use reqwest::{Method, header};
use serde_json::{Value, json};
use service::platform::Platform;

on_both_stores!(
    people_talk_about_a_finding_and_its_task,
    only_its_author_changes_a_comment,
    what_was_deleted_is_gone_from_everywhere,
    a_conversation_is_paged_the_same_in_rest_and_graphql,
    comments_on_what_is_marked_red_do_not_exist_for_others,
    a_comment_needs_the_right_of_its_target,
    what_nobody_can_say_is_named,
    conversations_of_a_page_take_a_fixed_number_of_statements,
);

async fn filled(world: &World) -> (Person, String, String) {
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    let finding = first(&lead, "findings").await;
    (lead.clone(), finding, first(&lead, "tasks").await)
}

/// The path of the first of a list.
async fn first(who: &Person, list: &str) -> String {
    let items = who.get(&format!("/v1/{list}")).await.expect(200).items();
    format!("/v1/{list}/{}", items[0]["id"].as_str().expect("an id"))
}

async fn say(who: &Person, about: &str, text: &str) -> Answer {
    who.write(Method::POST, &format!("{about}/comments"), None, json!({"text": text})).await
}

async fn said(who: &Person, about: &str) -> Vec<Value> {
    who.get(&format!("{about}/comments")).await.expect(200).items()
}

fn path(comment: &Answer) -> String {
    format!("/v1/comments/{}", comment.json()["id"].as_str().expect("an id"))
}

async fn delete(who: &Person, comment: &str, tag: &str) -> Answer {
    who.send(who.request(Method::DELETE, comment).header(header::IF_MATCH, tag)).await
}

async fn people_talk_about_a_finding_and_its_task(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, finding, task) = filled(&world).await;
    let jira = world.person("jira", &[world.norrvik], "tasks:read tasks:claim").await;
    let asked = say(&lead, &finding, " Är värden åtkomlig?\r\nFrån internet?\n").await.expect(201);
    assert_eq!(asked.json()["text"], "Är värden åtkomlig?\nFrån internet?");
    let spoken = json!({"text": "Rättas på fredag.", "external_actor": "bo@norrvik.example"});
    let answer = jira.write(Method::POST, &format!("{task}/comments"), None, spoken).await.expect(201).json();
    let me = jira.get("/v1/me").await.expect(200).json()["principal_id"].clone();
    assert_eq!((&answer["author"], &answer["external_actor"]), (&me, &json!("bo@norrvik.example")));
    assert_eq!((&answer["finding_id"], &answer["task_id"].as_str()), (&Value::Null, &task.strip_prefix("/v1/tasks/")));
    assert_eq!(said(&lead, &finding).await, [asked.json()]);
    assert_eq!(said(&lead, &task).await[0], answer);
    let events = lead.get("/v1/changes?mode=events&types=comment&limit=1000").await.expect(200).items();
    assert_eq!(events.iter().map(|event| &event["resource"]).collect::<Vec<_>>(), [&asked.json(), &answer]);
    let list = lead.get(&format!("{finding}/comments")).await.expect(200);
    let again = lead.request(Method::GET, &format!("{finding}/comments")).header(header::IF_NONE_MATCH, list.etag());
    lead.send(again).await.expect(304);
    world.end().await;
}

async fn only_its_author_changes_a_comment(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, finding, _) = filled(&world).await;
    let other = world.person("other", &[world.norrvik], "findings:read findings:write").await;
    let made = say(&lead, &finding, "Fel").await.expect(201);
    let comment = path(&made);
    let patch =
        async |who: &Person, tag: Option<&str>| who.write(Method::PATCH, &comment, tag, json!({"text": "Rätt"})).await;
    assert_eq!(patch(&lead, None).await.expect(428).code(), "precondition_required");
    assert_eq!(patch(&other, Some(&made.etag())).await.expect(403).code(), "forbidden");
    assert_eq!(delete(&other, &comment, &made.etag()).await.expect(403).code(), "forbidden");
    let changed = patch(&lead, Some(&made.etag())).await.expect(200);
    assert_eq!(changed.json()["text"], "Rätt");
    assert_eq!(patch(&lead, Some(&made.etag())).await.expect(412).code(), "stale");
    assert_eq!(delete(&lead, &comment, &made.etag()).await.expect(412).code(), "stale");
    // The same words again change nothing.
    assert_eq!(patch(&lead, Some(&changed.etag())).await.expect(200).json(), changed.json());
    // By another login of the same person it is still an own one.
    let platform = Platform::new(world.auth.service().store.clone());
    let person = platform.add_person("Åsa", None, world.auth.service().clock.now()).await.expect("a person");
    let twin = world.person("åsas andra", &[world.norrvik], "findings:read findings:write").await;
    for who in [&lead, &twin] {
        let id = who.get("/v1/me").await.expect(200).json()["principal_id"].as_str().expect("an id").to_owned();
        platform.link_person(person, id.parse().expect("an id")).await.expect("linked");
    }
    let by_twin = twin.write(Method::PATCH, &comment, Some(&changed.etag()), json!({"text": "Rättare"})).await;
    assert_eq!(by_twin.expect(200).json()["author"], made.json()["author"]);
    world.end().await;
}

async fn what_was_deleted_is_gone_from_everywhere(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, finding, _) = filled(&world).await;
    let made = say(&lead, &finding, "pratbubbla").await.expect(201);
    let changed = lead.write(Method::PATCH, &path(&made), Some(&made.etag()), json!({"text": "pratbubbla 2"})).await;
    let tag = changed.expect(200).etag();
    let left = delete(&lead, &path(&made), &tag).await.expect(200);
    assert!(left.json()["text"].is_null() && left.json()["deleted_at"].is_string());
    assert_eq!(said(&lead, &finding).await, [left.json()], "that there was one stays");
    assert_eq!(delete(&lead, &path(&made), &left.etag()).await.expect(200).json(), left.json());
    let again = lead.write(Method::PATCH, &path(&made), Some(&left.etag()), json!({"text": "x"})).await;
    assert_eq!(again.expect(409).code(), "comment_deleted");
    let feed = lead.get("/v1/changes?mode=events&types=comment&limit=1000").await.expect(200);
    assert!(!feed.text.contains("pratbubbla"), "{}", feed.text);
    let last = feed.items().pop().expect("an event");
    assert_eq!(
        (&last["event"], &last["deleted"], &last["resource"]),
        (&json!("comment.deleted"), &json!(true), &Value::Null)
    );
    let stored = look(&world.test_store, "SELECT concat(text) FROM comment").await;
    assert_eq!(stored, [""]);
    let changes = look(&world.test_store, "SELECT concat(CAST(changed AS text)) FROM event").await;
    assert!(!changes.concat().contains("pratbubbla"));
    world.end().await;
}

async fn a_conversation_is_paged_the_same_in_rest_and_graphql(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, finding, task) = filled(&world).await;
    for about in [&finding, &task] {
        for at in 0..7 {
            say(&lead, about, &format!("Nummer {at}")).await.expect(201);
        }
    }
    let text = |comment: &Value| comment["text"].as_str().expect("a text").to_owned();
    let expected: Vec<String> = (0..7).map(|at| format!("Nummer {at}")).collect();
    for (about, field) in [(&finding, "finding"), (&task, "task")] {
        let (mut of_rest, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = lead.get(&format!("{about}/comments?limit=3{cursor}")).await.expect(200).json();
            of_rest.extend(page["items"].as_array().expect("items").iter().map(text));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let (mut of_graphql, mut after) = (Vec::new(), Value::Null);
        loop {
            let query = format!(
                "query($id: ID!, $after: String) {{ {field}(id: $id) {{ comments(first: 3, after: $after) {{
                 nodes {{ text }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
            );
            let id = about.rsplit('/').next();
            let answer = lead.graphql(&query, json!({"id": id, "after": after})).await;
            let page = &answer["data"][field]["comments"];
            of_graphql.extend(page["nodes"].as_array().unwrap_or_else(|| panic!("{answer}")).iter().map(text));
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!((&of_rest, &of_graphql), (&expected, &expected), "{about}");
    }
    let page = lead.get(&format!("{finding}/comments?limit=1")).await.json();
    let foreign = format!("{task}/comments?limit=1&cursor={}", page["next_cursor"].as_str().expect("a cursor"));
    assert_eq!(lead.get(&foreign).await.expect(400).code(), "cursor_filter_mismatch");
    world.end().await;
}

async fn comments_on_what_is_marked_red_do_not_exist_for_others(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, finding, task) = filled(&world).await;
    let outsider = world.person("outsider", &[world.norrvik], &crate::wall::all_but(&["evidence:read"])).await;
    let made = say(&outsider, &finding, "hemlighet").await.expect(201);
    let on_task = say(&outsider, &task, "öppet").await.expect(201);
    let mark = async |tlp: &str| {
        let tag = lead.get(&finding).await.expect(200).etag();
        lead.write(Method::PATCH, &finding, Some(&tag), json!({"tlp": tlp})).await.expect(200);
    };
    let feed = "/v1/changes?mode=events&types=comment&limit=1000";
    assert_eq!(outsider.get(feed).await.expect(200).items().len(), 2);
    mark("red").await;
    assert_eq!(said(&outsider, &finding).await, [] as [Value; 0]);
    let events = outsider.get(feed).await.expect(200).items();
    assert_eq!(events.iter().map(|event| &event["resource"]).collect::<Vec<_>>(), [&on_task.json()]);
    assert_eq!(outsider.get("/v1/changes?limit=1000&types=comment").await.expect(200).items().len(), 1);
    let query = "query($id: ID!) { finding(id: $id) { comments { nodes { text } } } }";
    let shown = outsider.graphql(query, json!({"id": finding.rsplit('/').next()})).await;
    assert_eq!(shown["data"]["finding"]["comments"]["nodes"], json!([]), "{shown}");
    let reader = world.person("reader", &[world.norrvik], "findings:read findings:write").await;
    assert_eq!(reader.get(&path(&made)).await.expect(404).code(), "not_found");
    assert_eq!(delete(&reader, &path(&made), &made.etag()).await.expect(404).code(), "not_found");
    assert_eq!(say(&outsider, &finding, "blint").await.expect(403).code(), "forbidden");
    // Who wrote it takes it back all the same.
    delete(&outsider, &path(&made), &made.etag()).await.expect(200);
    assert_eq!(said(&lead, &finding).await.len(), 1);
    mark("amber").await;
    assert_eq!(said(&outsider, &finding).await.len(), 1);
    world.end().await;
}

async fn a_comment_needs_the_right_of_its_target(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, finding, task) = filled(&world).await;
    let on_finding = path(&say(&lead, &finding, "a").await.expect(201));
    let on_task = path(&say(&lead, &task, "b").await.expect(201));
    let with = async |scopes: &str| world.person(scopes, &[world.norrvik], scopes).await;
    for (scopes, may_finding, may_task) in
        [("findings:read feed:read", true, false), ("tasks:read feed:read", false, true)]
    {
        let who = with(scopes).await;
        let status = |may: bool| if may { 200 } else { 404 };
        who.get(&on_finding).await.expect(status(may_finding));
        who.get(&on_task).await.expect(status(may_task));
        who.get(&format!("{finding}/comments")).await.expect(if may_finding { 200 } else { 403 });
        who.get(&format!("{task}/comments")).await.expect(if may_task { 200 } else { 403 });
        let events = who.get("/v1/changes?types=comment").await.expect(200).items();
        assert_eq!(events.len(), 1, "{scopes}");
        assert_eq!(events[0]["resource"]["finding_id"].is_string(), may_finding, "{scopes}");
    }
    for (scopes, may_finding, may_task) in
        [("findings:write", true, false), ("tasks:write", false, true), ("tasks:claim", false, true)]
    {
        let who = with(scopes).await;
        let status = |may: bool| if may { 201 } else { 403 };
        say(&who, &finding, "c").await.expect(status(may_finding));
        say(&who, &task, "c").await.expect(status(may_task));
    }
    let nobody = with("feed:read assets:read").await;
    assert!(nobody.get("/v1/changes?types=comment").await.expect(200).items().is_empty());
    let other: &[TenantId] = &[world.alvsund];
    let foreign = world.person("foreign", other, crate::support::ALL).await;
    foreign.get(&on_finding).await.expect(404);
    say(&foreign, &finding, "d").await.expect(404);
    world.end().await;
}

async fn what_nobody_can_say_is_named(kind: Kind) {
    let world = World::new(kind).await;
    let (lead, finding, _) = filled(&world).await;
    let long = "å".repeat(MAX_TEXT + 1);
    for (body, pointer) in [
        (json!({}), "missing field `text`"),
        (json!({"text": " "}), "/text"),
        (json!({"text": "a\u{0}"}), "/text"),
        (json!({"text": long}), "/text"),
        (json!({"text": "a", "external_actor": "a\r\nb"}), "/external_actor"),
        (json!({"text": "a", "author": "b"}), "author"),
    ] {
        let refused = lead.write(Method::POST, &format!("{finding}/comments"), None, body).await.expect(422);
        assert!(refused.text.contains(pointer), "{}", refused.text);
        assert!(refused.text.len() < 2_000);
    }
    let hostile = "=cmd|'/C calc'!A1 <script>alert(1)</script> {{7*7}}";
    assert_eq!(say(&lead, &finding, hostile).await.expect(201).json()["text"], hostile, "text is text");
    say(&lead, &finding, &"å".repeat(MAX_TEXT)).await.expect(201);
    world.end().await;
}

async fn conversations_of_a_page_take_a_fixed_number_of_statements(kind: Kind) {
    let world = World::with(kind, |config| {
        config.imports.lease_seconds = 3600;
        config.limits.graphql_complexity = 10_000_000;
    })
    .await;
    let lead = world.lead().await;
    lead.import("tenant=norrvik", fixture("nessus/norrvik.nessus")).await.expect(201);
    for item in lead.get("/v1/findings").await.expect(200).items() {
        say(&lead, &format!("/v1/findings/{}", item["id"].as_str().expect("an id")), "Hej").await.expect(201);
    }
    let query = "query($n: Int) { findings(first: $n) { nodes { comments { nodes { text } } attachments { id } } } }";
    let statements = async |first: usize| {
        let mut least = u64::MAX;
        for _ in 0..5 {
            let before = world.store.statements();
            let answer = lead.graphql(query, json!({"n": first})).await;
            least = least.min(world.store.statements() - before);
            assert_eq!(
                answer["data"]["findings"]["nodes"][0]["comments"]["nodes"],
                json!([{"text": "Hej"}]),
                "{answer}"
            );
        }
        least
    };
    assert_eq!(statements(1).await, statements(5).await);
    world.end().await;
}
