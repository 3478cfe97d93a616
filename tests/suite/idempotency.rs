//! `Idempotency-Key`: a request that comes again has its effect once, and gives its first answer again.

mod killed;

use crate::support::{ALL, Answer, Kind, Person, World, fixture, on_both_stores};
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_both_stores!(
    a_post_that_comes_again_changes_nothing_more,
    every_kind_of_change_is_answered_the_same_twice,
    a_key_is_of_one_request,
    what_was_refused_may_come_again,
    repeats_at_the_same_time_have_one_effect,
    a_key_outlives_a_restart_and_is_forgotten_after_a_day,
    a_secret_is_told_once,
    rights_are_asked_again,
    an_import_that_comes_again_is_the_same_import,
    a_mutation_that_comes_again_changes_nothing_more,
    what_a_mutation_shows_is_what_it_changed,
    what_is_restricted_is_shown_and_told_of_before_the_commit,
    the_last_of_several_steps_may_change_nothing,
    a_document_written_otherwise_is_the_same_request,
);

async fn keyed(who: &Person, path: &str, key: &str, tag: Option<&str>, body: &Value) -> Answer {
    let mut request = who.request(Method::POST, path).header("idempotency-key", key).json(body);
    if let Some(tag) = tag {
        request = request.header("if-match", tag);
    }
    who.send(request).await
}

fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == Some("true")
}

async fn tasks(who: &Person) -> Vec<String> {
    let items = who.get("/v1/tasks?limit=500").await.expect(200).items();
    items.iter().map(|task| task["title"].as_str().expect("a title").to_owned()).collect()
}

async fn a_post_that_comes_again_changes_nothing_more(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let body = json!({"title": "Byt ut brandväggen"});
    let first = keyed(&lead, "/v1/tasks", "7f0c", None, &body).await.expect(201);
    assert!(!is_replayed(&first));
    let clock = lead.get("/v1/changes?mode=events").await.expect(200).items().len();
    for _ in 0..3 {
        let again = keyed(&lead, "/v1/tasks", "7f0c", None, &body).await.expect(201);
        assert!(is_replayed(&again));
        assert_eq!((&again.text, again.etag()), (&first.text, first.etag()));
    }
    assert_eq!(tasks(&lead).await, ["Byt ut brandväggen"]);
    assert_eq!(lead.get("/v1/changes?mode=events").await.expect(200).items().len(), clock);
    let audit = lead.get("/v1/audit?action=task.create").await.expect(200).items();
    assert_eq!(audit.len(), 1, "{audit:?}");
    world.end().await;
}

/// One request of each kind that changes something: path, `If-Match`, body.
async fn changes(lead: &Person) -> Vec<(String, Option<String>, Value)> {
    lead.import("", fixture("nessus/norrvik.nessus")).await.expect(201);
    let findings = lead.get("/v1/findings").await.expect(200).items();
    let id = |at: usize| findings[at]["id"].as_str().expect("an id").to_owned();
    let tag = lead.get(&format!("/v1/findings/{}", id(0))).await.etag();
    let task = lead.get("/v1/tasks").await.expect(200).items()[0]["id"].as_str().expect("a task").to_owned();
    let acceptance = json!({"findings": [id(1)], "reason": "Systemet läggs ner i vår", "expires_at": "2027-01-31T00:00:00Z",
        "standstill_days": 1, "cost_per_day": 10, "fix_cost": 100, "currency": "SEK"});
    let (finding, at_task) = (format!("/v1/findings/{}", id(0)), format!("/v1/tasks/{task}"));
    vec![
        (format!("{finding}/transition"), Some(tag), json!({"to": "confirmed"})),
        (format!("{finding}/comments"), None, json!({"text": "Vi tittar på det"})),
        (format!("{at_task}/comments"), None, json!({"text": "Beställt"})),
        ("/v1/findings/bulk".into(), None, json!({"ids": [id(2), id(3)], "transition": {"to": "confirmed"}})),
        ("/v1/risk-acceptances".into(), None, acceptance),
        (
            "/v1/assets".into(),
            None,
            json!({"name": "skrivare", "kind": "host", "identifiers": [{"kind": "hostname", "value": "skrivare"}]}),
        ),
        ("/v1/services".into(), None, json!({"name": "Löner"})),
        ("/v1/tasks/claim".into(), None, json!({"system": "redmine", "limit": 2})),
    ]
}

async fn every_kind_of_change_is_answered_the_same_twice(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    for (at, (path, tag, body)) in changes(&lead).await.iter().enumerate() {
        let key = format!("key-{at}");
        let first = keyed(&lead, path, &key, tag.as_deref(), body).await;
        assert!(first.status.is_success(), "{path}: {}", first.text);
        let clock = lead.get("/v1/changes?mode=events&limit=1000").await.items().len();
        let again = keyed(&lead, path, &key, tag.as_deref(), body).await;
        assert!(is_replayed(&again), "{path}: {}", again.text);
        assert_eq!((again.status, &again.text), (first.status, &first.text), "{path}");
        assert_eq!(lead.get("/v1/changes?mode=events&limit=1000").await.items().len(), clock, "{path}");
    }
    // A file is told from another one by its content, which comes after all else.
    let finding = lead.get("/v1/findings").await.items()[0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/findings/{finding}/attachments?filename=bild.txt");
    let attach = async |content: &'static str| {
        let request = lead.request(Method::POST, &path).header("idempotency-key", "fil");
        lead.send(request.header("content-type", "text/plain").body(content)).await
    };
    let first = attach("en bild").await.expect(201);
    let again = attach("en bild").await.expect(201);
    assert!(is_replayed(&again) && again.text == first.text);
    assert_eq!(attach("en annan").await.expect(409).code(), "idempotency_mismatch");
    let kept = lead.get(&format!("/v1/findings/{finding}/attachments")).await.expect(200).items();
    assert_eq!(kept.len(), 1);
    world.end().await;
}

async fn a_key_is_of_one_request(kind: Kind) {
    let world = World::new(kind).await;
    let both = world.person("both", &[world.norrvik, world.alvsund], ALL).await;
    let one = json!({"title": "Ett"});
    keyed(&both, "/v1/tasks?tenant=norrvik", "k", None, &one).await.expect(201);
    let other = keyed(&both, "/v1/tasks?tenant=norrvik", "k", None, &json!({"title": "Två"})).await;
    assert_eq!(other.expect(409).code(), "idempotency_mismatch");
    // Another municipality, another operation and another person are other requests.
    assert!(!is_replayed(&keyed(&both, "/v1/tasks?tenant=alvsund", "k", None, &one).await.expect(201)));
    let asset = json!({"name": "Ett", "kind": "host", "identifiers": [{"kind": "hostname", "value": "ett"}]});
    keyed(&both, "/v1/assets?tenant=norrvik", "k", None, &asset).await.expect(201);
    let lead = world.lead().await;
    assert!(!is_replayed(&keyed(&lead, "/v1/tasks", "k", None, &one).await.expect(201)));
    assert_eq!(tasks(&lead).await, ["Ett", "Ett"]);
    for wrong in ["", " ", "en nyckel", &"x".repeat(256)] {
        let answer = keyed(&lead, "/v1/tasks", wrong, None, &one).await.expect(400);
        assert_eq!(
            (answer.code(), &answer.json()["errors"][0]["pointer"]),
            ("invalid_parameter".into(), &json!("Idempotency-Key"))
        );
    }
    let twice = lead.request(Method::POST, "/v1/tasks").header("idempotency-key", "a").header("idempotency-key", "b");
    lead.send(twice.json(&one)).await.expect(400);
    assert_eq!(tasks(&lead).await.len(), 2);
    world.end().await;
}

async fn what_was_refused_may_come_again(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    keyed(&lead, "/v1/tasks", "k", None, &json!({"title": ""})).await.expect(422);
    let made = keyed(&lead, "/v1/tasks", "k", None, &json!({"title": "Ett"})).await.expect(201);
    assert!(!is_replayed(&made));
    let stranger = world.bearer("no token");
    keyed(&stranger, "/v1/tasks", "k", None, &json!({"title": "Ett"})).await.expect(401);
    world.end().await;
}

async fn repeats_at_the_same_time_have_one_effect(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    for round in 0..10 {
        let body = json!({"title": format!("Runda {round}")});
        let key = format!("r{round}");
        let sent = (0..12).map(|_| keyed(&lead, "/v1/tasks", &key, None, &body));
        let answers = futures_util::future::join_all(sent).await;
        let made: BTreeSet<&str> =
            answers.iter().filter(|one| one.status == 201).map(|one| one.text.as_str()).collect();
        assert_eq!(made.len(), 1);
        let others = answers.iter().filter(|one| one.status != 201);
        others.for_each(|one| assert_eq!((one.status.as_u16(), one.code()), (409, "idempotency_in_progress".into())));
        assert_eq!(answers.iter().filter(|one| one.status == 201 && !is_replayed(one)).count(), 1);
    }
    assert_eq!(tasks(&lead).await.len(), 10);
    world.end().await;
}

async fn a_key_outlives_a_restart_and_is_forgotten_after_a_day(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let body = json!({"title": "Ett"});
    let first = keyed(&lead, "/v1/tasks", "k", None, &body).await.expect(201);
    let world = world.down_for(TimeDelta::hours(23)).await;
    let lead = world.lead().await;
    world.keep_house().await;
    let again = keyed(&lead, "/v1/tasks", "k", None, &body).await.expect(201);
    assert!(is_replayed(&again) && again.text == first.text);
    world.advance(TimeDelta::hours(1));
    let anew = keyed(&lead, "/v1/tasks", "k", None, &body).await.expect(201);
    assert!(!is_replayed(&anew));
    assert!(is_replayed(&keyed(&lead, "/v1/tasks", "k", None, &body).await.expect(201)));
    world.advance(TimeDelta::hours(25));
    world.keep_house().await;
    let left = crate::support::look(&world.test_store, "SELECT key FROM idempotency").await;
    assert_eq!((tasks(&lead).await.len(), left.len()), (2, 0));
    world.end().await;
}

async fn a_secret_is_told_once(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let client = json!({"name": "Redmine", "purpose": "Hämtar arbetet", "scopes": ["tasks:read"]});
    let first = keyed(&lead, "/v1/clients", "k", None, &client).await.expect(201).json();
    let secret = first["secret"].as_str().expect("a secret").to_owned();
    let again = keyed(&lead, "/v1/clients", "k", None, &client).await.expect(201);
    assert!(is_replayed(&again));
    assert_eq!((&again.json()["secret"], &again.json()["client"]), (&Value::Null, &first["client"]));
    let query = "mutation($input: ClientInput!) { a: createClient(input: $input, idempotencyKey: \"g\") { hemlig: secret client { name } } }";
    let input = json!({"input": {"name": "Jira", "purpose": "Hämtar arbetet", "scopes": ["tasks:read"]}});
    let first = lead.graphql(query, input.clone()).await;
    let other = first["data"]["a"]["hemlig"].as_str().unwrap_or_else(|| panic!("{first}")).to_owned();
    let again = lead.graphql(query, input).await;
    assert_eq!(again["data"]["a"], json!({"hemlig": null, "client": {"name": "Jira"}}), "{again}");
    let kept = crate::support::look(&world.test_store, "SELECT answer FROM idempotency").await;
    assert!(kept.len() == 2 && !kept.iter().any(|answer| answer.contains(&secret) || answer.contains(&other)));
    assert_eq!(lead.get("/v1/clients").await.expect(200).items().len(), 2);
    world.end().await;
}

async fn rights_are_asked_again(kind: Kind) {
    let world = World::new(kind).await;
    let body = json!({"title": "Ett"});
    let with = async |scopes: &str| world.person("same", &[world.norrvik], scopes).await;
    keyed(&with("tasks:write tasks:read").await, "/v1/tasks", "k", None, &body).await.expect(201);
    keyed(&with("tasks:read").await, "/v1/tasks", "k", None, &body).await.expect(403);
    let other = keyed(&with("tasks:write").await, "/v1/tasks", "k", None, &body).await.expect(409);
    assert_eq!(other.code(), "idempotency_mismatch");
    world.end().await;
}

async fn an_import_that_comes_again_is_the_same_import(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let send = async |query: &str, report: Vec<u8>| {
        let request = lead.request(Method::POST, &format!("/v1/imports?{query}")).header("prefer", "wait=60");
        lead.send(request.header("idempotency-key", "k").body(report)).await
    };
    let first = send("", fixture("nessus/norrvik.nessus")).await.expect(201).json();
    let again = send("", fixture("nessus/norrvik.nessus")).await.expect(202);
    assert!(is_replayed(&again) && again.json()["id"] == first["id"]);
    assert!(again.header("location").expect("a place").ends_with(first["id"].as_str().expect("an id")));
    assert_eq!(send("", fixture("nessus/alvsund_was.nessus")).await.expect(409).code(), "idempotency_mismatch");
    assert_eq!(send("tlp=red", fixture("nessus/norrvik.nessus")).await.expect(409).code(), "idempotency_mismatch");
    let query = "mutation($content: String!) { importReport(content: $content, idempotencyKey: \"g\") { id status } }";
    let content = json!({"content": String::from_utf8(fixture("nessus/alvsund_was.nessus")).expect("UTF-8")});
    let first = lead.graphql(query, content.clone()).await;
    assert_eq!(first["data"]["importReport"]["status"], "COMPLETED", "{first}");
    assert_eq!(lead.graphql(query, content).await["data"], first["data"]);
    assert_eq!(lead.get("/v1/imports").await.expect(200).items().len(), 2);
    world.end().await;
}

async fn a_mutation_that_comes_again_changes_nothing_more(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let query = "mutation($title: String!, $key: String) { made: createTask(input: {title: $title}, idempotencyKey: $key) { id title } }";
    let first = lead.graphql(query, json!({"title": "Ett", "key": "k"})).await;
    assert_eq!(first["data"]["made"]["title"], "Ett", "{first}");
    let again = lead.graphql(query, json!({"title": "Ett", "key": "k"})).await;
    assert_eq!(again["data"], first["data"], "{again}");
    for (title, key, code) in [("Två", "k", "idempotency_mismatch"), ("Två", "två ord", "invalid_parameter")] {
        let refused = lead.graphql(query, json!({"title": title, "key": key})).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], code, "{refused}");
    }
    // Each field is a request of its own: one document, two keys and none.
    let three = "mutation { a: createTask(input: {title: \"A\"}, idempotencyKey: \"a\") { title }
        b: createTask(input: {title: \"B\"}, idempotencyKey: \"b\") { title } c: createTask(input: {title: \"C\"}) { title } }";
    for _ in 0..2 {
        let made = lead.graphql(three, json!({})).await;
        assert_eq!(made["data"], json!({"a": {"title": "A"}, "b": {"title": "B"}, "c": {"title": "C"}}), "{made}");
    }
    assert_eq!(tasks(&lead).await, ["Ett", "A", "B", "C", "C"]);
    world.end().await;
}

/// The change is not committed yet when what hangs on it is read.
async fn what_a_mutation_shows_is_what_it_changed(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("", fixture("nessus/norrvik.nessus")).await.expect(201);
    let finding = lead.get("/v1/findings").await.expect(200).items()[0].clone();
    let query = "mutation($id: UUID!, $seq: Int, $key: String) { updateFinding(id: $id, ifMatch: $seq, input: {assignee: \"Åsa\"},
        idempotencyKey: $key) { assignee seq asset { name openFindings { high } } tasks { findings { edges { node { assignee } } } } } }";
    let query = query.replace("findings { edges { node { assignee } } }", "id title");
    let variables = json!({"id": finding["id"], "seq": finding["seq"], "key": "k"});
    let shown = lead.graphql(&query, variables.clone()).await;
    assert_eq!(shown["data"]["updateFinding"]["assignee"], "Åsa", "{shown}");
    assert!(shown["data"]["updateFinding"]["asset"]["name"].is_string(), "{shown}");
    assert_eq!(lead.graphql(&query, variables).await["data"], shown["data"]);
    let now = lead.get(&format!("/v1/findings/{}", finding["id"].as_str().expect("an id"))).await.json();
    assert_eq!((&now["assignee"], &now["seq"]), (&json!("Åsa"), &shown["data"]["updateFinding"]["seq"]));
    world.end().await;
}

async fn what_is_restricted_is_shown_and_told_of_before_the_commit(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    lead.import("tlp=red", fixture("nessus/norrvik.nessus")).await.expect(201);
    let finding = lead.get("/v1/findings?fields=id").await.expect(200).items()[0]["id"].clone();
    // Another reader, who has not been told of in this minute.
    let other = world.person("other", &[world.norrvik], ALL).await;
    let query = "mutation($input: TaskInput!) { createTask(input: $input, idempotencyKey: \"k\") { id findings { description } } }";
    let variables = json!({"input": {"title": "Rätta", "findings": [finding]}});
    let made = other.graphql(query, variables.clone()).await;
    assert!(made["data"]["createTask"]["findings"][0]["description"].is_string(), "{made}");
    assert_eq!(other.graphql(query, variables).await["data"], made["data"]);
    let read = lead.get("/v1/audit?action=finding.read&limit=500").await.expect(200).items();
    assert!(read.iter().any(|row| row["resource_id"] == finding), "{read:?}");
    world.end().await;
}

async fn the_last_of_several_steps_may_change_nothing(kind: Kind) {
    let world = World::new(kind).await;
    let both = world.person("both", &[world.norrvik, world.alvsund], ALL).await;
    let mut ids = Vec::new();
    for tenant in ["norrvik", "alvsund"] {
        both.import(&format!("tenant={tenant}"), fixture("nessus/norrvik.nessus")).await.expect(201);
        let found = both.get(&format!("/v1/findings?tenant={tenant}&limit=1")).await.expect(200).items();
        ids.push(found[0]["id"].clone());
    }
    // Which municipality comes last follows from its id: both ways are tried.
    for (round, done) in ids.iter().enumerate() {
        let confirm = json!({"ids": [done], "transition": {"to": "confirmed"}});
        keyed(&both, "/v1/findings/bulk", &format!("one-{round}"), None, &confirm).await.expect(200);
        let assign = json!({"ids": ids, "patch": {"assignee": format!("Åsa {round}")}});
        let some = json!({"ids": [ids[1 - round]], "patch": {"assignee": format!("Åsa {round}")}});
        both.write(Method::POST, "/v1/findings/bulk", None, some).await.expect(200);
        let first = keyed(&both, "/v1/findings/bulk", &format!("both-{round}"), None, &assign).await.expect(200);
        assert_eq!((&first.json()["done"], &first.json()["unchanged"]), (&json!(1), &json!(1)), "{}", first.text);
        let again = keyed(&both, "/v1/findings/bulk", &format!("both-{round}"), None, &assign).await.expect(200);
        assert!(is_replayed(&again) && again.text == first.text);
    }
    world.end().await;
}

async fn a_document_written_otherwise_is_the_same_request(kind: Kind) {
    let world = World::new(kind).await;
    let lead = world.lead().await;
    let make = "createTask(input: {title: \"Ett\"}, idempotencyKey: \"k\")";
    let first = lead.graphql(&format!("mutation {{ {make} {{ id title }} }}"), json!({})).await;
    assert_eq!(first["data"]["createTask"]["title"], "Ett", "{first}");
    let spread = lead.graphql(&format!("mutation {{\n\n  {make} {{ id\n title }} }}"), json!({})).await;
    assert_eq!(spread["data"], first["data"], "{spread}");
    // What is shown is what is kept: another selection is another request, also inside a fragment.
    for fragment in ["{ id }", "{ id title seq }"] {
        let query = format!("mutation {{ {make} {{ ...F }} }} fragment F on Task {fragment}");
        let other = lead.graphql(&query, json!({})).await;
        assert_eq!(other["errors"][0]["extensions"]["code"], "idempotency_mismatch", "{other}");
    }
    assert_eq!(tasks(&lead).await, ["Ett"]);
    world.end().await;
}
